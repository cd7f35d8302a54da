"""The figures of a question version, worked out from its tallies whenever one of them changes.

Flags, in the order in which to look at them:
`negative_discrimination`: the better the rest, the rarer the right answer. Look at the key first.
`distractor_beats_key:<option>`: choosing it goes with good rest scores more than the right answer does.
`distractor_above:<option>`: choosing it goes with good rest scores (above +.05).
`low_discrimination`: below .10. `too_hard`: facility below .25. `too_easy`: above .95.
`idle_distractor:<option>`: fewer than 5 % choose it. `provisional`: fewer than 30 learners.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from exams import item_analysis, items, psychometrics
from exams.models import ItemStatistic, ItemTally
from questions import listing
from questions.models import QuestionVersion

ENOUGH = 30
"""Fewer learners make every figure provisional."""
ENOUGH_FOR_FLAGS = 10
"""Below, one learner moves each share by ten points: only `provisional` is said."""
SOUND_FACILITY = (0.25, 0.95)
LOW_DISCRIMINATION = 0.10
HIGH_FOR_A_DISTRACTOR = 0.05
IDLE = 0.05
BATCH = 200


@dataclass(frozen=True)
class Counts:
    """One or more tallies of a version, rest scores as shares of the highest possible rest score."""

    right: Mapping[float, int]
    wrong: Mapping[float, int]
    choices: Mapping[str, Mapping[float, int]]
    seconds: Mapping[float, int]
    omitted: int
    not_reached: int


@dataclass(frozen=True)
class Figures:
    """`options` holds per option: id, is_key, n, share, mean_rest, correlation, quintiles as [chose, of]."""

    n: int
    correct: int
    omitted: int
    not_reached: int
    low: float
    high: float
    discrimination: float | None
    median_seconds: float | None
    options: list[dict[str, Any]]
    flags: list[str]

    @property
    def facility(self) -> float | None:
        return self.correct / self.n if self.n else None


def counts_of(tallies: Iterable[ItemTally]) -> Counts:
    """Several mocks are pooled by the share of their highest rest score; they come with `mock`."""
    right, wrong, seconds = [], [], []
    choices: dict[str, list[dict[float, int]]] = defaultdict(list)
    omitted = not_reached = 0
    for tally in tallies:
        top = max(tally.mock.items - tally.mock.unscored - 1, 1)
        right.append(_shares(tally.right, top))
        wrong.append(_shares(tally.wrong, top))
        seconds.append({float(value): n for value, n in tally.seconds.items()})
        for option, histogram in tally.choices.items():
            choices[option].append(_shares(histogram, top))
        omitted += tally.omitted
        not_reached += tally.not_reached
    add = item_analysis.added
    return Counts(
        add(right),
        add(wrong),
        {option: add(each) for option, each in choices.items()},
        add(seconds),
        omitted,
        not_reached,
    )


def _shares(histogram: Mapping[str, int], top: int) -> dict[float, int]:
    return {int(rest) / top: n for rest, n in histogram.items()}


def work_out(counts: Counts, facts: items.ItemFacts) -> Figures:
    correct = item_analysis.size(counts.right)
    everybody = item_analysis.added((counts.right, counts.wrong))
    n = item_analysis.size(everybody)
    low, high = psychometrics.wilson_interval(correct, n)
    discrimination = item_analysis.point_biserial(counts.right, counts.wrong)
    options = _options(counts, facts, everybody)
    return Figures(
        n=n,
        correct=correct,
        omitted=counts.omitted,
        not_reached=counts.not_reached,
        low=low,
        high=high,
        discrimination=discrimination,
        median_seconds=item_analysis.median(counts.seconds),
        options=options,
        flags=_flags(n, correct / n if n else None, discrimination, options),
    )


def _options(counts: Counts, facts: items.ItemFacts, everybody: Mapping[float, int]) -> list[dict[str, Any]]:
    """Those of choice items; a sequence or a set of pairs has none that stand alone."""
    if facts.shape.item_type not in ("multiple_choice", "multiple_response") or not everybody:
        return []
    n = item_analysis.size(everybody)
    fifths = item_analysis.quintile_of(everybody)
    sizes = item_analysis.by_quintile(everybody, fifths)
    key = {facts.key} if isinstance(facts.key, str) else set(facts.key or ())
    options = []
    for option in sorted(facts.shape.option_ids):
        chose = counts.choices.get(option, {})
        others = {rest: count - chose.get(rest, 0) for rest, count in everybody.items()}
        options.append(
            {
                "id": option,
                "is_key": option in key,
                "n": item_analysis.size(chose),
                "share": item_analysis.size(chose) / n,
                "mean_rest": item_analysis.mean(chose),
                "correlation": item_analysis.point_biserial(chose, others),
                "quintiles": [
                    list(pair) for pair in zip(item_analysis.by_quintile(chose, fifths), sizes, strict=True)
                ],
            }
        )
    return options


def _flags(
    n: int, facility: float | None, discrimination: float | None, options: Iterable[dict[str, Any]]
) -> list[str]:
    flags: list[str] = []
    distractors = [option for option in options if not option["is_key"]]
    if n >= ENOUGH_FOR_FLAGS and facility is not None:
        if discrimination is not None and discrimination < 0:
            flags.append("negative_discrimination")
        for option in distractors:
            r = option["correlation"]
            if r is not None and discrimination is not None and r > discrimination:
                flags.append(f"distractor_beats_key:{option['id']}")
            elif r is not None and r > HIGH_FOR_A_DISTRACTOR:
                flags.append(f"distractor_above:{option['id']}")
        if discrimination is not None and 0 <= discrimination < LOW_DISCRIMINATION:
            flags.append("low_discrimination")
        if facility < SOUND_FACILITY[0]:
            flags.append("too_hard")
        if facility > SOUND_FACILITY[1]:
            flags.append("too_easy")
        flags += [f"idle_distractor:{o['id']}" for o in distractors if o["share"] < IDLE]
    if n < ENOUGH:
        flags.append("provisional")
    return flags


def is_suspect(n: int, facility: float | None, discrimination: float | None) -> bool:
    """Whether the bank list says to look at it."""
    if n < ENOUGH or facility is None:
        return False
    is_sound = SOUND_FACILITY[0] <= facility <= SOUND_FACILITY[1]
    return not is_sound or (discrimination is not None and discrimination < 0)


def refresh(version_ids: Collection[int], *, now: datetime) -> None:
    """Write the figures of these versions anew, in batches. The caller holds the statistics' lock."""
    ids = sorted(version_ids)
    for begin in range(0, len(ids), BATCH):
        _refresh_batch(ids[begin : begin + BATCH], now)


