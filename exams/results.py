"""Scoring a closed attempt, once: everything a page shows later is written here."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Any

from django.db import models, transaction

from accounts.models import User
from exams import evidence, items, psychometrics, scoring
from exams.models import (
    Attempt,
    AttemptEvent,
    DomainScore,
    Exposure,
    ItemStatistic,
    Result,
    TaskScore,
)
from exams.statistics import standings
from questions import answers
from questions.models import Blueprint

MIN_FACILITY_N = 30
"""An item's facility is known from this many learners on; before it moves no prior."""


@dataclass(frozen=True)
class Outcome:
    """One slot as scoring sees it."""

    slot: int
    facts: items.ItemFacts
    is_scored: bool
    is_shown: bool
    is_correct: bool
    is_first_exposure: bool
    facility: float | None


def scale_of(blueprint: Blueprint) -> scoring.ScoreScale:
    return scoring.ScoreScale(blueprint.scale_low, blueprint.scale_high, blueprint.passing_score)


@transaction.atomic
def score_attempt(attempt_id: uuid.UUID, *, now: datetime) -> bool:
    """Write the result of a closed attempt; return whether this call did it.

    Idempotent: the attempt's lock and its state let exactly one call of many write. A worker killed in the
    middle leaves nothing behind, and the sweep finds the attempt still closed.
    """
    attempt = (
        Attempt.objects.select_for_update(of=("self",), no_key=True)
        .select_related("paper__blueprint")
        .filter(pk=attempt_id)
        .first()
    )
    if attempt is None or attempt.state != Attempt.State.CLOSED:
        return False
    # Two sittings of one learner share evidence and exposures: one at a time.
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=attempt.learner_id)

    paper = attempt.paper
    responses: list[Any] = list(
        attempt.responses.order_by("slot").values_list(
            "slot", "version_id", "revision", "is_scored", "answer", named=True
        )
    )
    outcomes = _outcomes(attempt, responses)
    score = scoring.score(
        [
            scoring.ScoringItem(
                slot=o.slot,
                key=o.facts.key,
                difficulty=float(o.facts.difficulty),
                is_scored=o.is_scored,
                domain=o.facts.domain_code,
                task=o.facts.task_code,
            )
            for o in outcomes
        ],
        {response.slot: response.answer for response in responses},
        cut=paper.cut,
        scale=scale_of(paper.blueprint),
    )
    to_wrong, to_right = _changes_of_mind(attempt, outcomes)
    kind = evidence.kind_of(attempt.purpose)
    counted = [o for o in outcomes if o.is_scored and o.is_first_exposure]
    outlook = evidence.outlook(attempt.learner_id, paper.blueprint)
    priors = outlook.priors
    if kind is evidence.Kind.PRACTICE:
        priors = evidence.priors_of(paper.blueprint, kind=kind)
    gained = [(o.facts.task_id, o.is_correct, _shift(o, priors)) for o in counted]

    before = outlook.chance(paper.cut)
    if kind is not None:
        evidence.add(attempt.learner_id, kind, gained)
    if kind is evidence.Kind.MOCK and gained:
        outlook = outlook.with_sitting(gained)
    after = outlook.chance(paper.cut)
    result = Result.objects.create(
        attempt=attempt,
        method=score.method,
        correct=score.correct,
        scored_items=score.scored_items,
        cut_numerator=paper.cut_numerator,
        cut_denominator=paper.cut_denominator,
        scaled_score=score.scaled_score,
        scaled_low=score.scaled_low,
        scaled_high=score.scaled_high,
        passed=score.passed,
        first_exposures=len(counted),
        right_to_wrong=to_wrong,
        wrong_to_right=to_right,
        chance_before=before.chance,
        chance_of_passing=after.chance,
        chance_questions=after.questions,
        chance_sittings=after.sittings,
    )
    _write_part_scores(
        result, outcomes, priors=priors, targets=evidence.targets_of(paper.blueprint, paper.cut)
    )
    _write_responses(attempt, outcomes)
    attempt.state = Attempt.State.SCORED
    attempt.scored_at = now
    attempt.save(update_fields=("state", "scored_at"))
    if kind is evidence.Kind.MOCK and attempt.mock_id is not None:
        standings.refresh(attempt.learner_id, paper.blueprint, outlook=outlook)
    AttemptEvent.objects.create(
        attempt=attempt,
        kind=AttemptEvent.Kind.SCORED,
        at=now,
        detail={
            "method": score.method,
            "correct": score.correct,
            "of": score.scored_items,
            "scaled": score.scaled_score,
            "shifts": _shifts(gained),
        },
    )
    return True


def _shifts(gained: Iterable[tuple[int, bool, float]]) -> dict[str, float]:
    """Per task id, what this sitting added to the evidence's shift: known only now, and needed to undo it."""
    shifts: dict[str, float] = defaultdict(float)
    for task_id, _, shift in gained:
        if shift:
            shifts[str(task_id)] += shift
    return shifts


