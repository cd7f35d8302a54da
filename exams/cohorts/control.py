"""What staff do to running attempts of an assignment: more time, pauses, messages, an end, a second chance.

Each holds the attempts' rows as a save and a close do (docs/decisions/0003-a-save-holds-its-attempt.md), always in
the order of their keys, so that two at once can't lock each other out. Each leaves a line in the assignment's log
and one in every attempt's, and raises the attempt's `control_revision`, by which the player notices.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from exams import closing
from exams.cohorts import pauses
from exams.cohorts.trail import visible_to_learner
from exams.models import Assignment, AssignmentEvent, Attempt, AttemptEvent
from exams.statistics.undoing import undo_scoring

__all__ = ["visible_to_learner"]

MAX_MINUTES = 600
MAX_TEXT = 500
MAX_REASON = 300
LONGEST_INCIDENT = timedelta(hours=24)

Kind = AssignmentEvent.Kind
Chosen = Collection[uuid.UUID] | None
"""The attempts that were selected; None: all of the assignment that run."""


class ControlError(Exception):
    """`code`: no_reason, no_text, bad_minutes, bad_period, nobody, not_found, still_running or runs_elsewhere."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def add_minutes(
    assignment: Assignment, *, by: User, minutes: int, reason: str, now: datetime, chosen: Chosen = None
) -> int:
    """Move the deadline by exactly so many minutes, the window too where it would cut them. Returns how many."""
    reason = _reason(reason)
    _check_minutes(minutes)
    attempts = _running(assignment, chosen, now=now)
    for attempt in attempts:
        _credit(attempt, timedelta(minutes=minutes))
    _keep(attempts)
    _log_each(attempts, AttemptEvent.Kind.DEADLINE_CHANGED, by, now, why=reason, minutes=minutes)
    _log(assignment, Kind.TIME_ADDED, attempts, chosen, by, now, reason, minutes=minutes)
    return len(attempts)


@transaction.atomic
def pause(assignment: Assignment, *, by: User, reason: str, now: datetime, chosen: Chosen = None) -> int:
    """Stop the clocks of those that run and have time left. Nobody's attempt stays open for ever by it."""
    reason = _reason(reason)
    attempts = _running(
        assignment, chosen, now=now, only=lambda a: a.paused_at is None and now < a.deadline_at
    )
    for attempt in attempts:
        attempt.paused_at = now
        attempt.deadline_at += closing.LONGEST_PAUSE
    _keep(attempts)
    _log_each(attempts, AttemptEvent.Kind.PAUSED, by, now, has_end=False, why=reason)
    _log(assignment, Kind.PAUSED, attempts, chosen, by, now, reason)
    return len(attempts)


@transaction.atomic
def resume(
    assignment: Assignment, *, by: User, now: datetime, reason: str = "", chosen: Chosen = None
) -> int:
    """Let the clocks run on with what was left when they stopped."""
    attempts = _running(assignment, chosen, now=now, only=lambda a: a.paused_at is not None)
    for attempt in attempts:
        closing.end_pause(attempt, now=now)
    _keep(attempts)
    _log_each(attempts, AttemptEvent.Kind.RESUMED, by, now, why=reason.strip()[:MAX_REASON])
    _log(assignment, Kind.RESUMED, attempts, chosen, by, now, reason.strip()[:MAX_REASON])
    return len(attempts)


@transaction.atomic
def close_now(assignment: Assignment, *, by: User, reason: str, now: datetime, chosen: Chosen = None) -> int:
    """End them with what is saved; they are scored like any other."""
    reason = _reason(reason)
    attempts = _running(assignment, chosen, now=now)
    for attempt in attempts:
        attempt.control_revision += 1
    closing.close_locked(
        attempts,
        now=now,
        is_scored_at_once=len(attempts) <= closing.FLOOD,
        by_staff={"by": by.pk, "why": reason},
    )
    _log(assignment, Kind.CLOSED, attempts, chosen, by, now, reason)
    return len(attempts)