def _refresh_batch(version_ids: Collection[int], now: datetime) -> None:
    tallies: dict[int, list[ItemTally]] = defaultdict(list)
    for tally in ItemTally.objects.filter(version__in=version_ids).select_related("mock").order_by("mock"):
        tallies[tally.version_id].append(tally)
    facts = items.facts(list(tallies))
    rows = [_row(pk, work_out(counts_of(own), facts[pk]), now) for pk, own in tallies.items()]
    gone = [pk for pk in version_ids if pk not in tallies]
    if gone:
        ItemStatistic.objects.filter(pk__in=gone).delete()
    fields = [f.name for f in ItemStatistic._meta.fields if not f.primary_key]
    ItemStatistic.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=("version",), update_fields=fields
    )
    note_in_bank(version_ids)


def _row(version_id: int, figures: Figures, now: datetime) -> ItemStatistic:
    return ItemStatistic(
        version_id=version_id,
        n=figures.n,
        correct=figures.correct,
        omitted=figures.omitted,
        not_reached=figures.not_reached,
        facility_low=figures.low if figures.n else None,
        facility_high=figures.high if figures.n else None,
        discrimination=figures.discrimination,
        median_seconds=figures.median_seconds,
        options=figures.options,
        flags=figures.flags,
        updated_at=now,
    )


def note_in_bank(version_ids: Collection[int]) -> None:
    """Tell the bank list how often the current ones among these versions were met, and which look wrong."""
    current = QuestionVersion.objects.filter(
        pk__in=version_ids, question__current=models.F("pk")
    ).values_list("question", "statistic__n", "statistic__correct", "statistic__discrimination")
    for question_id, n, correct, discrimination in current:
        facility = correct / n if n else None
        listing.note_answers(
            question_id,
            seen=n or 0,
            facility=facility,
            is_suspect=is_suspect(n or 0, facility, discrimination),
        )
