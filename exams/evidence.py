"""What a learner's first exposures say: pooled over sittings, mocks and practice apart, with their priors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from exams import psychometrics
from exams.models import Attempt, Evidence, PopulationPrior, Result
from exams.psychometrics import DEFAULT_PRIOR, BetaBinomialPrior, Estimate
from questions.models import Blueprint, Domain, TaskStatement

Kind = Evidence.Kind

MIN_QUESTIONS_FOR_CHANCE = 10


@dataclass(frozen=True)
class Priors:
    """The fitted priors of a blueprint; a task without its own takes its domain's, a domain the default."""

    domains: Mapping[int, BetaBinomialPrior] = field(default_factory=dict)
    tasks: Mapping[int, BetaBinomialPrior] = field(default_factory=dict)

    def of_domain(self, domain_id: int) -> BetaBinomialPrior:
        return self.domains.get(domain_id, DEFAULT_PRIOR)

    def of_task(self, task_id: int, domain_id: int) -> BetaBinomialPrior:
        return self.tasks.get(task_id) or self.of_domain(domain_id)


@dataclass(frozen=True)
class Tally:
    correct: int = 0
    seen: int = 0
    shift: float = 0.0
    """Sum over the items seen of what each is easier than its task."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.correct + other.correct, self.seen + other.seen, self.shift + other.shift)

    def estimate(self, prior: BetaBinomialPrior, target: Fraction) -> Estimate:
        if self.seen:
            prior = psychometrics.shifted(prior, prior.mean + self.shift / self.seen, prior.mean)
        return psychometrics.estimate(self.correct, self.seen, prior=prior, target=target)


@dataclass(frozen=True)
class Chance:
    """The chance of passing with its basis; None below `MIN_QUESTIONS_FOR_CHANCE`."""

    chance: float | None
    questions: int
    sittings: int


def kind_of(purpose: str) -> Evidence.Kind | None:
    """Which evidence a sitting adds to; previews and staff add to none."""
    return {Attempt.Purpose.MOCK: Kind.MOCK, Attempt.Purpose.PRACTICE: Kind.PRACTICE}.get(
        Attempt.Purpose(purpose)
    )


def priors_of(blueprint: Blueprint, *, kind: Evidence.Kind) -> Priors:
    domains: dict[int, BetaBinomialPrior] = {}
    tasks: dict[int, BetaBinomialPrior] = {}
    for row in PopulationPrior.objects.filter(domain__blueprint=blueprint, kind=kind):
        prior = BetaBinomialPrior(row.mean, row.strength, row.learners, is_default=False)
        if row.task_id is None:
            domains[row.domain_id] = prior
        else:
            tasks[row.task_id] = prior
    return Priors(domains, tasks)


def targets_of(blueprint: Blueprint, cut: Fraction) -> dict[int, Fraction]:
    """Per domain id: its own cut, else the paper's."""
    rows = Domain.objects.filter(blueprint=blueprint).values_list("pk", "cut")
    return {pk: cut if own is None else Fraction(own) for pk, own in rows}


def add(learner_id: int, kind: Evidence.Kind, outcomes: Iterable[tuple[int, bool, float]]) -> None:
    """Add first exposures as (task id, right?, shift). The caller holds the learner's lock."""
    tallies: dict[int, Tally] = defaultdict(Tally)
    for task_id, is_correct, shift in outcomes:
        tallies[task_id] += Tally(int(is_correct), 1, shift)
    known = {
        row.task_id: row
        for row in Evidence.objects.filter(learner=learner_id, kind=kind, task__in=list(tallies))
    }
    for task_id, tally in tallies.items():
        row = known.setdefault(task_id, Evidence(learner_id=learner_id, task_id=task_id, kind=kind))
        row.correct += tally.correct
        row.seen += tally.seen
        row.facility_shift += tally.shift
    Evidence.objects.bulk_create(
        known.values(),
        update_conflicts=True,
        unique_fields=("learner", "task", "kind"),
        update_fields=("correct", "seen", "facility_shift"),
    )


def tallies_of(learner_id: int, blueprint: Blueprint, kinds: Iterable[Evidence.Kind]) -> dict[int, Tally]:
    """Per task id, pooled over `kinds`."""
    tallies: dict[int, Tally] = defaultdict(Tally)
    rows = Evidence.objects.filter(
        learner=learner_id, kind__in=list(kinds), task__domain__blueprint=blueprint
    )
    for task_id, correct, seen, shift in rows.values_list("task_id", "correct", "seen", "facility_shift"):
        tallies[task_id] += Tally(correct, seen, shift)
    return dict(tallies)


@dataclass(frozen=True)
class Outlook:
    """What the chance of passing follows from: first exposures on mocks alone."""

    tallies: Mapping[int, Tally]
    sittings: int
    priors: Priors
    domain_of: Mapping[int, int]
    weights: Mapping[int, float]
    items: int
    """Scored items of a paper of the blueprint's length."""

    def with_sitting(self, outcomes: Iterable[tuple[int, bool, float]]) -> Outlook:
        """The same after one more sitting."""
        tallies = defaultdict(Tally, self.tallies)
        for task_id, is_correct, shift in outcomes:
            tallies[task_id] += Tally(int(is_correct), 1, shift)
        return replace(self, tallies=tallies, sittings=self.sittings + 1)

    def chance(self, cut: Fraction) -> Chance:
        questions = sum(tally.seen for tally in self.tallies.values())
        if questions < MIN_QUESTIONS_FOR_CHANCE:
            return Chance(None, questions, self.sittings)
        by_domain: dict[int, Tally] = defaultdict(Tally)
        for task_id, tally in self.tallies.items():
            by_domain[self.domain_of[task_id]] += tally
        weighted, strengths = [], []
        for domain_id, weight in self.weights.items():
            prior, tally = self.priors.of_domain(domain_id), by_domain[domain_id]
            weighted.append((weight, tally.estimate(prior, cut).mean, tally.seen))
            strengths.append(prior.strength)
        mean, strength = psychometrics.pooled_ability(weighted, sum(strengths) / len(strengths))
        value = psychometrics.chance_of_passing(mean=mean, strength=strength, items=self.items, cut=cut)
        return Chance(value, questions, self.sittings)


def outlook(learner_id: int, blueprint: Blueprint) -> Outlook:
    sittings = Result.objects.filter(
        attempt__learner=learner_id,
        attempt__purpose=Attempt.Purpose.MOCK,
        attempt__paper__blueprint=blueprint,
        first_exposures__gt=0,
    ).count()
    return Outlook(
        tallies=tallies_of(learner_id, blueprint, [Kind.MOCK]),
        sittings=sittings,
        priors=priors_of(blueprint, kind=Kind.MOCK),
        domain_of=dict(
            TaskStatement.objects.filter(domain__blueprint=blueprint).values_list("pk", "domain_id")
        ),
        weights={pk: float(weight) for pk, weight in blueprint.domains.values_list("pk", "weight")},
        items=blueprint.scored_items,
    )


def chance(learner_id: int, blueprint: Blueprint, *, cut: Fraction) -> Chance:
    """The chance of passing a paper of the blueprint's length."""
    return outlook(learner_id, blueprint).chance(cut)
