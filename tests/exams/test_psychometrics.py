"""Reference values are literals from scipy 1.17: betainc, beta.ppf, betabinom.sf, binomtest."""

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exams import psychometrics
from exams.psychometrics import DEFAULT_PRIOR, BetaBinomialPrior, Verdict

# A busy machine is no bug.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Scores of the LSAT, section 6 (Bock & Lieberman 1970): how many of 1,000 had 0 … 5 of 5 right.
LSAT_SCORES = {0: 3, 1: 20, 2: 85, 3: 237, 4: 357, 5: 298}

parameters = st.floats(math.log(0.01), math.log(2000)).map(math.exp)
priors = st.builds(
    BetaBinomialPrior,
    mean=st.floats(0.02, 0.98),
    strength=st.floats(1, 199),
    learners=st.just(100),
    is_default=st.just(False),
)


def make_prior(mean: float, strength: float) -> BetaBinomialPrior:
    return BetaBinomialPrior(mean=mean, strength=strength, learners=1000, is_default=False)


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [
        (0.5, 2, 3, 0.6875),
        (0.3, 0.5, 0.5, 0.36901011956554536),
        (0.72, 12.8, 7.2, 0.7652446759111847),
        (0.65, 1300, 700, 0.49812958752139735),
        (0.9999, 2000, 0.01, 0.012217190960586492),
        (1e-6, 0.01, 0.01, 0.4355524081373463),
        (0.2, 0.01, 2000, 1.0),
        (0.674, 35.8, 11.2, 0.08528186442060949),
        (0, 2, 3, 0.0),
        (1, 2, 3, 1.0),
        (-0.5, 2, 3, 0.0),
        (1.5, 2, 3, 1.0),
    ],
)
def test_beta_cdf_against_reference(x: float, a: float, b: float, expected: float) -> None:
    assert psychometrics.beta_cdf(x, a, b) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    ("p", "a", "b", "expected"),
    [
        (0.1, 4.8, 3.2, 0.37743796686160286),
        (0.9, 4.8, 3.2, 0.8098990217172148),
        (0.1, 7.8, 3.2, 0.5292381984012807),
        (0.9, 7.8, 3.2, 0.8705517778913868),
        (0.5, 0.5, 0.5, 0.5),
        (0.1, 35.8, 11.2, 0.6802649979185404),
        (0.9, 35.8, 11.2, 0.8382270492695449),
        (0.9, 0.01, 2000, 7.51982916645898e-09),
        (0.1, 2000, 0.01, 0.9999999924801708),
        (0.5, 0.01, 0.02, 3.105592827577112e-13),
        (0.025, 2000, 2000, 0.48450787594598044),
        (0.975, 1300, 700, 0.6707538682919449),
        (1e-9, 2, 5, 8.165054699768939e-06),
        (0.999, 1, 1, 0.999),
        (0.1, 1, 2000, 5.267887024849683e-05),
        (1e-300, 0.01, 0.01, 0.0),
        (1e-300, 2000, 2000, 0.23052003452402473),
        (0, 3, 4, 0.0),
        (1, 3, 4, 1.0),
    ],
)
def test_beta_quantile_against_reference(p: float, a: float, b: float, expected: float) -> None:
    assert psychometrics.beta_quantile(p, a, b) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 2)])
def test_beta_needs_positive_parameters(a: float, b: float) -> None:
    with pytest.raises(ValueError):
        psychometrics.beta_cdf(0.5, a, b)
    with pytest.raises(ValueError):
        psychometrics.beta_quantile(0.5, a, b)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_quantile_needs_a_probability(p: float) -> None:
    with pytest.raises(ValueError):
        psychometrics.beta_quantile(p, 2, 3)


@unhurried
@given(st.floats(0.001, 0.999), parameters, parameters)
def test_quantile_brackets_its_probability(p: float, a: float, b: float) -> None:
    x = psychometrics.beta_quantile(p, a, b)
    assert 0 <= x <= 1
    assert psychometrics.beta_cdf(x - 1e-9, a, b) <= p + 1e-10
    assert psychometrics.beta_cdf(x + 1e-9, a, b) >= p - 1e-10


@unhurried
@given(st.floats(0, 1), parameters, parameters)
def test_beta_cdf_is_symmetric(x: float, a: float, b: float) -> None:
    mirrored = psychometrics.beta_cdf(1 - x, b, a)
    assert psychometrics.beta_cdf(1 - (1 - x), a, b) == pytest.approx(1 - mirrored, abs=1e-10)


