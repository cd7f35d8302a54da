"""Cohorts beside one another, and terms: first sittings of the same exam, or of one mock of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Cohort
from exams import charts, results
from exams.cohorts import group_figures
from exams.cohorts.group_figures import PassShare, Share, Spread, Sums
from exams.cohorts.outline import Outline, Part, outline
from exams.models import AssignmentTally
from questions.models import Blueprint


@dataclass(frozen=True)
class Compared:
    """A cohort, or all cohorts of a term (`cohort_id` None then). `domains` in the exam's order."""

    title: str
    term: str
    cohort_id: int | None
    cohorts: int
    passed: PassShare
    spread: Spread
    bar: charts.IntervalBar
    domains: tuple[Share, ...]


@dataclass(frozen=True)
class Choice:
    id: int
    title: str


@dataclass(frozen=True)
class Comparison:
    """`mock_id` None: all mocks together, which may differ between the rows."""

    blueprint: Blueprint | None
    blueprints: tuple[Blueprint, ...]
    mocks: tuple[Choice, ...]
    mock_id: int | None
    by: str
    domains: tuple[Part, ...]
    rows: tuple[Compared, ...]


def comparison(cohorts: Iterable[Cohort], *, code: str, mock_id: int | None, by: str) -> Comparison:
    """Of these cohorts, in four statements."""
    known = {cohort.pk: cohort for cohort in cohorts}
    tallies = list(
        AssignmentTally.objects.filter(
            assignment__cohort__in=list(known), assignment__mock__isnull=False, is_first=True, n__gt=0
        )
        .select_related("assignment__blueprint", "assignment__mock")
        .defer("positions", "weeks", "tasks")
        .order_by("-assignment__created_at")
    )
    blueprints = {tally.assignment.blueprint_id: tally.assignment.blueprint for tally in tallies}
    chosen = next((each for each in blueprints.values() if each.code == code), None)
    blueprint = chosen or next(iter(blueprints.values()), None)
    if blueprint is None:
        return Comparison(None, (), (), None, by, (), ())
    plan = outline(blueprint)
    mine = [tally for tally in tallies if tally.assignment.blueprint_id == blueprint.pk]
    mocks = {tally.assignment.mock_id: str(tally.assignment.mock) for tally in mine}
    mock_id = mock_id if mock_id in mocks else None
    if mock_id is not None:
        mine = [tally for tally in mine if tally.assignment.mock_id == mock_id]
    groups: dict[str, list[AssignmentTally]] = {}
    for tally in mine:
        cohort = known[tally.assignment.cohort_id]
        groups.setdefault(cohort.term if by == "term" else str(cohort.pk), []).append(tally)
    rows = [_compared(group, known, plan, by) for group in groups.values()]
    return Comparison(
        blueprint=blueprint,
        blueprints=tuple(sorted(blueprints.values(), key=lambda each: each.code)),
        mocks=tuple(Choice(pk, title) for pk, title in sorted(mocks.items(), key=lambda m: m[1]) if pk),
        mock_id=mock_id,
        by=by,
        domains=plan.domains,
        rows=tuple(sorted(rows, key=lambda row: (-row.spread.median, row.title))),
    )


def _compared(tallies: list[AssignmentTally], known: dict[int, Cohort], plan: Outline, by: str) -> Compared:
    cohorts = {tally.assignment.cohort_id for tally in tallies}
    cohort = known[tallies[0].assignment.cohort_id]
    scores: dict[int, int] = {}
    for tally in tallies:
        for score, n in tally.scores.items():
            scores[int(score)] = scores.get(int(score), 0) + n
    spread = group_figures.spread(scores) or Spread(0, 0.0, 0.0, 0.0, 0.0)
    sums = group_figures.added(tally.domains for tally in tallies)
    return Compared(
        title=cohort.term if by == "term" else cohort.title,
        term="" if by == "term" else cohort.term,
        cohort_id=None if by == "term" else cohort.pk,
        cohorts=len(cohorts),
        passed=group_figures.pass_share(sum(t.passed for t in tallies), sum(t.n for t in tallies)),
        spread=spread,
        bar=group_figures.spread_bar(spread, results.scale_of(plan.blueprint)),
        domains=tuple(
            group_figures.share(sums.get(part.id, Sums()), target=part.target) for part in plan.domains
        ),
    )
