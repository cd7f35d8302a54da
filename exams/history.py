"""All of a learner's sittings: what came of each, what it counts for, and the trend per domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import models

from accounts.models import User
from exams import charts, closing, disclosure, earlier, figures, pace
from exams.figures import Figure
from exams.models import Attempt, DomainScore, Result
from questions.models import Blueprint

PER_PAGE = 20
TREND_SITTINGS = 20

Counts = Literal["", "all", "some", "none", "practice", "staff"]


@dataclass(frozen=True)
class HistoryRow:
    """`counts` says what the sitting counts for in readiness; empty while its score is not there to see."""

    attempt_id: UUID
    title: str
    blueprint_code: str
    purpose: str
    state: str
    is_mock: bool
    started_at: datetime
    used: str
    time_ran_out: bool
    shows_score: bool
    score_from: datetime | None
    correct: int
    scored_items: int
    scaled_score: int
    scaled_low: int
    scaled_high: int
    passed: bool
    counts: Counts
    first_exposures: int


@dataclass(frozen=True)
class TrendDomain:
    code: str
    title: str
    chart: charts.TrendChart
    latest: Figure


@dataclass(frozen=True)
class TrendRow:
    """A sitting in the table below the charts, its figures in the order of the domains."""

    attempt_id: UUID
    title: str
    label: str
    started_at: datetime
    scaled_score: int
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True)
class Trend:
    domains: tuple[TrendDomain, ...]
    rows: tuple[TrendRow, ...]
    left_out: int
    target_percent: int


@dataclass(frozen=True)
class HistoryPage:
    page: Page[Attempt]
    rows: tuple[HistoryRow, ...]
    blueprint: Blueprint | None
    trend: Trend | None
    counted: int
    met_before: int


def history_page(
    learner: User, blueprint: Blueprint | None, *, page_number: str | None, now: datetime
) -> HistoryPage:
    """One page of sittings; the trend stands on the first."""
    page = Paginator(_attempts(learner), PER_PAGE).get_page(page_number)
    trend = trend_of(learner, blueprint, now=now) if blueprint and page.number == 1 else None
    rows = tuple(row_of(attempt, now=now) for attempt in page)
    return HistoryPage(
        page=page,
        rows=rows,
        blueprint=blueprint,
        trend=trend,
        counted=sum(row.first_exposures for row in rows if row.is_mock),
        met_before=sum(
            row.scored_items - row.first_exposures for row in rows if row.counts in ("some", "none")
        ),
    )


def recent(learner: User, *, now: datetime, limit: int) -> tuple[HistoryRow, ...]:
    """The latest finished sittings."""
    finished = _attempts(learner).exclude(state=Attempt.State.IN_PROGRESS)[:limit]
    return tuple(row_of(attempt, now=now) for attempt in finished)


def _attempts(learner: User) -> models.QuerySet[Attempt]:
    return (
        Attempt.objects.sat_by(learner)
        .select_related("paper__blueprint", "mock", "assignment", "result")
        .order_by("-started_at", "id")
    )


def row_of(attempt: Attempt, *, now: datetime) -> HistoryRow:
    """Reads what `_attempts` selects."""
    shows = disclosure.of(attempt, now=now)
    result = attempt.result if attempt.state == Attempt.State.SCORED and shows.score else None
    return HistoryRow(
        attempt_id=attempt.pk,
        title=earlier.title_of(attempt),
        blueprint_code=attempt.paper.blueprint.code,
        purpose=attempt.purpose,
        state=attempt.state,
        is_mock=attempt.mock_id is not None,
        started_at=attempt.started_at,
        used=_used(attempt),
        time_ran_out=attempt.closed_reason == Attempt.ClosedReason.TIME_RAN_OUT,
        shows_score=result is not None,
        score_from=shows.score_from,
        correct=result.correct if result else 0,
        scored_items=result.scored_items if result else 0,
        scaled_score=result.scaled_score if result else 0,
        scaled_low=result.scaled_low if result else 0,
        scaled_high=result.scaled_high if result else 0,
        passed=result.passed if result else False,
        counts=_counts(attempt, result),
        first_exposures=result.first_exposures if result else 0,
    )


def _used(attempt: Attempt) -> str:
    if attempt.is_open:
        return ""
    times = pace.of(attempt)
    return pace.in_words(times.used) if times.used > timedelta(0) else ""


def _counts(attempt: Attempt, result: Result | None) -> Counts:
    if attempt.purpose not in (Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE):
        return "staff"
    if result is None:
        return ""
    if attempt.purpose == Attempt.Purpose.PRACTICE:
        return "practice"
    if result.first_exposures == result.scored_items:
        return "all"
    return "some" if result.first_exposures else "none"


def trend_of(learner: User, blueprint: Blueprint, *, now: datetime) -> Trend | None:
    """Each domain over the latest mocks whose score may be shown; None before there are two to compare."""
    scores = (
        DomainScore.objects.filter(
            result__attempt__learner=learner,
            result__attempt__purpose=Attempt.Purpose.MOCK,
            result__attempt__mock__isnull=False,
            domain__blueprint=blueprint,
        )
        .select_related("domain", "result__attempt__mock", "result__attempt__assignment")
        .order_by("result__attempt__started_at", "domain__position", "domain__code")
    )
    by_attempt: dict[Attempt, dict[str, Figure]] = defaultdict(dict)
    titles: dict[str, str] = {}
    for score in scores:
        by_attempt[score.result.attempt][score.domain.code] = figures.from_score(score)
        titles[score.domain.code] = score.domain.title
    shown = [attempt for attempt in by_attempt if disclosure.of(attempt, now=now).score]
    latest = shown[-TREND_SITTINGS:]
    if len(latest) < 2:
        return None
    first = len(shown) - len(latest) + 1
    labels = {attempt: str(number) for number, attempt in enumerate(latest, start=first)}
    rows = tuple(
        TrendRow(
            attempt_id=attempt.pk,
            title=earlier.title_of(attempt),
            label=labels[attempt],
            started_at=attempt.started_at,
            scaled_score=attempt.result.scaled_score,
            figures=tuple(by_attempt[attempt].get(code) for code in titles),
        )
        for attempt in latest
    )
    domains = []
    for index, (code, title) in enumerate(titles.items()):
        points = [(row.label, figure) for row in rows if (figure := row.figures[index])]
        if points:
            domains.append(_trend_domain(code, title, points))
    return Trend(
        domains=tuple(domains),
        rows=rows,
        left_out=len(shown) - len(latest),
        target_percent=domains[0].latest.target_percent,
    )


def _trend_domain(code: str, title: str, points: Iterable[tuple[str, Figure]]) -> TrendDomain:
    points = list(points)
    latest = points[-1][1]
    marks = [charts.TrendPoint(label, figure.mean, figure.low, figure.high) for label, figure in points]
    return TrendDomain(code, title, charts.trend(marks, latest.target), latest)


def close_overdue_of(learner: User, *, now: datetime) -> None:
    """No list shows a sitting as running whose time is over."""
    for attempt in Attempt.objects.sat_by(learner).overdue(now):
        closing.close_if_overdue(attempt, now=now)
