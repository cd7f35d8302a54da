"""What many learners' sittings say, folded in after scoring by one process at a time; pages only read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import models, transaction

from exams import psychometrics, sweeps
from exams.models import Attempt, Evidence, ItemStatistic, MockScoreCount, PopulationPrior, Response
from questions import listing
from questions.models import TaskStatement

NAME = "fold-statistics"
REFIT_AFTER = timedelta(minutes=5)
BATCH = 200
ENOUGH_TO_SUSPECT = 30
SOUND_FACILITY = (0.25, 0.95)
"""An item outside it is too hard or too easy to tell anything: look at its key first."""


def fold(*, now: datetime) -> int:
    """Fold every scored attempt that isn't in the statistics yet; return how many. Each enters exactly once."""
    folded = 0
    while True:
        with transaction.atomic():
            sweeps.lock(NAME, now=now)
            attempts = list(
                Attempt.objects.filter(state=Attempt.State.SCORED, folded_at=None)
                .select_related("result")
                .order_by("scored_at")[:BATCH]
            )
            mocks = [attempt for attempt in attempts if attempt.purpose == Attempt.Purpose.MOCK]
            _fold_items(mocks)
            _fold_scores(mocks)
            Attempt.objects.filter(pk__in=[attempt.pk for attempt in attempts]).update(folded_at=now)
        folded += len(attempts)
        if len(attempts) < BATCH:
            break
    if folded:
        refit_priors(now=now)
    sweeps.finish(NAME, now=now, handled=folded)
    return folded


def _fold_items(attempts: Iterable[Attempt]) -> None:
    """First exposures, scored or not: an unscored slot is there to learn its item's facility."""
    rows = (
        Response.objects.filter(attempt__in=list(attempts), is_first_exposure=True)
        .values("version_id")
        .annotate(n=models.Count("id"), right=models.Count("id", filter=models.Q(is_correct=True)))
    )
    gained = {row["version_id"]: (row["n"], row["right"]) for row in rows}
    known = ItemStatistic.objects.in_bulk(list(gained))
    for version_id, (n, right) in gained.items():
        statistic = known.setdefault(version_id, ItemStatistic(version_id=version_id))
        statistic.n += n
        statistic.correct += right
    ItemStatistic.objects.bulk_create(
        [known[version_id] for version_id in gained],
        update_conflicts=True,
        unique_fields=("version",),
        update_fields=("n", "correct"),
    )
    note_in_bank(gained)


def note_in_bank(version_ids: Collection[int]) -> None:
    """Tell the bank list how often the current ones among these versions were met, and which look wrong."""
    current = ItemStatistic.objects.filter(
        pk__in=version_ids, version__question__current=models.F("version")
    ).values_list("version__question", "n", "correct")
    for question_id, n, correct in current:
        facility = correct / n if n else None
        is_suspect = (
            facility is not None
            and n >= ENOUGH_TO_SUSPECT
            and not SOUND_FACILITY[0] <= facility <= SOUND_FACILITY[1]
        )
        listing.note_answers(question_id, seen=n, facility=facility, is_suspect=is_suspect)


def _fold_scores(attempts: Iterable[Attempt]) -> None:
    gained = Counter(
        (attempt.mock_id, attempt.result.scaled_score)
        for attempt in attempts
        if attempt.number == 1 and attempt.mock_id
    )
    for (mock_id, scaled_score), n in gained.items():
        count, _ = MockScoreCount.objects.get_or_create(mock_id=mock_id, scaled_score=scaled_score)
        count.n += n
        count.save(update_fields=("n",))


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