@transaction.atomic
def message(assignment: Assignment, *, by: User, text: str, now: datetime, chosen: Chosen = None) -> int:
    """Show a text in the players, without a reload."""
    text = text.strip()
    if not 0 < len(text) <= MAX_TEXT:
        raise ControlError("no_text")
    attempts = _running(assignment, chosen, now=now)
    _keep(attempts)
    _log_each(attempts, AttemptEvent.Kind.MESSAGE, by, now, has_end=False, text=text)
    _log(assignment, Kind.MESSAGE, attempts, chosen, by, now, "", text=text)
    return len(attempts)


@transaction.atomic
def credit_incident(
    assignment: Assignment, *, by: User, begun_at: datetime, ended_at: datetime, reason: str, now: datetime
) -> int:
    """Give everybody who still runs the minutes of it that ran off their clock: not those before their start,
    not those of a pause. Rounded up to whole minutes. Returns how many got some."""
    reason = _reason(reason)
    if not begun_at < ended_at <= now or ended_at - begun_at > LONGEST_INCIDENT:
        raise ControlError("bad_period")
    running = _running(assignment, None, now=now, only=lambda a: a.started_at < ended_at)
    paused = pauses.within([a.pk for a in running], begun_at=begun_at, ended_at=ended_at)
    hit: list[Attempt] = []
    minutes: dict[uuid.UUID, int] = {}
    for attempt in running:
        lost = ended_at - max(begun_at, attempt.started_at) - paused.get(attempt.pk, timedelta(0))
        minutes[attempt.pk] = math.ceil(lost / timedelta(minutes=1))
        if minutes[attempt.pk] > 0:
            _credit(attempt, timedelta(minutes=minutes[attempt.pk]))
            hit.append(attempt)
    if not hit:
        raise ControlError("nobody")
    _keep(hit)
    _log_each(
        hit,
        AttemptEvent.Kind.DEADLINE_CHANGED,
        by,
        now,
        each=lambda a: {"minutes": minutes[a.pk]},
        why=reason,
    )
    period = {"from": begun_at.isoformat(), "to": ended_at.isoformat()}
    _log(assignment, Kind.TIME_ADDED, hit, None, by, now, reason, **period)
    return len(hit)


def reopen(
    assignment: Assignment, attempt_id: uuid.UUID, *, by: User, minutes: int, reason: str, now: datetime
) -> Attempt:
    """Let a learner go on with a closed attempt for so many minutes: its receipt and its result are taken back."""
    reason = _reason(reason)
    _check_minutes(minutes)
    try:
        with transaction.atomic():
            return _reopen(assignment, attempt_id, by=by, minutes=minutes, reason=reason, now=now)
    except IntegrityError as error:
        # A start was a moment faster: the database lets one running attempt of a mock exist.
        raise ControlError("runs_elsewhere") from error


def _reopen(
    assignment: Assignment, attempt_id: uuid.UUID, *, by: User, minutes: int, reason: str, now: datetime
) -> Attempt:
    own = Attempt.objects.filter(assignment=assignment, pk=attempt_id)
    attempt = own.select_for_update(of=("self",), no_key=True).first()
    if attempt is None:
        raise ControlError("not_found")
    if attempt.is_open:
        raise ControlError("still_running")
    others = Attempt.objects.filter(learner=attempt.learner_id, state=Attempt.State.IN_PROGRESS)
    if attempt.mock_id is not None and others.filter(mock=attempt.mock_id).exists():
        raise ControlError("runs_elsewhere")
    if attempt.state == Attempt.State.SCORED:
        undo_scoring(attempt, now=now)
    _open_again(attempt, deadline_at=now + timedelta(minutes=minutes))
    attempt.control_revision += 1
    attempt.save()
    _log_each([attempt], AttemptEvent.Kind.REOPENED, by, now, why=reason, minutes=minutes)
    _log(assignment, Kind.REOPENED, [attempt], [attempt.pk], by, now, reason, minutes=minutes)
    return attempt


