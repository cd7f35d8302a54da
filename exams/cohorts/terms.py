"""What an assignment means for one learner: their window, attempts and time, and where each comes from.  Pure.

The learner's exception goes before the assignment; a mock's own window cuts both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings

from accounts.models import Accommodation
from exams import starting
from exams.models import Assignment, Attempt, LearnerOverride
from exams.starting import Allowance

Source = Literal["", "assignment", "exception", "mock"]
"""Whose time it is that opens or closes; none when nothing does."""


@dataclass(frozen=True)
class Terms:
    opens_at: datetime | None
    closes_at: datetime | None
    opens_by: Source
    closes_by: Source
    attempts_allowed: int | None
    """None: as many as they like."""
    has_own_attempts: bool
    delay: timedelta
    is_timed: bool
    allowed: Allowance
    accommodation_seconds: int
    exception_seconds: int

    def start_from(self, now: datetime) -> datetime:
        """Now, or when it opens."""
        return max(now, self.opens_at) if self.opens_at else now

    def end_after(self, start: datetime) -> datetime:
        """When a sitting that starts then is over: its full time, or the window's end."""
        full = start + timedelta(seconds=self.allowed.total)
        return max(start, min(full, self.closes_at)) if self.closes_at else full

    def seconds_from(self, start: datetime) -> int:
        return int((self.end_after(start) - start).total_seconds())

    def is_cut(self, start: datetime) -> bool:
        return self.is_timed and self.seconds_from(start) < self.allowed.total

    @property
    def last_full_start_at(self) -> datetime | None:
        """Who starts later gets less time; it lies before the opening where the window is shorter than the time."""
        if not self.is_timed or self.closes_at is None:
            return None
        return self.closes_at - timedelta(seconds=self.allowed.total)

    @property
    def is_never_open(self) -> bool:
        return bool(self.opens_at and self.closes_at and self.opens_at >= self.closes_at)


@dataclass(frozen=True)
class Refusal:
    """Why no sitting starts: not_open_yet, window_over, no_attempts_left, too_soon or running_elsewhere."""

    code: str
    at: datetime | None = None
    attempt: Attempt | None = None


def of(
    assignment: Assignment, *, override: LearnerOverride | None, accommodation: Accommodation | None
) -> Terms:
    """Reads `assignment.mock`: select it with the assignment."""
    mock = assignment.mock
    opens_at, opens_by = _first(
        (override.opens_at if override else None, "exception"), (assignment.opens_at, "assignment")
    )
    closes_at, closes_by = _first(
        (override.closes_at if override else None, "exception"), (assignment.closes_at, "assignment")
    )
    if mock and mock.opens_at and (opens_at is None or mock.opens_at > opens_at):
        opens_at, opens_by = mock.opens_at, "mock"
    if mock and mock.closes_at and (closes_at is None or mock.closes_at < closes_at):
        closes_at, closes_by = mock.closes_at, "mock"
    own_attempts = override.attempts_allowed if override else None
    seconds = mock.seconds if mock else settings.PRACTICE_DAYS_OPEN * 86_400
    by_profile = starting.allowance(seconds, accommodation if mock else None)
    exception_seconds = override.extra_minutes * 60 if override and mock else 0
    return Terms(
        opens_at=opens_at,
        closes_at=closes_at,
        opens_by=opens_by,
        closes_by=closes_by,
        attempts_allowed=assignment.attempts_allowed if own_attempts is None else own_attempts,
        has_own_attempts=own_attempts is not None,
        delay=timedelta(minutes=assignment.delay_minutes),
        is_timed=mock is not None,
        allowed=Allowance(by_profile.base, by_profile.factor, by_profile.extra + exception_seconds),
        accommodation_seconds=by_profile.total - by_profile.base,
        exception_seconds=exception_seconds,
    )


def _first(*known: tuple[datetime | None, Source]) -> tuple[datetime | None, Source]:
    return next(((at, source) for at, source in known if at is not None), (None, ""))


def refusal(terms: Terms, attempts: Sequence[Attempt], *, now: datetime) -> Refusal | None:
    """Whether a new sitting may start; `attempts` are the learner's of this assignment, none of them running."""
    if terms.closes_at and now >= terms.closes_at:
        return Refusal("window_over", terms.closes_at)
    if terms.attempts_allowed is not None and len(attempts) >= terms.attempts_allowed:
        return Refusal("no_attempts_left")
    if terms.opens_at and now < terms.opens_at:
        return Refusal("not_open_yet", terms.opens_at)
    ends = [each.ended_at for each in attempts if each.ended_at]
    if ends and now < max(ends) + terms.delay:
        return Refusal("too_soon", max(ends) + terms.delay)
    return None
