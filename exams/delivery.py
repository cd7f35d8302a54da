"""Delivery: start, save, close. The promise kept here: no answer is ever lost, and no exam stays open.

Every function takes one `now`, the server's; the browser's clock decides nothing. A save and a close both
hold the attempt's row while they work, so that a save is acknowledged before the receipt is written and
is in it, or is refused (docs/decisions/0003-a-save-holds-its-attempt.md).
"""

from __future__ import annotations

import math
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Accommodation, Role, User
from exams import assembly, items, tasks
from exams.models import Attempt, AttemptEvent, Exposure, MockExam, Paper, PaperItem, Response
from exams.prepared import Parameter, PreparedRows
from questions import answers
from questions.content import Answer, fingerprint

MAX_REVISION = 2_000_000_000
MAX_SLOT = 32_767
"""What the columns hold: beyond them the database has no answer but an error."""
MAX_LATE_EVENTS = 500
"""Answers that came too late are evidence; a runaway client's are not worth more rows than this."""

FLOOD = 200
"""How many attempts one sweep closes with a message to score each."""


class DeliveryError(Exception):
    """`code`: not_found, not_open_yet, window_over, no_paper, bad_revision, closed, stale, checked, or an
    `AnswerError`'s. `response` is the stored state where there is one."""

    def __init__(self, code: str, *, response: Response | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.response = response


# ── time ──


@dataclass(frozen=True)
class Allowance:
    """How long a learner has, in seconds, and where it comes from."""

    base: int
    factor: Decimal
    extra: int

    @property
    def total(self) -> int:
        return int((self.base * self.factor).quantize(Decimal(1), ROUND_HALF_UP)) + self.extra


def allowance(seconds: int, accommodation: Accommodation | None) -> Allowance:
    if accommodation is None:
        return Allowance(seconds, Decimal(1), 0)
    return Allowance(seconds, accommodation.time_factor, accommodation.extra_minutes * 60)


def accommodation_of(learner: User) -> Accommodation | None:
    return Accommodation.objects.filter(learner=learner).first()


def effective_deadline(attempt: Attempt) -> datetime:
    """min(start + seconds × factor + extra + credits, end of the window); stored as `deadline_at`."""
    allowed = Allowance(attempt.seconds_allowed, attempt.time_factor, attempt.extra_seconds)
    own = attempt.started_at + timedelta(seconds=allowed.total + attempt.credit_seconds)
    return min(own, attempt.window_ends_at) if attempt.window_ends_at else own


def grace() -> timedelta:
    return timedelta(seconds=settings.GRACE_SECONDS)


def seconds_left(deadline_at: datetime, now: datetime) -> float:
    """Seconds to the deadline, never below zero."""
    return max(0.0, (deadline_at - now).total_seconds())


# ── starting ──


def start_attempt(mock: MockExam, *, learner: User, now: datetime) -> Attempt:
    """The learner's running attempt of this mock, or a new one: a repeated start gives the same attempt.

    A running attempt whose time is over is closed and returned, so that a late click starts nothing.
    """
    running = Attempt.objects.sat_by(learner).filter(mock=mock, state=Attempt.State.IN_PROGRESS).first()
    if running is not None:
        return close_if_overdue(running, now=now)
    if mock.opens_at and now < mock.opens_at:
        raise DeliveryError("not_open_yet")
    if mock.closes_at and now >= mock.closes_at:
        raise DeliveryError("window_over")
    paper = _pick_paper(mock, learner) or _assemble_now(mock, learner, now=now)
    number = Attempt.objects.sat_by(learner).filter(mock=mock).count() + 1
    try:
        return create_attempt(
            paper,
            learner=learner,
            mock=mock,
            number=number,
            allowed=allowance(mock.seconds, accommodation_of(learner)),
            window_ends_at=mock.closes_at,
            now=now,
        )
    except IntegrityError:
        # A second tab was a moment faster: the database lets one running attempt of a mock exist.
        return Attempt.objects.sat_by(learner).get(mock=mock, state=Attempt.State.IN_PROGRESS)


@transaction.atomic
def create_attempt(
    paper: Paper,
    *,
    learner: User,
    now: datetime,
    allowed: Allowance,
    mock: MockExam | None = None,
    number: int = 1,
    purpose: Attempt.Purpose | None = None,
    is_timed: bool = True,
    window_ends_at: datetime | None = None,
    start_key: uuid.UUID | None = None,
) -> Attempt:
    """Store an attempt with one empty response per slot. Raises `IntegrityError` for a repeated start."""
    if purpose is None:
        purpose = Attempt.Purpose.MOCK if learner.role == Role.LEARNER else Attempt.Purpose.STAFF
    attempt = Attempt(
        learner=learner,
        paper=paper,
        mock=mock,
        purpose=purpose,
        number=number,
        start_key=start_key or uuid.uuid4(),
        option_seed=random.getrandbits(62),
        started_at=now,
        last_seen_at=now,
        is_timed=is_timed,
        seconds_allowed=allowed.base,
        time_factor=allowed.factor,
        extra_seconds=allowed.extra,
        window_ends_at=window_ends_at,
    )
    attempt.deadline_at = effective_deadline(attempt)
    attempt.save(force_insert=True)
    slots = (
        PaperItem.objects.filter(paper=paper).order_by("slot").values_list("slot", "version_id", "is_scored")
    )
    Response.objects.bulk_create(
        Response(attempt=attempt, slot=slot, version_id=version_id, is_scored=is_scored)
        for slot, version_id, is_scored in slots
    )
    record(
        attempt, AttemptEvent.Kind.STARTED, at=now, detail={"deadline_at": attempt.deadline_at.isoformat()}
    )
    return attempt


def _pick_paper(mock: MockExam, learner: User) -> Paper | None:
    """The ready paper with the fewest questions that this learner has met; its cost is that of the papers."""
    met = Exposure.objects.filter(learner=learner).values("question")
    return (
        mock.papers.filter(withdrawn_at=None)
        .annotate(met=models.Count("items", filter=models.Q(items__version__question__in=met)))
        .order_by("met", "number")
        .first()
    )


def _assemble_now(mock: MockExam, learner: User, *, now: datetime) -> Paper:
    try:
        assembly.ensure_papers(mock, now=now)
    except assembly.AssemblyError as error:
        raise DeliveryError("no_paper") from error
    paper = _pick_paper(mock, learner)
    if paper is None:
        raise DeliveryError("no_paper")
    return paper


# ── saving ──


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


ATTEMPT_FIELDS = ("id", "learner_id", "state", "deadline_at")
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
            close_if_overdue(attempt, now=now)
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
        return Saved(
            response.slot, response.revision, response.saved_at, seconds_left(attempt.deadline_at, now)
        )
    if not attempt.is_open or now > attempt.deadline_at + grace():
        return _refuse(response, change, wanted, AttemptEvent.Kind.CAME_LATE, "closed", now)
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
    return Saved(response.slot, change.revision, now, seconds_left(attempt.deadline_at, now))


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
        if not response.attempt.is_open or now > response.attempt.deadline_at + grace():
            raise DeliveryError("closed", response=response)
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


def note_pulse(attempt: Attempt, *, position: int | None, seconds: Mapping[str, Any], now: datetime) -> None:
    """Keep where the learner is and the seconds spent per slot; a slot's seconds only grow."""
    if not attempt.is_open:
        return
    attempt.seconds_by_slot = merge_seconds(attempt.seconds_by_slot, seconds, slots=attempt.paper.item_count)
    if position is not None and 1 <= position <= attempt.paper.item_count:
        attempt.position = position
    attempt.last_seen_at = now
    Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.IN_PROGRESS).update(
        position=attempt.position, last_seen_at=now, seconds_by_slot=attempt.seconds_by_slot
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


# ── closing ──


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
            _close([attempt], now=now)
    return attempt


def close_if_overdue(attempt: Attempt, *, now: datetime) -> Attempt:
    """What every access to an attempt does first: nobody finds an exam open whose time is over."""
    if not attempt.is_open or now <= attempt.deadline_at + grace():
        return attempt
    with transaction.atomic():
        locked = Attempt.objects.select_for_update(of=("self",), no_key=True).get(pk=attempt.pk)
        if locked.is_open and now > locked.deadline_at + grace():
            _close([locked], now=now)
    return Attempt.objects.select_related("paper", "mock").get(pk=attempt.pk)


def close_overdue(*, now: datetime, batch: int | None = None, seconds: float = math.inf) -> int:
    """Close overdue attempts, for about so many `seconds`; return how many. Several may run at once.

    batch: how many a transaction closes. Between two of them it rests for as long as one worked, so that those
    who still sit are not slowed down.
    """
    # SQLite has one writer, for whom every learner's save waits: transactions are short there.
    batch = batch or (200 if connection.features.has_select_for_update else 10)
    closed, begun = 0, time.monotonic()
    while True:
        with transaction.atomic():
            before = time.monotonic()
            overdue = list(
                Attempt.objects.overdue(now)
                .select_for_update(skip_locked=True, of=("self",), no_key=True)
                .order_by("deadline_at")[:batch]
            )
            # A flood of messages would stand before those of learners who wait: the sweep scores the rest.
            _close(overdue, now=now, is_scored_at_once=closed < FLOOD)
        closed += len(overdue)
        after = time.monotonic()
        if len(overdue) < batch or after - begun > seconds:
            return closed
        time.sleep(after - before)


def _close(attempts: Sequence[Attempt], *, now: datetime, is_scored_at_once: bool = True) -> None:
    """Close locked attempts: first the receipt over what is stored now, then scoring, when committed."""
    if not attempts:
        return
    stored: dict[uuid.UUID, list[tuple[int, int, Answer]]] = defaultdict(list)
    rows = Response.objects.filter(attempt__in=attempts).order_by("attempt_id", "slot")
    for attempt_id, slot, revision, answer in rows.values_list("attempt_id", "slot", "revision", "answer"):
        stored[attempt_id].append((slot, revision, answer))
    for attempt in attempts:
        is_late = now > attempt.deadline_at
        attempt.state = Attempt.State.CLOSED
        attempt.closed_at = now
        attempt.closed_reason = (
            Attempt.ClosedReason.TIME_RAN_OUT if is_late else Attempt.ClosedReason.SUBMITTED
        )
        attempt.answered_count = sum(answer is not None for _, _, answer in stored[attempt.pk])
        attempt.digest = receipt_digest(stored[attempt.pk])
    # They exist and are locked, so that this only updates: at a tenth of the cost of `bulk_update`.
    Attempt.objects.bulk_create(
        attempts,
        update_conflicts=True,
        unique_fields=("id",),
        update_fields=("state", "closed_at", "closed_reason", "answered_count", "digest", "seconds_by_slot"),
    )
    AttemptEvent.objects.bulk_create(
        AttemptEvent(
            attempt=attempt,
            kind=AttemptEvent.Kind.CLOSED,
            at=now,
            detail={
                "reason": attempt.closed_reason,
                "answered": attempt.answered_count,
                "digest": attempt.digest,
            },
        )
        for attempt in attempts
    )
    if is_scored_at_once:
        tasks.enqueue_scoring([attempt.pk for attempt in attempts])


def receipt_digest(stored: Iterable[tuple[int, int, Answer]]) -> str:
    """SHA-256 over the JSON list of [slot, revision, answer] in slot order, without blanks between tokens."""
    return fingerprint([list(row) for row in stored])
