"""A share as a page shows it: with its count, its interval, its target and one of three words.  Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from exams import charts
from exams.psychometrics import MIN_SEEN, BetaBinomialPrior, Estimate, Verdict

KINDS = {
    Verdict.NEEDS_WORK: "needs-work",
    Verdict.ON_TRACK: "on-track",
    Verdict.NOT_ENOUGH_EVIDENCE: "no-evidence",
}


class Scored(Protocol):
    """What a stored `DomainScore` or `TaskScore` has."""

    correct: int
    seen: int
    mean: float
    low: float
    high: float
    target: float
    verdict: str
    prior_learners: int


@dataclass(frozen=True)
class Figure:
    """Shares 0–1; the `…_percent` are what is printed, rounded half up."""

    correct: int
    seen: int
    mean: float
    low: float
    high: float
    target: float
    verdict: Verdict
    is_default_prior: bool

    @property
    def percent(self) -> int:
        return whole_percent(self.mean)

    @property
    def low_percent(self) -> int:
        return whole_percent(self.low)

    @property
    def high_percent(self) -> int:
        return whole_percent(self.high)

    @property
    def target_percent(self) -> int:
        return whole_percent(self.target)

    @property
    def kind(self) -> str:
        """The verdict as the stylesheet spells it."""
        return KINDS[self.verdict]

    @property
    def is_a_hint(self) -> bool:
        """Too little was seen for any verdict."""
        return self.seen < MIN_SEEN

    @cached_property
    def bar(self) -> charts.IntervalBar:
        return charts.interval_bar(self.mean, self.low, self.high, self.target)


@dataclass(frozen=True)
class Change:
    """A figure against the same part of an earlier sitting; up or down when their intervals are apart."""

    title: str
    earlier: Figure
    points: int
    word: Literal["up", "down", "same"]

    @property
    def size(self) -> int:
        return abs(self.points)


def from_score(score: Scored) -> Figure:
    return Figure(
        correct=score.correct,
        seen=score.seen,
        mean=score.mean,
        low=score.low,
        high=score.high,
        target=score.target,
        verdict=Verdict(score.verdict),
        is_default_prior=score.prior_learners == 0,
    )


def from_estimate(estimate: Estimate, prior: BetaBinomialPrior) -> Figure:
    return Figure(
        correct=estimate.correct,
        seen=estimate.seen,
        mean=estimate.mean,
        low=estimate.low,
        high=estimate.high,
        target=estimate.target,
        verdict=estimate.verdict,
        is_default_prior=prior.is_default,
    )


def change(now: Figure, earlier: Figure, *, title: str) -> Change:
    """Sittings are compared by their intervals: points alone would call chance progress."""
    word: Literal["up", "down", "same"] = "same"
    if now.low > earlier.high:
        word = "up"
    elif now.high < earlier.low:
        word = "down"
    return Change(title=title, earlier=earlier, points=now.percent - earlier.percent, word=word)


def whole_percent(share: float) -> int:
    return math.floor(100 * share + 0.5)
