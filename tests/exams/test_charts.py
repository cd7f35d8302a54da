import dataclasses
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exams import charts
from exams.charts import TrendPoint
from exams.scoring import ScoreScale

# A busy machine is no bug.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCALE = ScoreScale()
PERCENT = re.compile(r"\d{1,3}\.\d\d%")
PIXELS = re.compile(r"\d{1,3}(\.\d)?")
WORDS = {"label", "anchor", "label_anchor", "cut_anchor", "point_anchor", "kind", "css_class"}
MAY_BE_MISSING = {"point_x", "band_x", "band_end", "band_width", "cut", "even_pace_y"}


def geometry(chart: Any) -> list[str]:
    """Every string of a chart, and of what it is made of, that goes into an SVG attribute."""
    found = []
    for field in dataclasses.fields(chart):
        value = getattr(chart, field.name)
        if isinstance(value, tuple):
            found += [text for part in value for text in geometry(part)]
        elif isinstance(value, str) and field.name not in WORDS:
            found += [value] if value or field.name not in MAY_BE_MISSING else []
    return found


def assert_drawable(chart: Any) -> None:
    for text in geometry(chart):
        assert PERCENT.fullmatch(text) or PIXELS.fullmatch(text), text
        assert not text.endswith("%") or 0 <= float(text[:-1]) <= 100


def make_points(*means: float) -> list[TrendPoint]:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    return [
        TrendPoint(label=str(n), mean=mean, low=mean - 0.1, high=mean + 0.1, at=start + timedelta(days=n * n))
        for n, mean in enumerate(means)
    ]


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (720, 100, 1000, "68.89%"),
        (100, 100, 1000, "0.00%"),
        (1000, 100, 1000, "100.00%"),
        (50, 100, 1000, "0.00%"),
        (1100, 100, 1000, "100.00%"),
        (0.674, 0, 1, "67.40%"),
        (-0.0, 0, 1, "0.00%"),
        (-1e-9, 0, 1, "0.00%"),
        (Fraction(1, 3), 0, 1, "33.33%"),
        (Decimal("0.725"), 0, 1, "72.50%"),
        (1_234_567.0, 0, 2_000_000, "61.73%"),
    ],
)
def test_percent(value: float, low: float, high: float, expected: str) -> None:
    assert charts.percent(value, low, high) == expected


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1)])
def test_percent_needs_an_axis(low: float, high: float) -> None:
    with pytest.raises(ValueError):
        charts.percent(1, low, high)


def test_score_scale_places_score_range_cut_and_past() -> None:
    chart = charts.score_scale(SCALE, point=742, low=684, high=799, past=[555, 675])
    assert (chart.point_x, chart.cut_x) == ("71.33%", "68.89%")
    assert (chart.band_x, chart.band_end, chart.band_width) == ("64.89%", "77.67%", "12.78%")
    assert [(mark.value, mark.x) for mark in chart.past] == [(555, "50.56%"), (675, "63.89%")]
    assert (chart.point, chart.low, chart.high, chart.cut) == (742, 684, 799, 720)
    assert_drawable(chart)


def test_score_scale_ticks() -> None:
    ticks = charts.score_scale(SCALE, point=None, low=None, high=None).ticks
    assert len(ticks) == 37
    assert [tick.y2 for tick in ticks[:5]] == ["76", "68", "71", "68", "76"]
    assert [tick.x for tick in ticks[:3]] == ["0.00%", "2.78%", "5.56%"]
    labels = [(tick.label, tick.x, tick.anchor) for tick in ticks if tick.label]
    assert labels[0] == ("100", "0.00%", "start")
    assert labels[1] == ("200", "11.11%", "middle")
    assert labels[-1] == ("1000", "100.00%", "end")
    assert [tick.label for tick in ticks if tick.is_major] == ["100", "300", "500", "700", "1000"]


