"""What many sittings say about a group: shares with intervals that know that answers come in learners.  Pure.

A learner's answers go together, so a group's answers are fewer than they look. The share right is the ratio
p = Σr / Σs over learners; its variance between learners is n/(n − 1) · Σ(r − p·s)² / (Σs)² (Cochran 1977,
Sampling Techniques, §6.3 and §9A). Over the binomial variance p(1 − p)/Σs that is the design effect, taken as
at least 1; Σs over it is the effective number of answers m. The interval is Wilson's with m and Student's t
of n − 1 degrees of freedom (Dean & Pagano 2015, J. Surv. Stat. Methodol. 3, 484–503).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from statistics import quantiles

from exams import charts, figures, psychometrics
from exams.figures import Figure
from exams.psychometrics import MIN_SEEN, Verdict
from exams.scoring import ScoreScale

MIN_LEARNERS = 3
"""Fewer are no group: no verdict."""
INSIDE = 0.8
"""Of an interval: as for one learner."""


@dataclass(frozen=True)
class Sums:
    """Σ over learners: how many there are, right, seen, right², seen², right × seen."""

    learners: int = 0
    right: int = 0
    seen: int = 0
    right_squared: int = 0
    seen_squared: int = 0
    cross: int = 0

    @classmethod
    def of(cls, stored: Sequence[int] | None) -> Sums:
        return cls(*stored) if stored else cls()

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.learners + other.learners,
            self.right + other.right,
            self.seen + other.seen,
            self.right_squared + other.right_squared,
            self.seen_squared + other.seen_squared,
            self.cross + other.cross,
        )


@dataclass(frozen=True)
class Share:
    """A share of a group: a figure as pages show it, from how many learners, and how likely it is too low."""

    figure: Figure
    learners: int
    chance_below: float
    """Of the true share lying below the target; ½ where nothing is known."""


@dataclass(frozen=True)
class Spread:
    """Scores by their quartiles (the same as a spreadsheet's QUARTILE.INC); None without any."""

    n: int
    mean: float
    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class PassShare:
    """With Wilson's 95 % interval. Shares 0–1."""

    passed: int
    n: int
    low: float
    high: float

    @property
    def percent(self) -> int:
        return figures.whole_percent(self.passed / self.n) if self.n else 0

    @property
    def low_percent(self) -> int:
        return figures.whole_percent(self.low)

    @property
    def high_percent(self) -> int:
        return figures.whole_percent(self.high)


@dataclass(frozen=True)
class Week:
    """The sittings that ended in one ISO week."""

    starts_on: date
    sittings: int
    mean: float
    passed: int


def share(sums: Sums, *, target: float) -> Share:
    """The group's share right against a target, both 0–1."""
    if not sums.seen:
        nothing = Figure(0, 0, 0.0, 0.0, 1.0, target, Verdict.NOT_ENOUGH_EVIDENCE, False)
        return Share(nothing, sums.learners, 0.5)
    p = sums.right / sums.seen
    answers = effective_answers(sums)
    freedom = max(sums.learners - 1, 1)
    low, high = _wilson(p, answers, student_t(INSIDE, freedom))
    margin = math.sqrt(max(target * (1 - target), 1e-9) / answers)
    below = student_cdf((target - p) / margin, freedom)
    verdict = _verdict(below, sums)
    figure = Figure(sums.right, sums.seen, p, min(low, p), max(high, p), target, verdict, False)
    return Share(figure, sums.learners, below)


def effective_answers(sums: Sums) -> float:
    """How many independent answers the group's are worth; never more than were given."""
    p = sums.right / sums.seen
    binomial = p * (1 - p) / sums.seen
    if sums.learners < 2 or binomial <= 0:
        return float(sums.seen)
    residual = sums.right_squared - 2 * p * sums.cross + p * p * sums.seen_squared
    variance = max(residual, 0.0) * sums.learners / (sums.learners - 1) / sums.seen**2
    return sums.seen / max(variance / binomial, 1.0)


def pass_share(passed: int, n: int) -> PassShare:
    low, high = psychometrics.wilson_interval(passed, n)
    return PassShare(passed, n, low, high)


def spread(scores: Mapping[str, int] | Mapping[int, int]) -> Spread | None:
    """From score → how many."""
    every = sorted(int(score) for score, n in scores.items() for _ in range(n))
    if not every:
        return None
    if len(every) == 1:
        only = float(every[0])
        return Spread(1, only, only, only, only)
    lower, median, upper = quantiles(every, n=4, method="inclusive")
    return Spread(len(every), math.fsum(every) / len(every), lower, median, upper)


def spread_bar(scores: Spread, scale: ScoreScale) -> charts.IntervalBar:
    """From the lower to the upper quartile with the median, on the score scale."""
    width = scale.high - scale.low
    low, median, high, cut = (
        (score - scale.low) / width for score in (scores.lower, scores.median, scores.upper, scale.passing)
    )
    return charts.interval_bar(median, low, high, cut)


def weeks(stored: Iterable[Mapping[str, Sequence[int]]]) -> tuple[Week, ...]:
    """Week → [sittings, Σ scaled, passed] of several tallies, added up, oldest first."""
    sums: dict[str, list[int]] = {}
    for tally in stored:
        for week, values in tally.items():
            had = sums.setdefault(week, [0, 0, 0])
            for place, value in enumerate(values):
                had[place] += value
    return tuple(
        Week(_monday(week), n, scaled / n, passed)
        for week, (n, scaled, passed) in sorted(sums.items(), key=lambda pair: _monday(pair[0]))
        if n
    )


def added(stored: Iterable[Mapping[str, Sequence[int]]]) -> dict[int, Sums]:
    """Part id → sums of several tallies."""
    total: dict[int, Sums] = {}
    for tally in stored:
        for part, values in tally.items():
            total[int(part)] = total.get(int(part), Sums()) + Sums.of(values)
    return total


@lru_cache(maxsize=4096)
def student_t(inside: float, freedom: int) -> float:
    """The t with `inside` of Student's distribution between −t and t: t² = ν(1 − x)/x, x ~ Beta(ν/2, ½)."""
    x = psychometrics.beta_quantile(1 - inside, freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - x) / x)


def student_cdf(t: float, freedom: int) -> float:
    """P(T ≤ t), by the same relation (Abramowitz & Stegun 26.7.1)."""
    tail = psychometrics.beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def _monday(week: str) -> date:
    """Of `2026-W36`."""
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def _verdict(below: float, sums: Sums) -> Verdict:
    """A word needs odds better than 4 to 1, as for one learner."""
    if sums.learners < MIN_LEARNERS or sums.seen < MIN_SEEN:
        return Verdict.NOT_ENOUGH_EVIDENCE
    if below > psychometrics.ON_TRACK_ABOVE:
        return Verdict.NEEDS_WORK
    if below < psychometrics.NEEDS_WORK_BELOW:
        return Verdict.ON_TRACK
    return Verdict.NOT_ENOUGH_EVIDENCE


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    """`psychometrics.wilson_interval` for a number of answers that need not be whole."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)
