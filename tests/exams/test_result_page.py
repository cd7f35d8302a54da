from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import delivery, domain_page, population, practice, result_page, results
from exams.models import Attempt, MockExam, MockScoreCount
from exams.result_page import ResultPage
from exams.review_policy import Part, Phase
from questions.models import TaskStatement
from tests.factories import NOW, key_of, make_exam, make_mock, make_user, save, sit, start

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8, unscored=2)


def read(attempt: Attempt, viewer: User | None = None, *, now: Any = LATER) -> ResultPage:
    related = Attempt.objects.select_related("learner", "mock", "paper__blueprint", "result")
    return result_page.result_page(related.get(pk=attempt.pk), viewer=viewer or attempt.learner, now=now)


def test_the_page_shows_what_scoring_wrote(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=5)
    result = attempt.result

    page = read(attempt)

    assert page.score is not None
    assert (page.correct, page.scored_items) == (result.correct, 6)
    assert page.score.scaled_score == result.scaled_score
    assert page.score.needed == ceil(result.cut * 6)
    assert page.score.margin == result.correct - page.score.needed
    assert page.score.passed == (page.score.margin >= 0) == result.passed
    assert sum(row.figure.seen for row in page.domains) == sum(row.figure.seen for row in page.tasks) == 6
    assert [row.code for row in page.domains] == ["1", "2"]
    assert page.unscored_items == 2
    assert page.is_default_prior


def test_the_chance_has_its_basis_or_is_left_out(db: None, ana: User) -> None:
    mock = make_exam(items=8)
    first = read(sit(mock, ana))
    assert first.score is not None
    assert (first.score.chance_percent, first.score.chance_questions) == (None, 8)

    other = make_mock(mock.blueprint, items=20)
    second = read(sit(other, ana, now=NOW + timedelta(days=1)), now=NOW + timedelta(days=2))
    assert second.score is not None
    assert second.score.chance_questions >= 10
    assert second.score.chance_percent is not None
    assert second.score.chance_sittings == 2


def test_the_percentile_waits_for_twenty_first_attempts(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=8)
    MockScoreCount.objects.create(mock=mock, scaled_score=attempt.result.scaled_score - 1, n=18)

    page = read(attempt)
    assert page.score is not None
    assert (page.score.percentile.percent, page.score.percentile.first_attempts) == (None, 19)

    MockScoreCount.objects.update(n=19)
    page = read(attempt)
    assert page.score is not None
    # 19 below, and half of its own.
    assert (page.score.percentile.percent, page.score.percentile.first_attempts) == (98, 20)


def test_folding_does_not_change_the_percentile(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=8)
    MockScoreCount.objects.create(mock=mock, scaled_score=100, n=25)
    before = read(attempt).score

    population.fold(now=LATER)

    after = read(attempt).score
    assert before is not None and after is not None
    assert before.percentile == after.percentile


def test_domains_are_compared_with_the_mock_before(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=0)
    second = sit(mock, ana, now=NOW + timedelta(days=1))

    page = read(second, now=NOW + timedelta(days=2))

    changes = [row.change for row in page.domains]
    assert all(change is not None for change in changes)
    assert {change.title for change in changes if change} == {mock.title}
    assert all(change.points > 0 for change in changes if change)
    assert page.score is not None and len(page.score.past) == 1
    assert page.title == f"{mock.title}, attempt 2"


def test_an_earlier_score_that_is_held_back_is_not_compared_with(mock: MockExam, ana: User) -> None:
    hidden = MockExam.objects.create(
        blueprint=mock.blueprint,
        code="hidden",
        title="Hidden",
        items=8,
        seconds=1200,
        closes_at=NOW + timedelta(days=9),
        review_policy={Phase.DURING: [], Phase.RIGHT_AFTER: [], Phase.AFTER_WINDOW: [Part.SCORE]},
    )
    sit(hidden, ana)
    attempt = sit(mock, ana, now=NOW + timedelta(days=1))

    page = read(attempt, now=NOW + timedelta(days=2))
    assert page.score is not None and page.score.past == ()
    assert [row.change for row in page.domains] == [None, None]

    page = read(attempt, now=NOW + timedelta(days=10))
    assert page.score is not None and len(page.score.past) == 1


def test_questions_met_before_do_not_count(mock: MockExam, ana: User) -> None:
    mock.papers_wanted = 1
    mock.save()
    first, second = sit(mock, ana), sit(mock, ana, now=NOW + timedelta(days=1))

    assert (read(first).first_exposures, read(first).met_before) == (6, 0)
    page = read(second, now=NOW + timedelta(days=2))
    assert (page.first_exposures, page.met_before, page.never_opened) == (0, 6, 0)