@pytest.mark.parametrize(
    ("scale", "step", "labels", "major"),
    [
        (ScoreScale(0, 100, 70), 25, ["0", "25", "50", "75", "100"], ["0", "50", "100"]),
        (ScoreScale(200, 850, 600), 200, ["200", "400", "600", "850"], ["200", "850"]),
        (ScoreScale(0, 10, 7), 100, ["0", "10"], ["0", "10"]),
        (ScoreScale(0, 130, 70), 50, ["0", "50", "100", "130"], ["0", "130"]),
    ],
)
def test_ticks_of_other_scales(scale: ScoreScale, step: int, labels: list[str], major: list[str]) -> None:
    chart = charts.score_scale(scale, point=None, low=None, high=None, ticks=step)
    assert [tick.label for tick in chart.ticks if tick.label] == labels
    assert [tick.label for tick in chart.ticks if tick.is_major] == major
    places = [float(tick.x[:-1]) for tick in chart.ticks]
    assert places == sorted(set(places))
    assert_drawable(chart)


def test_ticks_need_a_step() -> None:
    with pytest.raises(ValueError):
        charts.score_scale(SCALE, point=None, low=None, high=None, ticks=0)


def test_score_scale_without_a_score_draws_only_the_scale() -> None:
    chart = charts.score_scale(SCALE, point=None, low=None, high=None)
    assert (chart.point, chart.point_x, chart.band_x, chart.band_width, chart.past) == (None, "", "", "", ())
    assert chart.cut_x == "68.89%"


@pytest.mark.parametrize(
    ("point", "anchor"), [(100, "start"), (136, "start"), (550, "middle"), (1000, "end")]
)
def test_value_at_an_end_grows_inwards(point: int, anchor: str) -> None:
    assert charts.score_scale(SCALE, point=point, low=point, high=point).point_anchor == anchor


def test_interval_bar() -> None:
    bar = charts.interval_bar(0.47, 0.33, 0.6, 0.674)
    assert (bar.x, bar.end, bar.width, bar.point, bar.cut) == (
        "33.00%",
        "60.00%",
        "27.00%",
        "47.00%",
        "67.40%",
    )
    assert charts.interval_bar(0.47, 0.33, 0.6, None).cut == ""
    assert charts.interval_bar(0.5, 0.4, 0.6, Fraction(18, 25)).cut == "72.00%"


@unhurried
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted), st.floats(0, 1))
def test_interval_bar_always_adds_up(interval: list[float], target: float) -> None:
    low, mean, high = interval
    bar = charts.interval_bar(mean, low, high, target)
    assert_drawable(bar)
    assert Decimal(bar.x[:-1]) + Decimal(bar.width[:-1]) == Decimal(bar.end[:-1])
    assert float(bar.x[:-1]) <= float(bar.point[:-1]) <= float(bar.end[:-1])


def test_trend_is_evenly_spaced() -> None:
    chart = charts.trend(make_points(0.5, 0.6, 0.7), 0.72)
    assert [mark.x for mark in chart.marks] == ["4.00%", "50.00%", "96.00%"]
    assert [mark.anchor for mark in chart.marks] == ["start", "middle", "end"]
    assert [mark.y for mark in chart.marks] == ["88.0", "72.8", "57.6"]  # 164 − 152 · share
    assert (chart.marks[0].high_y, chart.marks[0].low_y) == ("72.8", "103.2")
    assert chart.target_y == "54.6"
    assert [(line.value, line.label, line.y) for line in chart.grid][::2] == [
        (0, "0%", "164.5"),
        (50, "50%", "88.5"),
        (100, "100%", "12.5"),
    ]
    assert (chart.segments[0].x1, chart.segments[0].y1) == ("4.00%", "88.0")
    assert (chart.segments[-1].x2, chart.segments[-1].y2) == ("96.00%", "57.6")
    assert len(chart.segments) == 2
    assert_drawable(chart)


def test_trend_by_date_keeps_the_gaps() -> None:
    # Days 0, 1, 4, 9.
    chart = charts.trend(make_points(0.5, 0.6, 0.7, 0.6), 0.72, by_date=True)
    assert [mark.x for mark in chart.marks] == ["4.00%", "14.22%", "44.89%", "96.00%"]


def test_trend_by_date_needs_dates() -> None:
    with pytest.raises(ValueError):
        charts.trend([TrendPoint(label="1", mean=0.5, low=0.4, high=0.6)], 0.72, by_date=True)


