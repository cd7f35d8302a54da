"""What a learner's answers say about ability, and how surely.  Pure: floats in, frozen dataclasses out.

One model for domains, tasks and the chance of passing, the empirical-Bayes beta-binomial: a learner's
true share right is Beta(μk, (1 − μ)k) in the population, and s right of n makes that
Beta(μk + s, (1 − μ)k + n − s). All shares are 0–1. The beta distribution is written out here because
these few numbers are no reason for an install to carry scipy.

Sources: Carlin & Louis, Bayes and Empirical Bayes Methods for Data Analysis (the model); Kleinman 1973,
JASA 68, 46–54 (its moments); DLMF §8.17 (the incomplete beta function).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

MIN_LEARNERS = 50  # fewer say too little about a population: the default prior then
MIN_SEEN = 3  # fewer answers never make a verdict
MIN_OVERDISPERSION = 1 / 200
MAX_OVERDISPERSION = 1 / 2  # a prior is always worth at least one question
MEAN_BOUNDS = (0.02, 0.98)  # a prior of 0 or 1 could never be outweighed
TAIL = 0.1  # on either side of the central 80 % interval
NEEDS_WORK_BELOW = 0.2
ON_TRACK_ABOVE = 0.8

_standard_normal = NormalDist()


@dataclass(frozen=True)
class BetaBinomialPrior:
    """What is known before the first answer: Beta(mean · strength, (1 − mean) · strength).

    `strength` counts in questions; `learners` is how many it was fitted to; `is_default` when too few.
    """

    mean: float
    strength: float
    learners: int
    is_default: bool


DEFAULT_PRIOR = BetaBinomialPrior(mean=0.6, strength=8.0, learners=0, is_default=True)


class Verdict(StrEnum):
    NEEDS_WORK = "needs_work"
    ON_TRACK = "on_track"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@dataclass(frozen=True)
class Estimate:
    """A true share right: posterior mean, central 80 % interval, and what follows for `target`."""

    mean: float
    low: float
    high: float
    correct: int
    seen: int
    verdict: Verdict
    target: float
    chance_at_or_above_target: float


def fit_prior(proportions: Sequence[tuple[int, int]]) -> BetaBinomialPrior:
    """The population's prior from one (correct, seen) per learner, first exposures only.

    Learners who saw nothing are left out. See `fit_prior_from_sums` for the formulas.
    """
    pairs = [(correct, seen) for correct, seen in proportions if seen > 0]
    return fit_prior_from_sums(
        len(pairs),
        sum_shares=math.fsum(correct / seen for correct, seen in pairs),
        sum_squared_shares=math.fsum((correct / seen) ** 2 for correct, seen in pairs),
        sum_inverse_seen=math.fsum(1 / seen for _, seen in pairs),
        correct=sum(correct for correct, _ in pairs),
        seen=sum(seen for _, seen in pairs),
    )


def fit_prior_from_sums(
    learners: int,
    *,
    sum_shares: float,
    sum_squared_shares: float,
    sum_inverse_seen: float,
    correct: int,
    seen: int,
) -> BetaBinomialPrior:
    """`fit_prior` from what a database can add up: n, Σp, Σp², Σ(1/m), Σ correct, Σ seen.

    μ = Σ correct / Σ seen; q = μ(1 − μ); v the sample variance of the shares p; m the harmonic mean of
    the counts; ρ = (v − q/m) / (q(1 − 1/m)) from E(v) = q/m + ρq(1 − 1/m); k = 1/ρ − 1 (Kleinman 1973).
    ρ is kept within 1/200 and 1/2, so k within 1 and 199. Below 50 learners, or when nobody saw two
    items, which leaves ρ unknown, the default prior (with the number of learners filled in).
    """
    if learners < MIN_LEARNERS or seen <= 0:
        return replace(DEFAULT_PRIOR, learners=learners)
    inverse_count = sum_inverse_seen / learners  # 1/m
    if inverse_count > 1 - 1e-9:
        return replace(DEFAULT_PRIOR, learners=learners)
    mean = _clip(correct / seen, *MEAN_BOUNDS)
    binomial = mean * (1 - mean)
    variance = max(sum_squared_shares - sum_shares**2 / learners, 0.0) / (learners - 1)
    overdispersion = (variance - binomial * inverse_count) / (binomial * (1 - inverse_count))
    overdispersion = _clip(overdispersion, MIN_OVERDISPERSION, MAX_OVERDISPERSION)
    return BetaBinomialPrior(mean=mean, strength=1 / overdispersion - 1, learners=learners, is_default=False)


def shifted(prior: BetaBinomialPrior, facility_seen: float, facility_population: float) -> BetaBinomialPrior:
    """`prior` for a learner whose items were easier or harder than the population's.

    The mean moves by the difference of the mean facilities, within .02–.98; the strength stays. The
    estimate is then one for items like those seen, so compare it with a target for such items.
    """
    mean = _clip(prior.mean + facility_seen - facility_population, *MEAN_BOUNDS)
    return replace(prior, mean=mean)


def estimate(
    correct: int, seen: int, *, prior: BetaBinomialPrior, target: float | Fraction | Decimal
) -> Estimate:
    """What `correct` of `seen` first exposures say about the true share right.

    Verdict: chance of at least `target` below .2 needs work, above .8 is on track; in between, and below
    three seen, there is not enough evidence. With a prior as flat as Beta(.02, .98) a central interval can
    miss its own mean; it is widened to it then. ValueError unless 0 <= correct <= seen.
    """
    if not 0 <= correct <= seen:
        raise ValueError("correct lies between 0 and seen")
    a = prior.mean * prior.strength + correct
    b = (1 - prior.mean) * prior.strength + seen - correct
    mean = a / (a + b)
    # Nine decimals are far below what a page shows, and let learners with the same evidence share.
    low, high = _central_interval(round(a, 9), round(b, 9))
    chance = beta_cdf(1 - float(target), b, a)  # P(X ≥ t) = P(1 − X ≤ 1 − t), without cancellation
    return Estimate(
        mean=mean,
        low=min(low, mean),
        high=max(high, mean),
        correct=correct,
        seen=seen,
        verdict=_verdict(chance, seen),
        target=float(target),
        chance_at_or_above_target=chance,
    )


def chance_of_passing(*, mean: float, strength: float, items: int, cut: Fraction) -> float:
    """P(at least ⌈cut · items⌉ right of `items` scored), for a true share right ~ Beta(mean, strength).

    The upper tail of the beta-binomial with α = mean · strength, β = (1 − mean) · strength (Skellam 1948,
    JRSS B 10, 257–261). Mean 0 or 1 is certainty. ValueError without items or with strength <= 0.
    """
    if items < 1 or strength <= 0:
        raise ValueError("a chance of passing needs items and a positive strength")
    needed = math.ceil(Fraction(cut) * items)
    return _beta_binomial_tail(needed, items, round(mean, 9), round(strength, 9))


def pooled_ability(domains: Sequence[tuple[float, float, int]], k: float) -> tuple[float, float]:
    """(mean, strength) over domains given as (blueprint weight, posterior mean, first exposures seen).

    The mean is weighted as the exam is; the strength is k plus all that was seen. Weights in any unit.
    A domain without answers belongs in as well, with its prior mean and 0. ValueError without weight.
    """
    total = math.fsum(weight for weight, _, _ in domains)
    if total <= 0:
        raise ValueError("pooling needs a positive weight")
    mean = math.fsum(weight * mean for weight, mean, _ in domains) / total
    return mean, k + sum(seen for _, _, seen in domains)


def wilson_interval(correct: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The score interval of a proportion (Wilson 1927, JASA 22, 209–212); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 or n right the formula gives exactly 0 or 1, but floats leave a crumb.
    low = 0.0 if correct == 0 else max(centre - half, 0.0)
    high = 1.0 if correct == n else min(centre + half, 1.0)
    return low, high


def percentile_rank(below: int, equal: int, n: int) -> float:
    """Mid-rank, 0–100: the share of `n` scores that lie below, counting half of the `equal` (own included).

    ValueError without scores.
    """
    if n <= 0:
        raise ValueError("a percentile rank needs scores")
    return 100 * (below + equal / 2) / n


def beta_cdf(x: float, a: float, b: float) -> float:
    """I_x(a, b), the regularised incomplete beta function; 0 below x = 0 and 1 above x = 1.

    Absolute error below 1e-11 for a, b in [.01, 2000]. ValueError unless a and b are positive.
    """
    if a <= 0 or b <= 0:
        raise ValueError("a beta distribution needs positive parameters")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    return _incomplete_beta(x, 1 - x, a, b, _log_beta(a, b))


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p; absolute error below 1e-9 for a, b in [.01, 2000].

    ValueError unless 0 <= p <= 1 and a and b are positive.
    """
    if a <= 0 or b <= 0 or not 0 <= p <= 1:
        raise ValueError("a beta quantile needs positive parameters and a probability")
    if p == 0 or p == 1:
        return float(p)
    return 1 - _lower_quantile(1 - p, b, a) if p > 0.5 else _lower_quantile(p, a, b)


