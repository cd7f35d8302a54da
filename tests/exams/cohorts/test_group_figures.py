"""Shares of a group: what clustering does to an interval, and the small cases told honestly."""

from __future__ import annotations

import pytest

from exams.cohorts import group_figures
from exams.cohorts.group_figures import Sums
from exams.psychometrics import Verdict


def sums(*pairs: tuple[int, int]) -> Sums:
    total = Sums()
    for right, seen in pairs:
        total += Sums(1, right, seen, right * right, seen * seen, right * seen)
    return total


def test_learners_who_differ_make_the_interval_wider_than_their_answers_alone() -> None:
    alike = group_figures.share(sums(*[(5, 10)] * 8), target=0.6).figure
    apart = group_figures.share(sums(*[(1, 10), (9, 10)] * 4), target=0.6).figure
    assert alike.mean == apart.mean == 0.5
    assert apart.high - apart.low > 1.5 * (alike.high - alike.low)


def test_effective_answers_follow_the_design_effect_worked_out_by_hand() -> None:
    # p = ½; Σ(r − s/2)² = 4 · 4² = 64; 64 · 4/3 / 40² = .05333; binomial .25/40 = .00625; 40 / 8.533
    assert group_figures.effective_answers(sums((1, 10), (9, 10), (1, 10), (9, 10))) == pytest.approx(4.6875)
    assert group_figures.effective_answers(sums((5, 10), (5, 10))) == 20  # never more than were given


def test_a_word_needs_three_learners_and_odds() -> None:
    assert group_figures.share(sums((0, 20), (0, 20)), target=0.7).figure.verdict is (
        Verdict.NOT_ENOUGH_EVIDENCE
    )
    assert group_figures.share(sums(*[(2, 20)] * 5), target=0.7).figure.verdict is Verdict.NEEDS_WORK
    assert group_figures.share(sums(*[(19, 20)] * 5), target=0.7).figure.verdict is Verdict.ON_TRACK
    assert group_figures.share(sums(*[(14, 20)] * 5), target=0.7).figure.verdict is (
        Verdict.NOT_ENOUGH_EVIDENCE
    )


def test_nothing_seen_says_nothing() -> None:
    share = group_figures.share(Sums(), target=0.7)
    assert (share.figure.seen, share.figure.low, share.figure.high, share.chance_below) == (0, 0.0, 1.0, 0.5)


@pytest.mark.parametrize(("freedom", "t"), [(1, 3.0777), (4, 1.5332), (9, 1.3830), (30, 1.3104)])
def test_student_t_is_the_printed_one(freedom: int, t: float) -> None:
    assert group_figures.student_t(0.8, freedom) == pytest.approx(t, abs=1e-4)
    assert group_figures.student_cdf(t, freedom) == pytest.approx(0.9, abs=1e-4)
    assert group_figures.student_cdf(-t, freedom) == pytest.approx(0.1, abs=1e-4)


def test_quartiles_of_many_of_one_and_of_none() -> None:
    many = group_figures.spread({"400": 1, "500": 2, "700": 1, "900": 1})
    assert many is not None
    assert (many.n, many.lower, many.median, many.upper, many.mean) == (5, 500, 500, 700, 600)
    one = group_figures.spread({"640": 1})
    assert one is not None and (one.lower, one.median, one.upper) == (640, 640, 640)
    assert group_figures.spread({}) is None


def test_weeks_of_several_tallies_are_added_in_order_across_a_new_year() -> None:
    weeks = group_figures.weeks(
        [{"2027-W01": [1, 700, 0]}, {"2026-W53": [2, 1500, 1], "2027-W01": [1, 800, 1]}]
    )
    assert [(str(week.starts_on), week.sittings, week.mean, week.passed) for week in weeks] == [
        ("2026-12-28", 2, 750, 1),
        ("2027-01-04", 2, 750, 1),
    ]
