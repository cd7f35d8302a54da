from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exams import scoring
from exams.scoring import ScoreScale, ScoringItem
from questions.content import Answer

# A busy machine is no bug.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCALE = ScoreScale()
shares = st.fractions(0, 1, max_denominator=200)
cuts = st.fractions(0, 1, max_denominator=1300)


def make_item(slot: int, key: Answer = "a", *, is_scored: bool = True) -> ScoringItem:
    return ScoringItem(slot=slot, key=key, difficulty=0.65, is_scored=is_scored, domain="1", task="1.1")


def make_paper(items: int) -> list[ScoringItem]:
    return [make_item(slot) for slot in range(1, items + 1)]


def score_of(correct: int, items: int, cut: Fraction = Fraction(18, 25)) -> scoring.Score:
    answers: dict[int, Answer] = {slot: "a" for slot in range(1, correct + 1)}
    return scoring.score(make_paper(items), answers, cut=cut, scale=SCALE)


@pytest.mark.parametrize(
    ("difficulties", "cut"),
    [
        ([0.65], Fraction(13, 20)),
        ([0.1, 0.2], Fraction(3, 20)),
        ([0.6, 0.7, 0.75], Fraction(41, 60)),
        ([Decimal("0.60"), Decimal("0.35")], Fraction(19, 40)),
        ([0, 1], Fraction(1, 2)),
    ],
)
def test_cut_is_the_exact_mean_of_the_ratings(difficulties: list[float | Decimal], cut: Fraction) -> None:
    assert scoring.paper_cut(difficulties) == cut


@pytest.mark.parametrize("difficulties", [[], [1.01], [-0.1, 0.5], [float("nan")]])
def test_no_cut_without_usable_ratings(difficulties: list[float | Decimal]) -> None:
    with pytest.raises(ValueError):
        scoring.paper_cut(difficulties)


@unhurried
@given(st.lists(st.integers(0, 100), min_size=1, max_size=80))
def test_floats_and_decimals_give_the_same_cut(hundredths: list[int]) -> None:
    expected = Fraction(sum(hundredths), 100 * len(hundredths))
    assert scoring.paper_cut(h / 100 for h in hundredths) == expected
    assert scoring.paper_cut(Decimal(h) / 100 for h in hundredths) == expected


@pytest.mark.parametrize(
    ("fraction", "cut", "scaled"),
    [
        (Fraction(0), Fraction(18, 25), 100),
        (Fraction(18, 25), Fraction(18, 25), 720),
        (Fraction(1), Fraction(18, 25), 1000),
        (Fraction(9, 25), Fraction(18, 25), 410),
        (Fraction(43, 50), Fraction(18, 25), 860),
        (Fraction(35, 50), Fraction(18, 25), 703),  # 702.78
        (Fraction(1, 40), Fraction(1, 2), 131),  # exactly 131.0
        (Fraction(1, 8), Fraction(5, 8), 224),  # exactly 224.0
        (Fraction(1, 80), Fraction(1, 2), 116),  # exactly 115.5: half goes up
        (Fraction(7, 16), Fraction(7, 18), 742),  # 742.27
    ],
)
def test_scaled_score_by_hand(fraction: Fraction, cut: Fraction, scaled: int) -> None:
    assert scoring.scaled_score(fraction, cut, SCALE) == scaled


def test_just_below_the_cut_never_shows_the_passing_score() -> None:
    # 719.99 would round to 720, beside the word "fail".
    cut = Fraction(7201, 10000)
    fraction = Fraction(72009, 100000)
    assert fraction < cut
    assert scoring.scaled_score(fraction, cut, SCALE) == 719


@pytest.mark.parametrize(
    ("fraction", "cut", "scaled"),
    [
        (Fraction(0), Fraction(0), 720),  # with a cut of 0 everybody passes
        (Fraction(1, 2), Fraction(0), 860),
        (Fraction(1), Fraction(0), 1000),
        (Fraction(0), Fraction(1), 100),
        (Fraction(1, 2), Fraction(1), 410),
        (Fraction(999, 1000), Fraction(1), 719),
        (Fraction(1), Fraction(1), 720),
    ],
)
def test_scaled_score_at_extreme_cuts(fraction: Fraction, cut: Fraction, scaled: int) -> None:
    assert scoring.scaled_score(fraction, cut, SCALE) == scaled


@pytest.mark.parametrize(("fraction", "cut"), [(-1, 0.5), (1.5, 0.5), (0.5, -0.1), (0.5, 1.1)])
def test_scaled_score_rejects_what_is_no_share(fraction: float, cut: float) -> None:
    with pytest.raises(ValueError):
        scoring.scaled_score(Fraction(fraction), Fraction(cut), SCALE)


@pytest.mark.parametrize(("low", "high", "passing"), [(100, 1000, 100), (100, 700, 720), (900, 100, 720)])
def test_scale_must_be_in_order(low: int, high: int, passing: int) -> None:
    with pytest.raises(ValueError):
        ScoreScale(low=low, high=high, passing=passing)


