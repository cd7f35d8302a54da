"""Delivery: save, check, submit. The promise kept here: no answer is ever lost.

Every function takes one `now`, the server's; the browser's clock decides nothing. A save and a close both
hold the attempt's row while they work, so that a save is acknowledged before the receipt is written and
is in it, or is refused (docs/decisions/0003-a-save-holds-its-attempt.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction

from accounts.models import User
from exams import closing, items
from exams.models import Attempt, AttemptEvent, Response
from exams.prepared import Parameter, PreparedRows
from questions import answers
from questions.content import Answer

MAX_REVISION = 2_000_000_000
MAX_SLOT = 32_767
"""What the columns hold: beyond them the database has no answer but an error."""
MAX_LATE_EVENTS = 500
"""Answers that came too late are evidence; a runaway client's are not worth more rows than this."""


class DeliveryError(Exception):
    """`code`: not_found, not_open_yet, window_over, no_paper, bad_revision, closed, paused, stale, checked, or
    an `AnswerError`'s. `response` is the stored state where there is one."""

    def __init__(self, code: str, *, response: Response | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.response = response


@dataclass(frozen=True)
class Change:
    """What a learner's browser wants stored for one slot. None leaves flag and strikes as they are."""

    answer: Any
    revision: int
    is_flagged: bool | None = None
    struck: Sequence[str] | None = None


@dataclass(frozen=True)
class Saved:
    slot: int
    revision: int
    saved_at: datetime
    seconds_left: float


# In the order of the model: that is how `from_db` reads them.
ATTEMPT_FIELDS = ("id", "learner_id", "state", "paused_at", "deadline_at")
RESPONSE_FIELDS = (
    "slot",
    "version_id",
    "answer",
    "revision",
    "is_flagged",
    "struck",
    "saved_at",
    "checked_at",
)
_OWN_SLOT = PreparedRows(
    # The attempt's row is locked first on PostgreSQL, so that a close waits for this save or refuses it.
    Attempt.objects.select_for_update(no_key=True)
    .filter(
        pk=Parameter("attempt_id", models.UUIDField()),
        learner=Parameter("learner_id", models.BigIntegerField()),
        responses__slot=Parameter("slot", models.IntegerField()),
    )
    .order_by()
    .values_list(*ATTEMPT_FIELDS, "responses__id", *(f"responses__{field}" for field in RESPONSE_FIELDS))
)


def save_response(
    attempt_id: uuid.UUID, *, learner_id: int, slot: int, change: Change, now: datetime
) -> Saved:
    """Store one answer, or raise `DeliveryError`.

    A revision at or below the stored one never overwrites; the same revision with the same value is the
    retry of a save whose reply was lost, and is acknowledged again.
    """
    if not 1 <= change.revision <= MAX_REVISION:
        raise DeliveryError("bad_revision")
    if slot > MAX_SLOT:
        raise DeliveryError("not_found")
    with transaction.atomic():
        response = _lock_slot(attempt_id, learner_id=learner_id, slot=slot)
        if response is None:
            raise DeliveryError("not_found")
        attempt = response.attempt
        outcome = _save(response, change, now=now)
        if outcome is None:
            # Another tab's save was committed while this one waited: its answer is what counts as stored.
            response.refresh_from_db(fields=RESPONSE_FIELDS)
            outcome = _save(response, change, now=now)
            assert outcome is not None, "nobody writes a slot while this transaction holds the attempt"
    if isinstance(outcome, DeliveryError):
        # Raised outside, so that the evidence of it is committed.
        if outcome.code == "closed":
            closing.close_if_overdue(attempt, now=now)
        raise outcome
    return outcome


def _lock_slot(attempt_id: uuid.UUID, *, learner_id: int, slot: int) -> Response | None:
    """The stored response with its attempt, both with the fields that a save needs."""
    rows = _OWN_SLOT.run(attempt_id=attempt_id, learner_id=learner_id, slot=slot)
    if not rows:
        return None
    row = rows[0]
    response = Response.from_db(None, ("id", *RESPONSE_FIELDS), row[len(ATTEMPT_FIELDS) :])
    response.attempt = Attempt.from_db(None, ATTEMPT_FIELDS, row[: len(ATTEMPT_FIELDS)])
    return response


def _save(response: Response, change: Change, *, now: datetime) -> Saved | DeliveryError | None:
    """Judge a change by the stored state and store it; None when that state is no longer what is stored.

    A lock that had to be waited for is granted on a row read before the wait: hence the guards in the UPDATE.
    """
    attempt = response.attempt
    try:
        wanted = _wanted(response, change)
    except answers.AnswerError as error:
        raise DeliveryError(error.code) from error

    if change.revision == response.revision and wanted == _stored(response):
        assert response.saved_at is not None
        return Saved(response.slot, response.revision, response.saved_at, seconds_left(attempt, now=now))
    if not attempt.is_open or now > attempt.deadline_at + closing.grace():
        return _refuse(response, change, wanted, AttemptEvent.Kind.CAME_LATE, "closed", now)
    if is_paused(attempt, now=now):
        # Neither stored nor lost: whoever sent it keeps it and sends it again after the pause.
        return DeliveryError("paused", response=response)
    if response.checked_at is not None:
        return DeliveryError("checked", response=response)
    if change.revision <= response.revision:
        response.refresh_from_db(fields=RESPONSE_FIELDS)
        return _refuse(response, change, wanted, AttemptEvent.Kind.STALE, "stale", now)
    is_late = now > attempt.deadline_at
    answer, is_flagged, struck = wanted
    is_stored = Response.objects.filter(pk=response.pk, revision=response.revision, checked_at=None).update(
        answer=answer,
        revision=change.revision,
        is_flagged=is_flagged,
        struck=struck,
        saved_at=now,
        is_in_grace=is_late,
    )
    if not is_stored:
        return None
    record(
        attempt,
        AttemptEvent.Kind.SAVED_IN_GRACE if is_late else AttemptEvent.Kind.SAVED,
        at=now,
        slot=response.slot,
        revision=change.revision,
        answer=answer,
        detail={"flagged": is_flagged} if is_flagged else {},
    )
    return Saved(response.slot, change.revision, now, seconds_left(attempt, now=now))


Stored = tuple[Answer, bool, list[str]]


def _stored(response: Response) -> Stored:
    return response.answer, response.is_flagged, response.struck


def _wanted(response: Response, change: Change) -> Stored:
    shape = items.facts([response.version_id])[response.version_id].shape
    answer = answers.parse(shape, change.answer)
    is_flagged = response.is_flagged if change.is_flagged is None else change.is_flagged
    struck = response.struck if change.struck is None else sorted(set(change.struck) & shape.option_ids)
    return answer, is_flagged, struck


def _refuse(
    response: Response, change: Change, wanted: Stored, kind: AttemptEvent.Kind, code: str, now: datetime
) -> DeliveryError:
    """Keep what was refused as evidence; it counts for nothing."""
    attempt = response.attempt
    if attempt.events.filter(kind=kind).count() < MAX_LATE_EVENTS:
        record(attempt, kind, at=now, slot=response.slot, revision=change.revision, answer=wanted[0])
    return DeliveryError(code, response=response)


def check_response(attempt: Attempt, *, slot: int, now: datetime) -> Response:
    """Practice: settle the stored answer of a slot, so that its key may be shown; it can't change any more."""
    with transaction.atomic():
        response = (
            Response.objects.select_for_update(of=("attempt", "self"), no_key=True)
            .select_related("attempt", "version__topic", "version__scenario_version__scenario")
            .filter(attempt=attempt, slot=slot)
            .first()
        )
        if response is None:
            raise DeliveryError("not_found")
        if not response.attempt.is_open or now > response.attempt.deadline_at + closing.grace():
            raise DeliveryError("closed", response=response)
        if is_paused(response.attempt, now=now):
            raise DeliveryError("paused", response=response)
        if response.checked_at is None:
            response.checked_at = now
            response.save(update_fields=("checked_at",))
            record(attempt, AttemptEvent.Kind.CHECKED, at=now, slot=slot, revision=response.revision)
    return response


def record(
    attempt: Attempt,
    kind: AttemptEvent.Kind,
    *,
    at: datetime,
    slot: int | None = None,
    revision: int | None = None,
    answer: Answer = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append to the attempt's log."""
    AttemptEvent.objects.create(
        attempt=attempt,
        kind=kind,
        at=at,
        slot=slot,
        revision=revision,
        answer=answer,
        detail=dict(detail or {}),
    )


_OWN = Response.objects.filter(attempt=models.OuterRef("pk")).order_by().values("attempt")
PROGRESS = {
    "answered_so_far": models.Subquery(
        _OWN.annotate(n=models.Count("pk", filter=models.Q(answer__isnull=False))).values("n")
    ),
    "last_saved_at": models.Subquery(_OWN.annotate(at=models.Max("saved_at")).values("at")),
}
"""Counted where the answers are, in the UPDATE of the pulse: a save has nothing more to write for it."""


def note_pulse(attempt: Attempt, *, position: int | None, seconds: Mapping[str, Any], now: datetime) -> None:
    """Keep where the learner is, the seconds spent per slot (they only grow), and how much is answered."""
    if not attempt.is_open:
        return
    attempt.seconds_by_slot = merge_seconds(attempt.seconds_by_slot, seconds, slots=attempt.paper.item_count)
    if position is not None and 1 <= position <= attempt.paper.item_count:
        attempt.position = position
    attempt.last_seen_at = now
    Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.IN_PROGRESS).update(
        position=attempt.position, last_seen_at=now, seconds_by_slot=attempt.seconds_by_slot, **PROGRESS
    )


def note_progress(attempt_id: uuid.UUID, *, now: datetime) -> None:
    """What a pulse keeps for whoever watches, after a form was saved without one."""
    Attempt.objects.filter(pk=attempt_id, state=Attempt.State.IN_PROGRESS).update(
        last_seen_at=now, **PROGRESS
    )


def merge_seconds(known: Mapping[str, int], reported: Mapping[str, Any], *, slots: int) -> dict[str, int]:
    """The larger of two figures per slot; what isn't a slot with whole seconds of at most a day is ignored."""
    merged = dict(known)
    known_slots = set(map(str, range(1, slots + 1)))
    for slot, seconds in reported.items():
        is_whole = isinstance(seconds, int) and not isinstance(seconds, bool)
        if slot in known_slots and is_whole and 0 <= seconds <= 86_400:
            merged[slot] = max(merged.get(slot, 0), seconds)
    return merged


def seconds_left(attempt: Attempt, *, now: datetime) -> float:
    """Seconds to the deadline, never below zero; those that stand still while the attempt is paused."""
    return closing.time_left(attempt, now=now).total_seconds()


def is_paused(attempt: Attempt, *, now: datetime) -> bool:
    """Whether saves have to wait: what was on its way when the pause began still arrives."""
    return attempt.paused_at is not None and now > attempt.paused_at + closing.grace()


def submit_attempt(
    attempt_id: uuid.UUID, *, learner: User, now: datetime, seconds: Mapping[str, Any] | None = None
) -> Attempt:
    """Close the learner's attempt and return it with its receipt; repeated, the same receipt."""
    with transaction.atomic():
        attempt = (
            Attempt.objects.sat_by(learner)
            .select_for_update(of=("self",), no_key=True)
            .select_related("paper")
            .filter(pk=attempt_id)
            .first()
        )
        if attempt is None:
            raise DeliveryError("not_found")
        if attempt.is_open:
            attempt.seconds_by_slot = merge_seconds(
                attempt.seconds_by_slot, seconds or {}, slots=attempt.paper.item_count
            )
            closing.close_locked([attempt], now=now)
    return attempt