@lru_cache(maxsize=8192)
def _central_interval(a: float, b: float) -> tuple[float, float]:
    return beta_quantile(TAIL, a, b), beta_quantile(1 - TAIL, a, b)


@lru_cache(maxsize=8192)
def _beta_binomial_tail(needed: int, n: int, mean: float, strength: float) -> float:
    if needed <= 0:
        return 1.0
    if needed > n or mean <= 0:
        return 0.0
    if mean >= 1:
        return 1.0
    a, b = mean * strength, (1 - mean) * strength
    constant = math.lgamma(n + 1) - _log_beta(a, b)
    tail = math.fsum(
        math.exp(constant - math.lgamma(x + 1) - math.lgamma(n - x + 1) + _log_beta(a + x, b + n - x))
        for x in range(needed, n + 1)
    )
    return min(tail, 1.0)


def _verdict(chance: float, seen: int) -> Verdict:
    if seen < MIN_SEEN:
        return Verdict.NOT_ENOUGH_EVIDENCE
    if chance < NEEDS_WORK_BELOW:
        return Verdict.NEEDS_WORK
    if chance > ON_TRACK_ABOVE:
        return Verdict.ON_TRACK
    return Verdict.NOT_ENOUGH_EVIDENCE


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _incomplete_beta(x: float, y: float, a: float, b: float, log_beta: float) -> float:
    """I_x(a, b), with y = 1 − x given so that neither tail loses digits. Sums the side below the mean."""
    front = math.exp(a * math.log(x) + b * math.log(y) - log_beta)
    if x < (a + 1) / (a + b + 2):
        return min(front * _continued_fraction(x, a, b) / a, 1.0)
    return max(1 - front * _continued_fraction(y, b, a) / b, 0.0)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """DLMF 8.17.22, evaluated forwards by Lentz' method (Thompson & Barnett 1986, J. Comp. Phys. 64, 490).

    Needs x < (a + 1)/(a + b + 2): there it converges in O(√max(a, b)) terms, and its denominators stay
    away from 0.
    """
    c = 1.0
    d = result = 1 / (1 - (a + b) * x / (a + 1))
    for m in range(1, 2000):
        n = a + 2 * m
        term = m * (b - m) * x / ((n - 1) * n)
        d = 1 / (1 + term * d)
        c = 1 + term / c
        result *= c * d
        term = -(a + m) * (a + b + m) * x / (n * (n + 1))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result


