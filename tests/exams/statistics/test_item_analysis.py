"""The pure coefficients, against published tables and by hand."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams import item_analysis
from tests.exams.statistics import lsat6


def test_lsat6_scores() -> None:
    scores = lsat6.scores()

    moments = item_analysis.moments(scores)

    assert [scores[n] for n in range(6)] == [3, 20, 85, 237, 357, 298]
    assert (moments.n, moments.median) == (1000, 4)
    assert moments.mean == pytest.approx(lsat6.MEAN)
    assert moments.sd == pytest.approx(lsat6.SD, abs=5e-7)


@pytest.mark.parametrize("item", range(5))
def test_lsat6_item_rest_correlation(item: int) -> None:
    right, wrong = lsat6.rest_scores(item)

    assert item_analysis.size(right) / 1000 == lsat6.FACILITY[item]
    assert item_analysis.point_biserial(right, wrong) == pytest.approx(lsat6.ITEM_REST[item], abs=5e-5)


def test_lsat6_alpha_and_alpha_without_an_item() -> None:
    sums = {
        str(item): (
            sum(pattern[item] == "1" for pattern in lsat6.people()),
            sum(pattern.count("1") for pattern in lsat6.people() if pattern[item] == "1"),
        )
        for item in range(5)
    }

    figures = item_analysis.paper_figures(lsat6.scores(), sums, list("01234"))

    assert figures.alpha == pytest.approx(lsat6.ALPHA, abs=5e-5)
    for item, published in enumerate(lsat6.IF_DELETED):
        assert figures.if_deleted[str(item)] == pytest.approx(published, abs=5e-5)


def test_kr21_is_a_lower_bound_of_kr20() -> None:
    scores = lsat6.scores()

    bound = item_analysis.kr21(5, lsat6.MEAN, item_analysis.variance(scores))

    assert bound is not None and bound < lsat6.ALPHA


def test_alpha_may_be_negative() -> None:
    """Two items of which each learner has exactly one right, but for one who has both."""
    figures = item_analysis.paper_figures({1.0: 8, 2.0: 1}, {"1": (5, 6), "2": (5, 6)}, ["1", "2"])

    assert figures.alpha is not None and figures.alpha < -1


def test_where_nobody_differs_there_is_no_coefficient() -> None:
    assert item_analysis.point_biserial({3.0: 4}, {3.0: 2}) is None
    assert item_analysis.point_biserial({3.0: 4, 2.0: 1}, {}) is None
    assert item_analysis.alpha(1, 0.2, 0.2) is None
    assert item_analysis.paper_figures({4.0: 7}, {}, ["1", "2"]).alpha is None
    nobody = item_analysis.moments({})
    assert (nobody.n, nobody.mean, nobody.median, nobody.sd) == (0, None, None, None)


def test_k_statistics_of_a_small_sample_by_hand() -> None:
    """1, 2, 2, 5: k₂ = 3, k₃ = n·Σd³/((n−1)(n−2)) = 6, k₄ by the formula −… is checked by its symmetry too."""
    moments = item_analysis.moments({1.0: 1, 2.0: 2, 5.0: 1})

    assert moments.sd == pytest.approx(math.sqrt(3))
    assert moments.skewness == pytest.approx(4 * (-3.375 - 0.125 * 2 + 15.625) / 6 / 3**1.5)
    symmetric = item_analysis.moments({1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})
    assert symmetric.skewness == pytest.approx(0)
    assert symmetric.kurtosis == pytest.approx(-1.2)


def test_median_of_even_and_odd_numbers() -> None:
    assert item_analysis.median({1.0: 1, 4.0: 1}) == 2.5
    assert item_analysis.median({1.0: 2, 4.0: 1}) == 1
    assert item_analysis.median({}) is None


def test_a_subscore_of_unlike_content_adds_something_and_one_of_like_content_does_not() -> None:
    rng = random.Random(6)

    def worth(correlated: bool) -> item_analysis.SubscoreWorth:
        rows = []
        for _ in range(3000):
            ability = rng.gauss(0, 1.5)
            others = ability if correlated else rng.gauss(0, 1.5)
            own = [rng.random() < 1 / (1 + math.exp(-ability)) for _ in range(12)]
            rest = [rng.random() < 1 / (1 + math.exp(-others)) for _ in range(30)]
            rows.append((own, sum(own) + sum(rest)))
        sums = (
            sum(sum(own) for own, _ in rows),
            sum(sum(own) ** 2 for own, _ in rows),
            sum(sum(own) * total for own, total in rows),
        )
        shares = [sum(own[i] for own, _ in rows) / len(rows) for i in range(12)]
        found = item_analysis.subscore_worth(
            len(rows), sums, Counter(float(total) for _, total in rows), shares
        )
        assert found is not None
        return found

    assert worth(correlated=False).adds
    assert not worth(correlated=True).adds


histograms = st.dictionaries(st.integers(0, 20).map(float), st.integers(1, 9), min_size=1, max_size=12)


@given(histograms)
def test_fifths_rise_with_the_value_and_lose_nobody(histogram: dict[float, int]) -> None:
    fifths = item_analysis.quintile_of(histogram)

    assert [fifths[value] for value in sorted(histogram)] == sorted(fifths.values())
    assert sum(item_analysis.by_quintile(histogram, fifths)) == sum(histogram.values())


@given(histograms, histograms)
def test_point_biserial_is_pearsons_r(yes: dict[float, int], no: dict[float, int]) -> None:
    from statistics import StatisticsError, correlation

    pairs = [(1.0, value) for value, n in yes.items() for _ in range(n)]
    pairs += [(0.0, value) for value, n in no.items() for _ in range(n)]
    found = item_analysis.point_biserial(yes, no)
    try:
        expected = correlation([x for x, _ in pairs], [y for _, y in pairs])
    except StatisticsError:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-9)
