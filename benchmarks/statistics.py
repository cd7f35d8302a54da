"""Statistics kept up to date: what one more sitting costs, whether that grows, and how fast all is computed anew."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.utils import timezone

from benchmarks import bank, cpu
from benchmarks.reporting import Row
from benchmarks.sizes import Size
from exams import closing, population, results
from exams.models import Attempt, Response
from exams.statistics import rebuilding

MEASURED = 20
EARLY = 100
MAX_GROWTH = 1.5
"""A later sitting may cost so much of an early one: the rows that it changes have more entries, up to a bound."""


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    bank.make_overdue(mock, max(size.overdue // 10, 4))
    closing.close_overdue(now=timezone.now())
    waiting = list(Attempt.objects.unscored().order_by("pk").values_list("pk", flat=True))
    measured = min(MEASURED, len(waiting) // 4)
    early = min(EARLY, len(waiting) // 2)

    _together(waiting[: early - measured])
    first = _each(waiting[early - measured : early])
    _together(waiting[early:-measured])
    later = _each(waiting[-measured:])

    yield Row(f"Scoring and counting, the {early}th sitting", first, "ms")
    yield Row(f"… the {len(waiting):,}th", later, "ms")
    yield Row("… as often as the early one", later / first if first else 0.0, at_most=MAX_GROWTH)
    responses = Response.objects.filter(attempt__folded_at__isnull=False).count()
    begun = time.perf_counter()
    rebuilding.rebuild(now=timezone.now())
    seconds = time.perf_counter() - begun
    yield Row("Responses a second, all anew", responses / seconds, note=f"{responses:,} in {seconds:.1f} s")
    checked = rebuilding.check(now=timezone.now())
    yield Row(
        "Rows that differ then", len(checked.differences), at_most=0, note=" ".join(checked.differences[:1])
    )


def _each(attempt_ids: Sequence[UUID]) -> float:
    """CPU of one, with every aggregate up to date before the next."""
    return cpu.cost_of_each(_one, attempt_ids).ms


def _one(attempt_id: UUID) -> None:
    now = timezone.now()
    results.score_attempt(attempt_id, now=now)
    population.fold(now=now)


def _together(attempt_ids: Sequence[UUID]) -> None:
    now = timezone.now()
    for attempt_id in attempt_ids:
        results.score_attempt(attempt_id, now=now)
    population.fold(now=now)