@pytest.mark.parametrize("by_date", [False, True])
def test_trend_of_nothing_and_of_one(by_date: bool) -> None:
    empty = charts.trend([], 0.72, by_date=by_date)
    assert (empty.marks, empty.segments) == ((), ())
    single = charts.trend(make_points(0.5), 0.72, by_date=by_date)
    assert [mark.x for mark in single.marks] == ["50.00%"]
    assert single.marks[0].anchor == "middle"


def test_attempts_of_one_moment_are_spread_evenly() -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    points = [dataclasses.replace(point, at=at) for point in make_points(0.5, 0.6)]
    assert [mark.x for mark in charts.trend(points, 0.72, by_date=True).marks] == ["4.00%", "96.00%"]


def test_trend_keeps_the_newest_label_when_there_are_many() -> None:
    chart = charts.trend(make_points(*[0.5] * 20), 0.72)
    labels = [mark.label for mark in chart.marks if mark.label]
    assert labels == ["1", "4", "7", "10", "13", "16", "19"]
    assert all(mark.point.label for mark in chart.marks)


def test_pace_bars_and_axis() -> None:
    seconds = {slot: 60.0 for slot in range(1, 66)} | {7: 200.0, 8: 0.0}
    chart = charts.pace(seconds, median=60, even_pace=120)
    assert [(line.value, line.label, line.y) for line in chart.grid] == [
        (0, "0", "164.5"),
        (60, "1:00", "128.5"),
        (120, "2:00", "92.5"),
        (180, "3:00", "56.5"),
        (240, "4:00", "20.5"),
    ]
    assert (chart.median_y, chart.even_pace_y, chart.slow_above) == ("128.5", "92.5", 120)
    first, slow, empty = chart.bars[0], chart.bars[6], chart.bars[7]
    assert (first.x, first.width, first.centre) == ("0.00%", "1.12%", "0.56%")
    assert (first.y, first.height, first.kind, first.css_class) == ("128.0", "36.0", "normal", "bar")
    assert (slow.y, slow.height, slow.kind, slow.css_class) == ("44.0", "120.0", "slow", "bar-warn")
    assert slow.mark_y == "38.0"
    assert (empty.height, empty.kind) == ("0.0", "normal")
    assert [bar.label for bar in chart.bars if bar.label] == ["1", "10", "20", "30", "40", "50", "65"]
    assert (chart.bars[0].label_anchor, chart.bars[-1].label_anchor) == ("start", "end")
    assert_drawable(chart)


def test_pace_is_drawn_in_the_order_of_the_paper() -> None:
    chart = charts.pace({3: 10, 1: 20, 2: 30}, median=20)
    assert [bar.slot for bar in chart.bars] == [1, 2, 3]


def test_slow_is_twice_the_median_without_an_even_pace() -> None:
    chart = charts.pace({1: 60, 2: 119, 3: 120, 4: 120.5}, median=60)
    assert [bar.kind for bar in chart.bars] == ["normal", "normal", "normal", "slow"]
    assert chart.even_pace_y == ""


@pytest.mark.parametrize(
    ("longest", "step", "lines"),
    [(0, 15, 2), (50, 15, 5), (61, 30, 4), (240, 60, 5), (241, 120, 4), (14400, 3600, 5), (90000, 25200, 5)],
)
def test_pace_axis_has_at_most_five_lines(longest: float, step: int, lines: int) -> None:
    chart = charts.pace({1: longest}, median=0)
    assert chart.grid[1].value == step
    assert len(chart.grid) == lines
    assert_drawable(chart)


def test_pace_without_slots_is_an_empty_frame() -> None:
    chart = charts.pace({}, median=0)
    assert chart.bars == ()
    assert chart.grid


@unhurried
@given(
    st.dictionaries(st.integers(1, 200), st.floats(0, 50_000), max_size=100),
    st.floats(0, 5000),
    st.none() | st.floats(1, 5000),
)
def test_pace_never_leaves_its_frame(
    seconds: dict[int, float], median: float, even_pace: float | None
) -> None:
    chart = charts.pace(seconds, median=median, even_pace=even_pace)
    assert_drawable(chart)
    for bar in chart.bars:
        assert charts.PACE_TOP - 0.05 <= float(bar.y) <= charts.PACE_BOTTOM
        assert float(bar.y) + float(bar.height) == pytest.approx(charts.PACE_BOTTOM, abs=0.11)
        assert (bar.kind == "slow") == (bar.seconds > chart.slow_above)
