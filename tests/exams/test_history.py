from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import delivery, history, practice, results
from exams.history import HistoryPage
from exams.models import MockExam
from exams.review_policy import Phase
from questions.models import TaskStatement
from tests.factories import NOW, make_exam, make_mock, make_user, sit, start

LATER = NOW + timedelta(days=60)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8, unscored=2)


def read(learner: User, mock: MockExam, *, page: str | None = None, now: datetime = LATER) -> HistoryPage:
    return history.history_page(learner, mock.blueprint, page_number=page, now=now)


def test_each_sitting_says_what_it_counts_for(mock: MockExam, ana: User) -> None:
    mock.papers_wanted = 1
    mock.save()
    sit(mock, ana)
    sit(mock, ana, now=NOW + timedelta(days=1))
    task = TaskStatement.objects.get(code="1.1", domain__blueprint=mock.blueprint)
    attempt = practice.start_practice(
        mock.blueprint,
        learner=ana,
        task_ids=[task.pk],
        questions=5,
        start_key=uuid4(),
        now=NOW + timedelta(days=2),
    )
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW + timedelta(days=2))
    results.score_attempt(attempt.pk, now=LATER)

    rows = read(ana, mock).rows

    assert [(row.counts, row.is_mock) for row in rows] == [("practice", False), ("none", True), ("all", True)]
    assert (rows[2].first_exposures, rows[2].scored_items) == (6, 6)


def test_a_sitting_of_mixed_questions_counts_in_part(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=3)

    row = read(ana, mock).rows[0]

    assert row.counts == "some"
    assert 0 < row.first_exposures <= 3


def test_staff_sittings_count_for_nothing(mock: MockExam) -> None:
    ben = make_user("Ben", role=Role.INSTRUCTOR)
    sit(mock, ben)

    assert [row.counts for row in read(ben, mock).rows] == ["staff"]


def test_running_and_unscored_ones_have_no_figures(mock: MockExam, ana: User) -> None:
    sit(mock, ana, score=False)
    other = make_mock(mock.blueprint)
    start(other, ana, now=NOW + timedelta(days=1))

    rows = read(ana, mock, now=NOW + timedelta(days=1)).rows

    assert [(row.state, row.shows_score, row.counts) for row in rows] == [
        ("in_progress", False, ""),
        ("closed", False, ""),
    ]


def test_a_score_that_is_held_back_has_its_date_and_no_figures(mock: MockExam, ana: User) -> None:
    mock.closes_at = NOW + timedelta(days=7)
    mock.review_policy = {Phase.DURING: [], Phase.RIGHT_AFTER: [], Phase.AFTER_WINDOW: ["score"]}
    mock.save()
    sit(mock, ana)

    row = read(ana, mock, now=NOW + timedelta(days=1)).rows[0]
    assert (row.shows_score, row.scaled_score, row.correct, row.passed) == (False, 0, 0, False)
    assert row.score_from == mock.closes_at

    assert read(ana, mock).rows[0].shows_score


def test_the_trend_begins_with_the_second_mock(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=2)
    assert read(ana, mock).trend is None

    sit(mock, ana, now=NOW + timedelta(days=1))
    trend = read(ana, mock).trend

    assert trend is not None
    assert [domain.code for domain in trend.domains] == ["1", "2"]
    assert [row.label for row in trend.rows] == ["1", "2"]
    assert all(len(row.figures) == 2 for row in trend.rows)
    first, second = (row.figures[0] for row in trend.rows)
    assert first is not None and second is not None
    assert first.mean < second.mean


def test_the_trend_keeps_to_the_latest_and_numbers_them_right(
    mock: MockExam, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "TREND_SITTINGS", 2)
    for day in range(4):
        sit(mock, ana, right=day, now=NOW + timedelta(days=day))

    trend = read(ana, mock).trend

    assert trend is not None
    assert ([row.label for row in trend.rows], trend.left_out) == (["3", "4"], 2)


def test_the_trend_leaves_out_what_is_held_back(mock: MockExam, ana: User) -> None:
    sit(mock, ana)
    sit(mock, ana, now=NOW + timedelta(days=1))
    mock.review_policy = {phase: [] for phase in map(str, Phase)}
    mock.save()

    assert read(ana, mock).trend is None


def test_pages_of_twenty(mock: MockExam, ana: User) -> None:
    for hour in range(21):
        sit(mock, ana, right=0, now=NOW + timedelta(hours=hour))

    first, second = read(ana, mock), read(ana, mock, page="2")

    assert (len(first.rows), len(second.rows)) == (20, 1)
    assert second.trend is None
    assert {row.attempt_id for row in first.rows}.isdisjoint({row.attempt_id for row in second.rows})
    assert read(ana, mock, page="nonsense").page.number == 1


def test_two_and_twenty_sittings_take_the_same_statements(mock: MockExam, ana: User) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(ana, mock)
        return len(queries)

    for hour in range(2):
        sit(mock, ana, right=1, now=NOW + timedelta(hours=hour))
    few = statements()
    for hour in range(2, 20):
        sit(mock, ana, right=1, now=NOW + timedelta(hours=hour))

    assert statements() == few


def test_nobody_elses_sittings_are_listed(mock: MockExam, ana: User, cleo: User) -> None:
    sit(mock, ana)

    assert read(cleo, mock).rows == ()
