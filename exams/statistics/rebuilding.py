"""All statistics computed anew from the stored responses: to prove them, or to replace them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from exams import sweeps
from exams.models import Attempt, ItemStatistic, MockStatistic, PartStanding, Result, Standing
from exams.statistics import standings, tallies, worked_out
from exams.statistics.tallies import SHEETS, Tallies
from questions.models import Blueprint

BATCH = 200
SHOWN = 3
"""Of the fields that differ in a row."""


@dataclass
class Rebuilt:
    attempts: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)


@transaction.atomic
def rebuild(*, now: datetime) -> Rebuilt:
    """Replace every tally and what follows from it. Nothing is folded meanwhile, and on SQLite nothing saved."""
    sweeps.lock(tallies.LOCK, now=now)
    rebuilt = Rebuilt()
    anew = _count(rebuilt)
    tallies.replace(anew)
    stale = set(ItemStatistic.objects.values_list("pk", flat=True))
    worked_out.refresh(anew, now=now)
    worked_out.refresh_items(stale - {version_id for version_id, _ in anew.of(tallies.ITEMS)}, now=now)
    rebuilt.rows += _refresh_standings()
    return rebuilt


@transaction.atomic
def check(*, now: datetime) -> Rebuilt:
    """Name every stored row that isn't what the responses say; change nothing."""
    sweeps.lock(tallies.LOCK, now=now)
    checked = Rebuilt()
    anew = _count(checked)
    for sheet in SHEETS:
        stored = tallies.rows_of(sheet)
        checked.differences += _differences(sheet.model.__name__, stored, anew.of(sheet))
    before = _worked_out()
    # What follows from the tallies is worked out for real, compared, and taken back.
    mark = transaction.savepoint()
    tallies.replace(anew)
    worked_out.refresh(anew, now=now)
    _refresh_standings()
    after = _worked_out()
    transaction.savepoint_rollback(mark)
    for name, rows in after.items():
        checked.rows += len(rows)
        checked.differences += _differences(name, before[name], rows)
    return checked


def _count(rebuilt: Rebuilt) -> Tallies:
    """Those folded until now: the others enter in their own time."""
    anew = Tallies()
    for attempts in _batches():
        tallies.of_attempts(attempts, anew)
        rebuilt.attempts += len(attempts)
    for sheet in SHEETS:
        rows = anew.of(sheet)
        for key in list(rows):
            rows[key] = {
                name: tallies.merged(0 if name in sheet.plain else {}, rows[key][name], 1)
                for name in sheet.counts
            }
        rebuilt.rows += len(rows)
    return anew


def _batches() -> Iterator[list[Attempt]]:
    folded = Attempt.objects.filter(state=Attempt.State.SCORED, purpose=Attempt.Purpose.MOCK)
    folded = folded.exclude(folded_at=None).select_related("result", "mock").order_by("pk")
    last = None
    while batch := list((folded if last is None else folded.filter(pk__gt=last))[:BATCH]):
        yield batch
        last = batch[-1].pk


def _refresh_standings() -> int:
    """Of every learner in every exam in which they have a scored mock; return how many."""
    of_mocks = Result.objects.filter(
        attempt__purpose=Attempt.Purpose.MOCK, attempt__mock__isnull=False
    ).order_by()
    pairs = set(of_mocks.values_list("attempt__learner_id", "attempt__paper__blueprint_id"))
    stale = [
        pk
        for pk, *pair in Standing.objects.values_list("pk", "learner_id", "blueprint_id")
        if tuple(pair) not in pairs
    ]
    Standing.objects.filter(pk__in=stale).delete()
    blueprints = Blueprint.objects.in_bulk({blueprint_id for _, blueprint_id in pairs})
    for learner_id, blueprint_id in sorted(pairs):
        User.objects.select_for_update(no_key=True).values_list("pk").get(pk=learner_id)
        standings.refresh(learner_id, blueprints[blueprint_id])
    return len(pairs)


def _worked_out() -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Figures by table and key, without what says only when they were written.

    A standing's estimates follow the population priors, which are fitted now and then: its counts are compared.
    """
    return {
        "ItemStatistic": _by_key(ItemStatistic, ("version_id",), leave=("updated_at",)),
        "MockStatistic figures": {
            (pk,): figures for pk, figures in MockStatistic.objects.values_list("pk", "figures")
        },
        "Standing": _by_key(Standing, ("learner_id", "blueprint_id"), leave=("id", "chance")),
        "PartStanding": {
            tuple(key): {"correct": correct, "seen": seen}
            for *key, correct, seen in PartStanding.objects.values_list(
                "standing__learner_id", "standing__blueprint_id", "domain_id", "task_id", "correct", "seen"
            )
        },
    }


def _by_key(
    model: Any, key: tuple[str, ...], *, leave: tuple[str, ...]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {
        tuple(row[name] for name in key): {k: v for k, v in row.items() if k not in (*key, *leave)}
        for row in model.objects.values()
    }


def _differences(
    name: str, stored: Mapping[tuple[Any, ...], Any], right: Mapping[tuple[Any, ...], Any]
) -> list[str]:
    found = []
    for key in sorted(stored.keys() | right.keys(), key=str):
        label = f"{name} {'/'.join(str(part) for part in key)}"
        if key not in stored:
            found.append(f"{label}: missing")
        elif key not in right:
            found.append(f"{label}: nothing is behind it")
        elif not same(stored[key], right[key]):
            fields = [n for n in right[key] if not same(stored[key].get(n), right[key][n])]
            found.append(f"{label}: {', '.join(fields[:SHOWN])}")
    return found


def same(one: Any, other: Any) -> bool:
    """Whole numbers exactly; a figure to nine digits, for the order of adding may differ."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
