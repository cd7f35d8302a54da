"""The control room's page: who sits an assignment right now, and who needs a look first.

Two statements whatever the size: all are counted in one, a page of rows is read in the other. What they show is as
of each player's last pulse.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Case, Count, F, IntegerField, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import Membership
from exams import closing
from exams.models import Assignment, AssignmentEvent, Attempt

PER_PAGE = 50
SILENT_AFTER = timedelta(seconds=75)
"""Three pulses missed and a little: browsers slow the timers of hidden pages down to one a minute."""
IDLE_AFTER = timedelta(minutes=10)
SHORT_BELOW = timedelta(minutes=5)

VIEWS = ("running", "attention", "paused", "submitted", "not_started")


@dataclass(frozen=True)
class Counts:
    running: int
    """Those that are paused among them."""
    paused: int
    silent: int
    idle: int
    short: int
    attention: int
    submitted: int
    not_started: int
    next_end: datetime | None

    @property
    def learners(self) -> int:
        return self.running + self.submitted + self.not_started


@dataclass(frozen=True)
class Row:
    """One attempt; or, without one, a learner who has not started."""

    attempt_id: uuid.UUID | None
    learner_id: int
    name: str
    email: str
    state: str
    signals: tuple[str, ...] = ()
    """silent, idle, short, paused: the first is what puts it where it stands."""
    answered: int = 0
    items: int = 0
    position: int = 0
    since_save: timedelta | None = None
    """None: nothing was saved yet."""
    seen_at: datetime | None = None
    left: timedelta | None = None
    """None: untimed, or over."""
    ended_at: datetime | None = None

    @property
    def pick(self) -> str:
        """The value of its checkbox."""
        return str(self.attempt_id)

    @property
    def place_words(self) -> str:
        return _("at question %(n)s") % {"n": self.position}

    @property
    def save_words(self) -> str:
        if self.since_save is None:
            return _("nothing saved yet")
        return _("%(time)s ago") % {"time": _clock(self.since_save)}

    @property
    def left_words(self) -> str:
        return _clock(self.left or timedelta(0))

    @property
    def is_running(self) -> bool:
        return self.state == Attempt.State.IN_PROGRESS


@dataclass(frozen=True)
class Room:
    counts: Counts
    view: str
    rows: tuple[Row, ...]
    number: int
    has_next: bool
    now: datetime


def counted(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """With the cohort and the number of its `members`, so that the room need not ask for them."""
    members = (
        Membership.objects.learners()
        .filter(cohort=OuterRef("cohort"))
        .order_by()
        .values("cohort")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return assignments.select_related("cohort", "mock").annotate(
        members=Coalesce(Subquery(members, output_field=IntegerField()), 0)
    )


def room(assignment: Assignment, *, view: str, search: str, number: int, now: datetime) -> Room:
    """`assignment` comes from `counted`. An unknown view is that of the running ones."""
    view = view if view in VIEWS else "running"
    rows = _waiting(assignment, search, number) if view == "not_started" else None
    if rows is None:
        rows = _attempts(assignment, view, search, number, now)
    counts = _counts(assignment, now)
    number = max(1, number)
    return Room(counts, view, tuple(rows[:PER_PAGE]), number, len(rows) > PER_PAGE, now)


def recent_events(assignment: Assignment) -> Sequence[AssignmentEvent]:
    return list(assignment.events.select_related("by", "learner")[:12])


# ── parts ──


def _signals(now: datetime) -> dict[str, Q]:
    """What needs attention, the most urgent first."""
    runs, stands = Q(paused_at=None), Q(paused_at__isnull=False)
    return {
        "silent": runs & (Q(last_seen_at=None) | Q(last_seen_at__lt=now - SILENT_AFTER)),
        "idle": runs
        & Q(started_at__lt=now - IDLE_AFTER)
        & (Q(last_saved_at=None) | Q(last_saved_at__lt=now - IDLE_AFTER)),
        "short": runs
        & Q(is_timed=True, deadline_at__lt=now + SHORT_BELOW, answered_so_far__lt=F("paper__item_count")),
        "paused": stands,
    }


def _any(signals: dict[str, Q]) -> Q:
    return reduce(or_, signals.values())


def _counts(assignment: Assignment, now: datetime) -> Counts:
    signals = _signals(now)
    runs = Q(state=Attempt.State.IN_PROGRESS)
    # Who has left the cohort is not waited for, and what they sat is counted all the same.
    members = Membership.objects.learners().filter(cohort=assignment.cohort_id).values("user")
    counted = Attempt.objects.filter(assignment=assignment).aggregate(
        running=Count("pk", filter=runs),
        attention=Count("pk", filter=runs & _any(signals)),
        submitted=Count("pk", filter=~runs),
        started=Count("learner", distinct=True, filter=Q(learner__in=members)),
        next_end=Min("deadline_at", filter=runs & Q(paused_at=None)),
        **{name: Count("pk", filter=runs & signal) for name, signal in signals.items()},
    )
    not_started = getattr(assignment, "members") - counted.pop("started")  # noqa: B009 an annotation
    return Counts(**counted, not_started=max(0, not_started))


def _attempts(assignment: Assignment, view: str, search: str, number: int, now: datetime) -> list[Row]:
    signals = _signals(now)
    attempts = Attempt.objects.filter(assignment=assignment)
    if view == "submitted":
        attempts = attempts.exclude(state=Attempt.State.IN_PROGRESS).order_by("-closed_at", "pk")
    else:
        rank = Case(
            *(When(signal, then=Value(place)) for place, signal in enumerate(signals.values())),
            default=Value(len(signals)),
        )
        attempts = attempts.filter(state=Attempt.State.IN_PROGRESS).order_by(rank, "deadline_at", "pk")
        if view == "attention":
            attempts = attempts.filter(_any(signals))
        elif view == "paused":
            attempts = attempts.filter(paused_at__isnull=False)
    if search:
        attempts = attempts.filter(Q(learner__name__icontains=search) | Q(learner__email__icontains=search))
    attempts = attempts.select_related("learner", "paper").only(
        *("state", "paused_at", "deadline_at", "started_at", "is_timed", "answered_so_far", "answered_count"),
        *("last_saved_at", "last_seen_at", "position", "closed_at"),
        *("paper__item_count", "learner__name", "learner__email"),
    )
    first = (max(1, number) - 1) * PER_PAGE
    return [_row(attempt, now) for attempt in attempts[first : first + PER_PAGE + 1]]


def _row(attempt: Attempt, now: datetime) -> Row:
    learner = attempt.learner
    is_closed = not attempt.is_open
    return Row(
        attempt_id=attempt.pk,
        learner_id=learner.pk,
        name=learner.name or learner.email,
        email=learner.email,
        state=attempt.state,
        signals=() if is_closed else tuple(_signals_of(attempt, now)),
        answered=(attempt.answered_count or 0) if is_closed else attempt.answered_so_far,
        items=attempt.paper.item_count,
        position=attempt.position,
        since_save=now - attempt.last_saved_at if attempt.last_saved_at else None,
        seen_at=attempt.last_seen_at,
        left=closing.time_left(attempt, now=now) if attempt.is_timed and not is_closed else None,
        ended_at=attempt.ended_at,
    )


def _signals_of(attempt: Attempt, now: datetime) -> list[str]:
    """The same as `_signals` says, of one attempt."""
    if attempt.paused_at is not None:
        return ["paused"]
    is_open = attempt.answered_so_far < attempt.paper.item_count
    saved_at = attempt.last_saved_at or attempt.started_at
    found = {
        "silent": attempt.last_seen_at is None or attempt.last_seen_at < now - SILENT_AFTER,
        "idle": saved_at < now - IDLE_AFTER,
        "short": attempt.is_timed and attempt.deadline_at < now + SHORT_BELOW and is_open,
    }
    return [name for name, is_so in found.items() if is_so]


def _clock(time: timedelta) -> str:
    """Hours, minutes and seconds, as a clock shows them."""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _waiting(assignment: Assignment, search: str, number: int) -> list[Row]:
    started = Attempt.objects.filter(assignment=assignment).values("learner")
    members = (
        Membership.objects.learners()
        .filter(cohort=assignment.cohort_id)
        .exclude(user__in=started)
        .order_by("user__name", "pk")
    )
    if search:
        members = members.filter(Q(user__name__icontains=search) | Q(user__email__icontains=search))
    first = (max(1, number) - 1) * PER_PAGE
    found = members.values_list("user_id", "user__name", "user__email")[first : first + PER_PAGE + 1]
    return [Row(None, pk, name or email, email, "not_started") for pk, name, email in found]
