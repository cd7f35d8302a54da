"""What many learners' sittings say, folded in after scoring by one process at a time; pages only read it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import models, transaction

from exams import psychometrics, sweeps
from exams.models import Attempt, Evidence, PopulationPrior
from exams.statistics import standings, tallies, worked_out
from questions.models import TaskStatement

NAME = tallies.LOCK
REFIT_AFTER = timedelta(minutes=5)
BATCH = 200


def fold(*, now: datetime) -> int:
    """Fold every scored attempt that isn't in the statistics yet; return how many. Each enters exactly once."""
    folded = 0
    while True:
        with transaction.atomic():
            sweeps.lock(NAME, now=now)
            # Skipping what is locked: who reopens a sitting holds its lock and waits for ours.
            attempts = list(
                Attempt.objects.filter(state=Attempt.State.SCORED, folded_at=None)
                .select_for_update(of=("self",), no_key=True, skip_locked=True)
                .select_related("result", "mock", "paper")
                .order_by("scored_at")[:BATCH]
            )
            gained = tallies.of_attempts(attempts)
            tallies.apply(gained, sign=1)
            worked_out.refresh(gained, now=now)
            standings.fill_missing(attempts)
            Attempt.objects.filter(pk__in=[attempt.pk for attempt in attempts]).update(folded_at=now)
        folded += len(attempts)
        if len(attempts) < BATCH:
            break
    if folded:
        refit_priors(now=now)
    sweeps.finish(NAME, now=now, handled=folded)
    return folded


def refit_priors(*, now: datetime) -> int:
    """Fit each task's and domain's prior anew, at most every `REFIT_AFTER`; return how many were fitted.

    What has fewer than 50 learners keeps no row: pages say "default prior" then.
    """
    latest = PopulationPrior.objects.aggregate(at=models.Max("fitted_at"))["at"]
    if latest is not None and now - latest < REFIT_AFTER:
        return 0
    per_task: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    per_domain: dict[tuple[int, str], dict[int, tuple[int, int]]] = defaultdict(dict)
    domain_of = dict(TaskStatement.objects.values_list("pk", "domain_id"))
    rows = Evidence.objects.filter(seen__gt=0).values_list("learner_id", "task_id", "kind", "correct", "seen")
    for learner_id, task_id, kind, correct, seen in rows.iterator(chunk_size=5_000):
        per_task[task_id, kind].append((correct, seen))
        of_domain = per_domain[domain_of[task_id], kind]
        before = of_domain.get(learner_id, (0, 0))
        of_domain[learner_id] = (before[0] + correct, before[1] + seen)

    fits = [
        (PopulationPrior(domain_id=domain_of[task_id], task_id=task_id, kind=kind), shares)
        for (task_id, kind), shares in per_task.items()
    ] + [
        (PopulationPrior(domain_id=domain_id, kind=kind), list(learners.values()))
        for (domain_id, kind), learners in per_domain.items()
    ]
    fitted = [row for row, shares in fits if _fit(row, shares, now)]
    with transaction.atomic():
        sweeps.lock(NAME, now=now)
        PopulationPrior.objects.all().delete()
        PopulationPrior.objects.bulk_create(fitted)
    return len(fitted)


def _fit(row: PopulationPrior, shares: list[tuple[int, int]], now: datetime) -> bool:
    """Fill `row`; False where there is too little to fit and the default prior stays."""
    prior = psychometrics.fit_prior(shares)
    row.mean, row.strength, row.learners, row.fitted_at = prior.mean, prior.strength, prior.learners, now
    return not prior.is_default
