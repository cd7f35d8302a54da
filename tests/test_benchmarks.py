"""Each benchmark at its smallest: that it runs and reports its figures, not what they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.__main__ import NAMES
from benchmarks.reporting import Row, figure, lines, percentile

FIGURES = {
    "save": (
        "CPU of a save",
        "SQL statements of a save",
        "3 learners saving at once",
        "p99",
        "Saves a second",
    ),
    "start": ("bank of 12", "bank of 24", "3 starts at once", "Attempts started"),
    "sitting": (
        "CPU of a sitting",
        "paper",
        "saves",
        "pulses",
        "submit",
        "scoring",
        "result page",
        "review page",
    ),
    "scoring": (
        "CPU of submitting and scoring",
        "result page",
        "3 submissions at once",
        "Submit → scored p99",
    ),
    "statistics": (
        "Scoring and counting, the 2th sitting",
        "as often as the early one",
        "Responses a second, all anew",
        "Rows that differ then",
    ),
    "closing": ("Closed a second", "Scored a second", "p95 of a save meanwhile"),
    "bank_list": ("p95, 48 questions: plain list", "SQL statements at most, 20 questions", "3 words"),
    "transfer": (
        "Upload",
        "CPU of reading",
        "Mapping a folder",
        "Longest transaction",
        "Questions imported",
        "Export, what is lost",
        "Megabytes written",
    ),
    "dashboards": (
        "Made, scored and counted",
        "p95, cohort",
        "p95, assignment",
        "p95, learner",
        "SQL statements",
        "Rows of a report a second",
    ),
    "control_room": ("A refresh, 4 running, p95", "SQL statements of a refresh"),
}


def test_every_benchmark_reports_its_figures() -> None:
    """On a throw-away database of the kind that the suite runs on."""
    environment = {**os.environ, "PYTHONPATH": str(settings.BASE_DIR)}
    kind = "--postgres" if connection.vendor == "postgresql" else "--sqlite"

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", kind],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    tables = dict(zip(NAMES, re.split(r"\n\(\d+ s\)\n", ended.stdout), strict=False))
    assert FIGURES.keys() == set(NAMES) == tables.keys()
    for name, figures in FIGURES.items():
        assert [each for each in figures if each not in tables[name]] == [], tables[name]


def test_a_benchmark_that_is_not_there_is_named() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "saev"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "no benchmark is called saev" in ended.stderr


@pytest.mark.parametrize(
    ("row", "is_met"),
    [
        (Row("a", 3, at_most=4), True),
        (Row("a", 5, at_most=4), False),
        (Row("a", 200, at_least=200), True),
        (Row("a", 199, at_least=200), False),
        (Row("a", 1), None),
    ],
)
def test_a_goal_is_met_or_missed(row: Row, is_met: bool | None) -> None:
    assert row.is_met is is_met


def test_a_line_shows_figure_floor_ratio_and_goal() -> None:
    line = lines("save", [Row("CPU of a save", 3.0, "ms", floor=2.5, at_most=3.75)])[-1]

    assert line.split() == ["CPU", "of", "a", "save", "3", "ms", "2.5", "1.20", "≤", "3.75", "met"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (4, "4"), (2.345, "2.35"), (234.5, "234"), (12345.6, "12,346")]
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_percentiles_of_what_was_measured() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], 50) == 3.0
    assert percentile([7.0], 99) == 7.0
    assert percentile([], 99) == 0.0
