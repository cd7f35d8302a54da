"""Races, on real threads: only PostgreSQL lets two writers work at once (SQLite has one writer at a time)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import User
from exams import closing, delivery, results, sweeps
from exams.cohorts import control
from exams.models import Attempt, AttemptEvent, Evidence, Exposure, MockExam, Paper, Response, Result
from tests.exams.cohorts.rooms import Group, make_group
from tests.factories import NOW, key_of, make_exam, make_user, save, start
from tests.processes import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs DATABASE_URL of a PostgreSQL"),
]

DEADLINE = NOW + timedelta(seconds=1200)
OVER = DEADLINE + timedelta(seconds=11)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam()


@pytest.fixture
def attempt(mock: MockExam, ana: User) -> Attempt:
    return start(mock, ana)


def choice_slots(attempt: Attempt) -> list[int]:
    rows = attempt.responses.filter(version__item_type="multiple_choice").order_by("slot")
    return list(rows.values_list("slot", flat=True))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls in threads that set off together; what each returned, or the exception it raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return call()
        except Exception as error:  # noqa: BLE001 what a race raises is what a test looks at
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def blocked_behind(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Let `second` begin while `first` has done its work but not committed; both outcomes."""
    has_worked, may_commit = threading.Event(), threading.Event()

    def hold() -> Any:
        try:
            with transaction.atomic():
                outcome = first()
                has_worked.set()
                assert may_commit.wait(timeout=20)
            return outcome
        except Exception as error:  # noqa: BLE001 what a race raises is what a test looks at
            return error
        finally:
            has_worked.set()
            connections.close_all()

    def wait() -> Any:
        try:
            return second()
        except Exception as error:  # noqa: BLE001 what a race raises is what a test looks at
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        holding: Future[Any] = pool.submit(hold)
        assert has_worked.wait(timeout=20)
        waiting: Future[Any] = pool.submit(wait)
        try:
            wait_for(lambda: waiting.done() or is_somebody_waiting(), seconds=20, what="the second to wait")
        finally:
            may_commit.set()
        return holding.result(timeout=20), waiting.result(timeout=20)


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def code(outcome: Any) -> str:
    return outcome.code if isinstance(outcome, delivery.DeliveryError) else "saved"


# ── two saves of one slot ──


def test_of_two_answers_with_one_revision_one_is_acknowledged(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]

    first, second = blocked_behind(lambda: save(attempt, slot, "b"), lambda: save(attempt, slot, "c"))

    assert (code(first), code(second)) == ("saved", "stale")
    assert attempt.responses.get(slot=slot).answer == "b"
    assert second.response.answer == "b"


def test_a_lower_revision_that_waited_is_told_that_it_is_stale(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]

    _, second = blocked_behind(
        lambda: save(attempt, slot, "b", revision=5), lambda: save(attempt, slot, "c", revision=4)
    )

    assert code(second) == "stale"
    assert (second.response.revision, second.response.answer) == (5, "b")
    assert [e.kind for e in attempt.events.filter(slot=slot).order_by("id")] == ["saved", "stale"]


def test_a_higher_revision_that_waited_is_stored(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]

    blocked_behind(lambda: save(attempt, slot, "b", revision=1), lambda: save(attempt, slot, "c", revision=2))

    assert attempt.responses.get(slot=slot).answer == "c"


def test_the_same_save_sent_twice_at_once_is_acknowledged_twice_and_stored_once(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]

    first, second = blocked_behind(lambda: save(attempt, slot, "b"), lambda: save(attempt, slot, "b"))

    assert (code(first), code(second)) == ("saved", "saved")
    assert attempt.events.filter(kind=AttemptEvent.Kind.SAVED).count() == 1


def test_a_flag_set_in_one_tab_survives_an_answer_from_another(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]

    blocked_behind(
        lambda: save(attempt, slot, None, revision=1, is_flagged=True, struck=["d"]),
        lambda: save(attempt, slot, "c", revision=2),
    )

    response = attempt.responses.get(slot=slot)
    assert (response.answer, response.is_flagged, response.struck) == ("c", True, ["d"])


def test_what_was_checked_while_a_save_waited_does_not_change(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]
    save(attempt, slot, "b")

    _, second = blocked_behind(
        lambda: delivery.check_response(attempt, slot=slot, now=NOW),
        lambda: save(attempt, slot, "a", revision=2),
    )

    assert code(second) == "checked"
    assert attempt.responses.get(slot=slot).answer == "b"