@unhurried
@given(shares, shares, cuts)
def test_scaled_score_rises_with_the_share(one: Fraction, other: Fraction, cut: Fraction) -> None:
    low, high = sorted([one, other])
    assert scoring.scaled_score(low, cut, SCALE) <= scoring.scaled_score(high, cut, SCALE)


@unhurried
@given(shares, cuts)
def test_passing_score_is_shown_exactly_from_the_cut_on(fraction: Fraction, cut: Fraction) -> None:
    scaled = scoring.scaled_score(fraction, cut, SCALE)
    assert SCALE.low <= scaled <= SCALE.high
    assert (scaled >= SCALE.passing) == (fraction >= cut)
    assert scoring.scaled_score(cut, cut, SCALE) == SCALE.passing


@unhurried
@given(st.integers(0, 5), st.integers(1, 10**6))
def test_no_share_however_near_the_cut_contradicts_the_verdict(items_below: int, n: int) -> None:
    cut = Fraction(18, 25)
    fraction = max(cut - Fraction(items_below, n), Fraction(0))
    assert (scoring.scaled_score(fraction, cut, SCALE) >= 720) == (items_below == 0 or fraction == cut)


def test_other_scales_keep_their_ends() -> None:
    scale = ScoreScale(low=0, high=100, passing=70)
    assert [scoring.scaled_score(Fraction(p, 4), Fraction(1, 2), scale) for p in range(5)] == [
        0,
        35,
        70,
        85,
        100,
    ]


def test_score_of_a_paper() -> None:
    items = [
        make_item(1, "a"),
        make_item(2, ["a", "c"]),
        make_item(3, ["c", "a", "b"]),
        make_item(4, {"p1": "b", "p2": "a"}),
        make_item(5, "b", is_scored=False),
        make_item(6, "d", is_scored=False),
    ]
    answers: dict[int, Answer] = {
        1: "a",
        2: ["a"],  # half right is wrong
        3: ["c", "a", "b"],
        4: None,  # and 6 is not there at all: both blank
        5: "b",
    }
    result = scoring.score(items, answers, cut=Fraction(1, 2), scale=SCALE)
    assert result.correct_by_slot == {1: True, 2: False, 3: True, 4: False, 5: True, 6: False}
    assert (result.correct, result.scored_items) == (2, 4)
    assert result.fraction == result.cut == Fraction(1, 2)
    assert result.passed
    assert result.scaled_score == 720
    assert result.method == "piecewise-angoff/1"


def test_unscored_items_change_nothing() -> None:
    items = make_paper(10)
    trial = [make_item(slot, is_scored=False) for slot in range(11, 16)]
    answers: dict[int, Answer] = {slot: "a" for slot in range(1, 8)}
    without = scoring.score(items, answers, cut=Fraction(7, 10), scale=SCALE)
    right: dict[int, Answer] = {slot: "a" for slot in range(11, 16)}
    with_trial = scoring.score(items + trial, answers | right, cut=Fraction(7, 10), scale=SCALE)
    assert without.passed and with_trial.passed
    assert without.scaled_score == with_trial.scaled_score
    assert (without.scaled_low, without.scaled_high) == (with_trial.scaled_low, with_trial.scaled_high)


def test_range_is_one_standard_error_each_way() -> None:
    # x = 36, n = 50: SE² = 36·14/49/2500, SE = .064143; .72 ± .064143 on the two lines of a cut of .72.
    result = score_of(36, 50)
    assert (result.scaled_low, result.scaled_score, result.scaled_high) == (665, 720, 784)


def test_range_that_ends_below_the_cut_shows_no_pass() -> None:
    # SE of 36 of 50 again; the cut lies a hair above the upper end.
    error = scoring.standard_error(36, 50)
    assert error is not None
    result = score_of(36, 50, cut=Fraction(36, 50) + error + Fraction(1, 10**9))
    assert result.scaled_high == 719


@pytest.mark.parametrize(
    ("correct", "items", "expected"),
    [
        (0, 50, (100, 100, 100)),
        (50, 50, (1000, 1000, 1000)),
        (1, 2, (100, 531, 1000)),  # SE = .5
        (1, 1, (100, 1000, 1000)),  # one item: no error can be known
        (0, 1, (100, 100, 1000)),
        (0, 0, (100, 100, 1000)),
    ],
)
def test_range_at_the_ends(correct: int, items: int, expected: tuple[int, int, int]) -> None:
    result = score_of(correct, items)
    assert (result.scaled_low, result.scaled_score, result.scaled_high) == expected


def test_nobody_passes_a_paper_without_scored_items() -> None:
    result = scoring.score([make_item(1, is_scored=False)], {1: "a"}, cut=Fraction(0), scale=SCALE)
    assert not result.passed
    assert result.scaled_score == 100
    assert result.fraction == 0


@unhurried
@given(st.integers(1, 80), st.data())
def test_score_is_inside_its_range_and_agrees_with_the_pass(items: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, items))
    result = score_of(correct, items, cut=data.draw(cuts))
    assert SCALE.low <= result.scaled_low <= result.scaled_score <= result.scaled_high <= SCALE.high
    assert result.passed == (result.scaled_score >= SCALE.passing)
    assert result.passed == (result.correct >= result.cut * result.scored_items)
