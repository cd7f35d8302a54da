"""Where a learner stands: all evidence of an exam pooled per domain and task, against the cut.

Evidence of sittings whose score the review policy still holds back is taken out again, so that no
difference between two looks at this page tells a score before its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID, uuid4

from django.db.models import Count, Q

from accounts.models import User
from exams import assembly, charts, disclosure, evidence, figures, psychometrics, results, scoring
from exams.evidence import Kind, Tally
from exams.figures import Figure
from exams.models import Attempt, Evidence, Exposure, Paper, Response
from questions.models import Blueprint, Domain, Question

SOURCES: Mapping[str, tuple[Kind, ...]] = {
    "both": (Kind.MOCK, Kind.PRACTICE),
    "mock": (Kind.MOCK,),
    "practice": (Kind.PRACTICE,),
}
PAST_MARKS = 5


@dataclass(frozen=True)
class StandingTask:
    """`priority` is weight × chance of lying below the target; what raises the score most comes first."""

    code: str
    title: str
    domain_code: str
    figure: Figure
    mock: Tally
    practice: Tally
    questions: int
    unmet: int
    weight: float
    exam_questions: float
    priority: float
    start_key: UUID


@dataclass(frozen=True)
class StandingDomain:
    code: str
    title: str
    weight: float
    figure: Figure
    mock: Tally
    practice: Tally
    priority: float
    start_key: UUID
    questions: int


@dataclass(frozen=True)
class Readiness:
    """The learner on the score scale, from first-seen questions of mocks alone."""

    scaled: int
    low: int
    high: int
    chance_percent: int
    questions: int
    sittings: int
    chart: charts.ScaleChart
    past: tuple[int, ...]
    past_flatters: bool
    """Some of the past papers held questions met before, which pull their scores up."""


@dataclass(frozen=True)
class Standing:
    blueprint: Blueprint
    cut: Fraction
    source: str
    domains: tuple[StandingDomain, ...]
    tasks: tuple[StandingTask, ...]
    readiness: Readiness | None
    mock: Tally
    practice: Tally
    sittings: tuple[Attempt, ...]
    """Scored mocks whose score may be shown, newest first, with their results."""
    hidden: int
    is_default_prior: bool

    @property
    def cut_percent(self) -> int:
        return figures.whole_percent(float(self.cut))

    @property
    def seen(self) -> int:
        """First-seen questions of the sources chosen."""
        return sum(row.figure.seen for row in self.domains)

    @property
    def weakest(self) -> tuple[StandingTask, ...]:
        """Tasks with evidence that lie below the target or may do so, weakest first."""
        return tuple(
            task
            for task in self.tasks
            if task.figure.seen
            and task.figure.verdict is not psychometrics.Verdict.ON_TRACK
            and task.questions
        )


def blueprint_of(learner: User) -> Blueprint | None:
    """The exam the learner prepares for; else that of their latest sitting; else the first there is."""
    return (
        Blueprint.objects.filter(plans__learner=learner).first()
        or Blueprint.objects.filter(papers__attempts__learner=learner)
        .order_by("-papers__attempts__started_at")
        .first()
        or Blueprint.objects.first()
    )


def standing(learner: User, blueprint: Blueprint, *, now: datetime, source: str = "both") -> Standing:
    """Everything known about a learner in one exam, in a number of statements that evidence doesn't raise."""
    domains = list(blueprint.domains.prefetch_related("tasks").order_by("position", "code"))
    sittings = _sittings(learner, blueprint)
    shown = [each for each in sittings if disclosure.of(each, now=now).score]
    hidden = [each for each in sittings if each not in shown]
    tallies = _tallies(learner, blueprint, hidden)
    priors = evidence.priors_of(blueprint, kind=Kind.PRACTICE if source == "practice" else Kind.MOCK)
    cut = standing_cut(blueprint)
    targets = {domain.pk: cut if domain.cut is None else Fraction(domain.cut) for domain in domains}
    banks = _banks(learner, blueprint)

    tasks: list[StandingTask] = []
    rows: list[StandingDomain] = []
    for domain in domains:
        own = list(domain.tasks.all())
        weight = float(domain.weight) / max(len(own), 1)
        of_domain = {kind: sum((tallies[kind, task.pk] for task in own), Tally()) for kind in Kind}
        for task in own:
            of_task = {kind: tallies[kind, task.pk] for kind in Kind}
            prior = priors.of_task(task.pk, domain.pk)
            estimate = _pooled(of_task, source).estimate(prior, targets[domain.pk])
            questions, met = banks.get(task.pk, (0, 0))
            tasks.append(
                StandingTask(
                    code=task.code,
                    title=task.title,
                    domain_code=domain.code,
                    figure=figures.from_estimate(estimate, prior),
                    mock=of_task[Kind.MOCK],
                    practice=of_task[Kind.PRACTICE],
                    questions=questions,
                    unmet=questions - met,
                    weight=weight,
                    exam_questions=weight / 100 * blueprint.scored_items,
                    priority=weight * (1 - estimate.chance_at_or_above_target),
                    start_key=uuid4(),
                )
            )
        prior = priors.of_domain(domain.pk)
        estimate = _pooled(of_domain, source).estimate(prior, targets[domain.pk])
        rows.append(
            StandingDomain(
                code=domain.code,
                title=domain.title,
                weight=float(domain.weight),
                figure=figures.from_estimate(estimate, prior),
                mock=of_domain[Kind.MOCK],
                practice=of_domain[Kind.PRACTICE],
                priority=float(domain.weight) * (1 - estimate.chance_at_or_above_target),
                start_key=uuid4(),
                questions=sum(banks.get(task.pk, (0, 0))[0] for task in own),
            )
        )
    tasks.sort(key=lambda task: -task.priority)
    mock_priors = priors if source != "practice" else evidence.priors_of(blueprint, kind=Kind.MOCK)
    return Standing(
        blueprint=blueprint,
        cut=cut,
        source=source,
        domains=tuple(rows),
        tasks=tuple(tasks),
        readiness=_readiness(blueprint, domains, rows, priors=mock_priors, cut=cut, shown=shown),
        mock=sum((row.mock for row in rows), Tally()),
        practice=sum((row.practice for row in rows), Tally()),
        sittings=tuple(shown),
        hidden=len(hidden),
        is_default_prior=any(row.figure.is_default_prior for row in rows),
    )


