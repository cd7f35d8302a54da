"""What one scored sitting adds to each tally, and how it is added and taken away again: whole numbers only.

Rows are nested dictionaries of whole numbers here. What becomes zero is left out, and a row of zeros is
deleted, so that taking away leaves exactly what would be there had the sitting never been counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Min, Model, Q

from exams import items
from exams.models import (
    AssignmentQuestion,
    AssignmentTally,
    Attempt,
    ItemTally,
    MockScoreCount,
    MockStatistic,
    PaperTally,
    Response,
)

LOCK = "fold-statistics"
"""Whoever writes these rows holds it (`sweeps.lock`): one process at a time."""

Key = tuple[Any, ...]
Row = dict[str, Any]
"""Field → whole number, list of them, or a dictionary of either."""

CHUNK = 500


@dataclass(frozen=True)
class Sheet:
    """A table of tallies: what names a row, and what is counted in it."""

    model: type[Model]
    key: tuple[str, ...]
    counts: tuple[str, ...]
    plain: frozenset[str] = frozenset()
    """Counts that are a number of their own rather than JSON."""


ITEMS = Sheet(
    ItemTally,
    ("version_id", "mock_id"),
    ("right", "wrong", "choices", "seconds", "omitted", "not_reached"),
    frozenset({"omitted", "not_reached"}),
)
PAPERS = Sheet(PaperTally, ("paper_id",), ("scores", "right", "domains"))
MOCKS = Sheet(MockStatistic, ("mock_id",), ("n", "passed", "scores"), frozenset({"n", "passed"}))
SCORES = Sheet(MockScoreCount, ("mock_id", "scaled_score"), ("n",), frozenset({"n"}))
ASSIGNMENTS = Sheet(
    AssignmentTally,
    ("assignment_id", "is_first"),
    ("n", "passed", "scores", "domains", "tasks", "positions", "weeks"),
    frozenset({"n", "passed"}),
)
QUESTIONS = Sheet(
    AssignmentQuestion,
    ("assignment_id", "version_id"),
    ("n", "correct", "blank", "choices"),
    frozenset({"n", "correct", "blank"}),
)
SHEETS = (ITEMS, PAPERS, MOCKS, SCORES, ASSIGNMENTS, QUESTIONS)


@dataclass
class Tallies:
    """What some sittings add: per sheet, key → row."""

    rows: dict[str, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, sheet: Sheet) -> dict[Key, Row]:
        return self.rows[sheet.model.__name__]

    def row(self, sheet: Sheet, *key: Any) -> Row:
        rows = self.of(sheet)
        found = rows.get(key)
        if found is None:
            found = rows[key] = {name: 0 if name in sheet.plain else {} for name in sheet.counts}
        return found


def of_attempts(attempts: Iterable[Attempt], into: Tallies | None = None) -> Tallies:
    """What these scored sittings add, in a number of statements that doesn't grow with them.

    They come with `result` and `mock`. Only mock exams count: practice, previews and staff add nothing.
    """
    tallies = into or Tallies()
    counted = {a.pk: a for a in attempts if a.purpose == Attempt.Purpose.MOCK and a.mock_id is not None}
    if not counted:
        return tallies
    slots: dict[Any, list[Any]] = defaultdict(list)
    responses = Response.objects.filter(attempt__in=list(counted)).order_by()
    for row in responses.values_list(
        "attempt_id",
        "slot",
        "version_id",
        "revision",
        "is_scored",
        "answer",
        "is_correct",
        "is_first_exposure",
        named=True,
    ):
        slots[row.attempt_id].append(row)
    first = _first_of_assignment(counted.values())
    facts = items.facts(list({row.version_id for rows in slots.values() for row in rows}))
    for pk, attempt in counted.items():
        own = [_slot(attempt, row, facts[row.version_id]) for row in slots[pk]]
        if attempt.number == 1:
            _count_mock(tallies, attempt, own)
        if attempt.assignment_id is not None:
            is_first = first[attempt.assignment_id, attempt.learner_id] == attempt.number
            _count_assignment(tallies, attempt, own, is_first=is_first)
    return tallies


@dataclass(frozen=True, slots=True)
class _Slot:
    slot: str
    version_id: int
    facts: items.ItemFacts
    is_scored: bool
    is_right: bool
    is_shown: bool
    is_blank: bool
    is_first_exposure: bool
    seconds: int | None
    chosen: tuple[str, ...]


def _slot(attempt: Attempt, row: Any, facts: items.ItemFacts) -> _Slot:
    slot = str(row.slot)
    seconds = attempt.seconds_by_slot.get(slot)
    return _Slot(
        slot=slot,
        version_id=row.version_id,
        facts=facts,
        is_scored=row.is_scored,
        is_right=bool(row.is_correct),
        is_shown=row.revision > 0 or seconds is not None,
        is_blank=row.answer is None,
        is_first_exposure=bool(row.is_first_exposure),
        seconds=None if seconds is None else round(seconds),
        chosen=_chosen(facts, row.answer),
    )


def _chosen(facts: items.ItemFacts, answer: Any) -> tuple[str, ...]:
    """The options of a choice item; sequences and pairs have no options that stand alone."""
    if facts.shape.item_type == "multiple_choice":
        return () if answer is None else (answer,)
    return tuple(answer or ()) if facts.shape.item_type == "multiple_response" else ()


def _first_of_assignment(attempts: Iterable[Attempt]) -> Mapping[tuple[int, int], int]:
    """Per assignment and learner, the number of the first sitting that began within it."""
    given = [a for a in attempts if a.assignment_id is not None]
    if not given:
        return {}
    rows = (
        Attempt.objects.filter(
            assignment__in={a.assignment_id for a in given},
            learner__in={a.learner_id for a in given},
            purpose=Attempt.Purpose.MOCK,
        )
        .order_by()
        .values("assignment_id", "learner_id")
        .annotate(first=Min("number"))
    )
    return {(row["assignment_id"], row["learner_id"]): row["first"] for row in rows}


def _count_mock(tallies: Tallies, attempt: Attempt, slots: Sequence[_Slot]) -> None:
    """The mock, its paper and its items, from the learner's first attempt."""
    total = sum(s.is_right for s in slots if s.is_scored)
    scores = tallies.row(SCORES, attempt.mock_id, attempt.result.scaled_score)
    scores["n"] += 1
    mock = tallies.row(MOCKS, attempt.mock_id)
    mock["n"] += 1
    mock["passed"] += attempt.result.passed
    _bump(mock["scores"], str(total))
    # A paper that only one learner sits says nothing as a paper.
    if attempt.mock is not None and not attempt.mock.is_per_learner:
        _count_paper(tallies.row(PAPERS, attempt.paper_id), slots, total)
    for s in slots:
        if not s.is_shown:
            tallies.row(ITEMS, s.version_id, attempt.mock_id)["not_reached"] += 1
        elif s.is_first_exposure:
            _count_item(tallies.row(ITEMS, s.version_id, attempt.mock_id), s, total)