def test_prior_of_the_lsat_agrees_with_kr21() -> None:
    # With n items for everybody, k = n(1 − r)/r with r = KR-21 (Lord & Novick 1968, ch. 23):
    # r = 5/4 · (1 − 5 · .7638 · .2362 / 1.035041²) = .19746.
    pairs = [(right, 5) for right, learners in LSAT_SCORES.items() for _ in range(learners)]
    prior = psychometrics.fit_prior(pairs)
    mean = 3819 / 5000
    variance = sum(n * (right - 3.819) ** 2 for right, n in LSAT_SCORES.items()) / 999
    kr21 = 5 / 4 * (1 - 5 * mean * (1 - mean) / variance)
    assert prior.mean == pytest.approx(0.7638)
    assert prior.strength == pytest.approx(5 * (1 - kr21) / kr21)
    assert prior.strength == pytest.approx(20.32, abs=0.01)
    assert (prior.learners, prior.is_default) == (1000, False)


def test_prior_recovers_the_population_it_came_from() -> None:
    rng = random.Random(20240607)
    pairs = []
    for _ in range(4000):
        ability, seen = rng.betavariate(0.65 * 12, 0.35 * 12), rng.randint(3, 30)
        pairs.append((sum(rng.random() < ability for _ in range(seen)), seen))
    prior = psychometrics.fit_prior(pairs)
    assert prior.mean == pytest.approx(0.65, abs=0.01)
    assert prior.strength == pytest.approx(12, rel=0.1)


@unhurried
@given(st.lists(st.integers(0, 20).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m))), max_size=90))
def test_prior_from_sums_equals_prior_from_pairs(pairs: list[tuple[int, int]]) -> None:
    seen = [(x, m) for x, m in pairs if m]
    from_sums = psychometrics.fit_prior_from_sums(
        len(seen),
        sum_shares=sum(x / m for x, m in seen),
        sum_squared_shares=sum((x / m) ** 2 for x, m in seen),
        sum_inverse_seen=sum(1 / m for _, m in seen),
        correct=sum(x for x, _ in seen),
        seen=sum(m for _, m in seen),
    )
    prior = psychometrics.fit_prior(pairs)
    assert from_sums.mean == pytest.approx(prior.mean)
    assert from_sums.strength == pytest.approx(prior.strength)
    assert 0.02 <= prior.mean <= 0.98
    assert 1 <= prior.strength <= 199 + 1e-9
    assert prior.is_default == from_sums.is_default
    assert prior.learners == len(seen)


def test_default_prior_below_fifty_learners() -> None:
    few = psychometrics.fit_prior([(4, 5)] * 49 + [(0, 0)] * 10)
    assert few == BetaBinomialPrior(mean=0.6, strength=8, learners=49, is_default=True)
    assert not psychometrics.fit_prior([(4, 5)] * 50).is_default


def test_default_prior_when_nobody_saw_two_items() -> None:
    assert psychometrics.fit_prior([(1, 1), (0, 1)] * 40).is_default


@pytest.mark.parametrize(
    ("pairs", "mean", "strength"),
    [
        ([(3, 5)] * 60, 0.6, 199),  # less spread than chance alone: ρ stops at 1/200
        ([(0, 10), (10, 10)] * 30, 0.5, 1),  # all or nothing: ρ stops at 1/2
        ([(5, 5)] * 60, 0.98, 199),
        ([(0, 5)] * 60, 0.02, 199),
    ],
)
def test_prior_stays_within_bounds(pairs: list[tuple[int, int]], mean: float, strength: float) -> None:
    prior = psychometrics.fit_prior(pairs)
    assert prior.mean == pytest.approx(mean)
    assert prior.strength == pytest.approx(strength)


@pytest.mark.parametrize(
    ("seen", "population", "mean"), [(0.7, 0.6, 0.7), (0.5, 0.6, 0.5), (0.95, 0.3, 0.98), (0.05, 0.9, 0.02)]
)
def test_shift_follows_the_facility(seen: float, population: float, mean: float) -> None:
    prior = psychometrics.shifted(DEFAULT_PRIOR, seen, population)
    assert prior.mean == pytest.approx(mean)
    assert (prior.strength, prior.is_default) == (8, True)


@pytest.mark.parametrize(
    ("correct", "seen", "target", "expected", "verdict"),
    [
        (
            0,
            0,
            0.67,
            (0.6, 0.37743796686160286, 0.8098990217172148, 0.3621137500600778),
            "not_enough_evidence",
        ),
        (2, 3, 0.67, (0.61818181818, 0.42885782789, 0.79708467267, 0.38079901075), "not_enough_evidence"),
        (31, 38, 0.674, (0.77826086957, 0.69783465094, 0.85334801351, 0.94703069607), "on_track"),
        (5, 14, 0.674, (0.44545454545, 0.31187194557, 0.58130125801, 0.01418134116), "needs_work"),
    ],
)
def test_estimate_against_reference(
    correct: int, seen: int, target: float, expected: tuple[float, ...], verdict: str
) -> None:
    result = psychometrics.estimate(correct, seen, prior=DEFAULT_PRIOR, target=target)
    figures = (result.mean, result.low, result.high, result.chance_at_or_above_target)
    assert figures == pytest.approx(expected, abs=1e-8)
    assert result.verdict == verdict
    assert (result.correct, result.seen, result.target) == (correct, seen, target)