def _open_again(attempt: Attempt, *, deadline_at: datetime) -> None:
    """Credit and window only grow: an end before the former one leaves both, so that nothing is shown sooner."""
    attempt.state = Attempt.State.IN_PROGRESS
    attempt.closed_at = attempt.scored_at = attempt.folded_at = attempt.answered_count = None
    attempt.closed_reason = attempt.digest = ""
    later = deadline_at - attempt.deadline_at
    if later > timedelta(0):
        attempt.credit_seconds += math.ceil(later.total_seconds())
        if attempt.window_ends_at is not None:
            attempt.window_ends_at = max(attempt.window_ends_at, deadline_at)
    attempt.deadline_at = deadline_at


# ── parts ──


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise ControlError("no_reason")
    return reason


def _check_minutes(minutes: int) -> None:
    if not 1 <= minutes <= MAX_MINUTES:
        raise ControlError("bad_minutes")


def _running(
    assignment: Assignment,
    chosen: Chosen,
    *,
    now: datetime,
    only: Callable[[Attempt], bool] = lambda attempt: True,
) -> list[Attempt]:
    """Those that run, held. One whose time and grace are over is as good as closed. Raises when none is left."""
    rows = Attempt.objects.filter(
        assignment=assignment, state=Attempt.State.IN_PROGRESS, deadline_at__gte=now - closing.grace()
    )
    if chosen is not None:
        rows = rows.filter(pk__in=chosen)
    held = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    attempts = [attempt for attempt in held if only(attempt)]
    if not attempts:
        raise ControlError("nobody")
    return attempts


def _credit(attempt: Attempt, time: timedelta) -> None:
    attempt.credit_seconds += int(time.total_seconds())
    attempt.deadline_at += time
    if attempt.window_ends_at is not None:
        pausing = closing.LONGEST_PAUSE if attempt.paused_at is not None else timedelta(0)
        attempt.window_ends_at = max(attempt.window_ends_at, attempt.deadline_at - pausing)


def _keep(attempts: Sequence[Attempt]) -> None:
    """Store what was changed of attempts that the caller holds, and let their players know."""
    for attempt in attempts:
        attempt.control_revision += 1
    # They exist and are locked, so that this only updates: at a tenth of the cost of `bulk_update`.
    Attempt.objects.bulk_create(
        attempts,
        update_conflicts=True,
        unique_fields=("id",),
        update_fields=("paused_at", "deadline_at", "credit_seconds", "window_ends_at", "control_revision"),
        batch_size=500,
    )


def _log_each(
    attempts: Iterable[Attempt],
    kind: AttemptEvent.Kind,
    by: User,
    now: datetime,
    *,
    has_end: bool = True,
    each: Callable[[Attempt], Mapping[str, Any]] = lambda attempt: {},
    **detail: Any,
) -> None:
    """A line in each attempt's log; `has_end`: the learner is told the end that follows from it."""
    AttemptEvent.objects.bulk_create(
        (
            AttemptEvent(
                attempt=attempt,
                kind=kind,
                at=now,
                revision=attempt.control_revision,
                detail={"by": by.pk, **detail, **each(attempt), **(_end_of(attempt) if has_end else {})},
            )
            for attempt in attempts
        ),
        batch_size=500,
    )


def _end_of(attempt: Attempt) -> dict[str, str]:
    return {} if attempt.paused_at is not None else {"deadline_at": attempt.deadline_at.isoformat()}


def _log(
    assignment: Assignment,
    kind: AssignmentEvent.Kind,
    attempts: Sequence[Attempt],
    chosen: Chosen,
    by: User,
    now: datetime,
    reason: str,
    **detail: Any,
) -> None:
    """One line for all, or one for each that was selected."""
    line: dict[str, Any] = {"assignment": assignment, "by": by, "at": now, "kind": kind, "reason": reason}
    if chosen is None:
        AssignmentEvent.objects.create(**line, detail={**detail, "attempts": len(attempts)})
        return
    AssignmentEvent.objects.bulk_create(
        AssignmentEvent(**line, attempt=attempt, learner_id=attempt.learner_id, detail=detail)
        for attempt in attempts
    )