def _lower_quantile(p: float, a: float, b: float) -> float:
    """`beta_quantile` for 0 < p <= 1/2.

    Halley's method on log I in t = log(x / (1 − x)), where the density is log-concave for all a and b, so
    that log I is concave and rising: two steps are typical. Each step narrows a bracket, and one that
    would leave it is replaced by a bisection.
    """
    log_beta = _log_beta(a, b)
    log_p = math.log(p)
    # I_x(a, b) = x^a / (a B(a, b)) · (1 + O(bx)): so far down the tail this is the answer.
    log_x = (log_p + math.log(a) + log_beta) / a
    floor = -40 - math.log(max(b, 1))
    if log_x < floor:
        return math.exp(log_x)
    low, high = floor - 10, 100.0
    t = _quantile_start(p, a, b, log_x)
    for _ in range(100):
        x, y = 1 / (1 + math.exp(-t)), 1 / (1 + math.exp(t))
        probability = _incomplete_beta(x, y, a, b, log_beta)
        if probability <= p:
            low = t
        else:
            high = t
        slope = math.exp(a * math.log(x) + b * math.log(y) - log_beta)
        if probability > 0 and slope > 0:
            slope /= probability  # of log I
            step = (log_p - math.log(probability)) / slope
            bend = 1 + step * (a * y - b * x - slope) / 2
            step /= bend if bend > 0.5 else 1
        else:
            step = math.inf
        if not low <= t + step <= high:
            step = (low + high) / 2 - t
        t += step
        # Convergence is of third order: what is left after a step of 1e-5 is of the order 1e-15.
        if abs(step) < 1e-5:
            break
    return 1 / (1 + math.exp(-t))


def _quantile_start(p: float, a: float, b: float, log_x: float) -> float:
    """A first guess in t. Abramowitz & Stegun 26.5.22 for a, b >= 1, else the power-law tail."""
    if a >= 1 and b >= 1:
        deviate = -_standard_normal.inv_cdf(p)
        u, v = 1 / (2 * a - 1), 1 / (2 * b - 1)
        h = 2 / (u + v)
        lam = (deviate * deviate - 3) / 6
        w = deviate * math.sqrt(max(lam + h, 0.0)) / h - (v - u) * (lam + 5 / 6 - 2 / (3 * h))
        return math.log(a / b) - 2 * w
    log_x = min(log_x, -1e-9)
    return log_x - math.log(-math.expm1(log_x))
