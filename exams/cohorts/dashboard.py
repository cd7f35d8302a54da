"""The dashboard of an assignment: what its sittings say about the group, read from what scoring counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import Membership
from exams import charts, figures, pace, results
from exams.cohorts import group_figures, heat_map, missed
from exams.cohorts.group_figures import PassShare, Spread, Sums
from exams.cohorts.heat_map import Asked, HeatMap
from exams.cohorts.missed import MissedQuestion
from exams.cohorts.outline import PartShare, outline
from exams.models import Assignment, AssignmentTally, Attempt, TaskScore


@dataclass(frozen=True)
class Participants:
    """Learners, each once. `left` sat it and are no longer in the cohort."""

    given: int
    done: int
    running: int
    left: int

    @property
    def waiting(self) -> int:
        return max(self.given - self.done - self.running, 0)

    @property
    def done_percent(self) -> int:
        return figures.whole_percent(self.done / self.given) if self.given else 0


@dataclass(frozen=True)
class Sittings:
    """First sittings, or later ones. `bar` draws the quartiles on the score scale."""

    n: int
    passed: PassShare
    spread: Spread
    bar: charts.IntervalBar


@dataclass(frozen=True)
class PaceRow:
    slot: int
    looked: int
    seconds: float
    blank: int
    not_reached: int

    @property
    def clock(self) -> str:
        return pace.clock(self.seconds)


@dataclass(frozen=True)
class Pace:
    """Mean seconds on each place of the paper by first sittings, and what was left open."""

    chart: charts.PaceChart
    rows: tuple[PaceRow, ...]
    mean: str
    even: str
    blank: int
    not_reached: int
    places: int
    sittings: int
    late_slot: int | None
    """From here on at least one in ten did not get so far."""

    @property
    def blank_percent(self) -> int:
        return figures.whole_percent(self.blank / self.places) if self.places else 0

    @property
    def not_reached_percent(self) -> int:
        return figures.whole_percent(self.not_reached / self.places) if self.places else 0


@dataclass(frozen=True)
class Dashboard:
    """Without a scored sitting `first` is None and the parts hold nothing."""

    assignment: Assignment
    target_percent: int
    participants: Participants
    first: Sittings | None
    later: Sittings | None
    histogram: charts.HistogramChart | None
    overall: Sums
    domains: tuple[PartShare, ...]
    tasks: tuple[PartShare, ...]
    heat_map: HeatMap
    missed: tuple[MissedQuestion, ...]
    pace: Pace | None

    @property
    def overall_percent(self) -> int:
        return figures.whole_percent(self.overall.right / self.overall.seen) if self.overall.seen else 0

    @property
    def groups(self) -> tuple[tuple[PartShare, tuple[PartShare, ...]], ...]:
        """Each domain with its tasks."""
        return tuple(
            (domain, tuple(task for task in self.tasks if task.part.domain_code == domain.part.code))
            for domain in self.domains
        )


def dashboard(assignment: Assignment, asked: Asked) -> Dashboard:
    """The assignment comes with `cohort`, `mock` and `blueprint`; about ten statements, whatever its size."""
    plan = outline(assignment.blueprint, mock=assignment.mock)
    tallies = {tally.is_first: tally for tally in AssignmentTally.objects.filter(assignment=assignment)}
    first = tallies.get(True)
    domains, tasks = _practice_sums(assignment) if assignment.is_practice else _stored_sums(first)
    shares = {"domains": plan.shares("domains", domains), "tasks": plan.shares("tasks", tasks)}
    counts = {int(score): n for score, n in first.scores.items()} if first else {}
    return Dashboard(
        assignment=assignment,
        target_percent=plan.target_percent,
        participants=_participants(assignment),
        first=_sittings(assignment, first),
        later=_sittings(assignment, tallies.get(False)),
        histogram=charts.histogram(counts, results.scale_of(assignment.blueprint)) if counts else None,
        overall=_overall(domains),
        domains=shares["domains"],
        tasks=shares["tasks"],
        heat_map=heat_map.of_assignment(assignment, plan, asked, shares[asked.by]),
        missed=missed.most_missed([assignment.pk]),
        pace=_pace(assignment, first),
    )


def _participants(assignment: Assignment) -> Participants:
    learners = Membership.objects.learners().filter(cohort=assignment.cohort_id)
    given = learners.count()
    sat = Attempt.objects.filter(
        assignment=assignment, purpose__in=(Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE)
    )
    is_here = Q(learner__in=learners.values("user"))
    is_running = Q(state=Attempt.State.IN_PROGRESS)
    found = sat.aggregate(
        begun=Count("learner", distinct=True, filter=is_here),
        done=Count("learner", distinct=True, filter=is_here & ~is_running),
        everybody=Count("learner", distinct=True),
    )
    running = found["begun"] - found["done"]
    return Participants(given, found["done"], running, found["everybody"] - found["begun"])


def _sittings(assignment: Assignment, tally: AssignmentTally | None) -> Sittings | None:
    spread = group_figures.spread(tally.scores) if tally else None
    if tally is None or spread is None:
        return None
    return Sittings(
        n=tally.n,
        passed=group_figures.pass_share(tally.passed, tally.n),
        spread=spread,
        bar=group_figures.spread_bar(spread, results.scale_of(assignment.blueprint)),
    )


def _stored_sums(tally: AssignmentTally | None) -> tuple[dict[int, Sums], dict[int, Sums]]:
    if tally is None:
        return {}, {}
    return group_figures.added([tally.domains]), group_figures.added([tally.tasks])


def _practice_sums(assignment: Assignment) -> tuple[dict[int, Sums], dict[int, Sums]]:
    """Practice is in no tally: its few rows are added up here, each learner's sittings together."""
    learners: dict[tuple[str, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    rows = TaskScore.objects.filter(
        result__attempt__assignment=assignment, result__attempt__purpose=Attempt.Purpose.PRACTICE
    ).values_list("result__attempt__learner_id", "task_id", "task__domain_id", "correct", "seen")
    for learner_id, task_id, domain_id, correct, seen in rows:
        for part in (("domains", domain_id), ("tasks", task_id)):
            learners[part][learner_id][0] += correct
            learners[part][learner_id][1] += seen
    sums: dict[str, dict[int, Sums]] = {"domains": {}, "tasks": {}}
    for (by, part_id), pairs in learners.items():
        for right, seen in pairs.values():
            one = Sums(1, right, seen, right * right, seen * seen, right * seen)
            sums[by][part_id] = sums[by].get(part_id, Sums()) + one
    return sums["domains"], sums["tasks"]


def _overall(domains: Mapping[int, Sums]) -> Sums:
    return sum(domains.values(), Sums())


def _pace(assignment: Assignment, tally: AssignmentTally | None) -> Pace | None:
    if tally is None or assignment.mock is None or not tally.positions:
        return None
    rows = [
        PaceRow(int(slot), looked, seconds / looked if looked else 0.0, blank, not_reached)
        for slot, (looked, seconds, blank, not_reached) in tally.positions.items()
    ]
    rows.sort(key=lambda row: row.slot)
    timed = [row.seconds for row in rows if row.seconds]
    if not timed:
        return None
    even = assignment.mock.seconds / max(assignment.mock.items, 1)
    mean = sum(timed) / len(timed)
    late = [row.slot for row in rows if 10 * row.not_reached >= row.looked + row.not_reached]
    return Pace(
        chart=charts.pace({row.slot: row.seconds for row in rows}, median=mean, even_pace=even),
        rows=tuple(rows),
        mean=pace.clock(mean),
        even=pace.clock(even),
        blank=sum(row.blank for row in rows),
        not_reached=sum(row.not_reached for row in rows),
        places=sum(row.looked + row.not_reached for row in rows),
        sittings=tally.n,
        late_slot=late[0] if late else None,
    )
