"""The promise: no answer is ever lost, and no exam stays open."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Accommodation, User
from exams import closing, delivery, starting
from exams.delivery import DeliveryError
from exams.models import Attempt, AttemptEvent, MockExam, Response
from tests.factories import NOW, key_of, make_exam, make_user, save, start

pytestmark = pytest.mark.django_db

DEADLINE = NOW + timedelta(seconds=1200)


@pytest.fixture
def mock() -> MockExam:
    return make_exam()


@pytest.fixture
def attempt(mock: MockExam, ana: User) -> Attempt:
    return start(mock, ana)


def stored(attempt: Attempt, slot: int) -> Response:
    return attempt.responses.get(slot=slot)


def kinds(attempt: Attempt) -> list[str]:
    return list(attempt.events.order_by("id").values_list("kind", flat=True))


def choice_slot(attempt: Attempt) -> int:
    slot = (
        attempt.responses.filter(version__item_type="multiple_choice").values_list("slot", flat=True).first()
    )
    assert slot is not None
    return slot


# ── starting ──


def test_a_repeated_start_gives_the_same_attempt(mock: MockExam, ana: User) -> None:
    first = start(mock, ana)

    assert start(mock, ana, now=NOW + timedelta(minutes=5)).pk == first.pk
    assert Attempt.objects.count() == 1


def test_a_start_makes_one_empty_response_per_slot(attempt: Attempt) -> None:
    assert list(attempt.responses.values_list("slot", flat=True)) == list(range(1, 9))
    assert attempt.deadline_at == DEADLINE


def test_accommodations_lengthen_the_time_of_a_timed_exam(mock: MockExam, ana: User) -> None:
    Accommodation.objects.create(learner=ana, time_factor=Decimal("1.25"), extra_minutes=10)

    assert start(mock, ana).deadline_at == NOW + timedelta(seconds=1200 * 1.25 + 600)


def test_the_window_cuts_the_time(mock: MockExam, ana: User) -> None:
    mock.closes_at = NOW + timedelta(minutes=5)

    assert start(mock, ana).deadline_at == mock.closes_at


@pytest.mark.parametrize(
    ("opens", "closes", "code"),
    [(1, None, "not_open_yet"), (None, -1, "window_over"), (None, 0, "window_over")],
)
def test_outside_of_the_window_nothing_starts(
    mock: MockExam, ana: User, opens: int | None, closes: int | None, code: str
) -> None:
    mock.opens_at = NOW + timedelta(minutes=opens) if opens is not None else None
    mock.closes_at = NOW + timedelta(minutes=closes) if closes is not None else None

    with pytest.raises(DeliveryError, match=code):
        start(mock, ana)


def test_a_start_after_the_time_is_over_closes_the_old_attempt_and_starts_nothing(
    mock: MockExam, ana: User
) -> None:
    old = start(mock, ana)

    late = start(mock, ana, now=DEADLINE + timedelta(seconds=11))

    assert late.pk == old.pk
    assert late.state == Attempt.State.CLOSED
    assert start(mock, ana, now=DEADLINE + timedelta(seconds=12)).number == 2


def test_each_learner_gets_the_paper_with_the_fewest_questions_they_have_met(ana: User) -> None:
    mock = make_exam(items=8, papers_wanted=2)
    first = start(mock, ana)
    for slot in range(1, 9):
        save(first, slot, key_of(first, slot))
    delivery.submit_attempt(first.pk, learner=ana, now=NOW)
    from exams import results

    results.score_attempt(first.pk, now=NOW)

    second = start(mock, ana)

    met = set(first.responses.values_list("version", flat=True)) & set(
        second.responses.values_list("version", flat=True)
    )
    assert second.paper_id != first.paper_id
    assert met == set()


# ── saving ──


def test_a_save_is_stored_and_logged(attempt: Attempt) -> None:
    slot = choice_slot(attempt)

    saved = save(attempt, slot, "b", is_flagged=True, struck=["c", "nonsense"])

    response = stored(attempt, slot)
    assert (response.answer, response.revision, response.is_flagged, response.struck) == ("b", 1, True, ["c"])
    assert (saved.revision, saved.seconds_left) == (1, 1200.0)
    assert kinds(attempt) == ["started", "saved"]


def test_a_lower_revision_never_overwrites(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b", revision=5)

    with pytest.raises(DeliveryError, match="stale") as caught:
        save(attempt, slot, "c", revision=4)

    assert stored(attempt, slot).answer == "b"
    assert caught.value.response is not None and caught.value.response.revision == 5
    assert kinds(attempt)[-1] == "stale"


def test_the_retry_of_a_save_whose_reply_was_lost_is_acknowledged_again(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    first = save(attempt, slot, "b", revision=1)

    again = save(attempt, slot, "b", revision=1, now=NOW + timedelta(seconds=30))

    assert again.saved_at == first.saved_at
    assert kinds(attempt) == ["started", "saved"]


def test_the_same_revision_with_another_answer_is_stale(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b", revision=1)

    with pytest.raises(DeliveryError, match="stale"):
        save(attempt, slot, "c", revision=1)


@pytest.mark.parametrize("revision", [0, -1, delivery.MAX_REVISION + 1])
def test_a_revision_out_of_range_is_refused(attempt: Attempt, revision: int) -> None:
    with pytest.raises(DeliveryError, match="bad_revision"):
        save(attempt, 1, None, revision=revision)


@pytest.mark.parametrize(
    ("answer", "code"), [("z", "unknown_option"), (["a"], "wrong_type"), ({"a": "b"}, "wrong_type")]
)
def test_a_malformed_answer_is_refused_and_changes_nothing(
    attempt: Attempt, answer: object, code: str
) -> None:
    slot = choice_slot(attempt)

    with pytest.raises(DeliveryError, match=code):
        save(attempt, slot, answer)

    assert stored(attempt, slot).revision == 0


def test_a_slot_that_is_not_there_is_not_found(attempt: Attempt) -> None:
    with pytest.raises(DeliveryError, match="not_found"):
        save(attempt, 99, "a")


def test_somebody_elses_attempt_is_not_found(attempt: Attempt, cleo: User) -> None:
    with pytest.raises(DeliveryError, match="not_found"):
        delivery.save_response(
            attempt.pk, learner_id=cleo.pk, slot=1, change=delivery.Change("a", revision=1), now=NOW
        )


def test_an_answer_can_be_taken_back(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b", revision=1)
    save(attempt, slot, None, revision=2)

    assert stored(attempt, slot).answer is None
    assert delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW).answered_count == 0


@pytest.mark.parametrize("seconds", [0.1, 9.9, 10])
def test_a_save_within_the_grace_counts_and_is_marked(attempt: Attempt, seconds: float) -> None:
    slot = choice_slot(attempt)

    saved = save(attempt, slot, "b", now=DEADLINE + timedelta(seconds=seconds))

    assert saved.seconds_left == 0
    assert stored(attempt, slot).is_in_grace
    assert kinds(attempt)[-1] == "saved_in_grace"


def test_a_save_at_the_deadline_is_in_time(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b", now=DEADLINE)

    assert not stored(attempt, slot).is_in_grace


def test_a_save_after_the_grace_is_evidence_only_and_closes_the_attempt(attempt: Attempt) -> None:
    slot = choice_slot(attempt)

    with pytest.raises(DeliveryError, match="closed"):
        save(attempt, slot, "b", now=DEADLINE + timedelta(seconds=10.1))

    attempt.refresh_from_db()
    late = attempt.events.get(kind=AttemptEvent.Kind.CAME_LATE)
    assert stored(attempt, slot).answer is None
    assert (late.slot, late.answer) == (slot, "b")
    assert (attempt.state, attempt.closed_reason) == ("closed", "time_ran_out")


def test_a_save_after_submitting_is_evidence_only(attempt: Attempt) -> None:
    receipt = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW).digest

    with pytest.raises(DeliveryError, match="closed"):
        save(attempt, choice_slot(attempt), "b")

    attempt.refresh_from_db()
    assert attempt.digest == receipt
    assert kinds(attempt)[-1] == "came_late"


def test_a_retry_after_closing_of_what_was_stored_is_acknowledged(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b")
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)

    assert save(attempt, slot, "b").revision == 1


def test_evidence_of_a_runaway_client_is_bounded(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_LATE_EVENTS", 3)
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    for revision in range(1, 6):
        with pytest.raises(DeliveryError, match="closed"):
            save(attempt, choice_slot(attempt), "b", revision=revision)

    assert kinds(attempt).count("came_late") == 3


def test_a_checked_answer_cannot_be_changed(attempt: Attempt) -> None:
    slot = choice_slot(attempt)
    save(attempt, slot, "b")
    delivery.check_response(attempt, slot=slot, now=NOW)

    with pytest.raises(DeliveryError, match="checked"):
        save(attempt, slot, "a", revision=2)


# ── the pulse ──


def test_seconds_only_grow_and_nonsense_is_ignored() -> None:
    merged = delivery.merge_seconds(
        {"1": 30}, {"1": 20, "2": 5, "9": 1, "x": 4, "3": -1, "4": True, "5": "7", "²": 3}, slots=8
    )

    assert merged == {"1": 30, "2": 5}


def test_a_pulse_after_closing_changes_nothing(attempt: Attempt) -> None:
    closed = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    delivery.note_pulse(closed, position=3, seconds={"1": 9}, now=NOW)

    attempt.refresh_from_db()
    assert (attempt.position, attempt.seconds_by_slot) == (1, {})


# ── closing ──


def test_a_repeated_submit_gives_the_same_receipt(attempt: Attempt) -> None:
    save(attempt, choice_slot(attempt), "b")
    first = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    again = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW + timedelta(hours=1))

    assert (again.digest, again.closed_at, again.answered_count) == (first.digest, first.closed_at, 1)
    assert kinds(attempt).count("closed") == 1


def test_the_digest_can_be_checked_by_hand(attempt: Attempt) -> None:
    import hashlib
    import json

    slot = choice_slot(attempt)
    save(attempt, slot, "b", revision=3)
    rows = [[n, 3 if n == slot else 0, "b" if n == slot else None] for n in range(1, 9)]

    closed = delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)

    text = json.dumps(rows, separators=(",", ":"))
    assert closed.digest == hashlib.sha256(text.encode()).hexdigest()


def test_somebody_else_cannot_submit(attempt: Attempt, cleo: User) -> None:
    with pytest.raises(DeliveryError, match="not_found"):
        delivery.submit_attempt(attempt.pk, learner=cleo, now=NOW)
    with pytest.raises(DeliveryError, match="not_found"):
        delivery.submit_attempt(uuid.uuid4(), learner=cleo, now=NOW)


def test_any_access_closes_an_overdue_attempt(attempt: Attempt) -> None:
    assert closing.close_if_overdue(attempt, now=DEADLINE + timedelta(seconds=10)).is_open

    closed = closing.close_if_overdue(attempt, now=DEADLINE + timedelta(seconds=10.1))

    assert (closed.state, closed.closed_reason) == ("closed", "time_ran_out")
    assert closed.ended_at == DEADLINE


def test_the_sweep_closes_all_that_is_overdue_and_nothing_else(mock: MockExam) -> None:
    overdue = [start(mock, make_user(), now=NOW - timedelta(hours=1)) for _ in range(5)]
    running = start(mock, make_user())

    assert closing.close_overdue(now=NOW, batch=2) == 5
    assert closing.close_overdue(now=NOW, batch=2) == 0

    assert set(Attempt.objects.filter(state="closed")) == set(overdue)
    assert Attempt.objects.get(pk=running.pk).is_open


def test_more_time_moves_the_deadline(attempt: Attempt) -> None:
    attempt.credit_seconds = 300

    assert starting.effective_deadline(attempt) == DEADLINE + timedelta(minutes=5)


def test_now_may_be_any_time_zone(mock: MockExam, ana: User) -> None:
    local = NOW.astimezone(timezone.get_fixed_timezone(-300))

    assert start(mock, ana, now=local).deadline_at == DEADLINE
