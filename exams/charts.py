"""Geometry for the SVG templates: x in percent, y in pixels, everything a finished string.  Pure.

Percentages and pixels keep labels at their size on a phone, where a `viewBox` would shrink them. The
numbers are formatted here, always with a point and never by the reader's locale: `x="68,89%"` draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from exams.scoring import ScoreScale

Number = float | Fraction | Decimal

TICK_TOP = 64
LONG_TICK, MIDDLE_TICK, SHORT_TICK = 76, 71, 68
TREND_TOP, TREND_BOTTOM, TREND_HEIGHT = 12, 164, 196
TREND_MARGIN = 4.0  # percent at either side, so that the outer points and their whiskers stay whole
TREND_LABELS = 8
HISTOGRAM_TOP, HISTOGRAM_BOTTOM, HISTOGRAM_HEIGHT = 26, 170, 212
PACE_TOP, PACE_BOTTOM, PACE_HEIGHT = 20, 164, 196
PACE_STEPS = (15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis. `label` is empty on unlabelled ones; narrow charts hide what is not major."""

    x: str
    y2: str
    label: str
    anchor: str
    is_major: bool


@dataclass(frozen=True)
class ScaleChart:
    """Scores on their scale. Without a score `point`, `low` and `high` are None and their x empty."""

    height: str
    cut: int
    cut_x: str
    cut_anchor: str
    point: int | None
    point_x: str
    point_anchor: str
    low: int | None
    high: int | None
    band_x: str
    band_end: str
    band_width: str
    ticks: tuple[Tick, ...]
    past: tuple[PastMark, ...]


@dataclass(frozen=True)
class PastMark:
    x: str
    value: int


@dataclass(frozen=True)
class IntervalBar:
    """An interval on a track from 0 to 100 %; `cut` is empty without a target."""

    x: str
    end: str
    width: str
    point: str
    cut: str


@dataclass(frozen=True)
class GridLine:
    """`y` for the line, `text_y` for its label. `value` is a percentage or seconds."""

    y: str
    text_y: str
    value: int
    label: str


@dataclass(frozen=True)
class TrendPoint:
    """One attempt's estimate; shares 0–1. `at` is only needed for an axis by date."""

    label: str
    mean: float
    low: float
    high: float
    at: datetime | None = None


@dataclass(frozen=True)
class TrendMark:
    """A point with its whisker. `label` is empty where labels would crowd."""

    x: str
    y: str
    low_y: str
    high_y: str
    label: str
    anchor: str
    point: TrendPoint


@dataclass(frozen=True)
class Segment:
    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class TrendChart:
    height: str
    bottom: str
    label_y: str
    marks: tuple[TrendMark, ...]
    segments: tuple[Segment, ...]
    grid: tuple[GridLine, ...]
    target_y: str


