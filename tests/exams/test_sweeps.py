"""What runs by itself: it closes, scores, leaves its mark, and stumbles over nothing."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import OperationalError

from accounts.models import User
from config.celery import app
from exams import delivery, population, results, sweeps, tasks
from exams.models import Attempt, MockExam, Result, Sweep
from tests.factories import NOW, make_exam, make_user, sit, start

pytestmark = pytest.mark.django_db

OVER = NOW + timedelta(seconds=1200 + 11)


@pytest.fixture
def mock() -> MockExam:
    return make_exam()


def states() -> list[str]:
    return sorted(Attempt.objects.values_list("state", flat=True))


def test_each_sweep_leaves_its_mark_also_when_there_was_nothing_to_do() -> None:
    sweeps.close_overdue(now=NOW)
    sweeps.score_forgotten(now=NOW)
    population.fold(now=NOW)

    assert set(Sweep.objects.values_list("name", "finished_at", "handled")) == {
        (sweeps.CLOSE_OVERDUE, NOW, 0),
        (sweeps.SCORE_FORGOTTEN, NOW, 0),
        (population.NAME, NOW, 0),
    }


def test_the_mark_says_how_many(mock: MockExam) -> None:
    for _ in range(3):
        start(mock, make_user())

    assert sweeps.close_overdue(now=OVER) == 3
    assert Sweep.objects.get(name=sweeps.CLOSE_OVERDUE).handled == 3


def test_nothing_stays_open_after_deadline_grace_and_one_sweep(mock: MockExam) -> None:
    for minutes in range(0, 40, 5):
        start(mock, make_user(), now=NOW - timedelta(minutes=minutes))

    sweeps.close_overdue(now=NOW + timedelta(seconds=11))

    assert states() == ["closed"] * 4 + ["in_progress"] * 4
    assert not Attempt.objects.filter(state="in_progress", deadline_at__lte=NOW).exists()


def test_an_attempt_that_cannot_be_scored_does_not_stand_before_the_others(
    mock: MockExam, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, *fine = [sit(mock, make_user(), score=False, now=NOW + timedelta(seconds=n)) for n in range(4)]
    really_score = results.score_attempt

    def score(attempt_id: uuid.UUID, *, now: datetime) -> bool:
        if attempt_id == poisoned.pk:
            raise KeyError("a question that nobody thought of")
        return really_score(attempt_id, now=now)

    monkeypatch.setattr(results, "score_attempt", score)
    monkeypatch.setattr(sweeps, "BATCH", 2)

    assert sweeps.score_forgotten(now=NOW + timedelta(hours=1)) == 2
    assert sweeps.score_forgotten(now=NOW + timedelta(hours=1)) == 1

    assert set(Attempt.objects.filter(state="scored")) == set(fine)
    assert str(poisoned.pk) in caplog.text


def test_a_database_that_is_gone_ends_the_sweep(
    mock: MockExam, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sit(mock, ana, score=False)

    def score(attempt_id: uuid.UUID, *, now: datetime) -> bool:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(results, "score_attempt", score)

    with pytest.raises(OperationalError):
        sweeps.score_forgotten(now=NOW + timedelta(hours=1))
    assert not Sweep.objects.exists()


def test_one_sweep_scores_a_batch_and_the_next_goes_on(
    mock: MockExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    for _ in range(5):
        sit(mock, make_user(), score=False)

    assert [sweeps.score_forgotten(now=OVER) for _ in range(4)] == [2, 2, 1, 0]


def test_a_late_message_does_no_harm(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, score=False)
    sweeps.score_forgotten(now=OVER)

    tasks.score_attempts([str(attempt.pk), str(uuid.uuid4())])

    assert Result.objects.count() == 1
    assert attempt.events.filter(kind="scored").count() == 1


def test_closing_asks_for_scoring_in_chunks_once_committed(
    mock: MockExam, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr(tasks, "CHUNK", 2)
    monkeypatch.setattr(tasks.score_attempts, "delay", lambda ids: sent.append(ids))
    attempts = [start(mock, make_user()) for _ in range(5)]

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        sweeps.close_overdue(now=OVER)
        assert sent == []

    assert [len(ids) for ids in sent] == [2, 2, 1]
    assert {pk for ids in sent for pk in ids} == {str(attempt.pk) for attempt in attempts}


def test_a_broker_that_is_down_costs_no_answer(
    mock: MockExam, ana: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    def refuse(ids: list[str]) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.score_attempts, "delay", refuse)
    attempt = start(mock, ana)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)

    assert sweeps.score_forgotten(now=NOW + timedelta(seconds=10)) == 1


# ── the plan ──


def test_the_plan_sweeps_often_enough_and_its_messages_die_with_their_interval() -> None:
    plan = app.conf.beat_schedule
    assert settings.SWEEP_SECONDS <= 15
    for name in (sweeps.CLOSE_OVERDUE, sweeps.SCORE_FORGOTTEN, population.NAME):
        entry = plan[name]
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]


def test_closing_has_a_queue_of_its_own() -> None:
    route = app.amqp.router.route({}, "exams.tasks.close_overdue")
    others = {
        app.amqp.router.route({}, name)["queue"].name
        for name in ("exams.tasks.score_attempts", "exams.tasks.score_forgotten")
    }

    assert route["queue"].name == "deadlines"
    assert others == {"default"}


def test_no_task_is_planned_for_later() -> None:
    """Redis delivers a task again whose time lies beyond the visibility timeout: nothing may use one."""
    text = (settings.BASE_DIR / "exams" / "tasks.py").read_text()

    assert "countdown" not in text and "eta=" not in text


@pytest.mark.parametrize("task", [tasks.close_overdue, tasks.score_forgotten, tasks.fold_statistics])
def test_every_task_runs(task: object, mock: MockExam, ana: User) -> None:
    start(mock, ana, now=NOW - timedelta(days=400))

    task()  # type: ignore[operator]

    assert Sweep.objects.count() == 1