@pytest.mark.parametrize(("correct", "seen"), [(0, 0), (0, 1), (2, 2), (0, 2)])
def test_no_verdict_below_three(correct: int, seen: int) -> None:
    for target in (0.01, 0.99):
        result = psychometrics.estimate(correct, seen, prior=DEFAULT_PRIOR, target=target)
        assert result.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert psychometrics.estimate(3, 3, prior=DEFAULT_PRIOR, target=0.01).verdict is Verdict.ON_TRACK
    assert psychometrics.estimate(3, 3, prior=DEFAULT_PRIOR, target=0.99).verdict is Verdict.NEEDS_WORK


def test_verdict_changes_at_four_to_one() -> None:
    quantiles = {
        chance: psychometrics.beta_quantile(1 - chance, 7.8, 4.2) for chance in (0.19, 0.21, 0.79, 0.81)
    }
    verdicts = [
        psychometrics.estimate(3, 4, prior=DEFAULT_PRIOR, target=target).verdict
        for target in quantiles.values()
    ]
    assert verdicts == ["needs_work", "not_enough_evidence", "not_enough_evidence", "on_track"]


def test_target_may_be_an_exact_cut() -> None:
    exact = psychometrics.estimate(5, 9, prior=DEFAULT_PRIOR, target=Fraction(3, 4))
    assert exact == psychometrics.estimate(5, 9, prior=DEFAULT_PRIOR, target=0.75)


@pytest.mark.parametrize(("correct", "seen"), [(-1, 3), (4, 3)])
def test_estimate_rejects_impossible_counts(correct: int, seen: int) -> None:
    with pytest.raises(ValueError):
        psychometrics.estimate(correct, seen, prior=DEFAULT_PRIOR, target=0.7)


@unhurried
@given(priors, st.integers(1, 150), st.floats(0.01, 0.99), st.data())
def test_one_more_right_never_lowers_an_estimate(
    prior: BetaBinomialPrior, seen: int, target: float, data: st.DataObject
) -> None:
    correct = data.draw(st.integers(0, seen - 1))
    less = psychometrics.estimate(correct, seen, prior=prior, target=target)
    more = psychometrics.estimate(correct + 1, seen, prior=prior, target=target)
    assert less.mean < more.mean
    assert less.low <= more.low + 1e-9
    assert less.high <= more.high + 1e-9
    assert less.chance_at_or_above_target <= more.chance_at_or_above_target + 1e-9


def test_interval_of_a_flat_prior_is_widened_to_its_mean() -> None:
    # 90 % of Beta(.02, .98) lies below .005, and its mean at .02.
    assert psychometrics.beta_quantile(0.9, 0.02, 0.98) < 0.01
    result = psychometrics.estimate(0, 0, prior=make_prior(0.02, 1), target=0.7)
    assert result.high == result.mean == pytest.approx(0.02)


@unhurried
@given(priors, st.integers(0, 150), st.data())
def test_interval_holds_the_mean(prior: BetaBinomialPrior, seen: int, data: st.DataObject) -> None:
    result = psychometrics.estimate(data.draw(st.integers(0, seen)), seen, prior=prior, target=0.7)
    assert 0 <= result.low <= result.mean <= result.high <= 1


def coverage(prior_of: Callable[[float], BetaBinomialPrior]) -> float:
    """Share of learners whose true share lies in the interval drawn from three items of unlike facility."""
    rng = random.Random(31415)
    covered, learners = 0, 20_000
    for _ in range(learners):
        facility = rng.choice([0.35, 0.5, 0.65, 0.8, 0.9])
        mean = 0.6 + facility - 0.64  # the mean of the five facilities is .64
        truth = rng.betavariate(mean * 8, (1 - mean) * 8)
        right = sum(rng.random() < truth for _ in range(3))
        interval = psychometrics.estimate(right, 3, prior=prior_of(facility), target=0.7)
        covered += interval.low <= truth <= interval.high
    return covered / learners


