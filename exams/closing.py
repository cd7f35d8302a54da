"""Closing: the receipt over what is stored, then scoring. The promise kept here: no exam stays open.

Every function takes one `now`, the server's. A close holds the attempt's row before it reads the answers, as a
save does before it writes one (docs/decisions/0003-a-save-holds-its-attempt.md).
"""

from __future__ import annotations

import math
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from exams import tasks
from exams.models import Attempt, AttemptEvent, Response
from questions.content import Answer, fingerprint

FLOOD = 200
"""How many attempts one sweep closes with a message to score each."""
LONGEST_PAUSE = timedelta(hours=24)
"""A paused attempt's deadline lies this much later, so that it closes even if nobody resumes it."""


def grace() -> timedelta:
    return timedelta(seconds=settings.GRACE_SECONDS)


def time_left(attempt: Attempt, *, now: datetime) -> timedelta:
    """What the learner has left, never below zero; while the attempt is paused it stands still."""
    if attempt.paused_at is not None:
        now, deadline_at = attempt.paused_at, attempt.deadline_at - LONGEST_PAUSE
    else:
        deadline_at = attempt.deadline_at
    return max(timedelta(0), deadline_at - now)


def end_pause(attempt: Attempt, *, now: datetime) -> timedelta:
    """Give back the time of the pause, in whole seconds; return it. The caller holds the row and stores it.

    Deadline, credit and window move alike, as `starting.effective_deadline` would have it.
    """
    assert attempt.paused_at is not None
    paused = timedelta(seconds=math.ceil((now - attempt.paused_at).total_seconds()))
    attempt.deadline_at += paused - LONGEST_PAUSE
    attempt.credit_seconds += int(paused.total_seconds())
    if attempt.window_ends_at is not None:
        attempt.window_ends_at += paused
    attempt.paused_at = None
    return paused


def close_if_overdue(attempt: Attempt, *, now: datetime) -> Attempt:
    """What every access to an attempt does first: nobody finds an exam open whose time is over."""
    if not attempt.is_open or now <= attempt.deadline_at + grace():
        return attempt
    with transaction.atomic():
        locked = Attempt.objects.select_for_update(of=("self",), no_key=True).get(pk=attempt.pk)
        if locked.is_open and now > locked.deadline_at + grace():
            close_locked([locked], now=now)
    return Attempt.objects.select_related("paper", "mock", "assignment").get(pk=attempt.pk)


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
            close_locked(overdue, now=now, is_scored_at_once=closed < FLOOD)
        closed += len(overdue)
        after = time.monotonic()
        if len(overdue) < batch or after - begun > seconds:
            return closed
        time.sleep(after - before)


CLOSE_FIELDS = (
    *("state", "closed_at", "closed_reason", "answered_count", "digest", "seconds_by_slot"),
    *("paused_at", "deadline_at", "credit_seconds", "window_ends_at", "control_revision"),
)


def close_locked(
    attempts: Sequence[Attempt],
    *,
    now: datetime,
    is_scored_at_once: bool = True,
    by_staff: Mapping[str, Any] | None = None,
) -> None:
    """Close attempts whose rows the caller holds: the receipt over what is stored now; scoring, when committed.

    by_staff: who closed them and why, for the log; None when they were submitted or their time ran out.
    """
    if not attempts:
        return
    stored: dict[uuid.UUID, list[tuple[int, int, Answer]]] = defaultdict(list)
    rows = Response.objects.filter(attempt__in=attempts).order_by("attempt_id", "slot")
    for attempt_id, slot, revision, answer in rows.values_list("attempt_id", "slot", "revision", "answer"):
        stored[attempt_id].append((slot, revision, answer))
    for attempt in attempts:
        attempt.closed_reason = _reason(attempt, now=now, is_by_staff=by_staff is not None)
        attempt.state = Attempt.State.CLOSED
        attempt.closed_at = now
        if attempt.paused_at is not None:
            end_pause(attempt, now=now)
        attempt.answered_count = sum(answer is not None for _, _, answer in stored[attempt.pk])
        attempt.digest = receipt_digest(stored[attempt.pk])
    # They exist and are locked, so that this only updates: at a tenth of the cost of `bulk_update`.
    Attempt.objects.bulk_create(
        attempts,
        update_conflicts=True,
        unique_fields=("id",),
        update_fields=CLOSE_FIELDS,
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
                **(by_staff or {}),
            },
            revision=attempt.control_revision if by_staff is not None else None,
        )
        for attempt in attempts
    )
    if is_scored_at_once:
        tasks.enqueue_scoring([attempt.pk for attempt in attempts])


def _reason(attempt: Attempt, *, now: datetime, is_by_staff: bool) -> Attempt.ClosedReason:
    if now > attempt.deadline_at:
        return Attempt.ClosedReason.TIME_RAN_OUT
    return Attempt.ClosedReason.CLOSED_BY_STAFF if is_by_staff else Attempt.ClosedReason.SUBMITTED


def receipt_digest(stored: Iterable[tuple[int, int, Answer]]) -> str:
    """SHA-256 over the JSON list of [slot, revision, answer] in slot order, without blanks between tokens."""
    return fingerprint([list(row) for row in stored])