def test_twenty_tabs_on_one_slot_leave_the_highest_acknowledged_revision(attempt: Attempt) -> None:
    slot = choice_slots(attempt)[0]
    wanted = [(revision, "abcd"[revision % 4]) for revision in range(1, 21)]

    outcomes = at_once(
        *(lambda r=revision, a=answer: save(attempt, slot, a, revision=r) for revision, answer in wanted)
    )

    acknowledged = {o.revision for o in outcomes if isinstance(o, delivery.Saved)}
    response = attempt.responses.get(slot=slot)
    logged = set(attempt.events.filter(kind="saved").values_list("revision", flat=True))
    assert {code(o) for o in outcomes} <= {"saved", "stale"}
    assert response.revision == max(acknowledged) == 20
    assert response.answer == dict(wanted)[20]
    assert logged == acknowledged


# ── saves against a close ──


def test_a_close_waits_for_the_save_that_came_first(attempt: Attempt, ana: User) -> None:
    slot = choice_slots(attempt)[0]

    _, closed = blocked_behind(
        lambda: save(attempt, slot, "b"), lambda: delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    )

    assert closed.answered_count == 1
    assert closed.digest == digest_of(attempt)


def test_a_save_that_waited_for_a_close_is_refused(attempt: Attempt, ana: User) -> None:
    slot = choice_slots(attempt)[0]

    closed, late = blocked_behind(
        lambda: delivery.submit_attempt(attempt.pk, learner=ana, now=NOW), lambda: save(attempt, slot, "b")
    )

    assert code(late) == "closed"
    assert (closed.answered_count, attempt.responses.get(slot=slot).answer) == (0, None)
    assert attempt.events.filter(kind=AttemptEvent.Kind.CAME_LATE).count() == 1


@pytest.mark.parametrize("end", ["submit", "sweep", "access"])
def test_every_acknowledged_save_is_in_the_receipt_and_in_the_result(mock: MockExam, end: str) -> None:
    """Eight saves and a close set off together, again and again."""
    for _ in range(6):
        attempt = start(mock, make_user())
        keys = {slot: key_of(attempt, slot) for slot in range(1, 9)}
        close: dict[str, Callable[[], Any]] = {
            "submit": partial(delivery.submit_attempt, attempt.pk, learner=attempt.learner, now=NOW),
            "sweep": partial(sweeps.close_overdue, now=OVER),
            "access": partial(closing.close_if_overdue, attempt, now=OVER),
        }

        outcomes = at_once(
            *(partial(save, attempt, slot, key, now=DEADLINE) for slot, key in keys.items()), close[end]
        )

        assert not [
            o for o in outcomes if isinstance(o, Exception) and not isinstance(o, delivery.DeliveryError)
        ]
        if end == "sweep":
            # A sweep passes over an attempt in which a save is at work: the next one closes it.
            sweeps.close_overdue(now=OVER)
        acknowledged = {o.slot for o in outcomes if isinstance(o, delivery.Saved)}
        attempt.refresh_from_db()
        assert attempt.state == Attempt.State.CLOSED
        assert set(attempt.responses.exclude(answer=None).values_list("slot", flat=True)) == acknowledged
        assert (attempt.answered_count, attempt.digest) == (len(acknowledged), digest_of(attempt))
        assert results.score_attempt(attempt.pk, now=OVER)
        assert Result.objects.get(attempt=attempt).correct == len(acknowledged)


# ── closers and scorers against each other ──


def test_two_sweeps_at_once_close_each_attempt_once(mock: MockExam) -> None:
    attempts = [start(mock, make_user()) for _ in range(12)]

    closed = at_once(*[lambda: closing.close_overdue(now=OVER, batch=3)] * 3)

    # A sweep passes over what another one holds: it may end with fewer, and the sum is right all the same.
    assert sum(closed) == len(attempts)
    assert AttemptEvent.objects.filter(kind=AttemptEvent.Kind.CLOSED).count() == len(attempts)
    assert set(Attempt.objects.values_list("state", flat=True)) == {"closed"}


def test_many_submits_at_once_write_one_receipt(attempt: Attempt, ana: User) -> None:
    closed = at_once(*[lambda: delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)] * 6)

    assert {(c.digest, c.closed_at) for c in closed} == {(digest_of(attempt), NOW)}
    assert attempt.events.filter(kind=AttemptEvent.Kind.CLOSED).count() == 1


def test_many_scorers_at_once_write_one_result(attempt: Attempt, ana: User) -> None:
    for slot in range(1, 9):
        save(attempt, slot, key_of(attempt, slot))
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)

    scored = at_once(*[lambda: results.score_attempt(attempt.pk, now=NOW)] * 5)

    assert sorted(scored) == [False] * 4 + [True]
    assert Result.objects.get(attempt=attempt).correct == 8
    assert sum(Evidence.objects.values_list("seen", flat=True)) == 8
    assert attempt.events.filter(kind=AttemptEvent.Kind.SCORED).count() == 1


