"""A cohort at a glance: scores over time, pooled domains and tasks, each learner, and who is at risk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format

from accounts.models import Cohort
from exams import charts, results
from exams.cohorts import at_risk, group_figures, heat_map, teaching
from exams.cohorts.at_risk import AtRisk
from exams.cohorts.group_figures import PassShare, Spread, Sums, Week
from exams.cohorts.heat_map import Asked, HeatMap
from exams.cohorts.outline import Outline, PartShare, outline
from exams.cohorts.teaching import Lesson
from exams.models import Assignment, AssignmentTally
from questions.models import Blueprint

WEEKS = 26
LESSONS = 3


@dataclass(frozen=True)
class AssignmentRow:
    """`spread` is of first sittings, None before there are any."""

    id: int
    title: str
    is_practice: bool
    is_withdrawn: bool
    opens_at: datetime | None
    closes_at: datetime | None
    passed: PassShare | None
    spread: Spread | None


@dataclass(frozen=True)
class OverTime:
    chart: charts.TrendChart
    weeks: tuple[Week, ...]


@dataclass(frozen=True)
class Overview:
    """`blueprints` are those there is a choice of; all figures are of `blueprint`."""

    cohort: Cohort
    blueprint: Blueprint
    blueprints: tuple[Blueprint, ...]
    target_percent: int
    passed: PassShare
    spread: Spread | None
    assignments: tuple[AssignmentRow, ...]
    over_time: OverTime | None
    domains: tuple[PartShare, ...]
    tasks: tuple[PartShare, ...]
    heat_map: HeatMap
    at_risk: AtRisk
    lessons: tuple[Lesson, ...]

    @property
    def groups(self) -> tuple[tuple[PartShare, tuple[PartShare, ...]], ...]:
        return tuple(
            (domain, tuple(task for task in self.tasks if task.part.domain_code == domain.part.code))
            for domain in self.domains
        )


@dataclass(frozen=True)
class Given:
    """The assignments of a cohort in one exam, with their tallies."""

    blueprint: Blueprint
    blueprints: tuple[Blueprint, ...]
    assignments: list[Assignment]
    first: dict[int, AssignmentTally]
    tallies: list[AssignmentTally]

    @property
    def domains(self) -> dict[int, Sums]:
        return group_figures.added(tally.domains for tally in self.first.values())

    @property
    def tasks(self) -> dict[int, Sums]:
        return group_figures.added(tally.tasks for tally in self.first.values())


def given(assignments: list[Assignment], code: str) -> Given | None:
    """All assignments of a cohort, newest first, come in with `blueprint` and `mock`.

    The exam asked for, else that of the latest assignment, else the first there is; None without any.
    """
    known = {each.blueprint_id: each.blueprint for each in assignments}
    blueprints = tuple(sorted(known.values(), key=lambda blueprint: blueprint.code))
    asked = next((each for each in blueprints if each.code == code), None)
    blueprint = asked or (assignments[0].blueprint if assignments else Blueprint.objects.first())
    if blueprint is None:
        return None
    mine = [each for each in assignments if each.blueprint_id == blueprint.pk]
    tallies = list(AssignmentTally.objects.filter(assignment__in=[each.pk for each in mine]))
    first = {tally.assignment_id: tally for tally in tallies if tally.is_first}
    return Given(blueprint, blueprints, mine, first, tallies)


def overview(
    cohort: Cohort, of: Given, asked: Asked, *, now: datetime, all_at_risk: bool = False
) -> Overview:
    """About a dozen statements, whatever the cohort's size."""
    plan = outline(of.blueprint)
    tasks = of.tasks
    shares = {"domains": plan.shares("domains", of.domains), "tasks": plan.shares("tasks", tasks)}
    scores: dict[int, int] = {}
    for tally in of.first.values():
        for score, n in tally.scores.items():
            scores[int(score)] = scores.get(int(score), 0) + n
    lessons = teaching.lessons(plan, tasks, assignments=of.assignments, cohort_id=cohort.pk, is_short=True)
    risk = at_risk.at_risk(cohort, of.blueprint, now=now, limit=None if all_at_risk else at_risk.SHOWN)
    return Overview(
        cohort=cohort,
        blueprint=of.blueprint,
        blueprints=of.blueprints,
        target_percent=plan.target_percent,
        passed=group_figures.pass_share(
            sum(tally.passed for tally in of.first.values()), sum(tally.n for tally in of.first.values())
        ),
        spread=group_figures.spread(scores),
        assignments=tuple(_row(each, of.first.get(each.pk)) for each in of.assignments),
        over_time=_over_time(of, plan),
        domains=shares["domains"],
        tasks=shares["tasks"],
        heat_map=heat_map.of_cohort(cohort, plan, asked, shares[asked.by], learners=risk.learners),
        at_risk=risk,
        lessons=tuple(lesson for lesson in lessons if lesson.gain > 0)[:LESSONS],
    )


def _row(assignment: Assignment, tally: AssignmentTally | None) -> AssignmentRow:
    return AssignmentRow(
        id=assignment.pk,
        title=assignment.title,
        is_practice=assignment.is_practice,
        is_withdrawn=assignment.withdrawn_at is not None,
        opens_at=assignment.opens_at,
        closes_at=assignment.closes_at,
        passed=group_figures.pass_share(tally.passed, tally.n) if tally and tally.n else None,
        spread=group_figures.spread(tally.scores) if tally else None,
    )


def _over_time(of: Given, plan: Outline) -> OverTime | None:
    """Each week's mean score over all its sittings; None before there are two weeks to compare."""
    weeks = group_figures.weeks(tally.weeks for tally in of.tallies)[-WEEKS:]
    if len(weeks) < 2:
        return None
    points = [
        charts.TrendPoint(date_format(week.starts_on, "j M"), week.mean, week.mean, week.mean)
        for week in weeks
    ]
    return OverTime(charts.score_trend(points, results.scale_of(plan.blueprint)), weeks)
