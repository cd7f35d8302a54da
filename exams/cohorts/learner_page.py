"""One learner as their instructor sees them: where they stand, what they sat, each part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator

from accounts.models import Cohort, Membership, User
from exams import charts, earlier, figures, pace, results
from exams.cohorts import at_risk
from exams.cohorts.at_risk import Facts
from exams.cohorts.outline import Outline, Part, outline
from exams.figures import Figure
from exams.models import Attempt, PartStanding, Standing
from questions.models import Blueprint

PER_PAGE = 20
DRAWN = 20


@dataclass(frozen=True)
class AttemptRow:
    """`score` is None for practice and for what is not scored yet."""

    id: UUID
    title: str
    assignment_id: int | None
    assignment: str
    is_mock: bool
    is_here: bool
    """The assignment was given to this cohort."""
    state: str
    state_name: str
    started_at: datetime
    used: str
    correct: int
    items: int
    score: int | None
    low: int
    high: int
    passed: bool
    first_exposures: int


@dataclass(frozen=True)
class PartRow:
    """`figure` is None for what the learner has not met."""

    part: Part
    figure: Figure | None


@dataclass(frozen=True)
class LearnerPage:
    cohort: Cohort
    learner: User
    joined_at: datetime
    blueprint: Blueprint
    standing: Standing | None
    chance_percent: int | None
    reasons: tuple[str, ...]
    over_time: charts.TrendChart | None
    points: tuple[tuple[str, int], ...]
    domains: tuple[PartRow, ...]
    tasks: tuple[PartRow, ...]
    attempts: tuple[AttemptRow, ...]
    page: Page[Any]
    target_percent: int

    @property
    def groups(self) -> tuple[tuple[PartRow, tuple[PartRow, ...]], ...]:
        return tuple(
            (domain, tuple(task for task in self.tasks if task.part.domain_code == domain.part.code))
            for domain in self.domains
        )

    @property
    def trend_points(self) -> int | None:
        """Scaled points a mock, over the last ones."""
        trend = self.standing.trend if self.standing else None
        return None if trend is None else round(trend)


def learner_page(
    membership: Membership, blueprint: Blueprint, *, page_number: str | None, now: datetime
) -> LearnerPage:
    """The membership comes with `cohort` and `user`."""
    learner, plan = membership.user, outline(blueprint)
    standing = Standing.objects.filter(learner=learner, blueprint=blueprint).first()
    sat = (
        Attempt.objects.filter(
            learner=learner,
            purpose__in=(Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE),
            paper__blueprint=blueprint,
        )
        .select_related("paper", "mock", "result", "assignment")
        .order_by("-started_at", "pk")
    )
    page = Paginator(sat, PER_PAGE).get_page(page_number)
    parts = _parts(standing)
    chart, points = _over_time(sat, plan)
    active = sat.values_list("started_at", flat=True).first()
    facts = Facts(
        learner_id=learner.pk,
        name=str(learner),
        joined_at=membership.joined_at,
        chance=standing.chance if standing else None,
        questions=standing.chance_questions if standing else 0,
        mocks=standing.chance_sittings if standing else 0,
        trend=standing.trend if standing else None,
        sittings=standing.sittings if standing else 0,
        active_at=active,
    )
    return LearnerPage(
        cohort=membership.cohort,
        learner=learner,
        joined_at=membership.joined_at,
        blueprint=blueprint,
        standing=standing,
        chance_percent=None
        if standing is None or standing.chance is None
        else figures.whole_percent(standing.chance),
        reasons=at_risk.reasons_of(facts, now=now),
        over_time=chart,
        points=points,
        domains=tuple(PartRow(part, parts.get((part.id, None))) for part in plan.domains),
        tasks=tuple(_task_row(part, plan, parts) for part in plan.tasks),
        attempts=tuple(_attempt_row(attempt, membership.cohort) for attempt in page),
        page=page,
        target_percent=plan.target_percent,
    )


def _parts(standing: Standing | None) -> dict[tuple[int, int | None], Figure]:
    if standing is None:
        return {}
    rows = PartStanding.objects.filter(standing=standing)
    return {(row.domain_id, row.task_id): figures.from_score(row) for row in rows}


def _task_row(part: Part, plan: Outline, parts: dict[tuple[int, int | None], Figure]) -> PartRow:
    domain = next(each for each in plan.domains if each.code == part.domain_code)
    return PartRow(part, parts.get((domain.id, part.id)))


def _over_time(sat: Any, plan: Outline) -> tuple[charts.TrendChart | None, tuple[tuple[str, int], ...]]:
    """The latest mocks with their ranges; None before there are two."""
    scored = sat.filter(state=Attempt.State.SCORED, purpose=Attempt.Purpose.MOCK, mock__isnull=False)
    rows = list(
        scored.values_list(
            "mock__title", "result__scaled_score", "result__scaled_low", "result__scaled_high"
        )[:DRAWN]
    )[::-1]
    points = tuple((title, score) for title, score, _, _ in rows)
    if len(rows) < 2:
        return None, points
    marks = [
        charts.TrendPoint(str(number), score, low, high)
        for number, (_, score, low, high) in enumerate(rows, start=1)
    ]
    return charts.score_trend(marks, results.scale_of(plan.blueprint)), points


def _attempt_row(attempt: Attempt, cohort: Cohort) -> AttemptRow:
    result = attempt.result if attempt.state == Attempt.State.SCORED else None
    is_mock = attempt.mock_id is not None
    used = "" if attempt.is_open else pace.in_words(pace.of(attempt).used)
    given = attempt.assignment
    return AttemptRow(
        id=attempt.pk,
        title=earlier.title_of(attempt),
        assignment_id=given.pk if given else None,
        assignment=given.title if given else "",
        is_mock=is_mock,
        is_here=given is not None and given.cohort_id == cohort.pk,
        state=attempt.state,
        state_name=attempt.get_state_display(),
        started_at=attempt.started_at,
        used=used,
        correct=result.correct if result else 0,
        items=result.scored_items if result else 0,
        score=result.scaled_score if result and is_mock else None,
        low=result.scaled_low if result else 0,
        high=result.scaled_high if result else 0,
        passed=bool(result and result.passed),
        first_exposures=result.first_exposures if result else 0,
    )