def test_two_sittings_of_one_learner_scored_at_once_count_each_question_once(ana: User) -> None:
    mock = make_exam()
    other = MockExam.objects.create(
        blueprint=mock.blueprint, code="second", title="The same questions", items=8, seconds=1200
    )
    other_paper = Paper.objects.create(
        **{
            f.attname: getattr(mock_paper(mock, ana), f.attname)
            for f in Paper._meta.concrete_fields
            if f.attname not in ("id", "mock_id")
        },
        mock=other,
    )
    for item in mock.papers.get().items.all():
        other_paper.items.create(slot=item.slot, version_id=item.version_id, is_scored=item.is_scored)
    attempts = [start(mock, ana), start(other, ana)]
    for attempt in attempts:
        for slot in range(1, 9):
            save(attempt, slot, key_of(attempt, slot))
        delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)

    scored = at_once(*(lambda pk=attempt.pk: results.score_attempt(pk, now=NOW) for attempt in attempts))

    assert scored == [True, True]
    assert sum(Evidence.objects.values_list("seen", flat=True)) == 8
    assert Exposure.objects.filter(learner=ana).count() == 8
    assert sorted(Result.objects.values_list("first_exposures", flat=True)) == [0, 8]


def mock_paper(mock: MockExam, learner: User) -> Paper:
    from exams import assembly

    assembly.ensure_papers(mock, now=NOW)
    return mock.papers.get()


# ── starting ──


def test_twenty_double_starts_at_once_make_one_attempt_each(mock: MockExam) -> None:
    learners = [make_user() for _ in range(5)]

    started = at_once(*(lambda u=learner: start(mock, u) for learner in learners for _ in range(4)))

    assert not [s for s in started if isinstance(s, Exception)]
    assert {s.learner_id: s.pk for s in started} == dict(Attempt.objects.values_list("learner_id", "pk"))
    assert Attempt.objects.count() == 5
    assert Response.objects.count() == 5 * 8
    assert mock.papers.count() == 1


def digest_of(attempt: Attempt) -> str:
    return closing.receipt_digest(
        attempt.responses.order_by("slot").values_list("slot", "revision", "answer")
    )


# ── what staff do against saves and closes ──


@pytest.fixture
def group(db: None) -> Group:
    return make_group(running=1)


def pause(group: Group) -> int:
    return control.pause(group.assignment, by=group.teacher, reason="alarm", now=NOW)


def test_a_save_that_waited_for_a_pause_is_judged_by_it(group: Group) -> None:
    attempt = group.attempts[0]
    late = NOW + timedelta(minutes=1)

    paused, second = blocked_behind(lambda: pause(group), lambda: save(attempt, 1, None, now=late))

    assert (paused, code(second)) == (1, "paused")
    assert attempt.responses.get(slot=1).revision == 0


def test_a_pause_waits_for_the_save_that_came_first(group: Group) -> None:
    attempt = group.attempts[0]
    slot = choice_slots(attempt)[0]

    first, paused = blocked_behind(lambda: save(attempt, slot, "b"), lambda: pause(group))

    assert (code(first), paused) == ("saved", 1)
    assert attempt.responses.get(slot=slot).answer == "b"


def test_minutes_given_while_a_submit_is_at_work_open_nothing_again(group: Group) -> None:
    attempt = group.attempts[0]

    _, added = blocked_behind(
        lambda: delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW),
        lambda: control.add_minutes(group.assignment, by=group.teacher, minutes=5, reason="x", now=NOW),
    )

    assert isinstance(added, control.ControlError)
    assert (group.fresh().state, group.fresh().deadline_at) == ("closed", DEADLINE)


def test_two_instructors_who_add_minutes_at_once_add_both(group: Group) -> None:
    more = partial(control.add_minutes, group.assignment, by=group.teacher, minutes=5, reason="x", now=NOW)

    outcomes = at_once(more, more, more)

    assert outcomes == [1, 1, 1]
    assert group.fresh().deadline_at == DEADLINE + timedelta(minutes=15)
    assert group.fresh().control_revision == 3


def test_a_sweep_that_waited_for_more_minutes_closes_nothing(group: Group) -> None:
    more = partial(
        control.add_minutes, group.assignment, by=group.teacher, minutes=5, reason="x", now=DEADLINE
    )

    blocked_behind(more, partial(closing.close_if_overdue, group.attempts[0], now=OVER))

    assert group.fresh().is_open