def _count_paper(paper: Row, slots: Sequence[_Slot], total: int) -> None:
    _bump(paper["scores"], str(total))
    right: dict[str, int] = defaultdict(int)
    for s in slots:
        if s.is_scored:
            right[str(s.facts.domain_id)] += s.is_right
            if s.is_right:
                _add_to(paper["right"], s.slot, (1, total))
    for domain, n in right.items():
        _add_to(paper["domains"], domain, (n, n * n, n * total))


def _count_item(item: Row, s: _Slot, total: int) -> None:
    rest = str(total - (s.is_scored and s.is_right))
    _bump(item["right" if s.is_right else "wrong"], rest)
    for option in s.chosen:
        _bump(item["choices"].setdefault(option, {}), rest)
    item["omitted"] += s.is_blank
    if s.seconds is not None:
        _bump(item["seconds"], str(seconds_bin(s.seconds)))


def seconds_bin(seconds: int) -> int:
    """Exact for two minutes, then coarser, up to an hour: a bound on how many there can be."""
    if seconds <= 120:
        return max(seconds, 0)
    return min(round(seconds / 5) * 5 if seconds <= 600 else round(seconds / 60) * 60, 3600)


def _count_assignment(tallies: Tallies, attempt: Attempt, slots: Sequence[_Slot], *, is_first: bool) -> None:
    result = attempt.result
    tally = tallies.row(ASSIGNMENTS, attempt.assignment_id, is_first)
    tally["n"] += 1
    tally["passed"] += result.passed
    _bump(tally["scores"], str(result.scaled_score))
    if attempt.ended_at is not None:
        year, week, _ = attempt.ended_at.isocalendar()
        _add_to(tally["weeks"], f"{year}-W{week:02}", (1, result.scaled_score, int(result.passed)))
    parts: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for s in slots:
        _add_to(
            tally["positions"],
            s.slot,
            (int(s.is_shown), s.seconds or 0, int(s.is_shown and s.is_blank), int(not s.is_shown)),
        )
        if s.is_scored:
            for part in (("domains", s.facts.domain_id), ("tasks", s.facts.task_id)):
                parts[part][0] += s.is_right
                parts[part][1] += 1
        if is_first and s.is_shown:
            question = tallies.row(QUESTIONS, attempt.assignment_id, s.version_id)
            question["n"] += 1
            question["correct"] += s.is_right
            question["blank"] += s.is_blank
            for option in s.chosen:
                _bump(question["choices"], option)
    for (name, pk), (right, seen) in parts.items():
        _add_to(tally[name], str(pk), (1, right, seen, right * right, seen * seen, right * seen))


