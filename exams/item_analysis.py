"""Classical item analysis: whole-number histograms in, published coefficients out. Pure, knows no Django.

A histogram maps a value to how many had it. Coefficients are None where nobody differs, for then they don't
exist; that is not the same as 0. Sources: Lord & Novick, Statistical Theories of Mental Test Scores (alpha,
item-rest correlation); Kuder & Richardson 1937, Psychometrika 2, 151–160 (KR-20, KR-21); Fisher's
k-statistics (Kenney & Keeping 1951); Haberman 2008, JEBS 33, 204–229 (the worth of a sub-score).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Histogram = Mapping[float, int]
QUINTILES = 5


def added(histograms: Iterable[Histogram]) -> dict[float, int]:
    total: dict[float, int] = {}
    for histogram in histograms:
        for value, n in histogram.items():
            total[value] = total.get(value, 0) + n
    return total


def size(histogram: Histogram) -> int:
    return sum(histogram.values())


def mean(histogram: Histogram) -> float | None:
    n = size(histogram)
    return math.fsum(value * count for value, count in histogram.items()) / n if n else None


def median(histogram: Histogram) -> float | None:
    """Of an even number, the middle between the middle two."""
    n = size(histogram)
    if not n:
        return None
    low = high = None
    passed = 0
    for value in sorted(histogram):
        passed += histogram[value]
        if low is None and passed > (n - 1) // 2:
            low = value
        if passed > n // 2:
            high = value
            break
    assert low is not None and high is not None
    return (low + high) / 2


def point_biserial(yes: Histogram, no: Histogram) -> float | None:
    """The correlation of being in `yes` with the value: the item-rest correlation, of rest scores."""
    n_yes, n_no = size(yes), size(no)
    n = n_yes + n_no
    if not n_yes or not n_no:
        return None
    both = added((yes, no))
    middle = mean(both) or 0.0
    spread = math.fsum(count * (value - middle) ** 2 for value, count in both.items())
    if spread <= 1e-12 * n:
        return None
    covariance = math.fsum(count * (value - middle) for value, count in yes.items())
    return covariance / math.sqrt(spread * n_yes * n_no / n)


def quintile_of(histogram: Histogram) -> dict[float, int]:
    """Value → its fifth, 0–4 from the bottom. Who has the same value shares a fifth: sizes are not equal."""
    n, below, fifths = size(histogram), 0, {}
    for value in sorted(histogram):
        fifths[value] = min(math.floor(QUINTILES * (below + histogram[value] / 2) / n), QUINTILES - 1)
        below += histogram[value]
    return fifths


def by_quintile(histogram: Histogram, fifths: Mapping[float, int]) -> list[int]:
    counts = [0] * QUINTILES
    for value, n in histogram.items():
        counts[fifths[value]] += n
    return counts


@dataclass(frozen=True)
class Moments:
    """`sd` is the sample's (n − 1); skewness k₃/k₂^1.5 and excess kurtosis k₄/k₂² from the k-statistics."""

    n: int
    mean: float | None
    median: float | None
    sd: float | None
    skewness: float | None
    kurtosis: float | None


def moments(histogram: Histogram) -> Moments:
    n, middle = size(histogram), mean(histogram)
    s2, s3, s4 = (
        math.fsum(count * (value - (middle or 0.0)) ** power for value, count in histogram.items())
        for power in (2, 3, 4)
    )
    sd = math.sqrt(s2 / (n - 1)) if n > 1 else None
    skewness = kurtosis = None
    if s2 > 0:
        k2 = s2 / (n - 1)
        if n > 2:
            skewness = n * s3 / ((n - 1) * (n - 2)) / k2**1.5
        if n > 3:
            k4 = n * ((n + 1) * s4 - 3 * (n - 1) * s2 * s2 / n) / ((n - 1) * (n - 2) * (n - 3))
            kurtosis = k4 / k2**2
    return Moments(n, middle, median(histogram), sd, skewness, kurtosis)


def variance(histogram: Histogram) -> float:
    """Of all of them (÷ n), as alpha's formula has it; 0 for nobody."""
    n, middle = size(histogram), mean(histogram)
    if not n or middle is None:
        return 0.0
    return math.fsum(count * (value - middle) ** 2 for value, count in histogram.items()) / n


def alpha(items: int, sum_of_variances: float, variance_of_total: float) -> float | None:
    """k/(k − 1) · (1 − Σσ²ᵢ/σ²); KR-20 for right or wrong. It may be negative: that is a finding."""
    if items < 2 or variance_of_total <= 0:
        return None
    return items / (items - 1) * (1 - sum_of_variances / variance_of_total)


def kr21(items: int, mean_score: float, variance_of_total: float) -> float | None:
    """A lower bound of KR-20 that needs the scores alone: it takes all items for equally hard."""
    if items < 2 or variance_of_total <= 0:
        return None
    return items / (items - 1) * (1 - mean_score * (items - mean_score) / (items * variance_of_total))


@dataclass(frozen=True)
class PaperFigures:
    n: int
    items: int
    alpha: float | None
    if_deleted: Mapping[str, float | None]
    """Per slot, what alpha would be without it."""


def paper_figures(
    scores: Histogram, right: Mapping[str, Sequence[int]], slots: Sequence[str]
) -> PaperFigures:
    """Of one paper; `right` has, per slot, how many were right and the sum of their totals."""
    n, items, total = size(scores), len(slots), variance(scores)
    if not n:
        return PaperFigures(0, items, None, {})
    middle = mean(scores) or 0.0
    shares = {slot: right.get(slot, (0, 0))[0] / n for slot in slots}
    variances = {slot: share * (1 - share) for slot, share in shares.items()}
    whole = math.fsum(variances.values())
    deleted: dict[str, float | None] = {}
    for slot in slots:
        covariance = right.get(slot, (0, 0))[1] / n - shares[slot] * middle
        rest = total + variances[slot] - 2 * covariance
        deleted[slot] = alpha(items - 1, whole - variances[slot], rest if rest > 1e-12 else 0.0)
    return PaperFigures(n, items, alpha(items, whole, total), deleted)


@dataclass(frozen=True)
class SubscoreWorth:
    """Of the true sub-score's variance, the part that the observed sub-score or the observed total predicts."""

    by_itself: float
    by_total: float

    @property
    def adds(self) -> bool:
        return self.by_itself > self.by_total


def subscore_worth(
    n: int, sums: Sequence[int], scores: Histogram, shares: Sequence[float]
) -> SubscoreWorth | None:
    """Haberman's PRMSE of a domain score and of the total; `sums` are Σs, Σs², Σs·total, `shares` its items'.

    None where the sub-score has no reliability to speak of: fewer than two items, or nobody differs.
    """
    if n < 2 or len(shares) < 2:
        return None
    sub, squares, products = sums
    own_variance = squares / n - (sub / n) ** 2
    total_variance = variance(scores)
    reliability = alpha(len(shares), math.fsum(p * (1 - p) for p in shares), own_variance)
    if reliability is None or total_variance <= 0:
        return None
    if reliability <= 0:
        return SubscoreWorth(0.0, 1.0)
    covariance = products / n - sub / n * (mean(scores) or 0.0)
    true_covariance = covariance - own_variance * (1 - reliability)
    by_total = true_covariance**2 / (reliability * own_variance * total_variance)
    return SubscoreWorth(min(reliability, 1.0), min(by_total, 1.0))