@dataclass(frozen=True)
class HistogramBar:
    """Scores from `low` to `high`, both counted. `is_below` is of the cut, which is always an edge."""

    low: int
    high: int
    count: int
    is_below: bool
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True)
class HistogramChart:
    """How many scores lie where, with the cut drawn in."""

    height: str
    bottom: str
    label_y: str
    cut: int
    cut_x: str
    left_of_cut: str
    right_of_cut: str
    below: int
    above: int
    bars: tuple[HistogramBar, ...]
    grid: tuple[GridLine, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class PaceBar:
    """One slot. `kind` is normal or slow; slow bars carry a mark at (`centre`, `mark_y`) as well."""

    slot: int
    seconds: float
    x: str
    width: str
    centre: str
    y: str
    height: str
    kind: str
    css_class: str
    mark_y: str
    label: str
    label_anchor: str


@dataclass(frozen=True)
class PaceChart:
    """`even_pace_y` is empty without an even pace to compare with."""

    height: str
    bottom: str
    label_y: str
    bars: tuple[PaceBar, ...]
    grid: tuple[GridLine, ...]
    median_y: str
    even_pace_y: str
    slow_above: float


def percent(value: Number, low: Number, high: Number) -> str:
    """Where `value` lies from `low` to `high`, as `68.89%`, kept within 0–100 %.

    ValueError unless low < high.
    """
    return _percentage(_position(value, low, high))


def score_scale(
    scale: ScoreScale,
    *,
    point: int | None,
    low: int | None,
    high: int | None,
    past: Sequence[int] = (),
    ticks: int = 100,
) -> ScaleChart:
    """A score, its range and earlier scores on the scale; a label every `ticks` points, quarters between."""
    ends = (scale.low, scale.high)
    cut_at = _position(scale.passing, *ends)
    point_at = None if point is None else _position(point, *ends)
    has_band = low is not None and high is not None
    band = _span(low or 0, high or 0, *ends) if has_band else ("", "", "")
    return ScaleChart(
        height="128",
        cut=scale.passing,
        cut_x=_percentage(cut_at),
        cut_anchor=_anchor(cut_at),
        point=point,
        point_x="" if point_at is None else _percentage(point_at),
        point_anchor="middle" if point_at is None else _anchor(point_at),
        low=low if has_band else None,
        high=high if has_band else None,
        band_x=band[0],
        band_end=band[1],
        band_width=band[2],
        ticks=_scale_ticks(scale, ticks),
        past=tuple(PastMark(x=percent(value, *ends), value=value) for value in past),
    )


def interval_bar(mean: Number, low: Number, high: Number, target: Number | None) -> IntervalBar:
    """An estimate on a track from 0 to 100 %. All shares 0–1."""
    x, end, width = _span(low, high, 0, 1)
    cut = "" if target is None else percent(target, 0, 1)
    return IntervalBar(x=x, end=end, width=width, point=percent(mean, 0, 1), cut=cut)


def trend(points: Sequence[TrendPoint], target: Number, *, by_date: bool = False) -> TrendChart:
    """Estimates over attempts, in the order given: x evenly spaced, or by `at` (which all must have then)."""
    places = _trend_places(points, by_date=by_date)
    every = -(-len(points) // TREND_LABELS) or 1
    marks = tuple(
        TrendMark(
            x=_percentage(place),
            y=_trend_y(point.mean),
            low_y=_trend_y(point.low),
            high_y=_trend_y(point.high),
            # Counted from the newest, which is the one that must have its label.
            label=point.label if (len(points) - 1 - index) % every == 0 else "",
            anchor=_anchor(place, margin=2 * TREND_MARGIN),
            point=point,
        )
        for index, (point, place) in enumerate(zip(points, places, strict=True))
    )
    return TrendChart(
        height=str(TREND_HEIGHT),
        bottom=str(TREND_BOTTOM),
        label_y=str(TREND_BOTTOM + 20),
        marks=marks,
        segments=tuple(Segment(x1=a.x, y1=a.y, x2=b.x, y2=b.y) for a, b in pairwise(marks)),
        grid=tuple(
            _grid_line(_trend_pixels(share / 100), value=share, label=f"{share}%")
            for share in (0, 25, 50, 75, 100)
        ),
        target_y=_trend_y(target),
    )


def score_trend(points: Sequence[TrendPoint], scale: ScoreScale) -> TrendChart:
    """Like `trend`, of scores on their scale; a label every third of it, and the cut as the target."""
    width = scale.high - scale.low

    def share(score: float) -> float:
        return (score - scale.low) / width

    on_scale = [
        TrendPoint(point.label, share(point.mean), share(point.low), share(point.high), point.at)
        for point in points
    ]
    chart = trend(on_scale, share(scale.passing))
    marks = tuple(replace(mark, point=point) for mark, point in zip(chart.marks, points, strict=True))
    values = [round(scale.low + width * third / 3) for third in range(4)]
    grid = tuple(_grid_line(_trend_pixels(share(value)), value=value, label=str(value)) for value in values)
    return replace(chart, marks=marks, grid=grid)


def histogram(counts: Mapping[int, int], scale: ScoreScale, *, step: int = 40) -> HistogramChart:
    """Score → how many, in bars of `step` points counted from the cut, so that no bar lies on both sides."""
    first = scale.passing - step * math.ceil((scale.passing - scale.low) / step)
    edges = [edge for edge in range(first, scale.high + 1, step)]
    spans = [(max(edge, scale.low), min(edge + step - 1, scale.high)) for edge in edges]
    if len(spans) > 1 and spans[-1][0] == spans[-1][1]:  # the highest score alone belongs to the bar below it
        spans[-2:] = [(spans[-2][0], scale.high)]
    totals = [sum(n for score, n in counts.items() if low <= score <= high) for low, high in spans]
    most = max([*totals, 1])
    unit = next(unit for unit in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if most <= 5 * unit)
    lines = math.ceil(most / unit)
    pixels = (HISTOGRAM_BOTTOM - HISTOGRAM_TOP) / (lines * unit)
    bars = []
    for (low, high), n in zip(spans, totals, strict=True):
        x, _, width = _span(low, min(high + 1, scale.high), scale.low, scale.high)
        inner = max(float(width[:-1]) - 0.35, 0.2)
        bars.append(
            HistogramBar(
                low=low,
                high=high,
                count=n,
                is_below=low < scale.passing,
                x=x,
                width=_percentage(inner),
                y=_pixels(HISTOGRAM_BOTTOM - n * pixels),
                height=_pixels(n * pixels),
            )
        )
    cut = _position(scale.passing, scale.low, scale.high)
    below = sum(n for score, n in counts.items() if score < scale.passing)
    return HistogramChart(
        height=str(HISTOGRAM_HEIGHT),
        bottom=_pixels(HISTOGRAM_BOTTOM + 0.5),
        label_y=str(HISTOGRAM_BOTTOM + 18),
        cut=scale.passing,
        cut_x=_percentage(cut),
        left_of_cut=_percentage(max(cut - 1.2, 0)),
        right_of_cut=_percentage(min(cut + 1.2, 100)),
        below=below,
        above=sum(counts.values()) - below,
        bars=tuple(bars),
        grid=tuple(
            _grid_line(HISTOGRAM_BOTTOM - line * unit * pixels, value=line * unit, label=str(line * unit))
            for line in range(lines + 1)
        ),
        ticks=tuple(tick for tick in _scale_ticks(scale, 100) if tick.label),
    )


def pace(seconds_by_slot: Mapping[int, float], *, median: float, even_pace: float | None = None) -> PaceChart:
    """Seconds spent on each slot, in the paper's order.

    Slow is what took longer than `even_pace` (the time allowed over the number of items), or, without
    one, than twice the median. Slots without time keep their place with an empty bar.
    """
    slots = sorted(seconds_by_slot)
    slow_above = 2 * median if even_pace is None else even_pace
    longest = max([*seconds_by_slot.values(), median, even_pace or 0, 1])
    step = next((step for step in PACE_STEPS if longest <= 4 * step), 3600 * math.ceil(longest / 14400))
    count = math.ceil(longest / step)
    pixels = (PACE_BOTTOM - PACE_TOP) / (count * step)
    pitch = 100 / max(len(slots), 1)
    bars = []
    for index, slot in enumerate(slots):
        seconds = seconds_by_slot[slot]
        is_slow = seconds > slow_above
        height = max(seconds, 0) * pixels
        centre = index * pitch + 0.365 * pitch
        is_labelled = _has_slot_label(index, len(slots))
        bars.append(
            PaceBar(
                slot=slot,
                seconds=seconds,
                x=_percentage(index * pitch),
                width=_percentage(0.73 * pitch),
                centre=_percentage(centre),
                y=_pixels(PACE_BOTTOM - height),
                height=_pixels(height),
                kind="slow" if is_slow else "normal",
                css_class="bar-warn" if is_slow else "bar",
                mark_y=_pixels(PACE_BOTTOM - height - 6),
                label=str(slot) if is_labelled else "",
                label_anchor="end" if 0 < index == len(slots) - 1 else _anchor(centre),
            )
        )
    return PaceChart(
        height=str(PACE_HEIGHT),
        bottom=str(PACE_BOTTOM),
        label_y=str(PACE_BOTTOM + 20),
        bars=tuple(bars),
        grid=tuple(
            _grid_line(PACE_BOTTOM - line * step * pixels, value=line * step, label=_clock(line * step))
            for line in range(count + 1)
        ),
        median_y=_pixels(PACE_BOTTOM - median * pixels + 0.5),
        even_pace_y="" if even_pace is None else _pixels(PACE_BOTTOM - even_pace * pixels + 0.5),
        slow_above=slow_above,
    )


def _position(value: Number, low: Number, high: Number) -> float:
    if not low < high:
        raise ValueError("an axis needs low < high")
    return min(max(0.0, 100 * (float(value) - float(low)) / (float(high) - float(low))), 100.0)


def _percentage(position: float) -> str:
    return f"{position:.2f}%"


def _pixels(value: float) -> str:
    return f"{value:.1f}"


def _span(low: Number, high: Number, start: Number, end: Number) -> tuple[str, str, str]:
    """x, end and width; the width from the rounded ends, so that the three always agree."""
    first, last = round(_position(low, start, end), 2), round(_position(high, start, end), 2)
    return _percentage(first), _percentage(last), _percentage(max(last - first, 0.0))


def _anchor(position: float, *, margin: float = 4.0) -> str:
    """Text near an end grows inwards, so that it isn't cut off."""
    if position <= margin:
        return "start"
    return "end" if position >= 100 - margin else "middle"


def _scale_ticks(scale: ScoreScale, step: int) -> tuple[Tick, ...]:
    if step <= 0:
        raise ValueError("ticks need a positive step")
    labelled = list(range(scale.low, scale.high + 1, step))
    if labelled[-1] != scale.high:
        if len(labelled) > 1 and scale.high - labelled[-1] < 0.6 * step:
            labelled.pop()
        labelled.append(scale.high)
    last = len(labelled) - 1
    quarters = 4 * (scale.high - scale.low) // step
    places = {scale.low + Fraction(step * quarter, 4) for quarter in range(quarters + 1)}
    ticks = []
    for place in sorted(places | {Fraction(value) for value in labelled}):
        index = labelled.index(int(place)) if place in labelled else None
        if index is not None:
            length = LONG_TICK
        else:
            length = MIDDLE_TICK if (place - scale.low) % Fraction(step, 2) == 0 else SHORT_TICK
        ticks.append(
            Tick(
                x=percent(place, scale.low, scale.high),
                y2=str(length),
                label="" if index is None else str(labelled[index]),
                anchor={0: "start", last: "end"}.get(-1 if index is None else index, "middle"),
                # Every other label may go on a narrow chart, but not the ends, and no two neighbours stay.
                is_major=index is not None and (index in (0, last) or (index % 2 == 0 and index < last - 1)),
            )
        )
    return tuple(ticks)


def _trend_places(points: Sequence[TrendPoint], *, by_date: bool) -> list[float]:
    if by_date:
        times = [point.at.timestamp() for point in points if point.at is not None]
        if len(times) != len(points):
            raise ValueError("a trend by date needs a date for each point")
        if times and min(times) < max(times):
            return [_inset(_position(time, min(times), max(times))) for time in times]
    if len(points) == 1:
        return [50.0]
    return [_inset(_position(index, 0, len(points) - 1)) for index in range(len(points))]


def _inset(position: float) -> float:
    return TREND_MARGIN + position * (100 - 2 * TREND_MARGIN) / 100


def _trend_y(share: Number) -> str:
    return _pixels(_trend_pixels(share))


def _trend_pixels(share: Number) -> float:
    return TREND_BOTTOM - (TREND_BOTTOM - TREND_TOP) * _position(share, 0, 1) / 100


def _grid_line(y: float, *, value: int, label: str) -> GridLine:
    """Half a pixel down, so that a hairline fills one row of pixels; the label's baseline 4 px lower."""
    return GridLine(y=_pixels(y + 0.5), text_y=_pixels(y + 4.5), value=value, label=label)


def _has_slot_label(index: int, count: int) -> bool:
    if index in (0, count - 1):
        return True
    step = 10 if count > 20 else 5
    return (index + 1) % step == 0 and count - 1 - index > step / 2


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds else "0"
