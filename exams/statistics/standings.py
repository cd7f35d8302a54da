"""Where each learner stands after their last scored mock: written by scoring, read by cohort pages.

The model is the one of the learner's own weak spots for mocks (`exams.standing`), over all their sittings:
what the review policy still holds back from the learner is in here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from django.db.models import Count

from accounts.models import User
from exams import evidence, psychometrics
from exams.evidence import Outlook, Tally
from exams.models import Attempt, Paper, PartStanding, Result, Standing
from questions.models import Blueprint

TREND_SITTINGS = 4


def refresh(learner_id: int, blueprint: Blueprint, *, outlook: Outlook | None = None) -> Standing | None:
    """Work it out anew; None, and no row, without a scored mock. The caller holds the learner's lock."""
    sittings = _sittings(learner_id, blueprint)
    if not sittings:
        Standing.objects.filter(learner=learner_id, blueprint=blueprint).delete()
        return None
    outlook = outlook or evidence.outlook(learner_id, blueprint)
    cut = target_of(blueprint)
    chance = outlook.chance(cut)
    scaled = [result.scaled_score for result in sittings]
    standing, _ = Standing.objects.update_or_create(
        learner_id=learner_id,
        blueprint=blueprint,
        defaults={
            "sittings": len(sittings),
            "last_at": sittings[-1].attempt.ended_at,
            "first_scaled": scaled[0],
            "last_scaled": scaled[-1],
            "best_scaled": max(scaled),
            "trend": slope(scaled[-TREND_SITTINGS:]),
            "chance": chance.chance,
            "chance_questions": chance.questions,
            "chance_sittings": chance.sittings,
        },
    )
    _write_parts(standing, _parts(standing, outlook, evidence.targets_of(blueprint, cut)))
    return standing


def fill_missing(attempts: Iterable[Attempt]) -> None:
    """For learners scored before there were standings; `attempts` come with their papers."""
    mocks = [a for a in attempts if a.purpose == Attempt.Purpose.MOCK and a.mock_id is not None]
    pairs = {(a.learner_id, a.paper.blueprint_id) for a in mocks}
    known = Standing.objects.filter(learner__in={learner_id for learner_id, _ in pairs})
    missing = pairs - set(known.values_list("learner_id", "blueprint_id"))
    blueprints = Blueprint.objects.in_bulk({blueprint_id for _, blueprint_id in missing})
    for learner_id, blueprint_id in sorted(missing):
        User.objects.select_for_update(no_key=True).values_list("pk").get(pk=learner_id)
        refresh(learner_id, blueprints[blueprint_id])


def target_of(blueprint: Blueprint) -> Fraction:
    """`exams.standing.standing_cut` in one statement that groups: scoring asks this each time."""
    papers = Paper.objects.filter(blueprint=blueprint, mock__isnull=False, withdrawn_at=None).order_by()
    rows = papers.values_list("cut_numerator", "cut_denominator").annotate(n=Count("pk"))
    cuts = [(Fraction(numerator, denominator), n) for numerator, denominator, n in rows]
    if cuts:
        total: Fraction = sum((cut * n for cut, n in cuts), Fraction(0))
        return Fraction(total, sum(n for _, n in cuts))
    return Fraction(blueprint.passing_score - blueprint.scale_low, blueprint.scale_high - blueprint.scale_low)


def slope(scaled: Sequence[int]) -> float | None:
    """Least squares over 0, 1, 2 …: points a sitting; None for one alone."""
    n = len(scaled)
    if n < 2:
        return None
    middle, mean = (n - 1) / 2, sum(scaled) / n
    return sum((x - middle) * (y - mean) for x, y in enumerate(scaled)) / sum(
        (x - middle) ** 2 for x in range(n)
    )


def _sittings(learner_id: int, blueprint: Blueprint) -> list[Result]:
    """Results of scored mocks in the order of their ends."""
    return list(
        Result.objects.filter(
            attempt__learner=learner_id,
            attempt__purpose=Attempt.Purpose.MOCK,
            attempt__mock__isnull=False,
            attempt__paper__blueprint=blueprint,
        )
        .select_related("attempt")
        .only("scaled_score", "attempt__closed_at", "attempt__deadline_at")
        .order_by("attempt__closed_at", "attempt__number")
    )


def _parts(standing: Standing, outlook: Outlook, targets: Mapping[int, Fraction]) -> list[PartStanding]:
    """Domains and tasks with evidence."""
    by_domain: dict[int, Tally] = defaultdict(Tally)
    parts = []
    for task_id, tally in outlook.tallies.items():
        if not tally.seen:
            continue
        domain_id = outlook.domain_of[task_id]
        by_domain[domain_id] += tally
        prior = outlook.priors.of_task(task_id, domain_id)
        parts.append(_part(standing, domain_id, task_id, tally, prior, targets[domain_id]))
    for domain_id, tally in by_domain.items():
        prior = outlook.priors.of_domain(domain_id)
        parts.append(_part(standing, domain_id, None, tally, prior, targets[domain_id]))
    return parts


def _part(
    standing: Standing,
    domain_id: int,
    task_id: int | None,
    tally: Tally,
    prior: psychometrics.BetaBinomialPrior,
    target: Fraction,
) -> PartStanding:
    estimate = tally.estimate(prior, target)
    return PartStanding(
        standing=standing,
        domain_id=domain_id,
        task_id=task_id,
        correct=estimate.correct,
        seen=estimate.seen,
        mean=estimate.mean,
        low=estimate.low,
        high=estimate.high,
        target=estimate.target,
        verdict=str(estimate.verdict),
        prior_learners=0 if prior.is_default else prior.learners,
    )


def _write_parts(standing: Standing, parts: Sequence[PartStanding]) -> None:
    known: dict[tuple[int, int | None], int] = {
        (domain_id, task_id): pk
        for pk, domain_id, task_id in PartStanding.objects.filter(standing=standing).values_list(
            "pk", "domain_id", "task_id"
        )
    }
    for part in parts:
        part.pk = known.pop((part.domain_id, part.task_id), None)
    PartStanding.objects.bulk_create(
        parts,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["correct", "seen", "mean", "low", "high", "target", "verdict", "prior_learners"],
    )
    if known:
        PartStanding.objects.filter(pk__in=known.values()).delete()