def standing_cut(blueprint: Blueprint) -> Fraction:
    """The mean cut of the mock papers in use: one target for all sittings, whichever paper each of them had.

    Before any paper there is, the place of the passing score on the scale.
    """
    papers = Paper.objects.filter(blueprint=blueprint, mock__isnull=False, withdrawn_at=None)
    cuts = [Fraction(*pair) for pair in papers.values_list("cut_numerator", "cut_denominator")]
    if cuts:
        return sum(cuts, Fraction(0)) / len(cuts)
    return Fraction(blueprint.passing_score - blueprint.scale_low, blueprint.scale_high - blueprint.scale_low)


def _pooled(tallies: Mapping[Kind, Tally], source: str) -> Tally:
    return sum((tallies[kind] for kind in SOURCES[source]), Tally())


def _sittings(learner: User, blueprint: Blueprint) -> list[Attempt]:
    """Scored mocks, newest first."""
    return list(
        Attempt.objects.sat_by(learner)
        .filter(
            state=Attempt.State.SCORED,
            purpose=Attempt.Purpose.MOCK,
            mock__isnull=False,
            paper__blueprint=blueprint,
        )
        .select_related("mock", "assignment", "result")
        .order_by("-started_at")
    )


def _tallies(
    learner: User, blueprint: Blueprint, hidden: Collection[Attempt]
) -> Mapping[tuple[Kind, int], Tally]:
    """By kind and task id, without the hidden sittings."""
    tallies: dict[tuple[Kind, int], Tally] = defaultdict(Tally)
    rows = Evidence.objects.filter(learner=learner, task__domain__blueprint=blueprint)
    for kind, task_id, correct, seen, shift in rows.values_list(
        "kind", "task_id", "correct", "seen", "facility_shift"
    ):
        tallies[Kind(kind), task_id] += Tally(correct, seen, shift)
    if hidden:
        held_back = (
            Response.objects.filter(attempt__in=hidden, is_scored=True, is_first_exposure=True)
            .values_list("version__topic__task_id")
            .annotate(seen=Count("id"), correct=Count("id", filter=Q(is_correct=True)))
        )
        for task_id, seen, correct in held_back:
            tallies[Kind.MOCK, task_id] += Tally(-correct, -seen)
    return tallies


def _banks(learner: User, blueprint: Blueprint) -> dict[int, tuple[int, int]]:
    """Per task id: questions that practice may take, and how many of them the learner has met."""
    for_practice = Question.objects.published().exclude(pk__in=assembly.held_back(blueprint))
    published = for_practice.filter(blueprint=blueprint).values_list("current__topic__task_id")
    met = published.filter(pk__in=Exposure.objects.filter(learner=learner).values("question"))
    met_by_task = dict(met.annotate(n=Count("id")).values_list("current__topic__task_id", "n"))
    by_task = published.annotate(n=Count("id")).values_list("current__topic__task_id", "n")
    return {task_id: (n, met_by_task.get(task_id, 0)) for task_id, n in by_task}


def _readiness(
    blueprint: Blueprint,
    domains: Sequence[Domain],
    rows: Sequence[StandingDomain],
    *,
    priors: evidence.Priors,
    cut: Fraction,
    shown: Sequence[Attempt],
) -> Readiness | None:
    """The same pooling as `evidence.chance`: domains weighted as the exam weights them."""
    questions = sum(row.mock.seen for row in rows)
    if questions < evidence.MIN_QUESTIONS_FOR_CHANCE:
        return None
    weighted, strengths = [], []
    for domain, row in zip(domains, rows, strict=True):
        prior = priors.of_domain(domain.pk)
        weighted.append((float(domain.weight), row.mock.estimate(prior, cut).mean, row.mock.seen))
        strengths.append(prior.strength)
    mean, strength = psychometrics.pooled_ability(weighted, sum(strengths) / len(strengths))
    a, b, tail = mean * strength, (1 - mean) * strength, psychometrics.TAIL
    low, high = psychometrics.beta_quantile(tail, a, b), psychometrics.beta_quantile(1 - tail, a, b)
    scale = results.scale_of(blueprint)
    scaled, scaled_low, scaled_high = (
        scoring.scaled_score(Fraction(share).limit_denominator(10_000), cut, scale)
        for share in (mean, low, high)
    )
    chance = psychometrics.chance_of_passing(
        mean=mean, strength=strength, items=blueprint.scored_items, cut=cut
    )
    latest = [each.result for each in shown[:PAST_MARKS]]
    past = tuple(result.scaled_score for result in latest)
    return Readiness(
        scaled=scaled,
        low=scaled_low,
        high=scaled_high,
        chance_percent=figures.whole_percent(chance),
        questions=questions,
        sittings=sum(each.result.first_exposures > 0 for each in shown),
        chart=charts.score_scale(scale, point=scaled, low=scaled_low, high=scaled_high, past=past),
        past=past,
        past_flatters=any(result.first_exposures < result.scored_items for result in latest),
    )