def _bump(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _add_to(sums: dict[str, list[int]], key: str, values: Sequence[int]) -> None:
    known = sums.get(key)
    if known is None:
        sums[key] = list(values)
    else:
        for i, value in enumerate(values):
            known[i] += value


# ── adding and taking away ──


def merged(before: Any, change: Any, sign: int) -> Any:
    """`before` with `change` added (sign 1) or taken away (−1), without what is zero then."""
    if isinstance(change, Mapping):
        after = dict(before or {})
        for key, value in change.items():
            new = merged(after.get(key), value, sign)
            if is_nothing(new):
                after.pop(key, None)
            else:
                after[key] = new
        return after
    if isinstance(change, (list, tuple)):
        known = before or [0] * len(change)
        return [a + sign * b for a, b in zip(known, change, strict=True)]
    return (before or 0) + sign * int(change)


def is_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(is_nothing(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return not any(value)
    return not value


def apply(tallies: Tallies, *, sign: int) -> None:
    """Add to the stored rows, or take away from them. The caller holds `LOCK` and a transaction."""
    for sheet in SHEETS:
        changes = tallies.of(sheet)
        keys = list(changes)
        for begin in range(0, len(keys), CHUNK):
            _apply(sheet, {key: changes[key] for key in keys[begin : begin + CHUNK]}, sign)


def _apply(sheet: Sheet, changes: Mapping[Key, Row], sign: int) -> None:
    known = {_key_of(sheet, row): row for row in _stored(sheet, changes)}
    written, emptied = [], []
    for key, change in changes.items():
        row = known.get(key) or sheet.model(**dict(zip(sheet.key, key, strict=True)))
        for name in sheet.counts:
            setattr(row, name, merged(getattr(row, name), change[name], sign))
        if is_nothing([getattr(row, name) for name in sheet.counts if name in sheet.plain]) and all(
            is_nothing(getattr(row, name)) for name in sheet.counts
        ):
            emptied.append(row.pk)
        else:
            written.append(row)
    if written:
        sheet.model._default_manager.bulk_create(
            written,
            update_conflicts=True,
            unique_fields=[name.removesuffix("_id") for name in sheet.key],
            update_fields=list(sheet.counts),
        )
    if emptied:
        sheet.model._default_manager.filter(pk__in=[pk for pk in emptied if pk is not None]).delete()


def _stored(sheet: Sheet, keys: Iterable[Key]) -> Iterable[Any]:
    """The rows with these keys, and maybe some others: the keys' parts are looked for one by one."""
    wanted = list(keys)
    condition = Q()
    for place, name in enumerate(sheet.key):
        condition &= Q(**{f"{name}__in": {key[place] for key in wanted}})
    return sheet.model._default_manager.filter(condition)


def _key_of(sheet: Sheet, row: Any) -> Key:
    return tuple(getattr(row, name) for name in sheet.key)


def rows_of(sheet: Sheet) -> dict[Key, Row]:
    """All that is stored."""
    rows = sheet.model._default_manager.order_by().values(*sheet.key, *sheet.counts)
    return {
        tuple(row[name] for name in sheet.key): {name: row[name] for name in sheet.counts}
        for row in rows.iterator(chunk_size=CHUNK)
    }


def replace(tallies: Tallies) -> None:
    """Throw away what is stored and write these rows instead."""
    for sheet in SHEETS:
        sheet.model._default_manager.all().delete()
        sheet.model._default_manager.bulk_create(
            (
                sheet.model(**dict(zip(sheet.key, key, strict=True)), **row)
                for key, row in tallies.of(sheet).items()
            ),
            batch_size=CHUNK,
        )