def _outcomes(attempt: Attempt, responses: Sequence[Any]) -> list[Outcome]:
    """Judge each slot; record the first meeting of each question that the learner was really shown.

    Shown is what was saved or looked at: a question that nobody opened says nothing about the learner.
    """
    facts = items.facts([response.version_id for response in responses])
    known = {
        version_id: correct / n
        for version_id, correct, n in ItemStatistic.objects.filter(
            version__in=list(facts), n__gte=MIN_FACILITY_N
        ).values_list("version_id", "correct", "n")
    }
    shown = {r.slot for r in responses if r.revision > 0 or str(r.slot) in attempt.seconds_by_slot}
    met_in = dict(
        Exposure.objects.filter(
            learner=attempt.learner_id, question__in=[f.question_id for f in facts.values()]
        ).values_list("question_id", "attempt_id")
    )
    outcomes = []
    for response in responses:
        fact = facts[response.version_id]
        is_first = response.slot in shown and met_in.get(fact.question_id, attempt.pk) == attempt.pk
        outcomes.append(
            Outcome(
                slot=response.slot,
                facts=fact,
                is_scored=response.is_scored,
                is_shown=response.slot in shown,
                is_correct=answers.is_correct(fact.key, response.answer),
                is_first_exposure=is_first,
                facility=known.get(response.version_id),
            )
        )
    Exposure.objects.bulk_create(
        [
            Exposure(learner_id=attempt.learner_id, question_id=o.facts.question_id, attempt=attempt)
            for o in outcomes
            if o.is_first_exposure
        ],
        ignore_conflicts=True,
    )
    return outcomes


def _shift(outcome: Outcome, priors: evidence.Priors) -> float:
    """How much easier than its task this item is known to be; 0 while nobody knows."""
    if outcome.facility is None:
        return 0.0
    return outcome.facility - priors.of_task(outcome.facts.task_id, outcome.facts.domain_id).mean


def _changes_of_mind(attempt: Attempt, outcomes: Iterable[Outcome]) -> tuple[int, int]:
    """How many slots went from a right first answer to a wrong last one, and the other way."""
    by_slot = {o.slot: o for o in outcomes}
    saves = attempt.events.filter(
        kind__in=(AttemptEvent.Kind.SAVED, AttemptEvent.Kind.SAVED_IN_GRACE), answer__isnull=False
    ).order_by("slot", "revision")
    to_wrong = to_right = 0
    for slot, rows in groupby(saves.values_list("slot", "answer"), key=lambda row: row[0]):
        complete = [a for _, a in rows if answers.is_complete(by_slot[slot].facts.shape, a)]
        if len(complete) < 2:
            continue
        was_right = answers.is_correct(by_slot[slot].facts.key, complete[0])
        to_wrong += was_right and not by_slot[slot].is_correct
        to_right += not was_right and by_slot[slot].is_correct
    return to_wrong, to_right


def _write_part_scores(
    result: Result, outcomes: Iterable[Outcome], *, priors: evidence.Priors, targets: Mapping[int, Fraction]
) -> None:
    """The sitting's own table: every scored slot of a domain or task, blank as wrong."""
    domains: dict[int, list[Outcome]] = defaultdict(list)
    tasks: dict[tuple[int, int], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.is_scored:
            domains[outcome.facts.domain_id].append(outcome)
            tasks[outcome.facts.domain_id, outcome.facts.task_id].append(outcome)
    DomainScore.objects.bulk_create(
        DomainScore(
            result=result,
            domain_id=domain_id,
            **_part(group, prior=priors.of_domain(domain_id), priors=priors, target=targets[domain_id]),
        )
        for domain_id, group in domains.items()
    )
    TaskScore.objects.bulk_create(
        TaskScore(
            result=result,
            task_id=task_id,
            **_part(
                group, prior=priors.of_task(task_id, domain_id), priors=priors, target=targets[domain_id]
            ),
        )
        for (domain_id, task_id), group in tasks.items()
    )


def _part(
    group: Sequence[Outcome],
    *,
    prior: psychometrics.BetaBinomialPrior,
    priors: evidence.Priors,
    target: Fraction,
) -> dict[str, object]:
    shift = sum(_shift(o, priors) for o in group) / len(group)
    estimate = psychometrics.estimate(
        sum(o.is_correct for o in group),
        len(group),
        prior=psychometrics.shifted(prior, prior.mean + shift, prior.mean),
        target=target,
    )
    return {
        "correct": estimate.correct,
        "seen": estimate.seen,
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "target": float(target),
        "verdict": str(estimate.verdict),
        "prior_learners": prior.learners,
    }


def _write_responses(attempt: Attempt, outcomes: Sequence[Outcome]) -> None:
    """One statement for all slots."""
    right = [o.slot for o in outcomes if o.is_correct]
    first = [o.slot for o in outcomes if o.is_first_exposure]
    attempt.responses.update(
        is_correct=models.Case(models.When(slot__in=right, then=True), default=False),
        is_first_exposure=models.Case(models.When(slot__in=first, then=True), default=False),
    )
