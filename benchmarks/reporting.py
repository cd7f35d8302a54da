"""A figure with its goal, and the table that a run prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Row:
    """`value` in `unit`; `floor` is the same figure of the bare view; `at_most` or `at_least` is the goal."""

    name: str
    value: float
    unit: str = ""
    floor: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """None where there is no goal."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"≤ {figure(self.at_most)}"
        return "" if self.at_least is None else f"≥ {figure(self.at_least)}"


def figure(value: float) -> str:
    """Three significant digits, and whole numbers as such."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def lines(title: str, rows: Sequence[Row]) -> list[str]:
    width = max(len(row.name) for row in rows)
    head = f"{title:<{width}}  {'ours':>9} {'':<5} {'floor':>9} {'ratio':>6}  {'goal':>8}"
    return [head, "─" * len(head), *(_line(row, width) for row in rows)]


def _line(row: Row, width: int) -> str:
    floor = "" if row.floor is None else figure(row.floor)
    ratio = f"{row.value / row.floor:.2f}" if row.floor else ""
    met = {True: "met", False: "MISSED", None: ""}[row.is_met]
    text = f"{row.name:<{width}}  {figure(row.value):>9} {row.unit:<5} {floor:>9} {ratio:>6}  {row.goal:>8} {met:<6}"
    return f"{text} {row.note}".rstrip()