def test_questions_never_opened_are_told_apart(mock: MockExam, ana: User) -> None:
    page = read(sit(mock, ana, right=0, answers={}))

    assert (page.first_exposures, page.met_before, page.never_opened) == (0, 0, 6)


def test_the_receipt_counts_grace_and_lists_what_came_late(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    save(attempt, 1, key_of(attempt, 1))
    save(attempt, 2, key_of(attempt, 2), now=attempt.deadline_at + timedelta(seconds=5))
    with pytest.raises(delivery.DeliveryError, match="closed"):
        save(attempt, 3, key_of(attempt, 3), now=attempt.deadline_at + timedelta(seconds=12))
    results.score_attempt(attempt.pk, now=LATER)
    attempt.refresh_from_db()

    receipt = read(attempt).receipt

    assert (receipt.answered, receipt.slots, receipt.in_grace) == (2, 8, 1)
    assert receipt.time_ran_out
    assert receipt.ended_at == attempt.deadline_at
    assert [(late.slot, late.seconds_late) for late in receipt.late] == [(3, 12)]
    assert receipt.digest_matches


def test_the_receipt_says_so_when_a_stored_answer_was_changed(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=3)
    assert read(attempt).receipt.digest_matches

    attempt.responses.filter(slot=1).update(answer=None)

    assert not read(attempt).receipt.digest_matches


def test_practice_is_not_scaled(mock: MockExam, ana: User) -> None:
    task = TaskStatement.objects.get(code="1.1", domain__blueprint=mock.blueprint)
    attempt = practice.start_practice(
        mock.blueprint, learner=ana, task_ids=[task.pk], questions=3, start_key=uuid4(), now=NOW
    )
    save(attempt, 1, key_of(attempt, 1))
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW + timedelta(minutes=3))
    results.score_attempt(attempt.pk, now=LATER)

    page = read(attempt)

    assert (page.is_scaled, page.score) == (False, None)
    assert (page.correct, page.scored_items) == (1, 3)
    assert [row.code for row in page.tasks] == ["1.1"]


def test_only_tasks_with_a_miss_are_weak(mock: MockExam, ana: User, cleo: User) -> None:
    assert read(sit(mock, ana)).weakest == ()

    weakest = read(sit(mock, cleo, right=0)).weakest
    assert 1 <= len(weakest) <= 3
    assert len({weak.start_key for weak in weakest}) == len(weakest)


def test_times_and_pace(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    delivery.submit_attempt(
        attempt.pk, learner=ana, now=NOW + timedelta(minutes=10), seconds={"1": 30, "2": 200, "3": 40}
    )
    results.score_attempt(attempt.pk, now=LATER)

    pace = read(attempt).pace

    assert pace is not None
    # 20 minutes over 8 questions is an even pace of 2:30.
    assert (pace.even, pace.median, pace.longest_slot, pace.longest) == ("2:30", "0:40", 2, "3:20")
    assert (pace.used, pace.allowed, pace.slow_count) == ("10 min", "20 min", 1)
    assert [row.is_slow for row in pace.rows][:3] == [False, True, False]


def test_without_a_script_times_are_not_known(mock: MockExam, ana: User) -> None:
    assert read(sit(mock, ana, right=2)).pace is None


def test_an_opened_domain_has_tasks_topics_and_changes(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=0)
    attempt = sit(mock, ana, now=NOW + timedelta(days=1))
    attempt = Attempt.objects.select_related("mock", "paper__blueprint", "result").get(pk=attempt.pk)

    page = domain_page.domain_page(attempt, "1", viewer=ana, now=LATER + timedelta(days=1))

    assert page is not None
    assert {detail.task.code for detail in page.tasks} == {"1.1", "1.2"}
    assert all(detail.task.change for detail in page.tasks)
    for detail in page.tasks:
        assert sum(topic.seen for topic in detail.topics) == detail.task.figure.seen
        assert sum(topic.correct for topic in detail.topics) == detail.task.figure.correct
    assert domain_page.domain_page(attempt, "9", viewer=ana, now=LATER) is None


def test_the_result_takes_few_statements_whatever_the_history(mock: MockExam, ana: User) -> None:
    def statements(attempt: Attempt) -> int:
        with CaptureQueriesContext(connection) as queries:
            read(attempt, now=NOW + timedelta(days=30))
        return len(queries)

    first = statements(sit(mock, ana, right=3))
    for day in range(1, 8):
        latest = sit(mock, ana, right=3, now=NOW + timedelta(days=day))

    assert statements(latest) == first <= 9


def test_staff_read_it_as_the_learners(mock: MockExam, ana: User) -> None:
    page = read(sit(mock, ana), make_user("Mia", role=Role.ADMIN))

    assert (page.is_own, page.learner) == (False, "Ana")
