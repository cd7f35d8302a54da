"""A paper's score: all or nothing per item, the pass decided on exact fractions.  Pure.

Nothing here rounds before the end: cut and share right are `Fraction`s, so that a learner exactly at the
cut passes on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from questions import answers as item_answers
from questions.content import Answer

METHOD = "piecewise-angoff/1"
"""Stored with each result. A change of any formula in this module makes the next number."""


@dataclass(frozen=True)
class ScoringItem:
    """One slot of a paper, as scoring needs it. `difficulty` is the Angoff rating, 0–1."""

    slot: int
    key: Answer
    difficulty: float
    is_scored: bool
    domain: str
    task: str


@dataclass(frozen=True)
class ScoreScale:
    """The scale scores are reported on; `passing` is where every paper's cut lies."""

    low: int = 100
    high: int = 1000
    passing: int = 720

    def __post_init__(self) -> None:
        if not self.low < self.passing <= self.high:
            raise ValueError("a score scale needs low < passing <= high")


@dataclass(frozen=True)
class Score:
    """`fraction` is correct / scored_items; `correct_by_slot` holds the unscored slots as well."""

    correct: int
    scored_items: int
    cut: Fraction
    fraction: Fraction
    passed: bool
    scaled_score: int
    scaled_low: int
    scaled_high: int
    correct_by_slot: dict[int, bool]
    method: str


def paper_cut(difficulties: Iterable[float | Decimal]) -> Fraction:
    """The paper's cut as a share right: the mean of its scored items' difficulty ratings.

    Modified Angoff: a rating is the share of just-qualified candidates expected to get the item right
    (Angoff 1971, "Scales, norms, and equivalent scores", in Thorndike (ed.), Educational Measurement).
    Read through `str`, so that .65 is 13/20 and not its binary neighbour.
    ValueError without ratings or for one outside 0–1.
    """
    ratings = [Fraction(str(difficulty)) for difficulty in difficulties]
    if not ratings:
        raise ValueError("a paper without scored items has no cut")
    if not all(0 <= rating <= 1 for rating in ratings):
        raise ValueError("a difficulty rating lies between 0 and 1")
    return sum(ratings, Fraction(0)) / len(ratings)


def scaled_score(fraction: Fraction, cut: Fraction, scale: ScoreScale) -> int:
    """The practice score of a share right: the line through (0, low), (cut, passing), (1, high), half up.

    At least `passing` exactly when fraction >= cut: what lies below the cut and would round up to
    `passing` is shown as one less, because the pass is decided before rounding and the two may never
    contradict each other on a page. A cut of 0 leaves only the upper line, a cut of 1 only the lower
    (then all right is the cut, hence `passing`). ValueError if fraction or cut lies outside 0–1.
    """
    if not (0 <= fraction <= 1 and 0 <= cut <= 1):
        raise ValueError("share right and cut lie between 0 and 1")
    if fraction < cut:
        exact = scale.low + (scale.passing - scale.low) * Fraction(fraction) / cut
        return min(_half_up(exact), scale.passing - 1)
    if fraction == cut:
        return scale.passing
    exact = scale.passing + (scale.high - scale.passing) * Fraction(fraction - cut) / (1 - cut)
    return _half_up(exact)


def score(
    items: Iterable[ScoringItem], answers: Mapping[int, Answer], *, cut: Fraction, scale: ScoreScale
) -> Score:
    """Score a paper. `answers` are canonical (`questions.answers.parse`) and keyed by slot; none is blank.

    `scaled_low` and `scaled_high` are the scaled scores one standard error below and above; an end
    below the cut is below `passing`. All right or all wrong has a standard error of 0. A single scored
    item tells nothing of its error and gives the whole scale; without any, nobody passes.
    """
    items = list(items)
    correct_by_slot = {item.slot: item_answers.is_correct(item.key, answers.get(item.slot)) for item in items}
    scored_items = sum(item.is_scored for item in items)
    correct = sum(correct_by_slot[item.slot] for item in items if item.is_scored)
    fraction = Fraction(correct, scored_items) if scored_items else Fraction(0)
    error = standard_error(correct, scored_items)
    if error is None:
        low, high = scale.low, scale.high
    else:
        low = scaled_score(max(fraction - error, Fraction(0)), cut, scale)
        high = scaled_score(min(fraction + error, Fraction(1)), cut, scale)
    return Score(
        correct=correct,
        scored_items=scored_items,
        cut=cut,
        fraction=fraction,
        passed=scored_items > 0 and fraction >= cut,
        scaled_score=scaled_score(fraction, cut, scale) if scored_items else scale.low,
        scaled_low=low,
        scaled_high=high,
        correct_by_slot=correct_by_slot,
        method=METHOD,
    )


def standard_error(correct: int, items: int) -> Fraction | None:
    """One standard error of the share right, or None below two items, where it can't be known.

    SE² = x(n − x) / (n − 1) / n²: Lord's conditional error under binomial sampling of items (Lord 1955,
    "Sampling fluctuations resulting from the sampling of test items", Psychometrika 20, 1–22).
    """
    if items < 2:
        return None
    return Fraction(math.sqrt(correct * (items - correct) / (items - 1)) / items)


def _half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
