"""What an instructor does to running attempts: exact times, nothing lost, everything on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exams import closing, delivery, results, starting
from exams.cohorts import control, trail
from exams.cohorts.control import ControlError
from exams.models import AssignmentEvent, Attempt, AttemptEvent, Result
from tests.exams.cohorts.rooms import SECONDS, Group, begin, make_group
from tests.factories import NOW, key_of, make_user, save

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DEADLINE = NOW + timedelta(seconds=SECONDS)


@pytest.fixture
def group() -> Group:
    return make_group()


def hold(group: Group, *, at: timedelta = 5 * MINUTE) -> None:
    control.pause(group.assignment, by=group.teacher, reason="fire alarm", now=NOW + at)


def go_on(group: Group, *, at: timedelta) -> None:
    control.resume(group.assignment, by=group.teacher, now=NOW + at)


# ── more time ──


@pytest.mark.parametrize("window", [None, DEADLINE - 3 * MINUTE, DEADLINE + MINUTE, DEADLINE + 60 * MINUTE])
def test_the_end_moves_by_exactly_the_minutes_whatever_the_window(window: object) -> None:
    group = make_group(running=1, window_ends_at=window)  # type: ignore[arg-type]
    before = group.fresh().deadline_at

    control.add_minutes(group.assignment, by=group.teacher, minutes=10, reason="late start", now=NOW)

    after = group.fresh()
    assert after.deadline_at == before + 10 * MINUTE
    assert starting.effective_deadline(after) == after.deadline_at


def test_only_the_selected_get_more_time(group: Group) -> None:
    chosen = [group.attempts[1].pk]
    done = control.add_minutes(
        group.assignment, by=group.teacher, minutes=5, reason="asked", now=NOW, chosen=chosen
    )

    assert done == 1
    assert [group.fresh(n).deadline_at for n in (0, 1)] == [DEADLINE, DEADLINE + 5 * MINUTE]
    event = AssignmentEvent.objects.get()
    assert (event.kind, event.reason, event.by, event.detail) == (
        "time_added",
        "asked",
        group.teacher,
        {"minutes": 5},
    )
    assert (event.attempt_id, event.learner_id) == (group.attempts[1].pk, group.attempts[1].learner_id)


def test_attempts_of_another_assignment_are_out_of_reach(group: Group) -> None:
    other = make_group(running=1)

    with pytest.raises(ControlError, match="nobody"):
        control.add_minutes(
            group.assignment, by=group.teacher, minutes=5, reason="x", now=NOW, chosen=[other.attempts[0].pk]
        )

    assert other.fresh().deadline_at == DEADLINE
    assert not AssignmentEvent.objects.exists()


@pytest.mark.parametrize(("minutes", "reason", "code"), [(0, "x", "bad_minutes"), (5, "  ", "no_reason")])
def test_without_reason_or_minutes_nothing_happens(
    group: Group, minutes: int, reason: str, code: str
) -> None:
    with pytest.raises(ControlError, match=code):
        control.add_minutes(group.assignment, by=group.teacher, minutes=minutes, reason=reason, now=NOW)

    assert group.fresh().control_revision == 0


# ── pause and resume ──


def test_a_pause_gives_back_exactly_what_was_left() -> None:
    group = make_group(running=1, window_ends_at=DEADLINE + MINUTE)
    hold(group)
    assert closing.time_left(group.fresh(), now=NOW + 50 * MINUTE) == 15 * MINUTE

    go_on(group, at=60 * MINUTE)

    after = group.fresh()
    assert (after.paused_at, after.deadline_at) == (None, DEADLINE + 55 * MINUTE)
    assert after.window_ends_at == DEADLINE + 56 * MINUTE
    assert starting.effective_deadline(after) == after.deadline_at


def test_minutes_given_during_a_pause_are_there_afterwards(group: Group) -> None:
    hold(group)
    control.add_minutes(group.assignment, by=group.teacher, minutes=10, reason="x", now=NOW + 6 * MINUTE)

    go_on(group, at=15 * MINUTE)

    assert group.fresh().deadline_at == DEADLINE + 20 * MINUTE


def test_a_save_on_its_way_when_the_pause_began_is_taken_a_later_one_has_to_wait(group: Group) -> None:
    attempt = group.attempts[0]
    hold(group)
    paused_at = NOW + 5 * MINUTE

    save(attempt, 1, key_of(attempt, 1), now=paused_at + closing.grace())
    with pytest.raises(delivery.DeliveryError) as refused:
        save(attempt, 2, key_of(attempt, 2), now=paused_at + closing.grace() + timedelta(seconds=1))
    go_on(group, at=9 * MINUTE)
    save(attempt, 2, key_of(attempt, 2), now=NOW + 9 * MINUTE)

    assert refused.value.code == "paused"
    assert attempt.responses.filter(answer__isnull=False).count() == 2


def test_nobody_resumes_and_yet_no_exam_stays_open(group: Group) -> None:
    hold(group)
    end = DEADLINE + closing.LONGEST_PAUSE

    assert closing.close_overdue(now=end) == 0
    assert closing.close_overdue(now=end + closing.grace() + timedelta(seconds=1)) == 2
    assert group.fresh().closed_reason == Attempt.ClosedReason.TIME_RAN_OUT


def test_a_paused_exam_may_be_submitted(group: Group) -> None:
    attempt = group.attempts[0]
    hold(group)

    closed = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW + 90 * MINUTE)

    assert (closed.closed_reason, closed.paused_at) == (Attempt.ClosedReason.SUBMITTED, None)
    assert closed.deadline_at == DEADLINE + 85 * MINUTE


def test_a_second_pause_of_the_paused_does_nothing(group: Group) -> None:
    hold(group)
    with pytest.raises(ControlError, match="nobody"):
        hold(group, at=6 * MINUTE)
    assert group.fresh().paused_at == NOW + 5 * MINUTE


# ── the end, and a second chance ──


def test_staff_end_an_exam_with_what_is_saved(group: Group) -> None:
    attempt = group.attempts[0]
    save(attempt, 1, key_of(attempt, 1))

    control.close_now(
        group.assignment, by=group.teacher, reason="left the room", now=NOW + MINUTE, chosen=[attempt.pk]
    )

    closed = group.fresh()
    assert (closed.state, closed.closed_reason, closed.answered_count) == ("closed", "closed_by_staff", 1)
    assert group.fresh(1).is_open
    rows = trail.visible_to_learner(closed)
    assert [(row.kind, row.reason, row.by) for row in rows] == [("closed", "left the room", "Tess")]


def test_a_scored_attempt_goes_on_where_it_ended_and_is_scored_again(group: Group) -> None:
    attempt = group.attempts[0]
    save(attempt, 1, key_of(attempt, 1))
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW + MINUTE)
    results.score_attempt(attempt.pk, now=NOW + MINUTE)

    later = NOW + 120 * MINUTE
    control.reopen(
        group.assignment, attempt.pk, by=group.teacher, minutes=15, reason="pressed by mistake", now=later
    )

    again = group.fresh()
    assert (again.state, again.deadline_at, again.digest) == ("in_progress", later + 15 * MINUTE, "")
    assert (again.closed_at, again.scored_at, again.answered_count) == (None, None, None)
    assert not Result.objects.filter(attempt=again).exists()
    save(attempt, 2, key_of(attempt, 2), now=later + MINUTE)
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=later + 2 * MINUTE)
    assert results.score_attempt(attempt.pk, now=later + 2 * MINUTE)
    assert Result.objects.get(attempt=attempt).correct == 2


def test_who_runs_another_attempt_of_the_mock_cannot_have_the_old_one_opened(group: Group) -> None:
    attempt = group.attempts[0]
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    begin(group.assignment, attempt.learner, now=NOW + MINUTE)

    with pytest.raises(ControlError, match="runs_elsewhere"):
        control.reopen(
            group.assignment, attempt.pk, by=group.teacher, minutes=5, reason="x", now=NOW + MINUTE
        )

    assert group.fresh().state == "closed"


# ── messages and incidents ──


def test_a_message_is_news_to_each_who_has_not_seen_it(group: Group) -> None:
    control.message(group.assignment, by=group.teacher, text="Question 3 is fine.", now=NOW)
    control.add_minutes(group.assignment, by=group.teacher, minutes=1, reason="for reading it", now=NOW)

    attempt = group.fresh()
    assert [row["kind"] for row in trail.news(attempt, since=0)] == ["message", "deadline_changed"]
    (row,) = trail.news(attempt, since=1)
    assert (row["minutes"], row["ends_at"]) == (1, (DEADLINE + MINUTE).isoformat())
    assert trail.news(attempt, since=2) == []


def test_after_an_incident_each_gets_what_ran_off_their_own_clock() -> None:
    group = make_group(running=2)
    late = begin(group.assignment, make_user("Late"), now=NOW + 8 * MINUTE)
    control.pause(
        group.assignment,
        by=group.teacher,
        reason="x",
        now=NOW + 9 * MINUTE,
        chosen=[group.attempts[1].pk],
    )
    control.resume(group.assignment, by=group.teacher, now=NOW + 11 * MINUTE)

    done = control.credit_incident(
        group.assignment,
        by=group.teacher,
        begun_at=NOW + 5 * MINUTE,
        ended_at=NOW + 10 * MINUTE,
        reason="no network",
        now=NOW + 12 * MINUTE,
    )

    late.refresh_from_db()
    assert done == 3
    assert group.fresh(0).deadline_at == DEADLINE + 5 * MINUTE
    assert group.fresh(1).deadline_at == DEADLINE + (2 + 4) * MINUTE
    assert late.deadline_at == DEADLINE + (8 + 2) * MINUTE


def test_every_deed_is_in_both_logs(group: Group) -> None:
    hold(group)
    go_on(group, at=6 * MINUTE)
    control.message(group.assignment, by=group.teacher, text="Go on.", now=NOW + 7 * MINUTE)

    mine = AttemptEvent.objects.filter(attempt=group.attempts[0]).exclude(kind="started")
    assert [event.kind for event in mine.order_by("id")] == ["paused", "resumed", "message"]
    ours = AssignmentEvent.objects.order_by("id")
    assert [(event.kind, event.detail["attempts"]) for event in ours] == [
        ("paused", 2),
        ("resumed", 2),
        ("message", 2),
    ]