def test_interval_at_three_items_covers_four_in_five_with_the_facility_shift() -> None:
    prior = make_prior(0.6, 8)
    with_shift = coverage(lambda facility: psychometrics.shifted(prior, facility, 0.64))
    without = coverage(lambda facility: prior)
    assert with_shift == pytest.approx(0.80, abs=0.01)
    assert without < 0.75


@pytest.mark.parametrize(("correct", "chance"), [(44, 0.36), (47, 0.54), (50, 0.71), (53, 0.86), (57, 0.96)])
def test_chance_of_passing_after_a_mock_of_reliability_80(correct: int, chance: float) -> None:
    # 65 items of reliability .80: k = 65 · .2/.8; the next paper has 50 scored items and a cut of 36.
    k = 65 * 0.25
    result = psychometrics.chance_of_passing(
        mean=(0.68 * k + correct) / (k + 65), strength=k + 65, items=50, cut=Fraction(36, 50)
    )
    assert result == pytest.approx(chance, abs=0.005)


@pytest.mark.parametrize(
    ("mean", "strength", "items", "cut", "expected"),
    [
        (0.6, 8, 50, Fraction(36, 50), 0.2923746170546805),
        (0.9, 150, 50, Fraction(33, 50), 0.9999646305914882),
        (0.5, 2, 10, Fraction(1, 2), 0.5454545454545455),
        (0.02, 8, 65, Fraction(47, 65), 5.7789042777756094e-06),
        (0.98, 199, 50, Fraction(36, 50), 0.9999999972475272),
        (0.5, 2, 10, Fraction(41, 100), 0.5454545454545455),  # 4.1 right is 5 right
        (0.5, 2, 10, Fraction(0), 1.0),
        (0.5, 2, 10, Fraction(11, 10), 0.0),
        (1, 8, 10, Fraction(1), 1.0),
        (0, 8, 10, Fraction(1, 100), 0.0),
    ],
)
def test_chance_of_passing_against_reference(
    mean: float, strength: float, items: int, cut: Fraction, expected: float
) -> None:
    result = psychometrics.chance_of_passing(mean=mean, strength=strength, items=items, cut=cut)
    assert result == pytest.approx(expected, abs=2e-8)


def test_needed_count_is_exact() -> None:
    # .07 · 100 is 7.000000000000001 in floats, which would ask for eight.
    # Beta(1, 1) makes 0 … 100 right equally likely.
    chance = psychometrics.chance_of_passing(mean=0.5, strength=2, items=100, cut=Fraction(7, 100))
    assert chance == pytest.approx(94 / 101)


@pytest.mark.parametrize(("items", "strength"), [(0, 8), (-1, 8), (10, 0)])
def test_chance_needs_items_and_strength(items: int, strength: float) -> None:
    with pytest.raises(ValueError):
        psychometrics.chance_of_passing(mean=0.5, strength=strength, items=items, cut=Fraction(1, 2))


@unhurried
@given(st.floats(0.02, 0.98), st.floats(1, 400), st.integers(1, 130), st.data())
def test_chance_falls_as_more_is_needed(
    mean: float, strength: float, items: int, data: st.DataObject
) -> None:
    needed = data.draw(st.integers(0, items - 1))
    chances = [
        psychometrics.chance_of_passing(mean=mean, strength=strength, items=items, cut=Fraction(n, items))
        for n in (needed, needed + 1)
    ]
    assert 0 <= chances[1] <= chances[0] <= 1


def test_pooled_ability_is_weighted_as_the_blueprint() -> None:
    mean, strength = psychometrics.pooled_ability([(28, 0.8, 38), (26, 0.6, 37), (46, 0.5, 0)], 8)
    assert mean == pytest.approx(0.28 * 0.8 + 0.26 * 0.6 + 0.46 * 0.5)
    assert strength == 83


@pytest.mark.parametrize("domains", [[], [(0, 0.5, 3)]])
def test_pooling_needs_weight(domains: list[tuple[float, float, int]]) -> None:
    with pytest.raises(ValueError):
        psychometrics.pooled_ability(domains, 8)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (10, 14, 0.4535, 0.8828),  # "10 of 14 right: .45–.88"
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_interval_against_reference(correct: int, n: int, low: float, high: float) -> None:
    assert psychometrics.wilson_interval(correct, n) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("below", "equal", "n", "rank"), [(0, 1, 20, 2.5), (19, 1, 20, 97.5), (10, 0, 20, 50), (0, 20, 20, 50)]
)
def test_percentile_rank_counts_half_of_the_equals(below: int, equal: int, n: int, rank: float) -> None:
    assert psychometrics.percentile_rank(below, equal, n) == rank


def test_percentile_rank_needs_scores() -> None:
    with pytest.raises(ValueError):
        psychometrics.percentile_rank(0, 0, 0)
