from __future__ import annotations

from exams import figures, psychometrics
from exams.figures import Figure
from exams.psychometrics import DEFAULT_PRIOR, Verdict


def make_figure(mean: float, low: float, high: float) -> Figure:
    return Figure(
        correct=5,
        seen=8,
        mean=mean,
        low=low,
        high=high,
        target=0.68,
        verdict=Verdict.NOT_ENOUGH_EVIDENCE,
        is_default_prior=True,
    )


def test_an_estimate_keeps_its_count_interval_and_word() -> None:
    estimate = psychometrics.estimate(1, 12, prior=DEFAULT_PRIOR, target=0.68)

    figure = figures.from_estimate(estimate, DEFAULT_PRIOR)

    assert (figure.correct, figure.seen, figure.kind, figure.is_default_prior) == (1, 12, "needs-work", True)
    assert figure.low_percent < figure.percent < figure.high_percent < figure.target_percent == 68
    assert figure.bar.cut == "68.00%"


def test_percentages_round_half_up() -> None:
    assert [figures.whole_percent(share) for share in (0.004, 0.005, 0.125, 0.994, 1)] == [0, 1, 13, 99, 100]


def test_a_change_is_clear_only_when_the_intervals_are_apart() -> None:
    before = make_figure(0.5, 0.4, 0.6)

    up = figures.change(make_figure(0.7, 0.61, 0.8), before, title="Mock 1")
    same = figures.change(make_figure(0.6, 0.6, 0.7), before, title="Mock 1")
    down = figures.change(make_figure(0.3, 0.2, 0.39), before, title="Mock 1")

    assert [(c.word, c.points, c.size) for c in (up, same, down)] == [
        ("up", 20, 20),
        ("same", 10, 10),
        ("down", -20, 20),
    ]


def test_below_three_seen_a_count_is_a_hint() -> None:
    assert figures.from_estimate(
        psychometrics.estimate(2, 2, prior=DEFAULT_PRIOR, target=0.6), DEFAULT_PRIOR
    ).is_a_hint
    assert not make_figure(0.5, 0.4, 0.6).is_a_hint
