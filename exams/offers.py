"""What a learner is offered: the mocks, and for each one what would happen if they started now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from django.db import models

from accounts.models import User
from exams import charts, review_policy, starting
from exams.cohorts.assigned import Given
from exams.cohorts.terms import Source
from exams.models import Assignment, Attempt, MockExam, Paper


@dataclass(frozen=True)
class Offer:
    """A row of the list of mocks."""

    mock: MockExam
    running: Attempt | None
    attempts: int


@dataclass(frozen=True)
class Timeline:
    """Percentages along a line from shortly before now to shortly after the last thing that happens."""

    start_x: str
    end_x: str
    width: str
    window_x: str | None
    last_full_start_x: str | None


@dataclass(frozen=True)
class StartPage:
    """`refusal` is why no start is possible now (see `terms.Refusal`), "" when one is; `refused_until` ends it."""

    mock: MockExam
    assignment: Assignment | None
    running: Attempt | None
    elsewhere: Attempt | None
    """The same mock, running for somebody else's purpose than this page's."""
    attempts: int
    attempts_allowed: int | None
    delay_minutes: int
    opens_at: datetime | None
    closes_at: datetime | None
    closes_by: Source
    refusal: str
    refused_until: datetime | None
    note: str
    """Why an exception was made for this learner."""
    base_minutes: int
    factor: Decimal
    factor_minutes: int
    extra_minutes: int
    exception_minutes: int
    total_minutes: int
    starts_at: datetime
    ends_at: datetime
    last_full_start_at: datetime | None
    is_cut_by_window: bool
    scored_items: int
    cut_items: int | None
    """How many of the scored items the cut asks for, where every paper agrees."""
    cut_range: tuple[int, int] | None
    shows_right_after: frozenset[str]
    timeline: Timeline

    @property
    def own_minutes(self) -> int:
        return self.total_minutes - self.base_minutes

    @property
    def minutes_now(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    @property
    def attempts_left(self) -> int | None:
        return None if self.attempts_allowed is None else max(0, self.attempts_allowed - self.attempts)


def offers(learner: User) -> list[Offer]:
    """The mocks that this user may see, with their running attempt, in two queries."""
    mocks = list(
        MockExam.objects.visible_to(learner)
        .select_related("blueprint")
        .annotate(
            own_attempts=models.Count(
                "attempts",
                filter=models.Q(attempts__learner=learner)
                & ~models.Q(attempts__purpose=Attempt.Purpose.PREVIEW),
            )
        )
        .order_by("position", "title")  # a GROUP BY drops the model's own
    )
    running = {
        attempt.mock_id: attempt
        for attempt in Attempt.objects.sat_by(learner)
        .filter(state=Attempt.State.IN_PROGRESS, mock__in=[mock.pk for mock in mocks])
        .exclude(purpose=Attempt.Purpose.PREVIEW)
    }
    return [Offer(mock, running.get(mock.pk), mock.own_attempts) for mock in mocks]  # type: ignore[attr-defined]


def start_page(mock: MockExam, learner: User, *, now: datetime) -> StartPage:
    """All that is said before the clock starts, of a mock that the learner sits by themselves."""
    own = Attempt.objects.sat_by(learner).filter(mock=mock).exclude(purpose=Attempt.Purpose.PREVIEW)
    is_early = mock.opens_at is not None and now < mock.opens_at
    is_over = mock.closes_at is not None and now >= mock.closes_at
    return _page(
        mock,
        starting.allowance(mock.seconds, starting.accommodation_of(learner)),
        policy=mock.review_policy,
        now=now,
        running=own.filter(state=Attempt.State.IN_PROGRESS).first(),
        attempts=own.count(),
        opens_at=mock.opens_at,
        closes_at=mock.closes_at,
        refusal="window_over" if is_over else "not_open_yet" if is_early else "",
        refused_until=mock.opens_at if is_early else None,
    )


def assigned_page(given: Given, *, now: datetime) -> StartPage:
    """The same of a mock that was assigned: with the window, the attempts and the exception that hold for them."""
    assignment, held, refusal = given.assignment, given.terms, given.refusal
    assert assignment.mock is not None, "a practice has a page of its own"
    own_policy = assignment.review_policy
    return _page(
        assignment.mock,
        held.allowed,
        policy=assignment.mock.review_policy if own_policy is None else own_policy,
        now=now,
        assignment=assignment,
        running=given.running,
        elsewhere=refusal.attempt if refusal else None,
        attempts=given.attempts,
        attempts_allowed=held.attempts_allowed,
        delay_minutes=assignment.delay_minutes,
        opens_at=held.opens_at,
        closes_at=held.closes_at,
        closes_by=held.closes_by,
        refusal=refusal.code if refusal else "",
        refused_until=refusal.at if refusal else None,
        exception_minutes=_minutes(held.exception_seconds),
        note=given.note,
    )


def _page(
    mock: MockExam,
    allowed: starting.Allowance,
    *,
    policy: review_policy.Policy,
    now: datetime,
    running: Attempt | None,
    attempts: int,
    opens_at: datetime | None,
    closes_at: datetime | None,
    refusal: str,
    refused_until: datetime | None,
    assignment: Assignment | None = None,
    elsewhere: Attempt | None = None,
    attempts_allowed: int | None = None,
    delay_minutes: int = 0,
    closes_by: Source = "",
    exception_minutes: int = 0,
    note: str = "",
) -> StartPage:
    full_end = now + timedelta(seconds=allowed.total)
    # After the window a start would end at once.
    ends_at = max(now, min(full_end, closes_at)) if closes_at else full_end
    scored_items = mock.items - mock.unscored
    cuts = sorted({ceil(cut * scored_items) for cut in _cuts(mock)})
    by_factor = starting.Allowance(allowed.base, allowed.factor, 0).total - allowed.base
    last_full_start = closes_at - timedelta(seconds=allowed.total) if closes_at else None
    return StartPage(
        mock=mock,
        assignment=assignment,
        running=running,
        elsewhere=elsewhere,
        attempts=attempts,
        attempts_allowed=attempts_allowed,
        delay_minutes=delay_minutes,
        opens_at=opens_at,
        closes_at=closes_at,
        closes_by=closes_by,
        refusal=refusal,
        refused_until=refused_until,
        note=note,
        base_minutes=_minutes(allowed.base),
        factor=allowed.factor,
        factor_minutes=_minutes(by_factor),
        extra_minutes=_minutes(allowed.extra) - exception_minutes,
        exception_minutes=exception_minutes,
        total_minutes=_minutes(allowed.total),
        starts_at=now,
        ends_at=ends_at,
        last_full_start_at=last_full_start if last_full_start and last_full_start > now else None,
        is_cut_by_window=ends_at < full_end,
        scored_items=scored_items,
        cut_items=cuts[0] if len(cuts) == 1 else None,
        cut_range=(cuts[0], cuts[-1]) if len(cuts) > 1 else None,
        shows_right_after=frozenset(policy.get(review_policy.Phase.RIGHT_AFTER, [])),
        timeline=_timeline(now, ends_at, closes_at, last_full_start),
    )


def _cuts(mock: MockExam) -> list[Fraction]:
    if mock.fixed_cut is not None:
        return [Fraction(mock.fixed_cut)]
    rows = Paper.objects.filter(mock=mock, withdrawn_at=None).values_list("cut_numerator", "cut_denominator")
    return [Fraction(numerator, denominator) for numerator, denominator in rows]


def _minutes(seconds: int) -> int:
    return round(seconds / 60)


def _timeline(
    now: datetime, ends_at: datetime, closes_at: datetime | None, last_full_start: datetime | None
) -> Timeline:
    span = max(ends_at, closes_at or ends_at) - now
    # A window that shuts weeks later would squeeze the sitting to a hair: it isn't drawn then.
    is_near = (
        closes_at is not None and closes_at > now and span <= 3 * max(ends_at - now, timedelta(minutes=1))
    )
    last = closes_at if is_near and closes_at else ends_at
    low, high = now.timestamp(), last.timestamp()
    margin = max(1.0, high - low) * 0.08

    def x(moment: datetime) -> str:
        return charts.percent(moment.timestamp(), low - margin, high + margin)

    return Timeline(
        start_x=x(now),
        end_x=x(ends_at),
        width=f"{float(x(ends_at).rstrip('%')) - float(x(now).rstrip('%')):.2f}%",
        window_x=x(closes_at) if is_near and closes_at else None,
        last_full_start_x=x(last_full_start)
        if is_near and last_full_start and last_full_start > now
        else None,
    )
