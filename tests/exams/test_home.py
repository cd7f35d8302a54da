from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from exams import delivery, home, practice, results
from exams.home import HomePage
from exams.models import Attempt, Evidence, ExamPlan, MockExam
from questions.models import TaskStatement
from tests.factories import NOW, key_of, make_exam, make_mock, save, sit, start


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


def read(learner: User, *, now: datetime = NOW + timedelta(days=1)) -> HomePage:
    return home.home_page(learner, now=now)


def weaken(learner: User, mock: MockExam, code: str = "2.1") -> None:
    task = TaskStatement.objects.get(code=code, domain__blueprint=mock.blueprint)
    row, _ = Evidence.objects.get_or_create(learner=learner, task=task, kind="mock")
    row.correct, row.seen = 0, row.seen + 12
    row.save()


def practise(learner: User, mock: MockExam, *, now: datetime) -> Attempt:
    task = TaskStatement.objects.get(code="1.1", domain__blueprint=mock.blueprint)
    attempt = practice.start_practice(
        mock.blueprint, learner=learner, task_ids=[task.pk], questions=5, start_key=uuid4(), now=now
    )
    delivery.submit_attempt(attempt.pk, learner=learner, now=now)
    results.score_attempt(attempt.pk, now=now)
    return attempt


def test_without_any_exam_there_is_nothing_to_do(ana: User) -> None:
    page = read(ana)

    assert (page.next.kind, page.blueprint, page.is_new) == ("nothing", None, True)


def test_a_newcomer_is_sent_to_the_shortest_mock(mock: MockExam, ana: User) -> None:
    short = make_mock(mock.blueprint, items=4)

    page = read(ana)

    assert (page.next.kind, page.next.mock, page.is_new) == ("first_mock", short, True)


def test_a_mock_that_is_not_open_is_not_offered(mock: MockExam, ana: User) -> None:
    for fields in ({"opens_at": NOW + timedelta(days=9)}, {"closes_at": NOW}, {"is_published": False}):
        make_mock(mock.blueprint, items=4, **fields)

    assert read(ana).mocks == (mock,)


def test_a_running_mock_goes_first(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    save(attempt, 1, key_of(attempt, 1))
    save(attempt, 2, None)

    page = read(ana, now=NOW + timedelta(minutes=5))

    assert page.next.kind == "continue"
    assert [(r.attempt, r.answered, r.slots, r.left) for r in page.running] == [(attempt, 1, 8, "15 min")]


def test_an_overdue_one_is_closed_on_the_way(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)

    page = read(ana, now=NOW + timedelta(hours=2))

    attempt.refresh_from_db()
    assert (page.running, attempt.state) == ((), "closed")
    assert [row.attempt_id for row in page.recent] == [attempt.pk]


def test_the_weakest_task_comes_next(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=6)
    weaken(ana, mock)

    page = read(ana)

    assert page.next.kind == "practise"
    assert page.next.task is not None and page.next.task.code == "2.1"


def test_after_three_practices_a_mock_tells_more(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=6)
    weaken(ana, mock)
    for hour in range(3):
        assert read(ana).next.kind == "practise"
        practise(ana, mock, now=NOW + timedelta(hours=1 + hour))

    page = read(ana)

    assert (page.next.kind, page.next.mock, page.next.practices) == ("mock", mock, 3)


def test_when_all_is_on_track_a_mock_confirms_it(mock: MockExam, ana: User) -> None:
    sit(mock, ana)
    for task in TaskStatement.objects.filter(domain__blueprint=mock.blueprint):
        Evidence.objects.update_or_create(
            learner=ana, task=task, kind="mock", defaults={"correct": 30, "seen": 30}
        )

    page = read(ana)

    assert (page.next.kind, page.odds) == ("confirm", "likely")


def test_the_final_check_is_kept_for_the_last_days(mock: MockExam, ana: User) -> None:
    final = make_mock(mock.blueprint, items=4, is_held_back=True)
    plan = ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint, exam_on=date(2026, 9, 16))
    assert (read(ana).next.kind, read(ana).next.mock) == ("first_mock", mock)

    plan.exam_on = date(2026, 9, 15)
    plan.save()
    assert (read(ana).next.kind, read(ana).next.mock) == ("final", final)

    sit(final, ana)
    assert read(ana).next.kind != "final"


def test_without_a_mock_practice_is_offered(mock: MockExam, ana: User) -> None:
    MockExam.objects.update(is_published=False)

    assert read(ana).next.kind == "practise"


def test_the_days_are_counted_in_the_readers_zone(mock: MockExam, ana: User) -> None:
    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint, exam_on=date(2026, 9, 26))
    late_evening = datetime(2026, 9, 7, 22, 30, tzinfo=NOW.tzinfo)

    assert read(ana, now=late_evening).days_left == 19
    with timezone.override("Europe/Berlin"):
        assert read(ana, now=late_evening).days_left == 18


def test_a_date_after_the_versions_last_day_is_noticed(mock: MockExam, ana: User) -> None:
    plan = ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint, exam_on=date(2026, 9, 28))
    mock.blueprint.valid_until = date(2026, 9, 28)
    mock.blueprint.save()
    assert not read(ana).is_after_last_day

    plan.exam_on = date(2026, 9, 29)
    plan.save()
    assert read(ana).is_after_last_day
