from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from questions.formats.blueprint import BlueprintSpec, parse_blueprint
from questions.formats.reading import FormatError

SHIPPED = Path(__file__).resolve().parents[2] / "fixtures" / "mla-c01" / "blueprint.yaml"

SMALL = """\
format: cutscore-blueprint/1
code: EX-1
title: An exam
items: 10
scored_items: 8
minutes: 20
scale: {low: 100, high: 1000, passing: 720}
coverage_per_topic: 3
forbidden:
  - {pattern: '\\bOld Thing\\b', why: it is retired}
domains:
  - code: '1'
    title: One
    weight: 60
    tasks:
      - code: '1.1'
        title: First
        topics: [{code: 1.1.1, title: Topic}]
  - code: '2'
    title: Two
    weight: 40
    cut: 0.7
    tasks:
      - code: '2.1'
        title: Second
        topics: [{code: 2.1.1, title: Another, covers: This and that.}]
mocks:
  - {code: ex-full, title: Full, items: 10, unscored: 2, minutes: 20, papers: 2}
"""


def parse(text: str) -> BlueprintSpec:
    return parse_blueprint(text.encode(), filename="blueprint.yaml")


def test_the_exam_that_ships() -> None:
    spec = parse_blueprint(SHIPPED.read_bytes(), filename="blueprint.yaml")
    assert spec.code == "MLA-C01"
    assert [domain.weight for domain in spec.domains] == [28, 26, 22, 24]
    assert [task.code for task in spec.tasks] == [
        *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "3.1", "3.2", "3.3", "4.1", "4.2", "4.3"),
    ]
    assert len(spec.topic_codes) == len(set(spec.topic_codes)) == 54
    assert (spec.items, spec.scored_items, spec.minutes) == (65, 50, 130)
    assert (spec.scale_low, spec.passing_score, spec.scale_high) == (100, 720, 1000)
    assert spec.valid_until == date(2026, 9, 28)
    assert [
        (mock.items, mock.unscored, mock.minutes, mock.papers, mock.held_back) for mock in spec.mocks
    ] == [
        (65, 15, 130, 3, False),
        (20, 0, 40, 4, False),
        (65, 15, 130, 1, True),
    ]


def test_a_small_exam() -> None:
    spec = parse(SMALL)
    assert spec.domains[1].cut == Decimal("0.7")
    assert spec.domains[0].cut is None
    assert spec.tasks[1].topics[0].covers == "This and that."
    assert spec.valid_from is None
    assert len(spec.item_types) == 4


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("weight: 60", "weight: 50", "11: The weights of the domains add up to 90, not to 100. Mend them."),
        ("weight: 60", "weight: heavy", "14: 1: “weight” is “heavy”. Write a number up to 100"),
        ("cut: 0.7", "cut: 7", "22: 2: “cut” is “7”. Write a number up to 1"),
        ("scored_items: 8", "scored_items: 11", "5: 11 scored items are more than the 10 items."),
        ("passing: 720", "passing: 1000", "7: The passing score must lie between the scale's low and high."),
        (
            "minutes: 20\nscale",
            "minutes: 0\nscale",
            "6: “minutes” is “0”. Write a whole number from 1 to 1440.",
        ),
        (
            "items: 10\nscored",
            "itemz: 10\nscored",
            "4: The field “itemz” is not known here. Did you mean “items”?",
        ),
        (
            "code: 2.1.1",
            "code: 1.1.1",
            "26: The topic “1.1.1” is already in line 18. Give each its own code.",
        ),
        (
            "title: An exam",
            "valid_until: soon\ntitle: An exam",
            "3: “valid_until” is “soon”. Write a date such",
        ),
        ("Thing\\b", "Thing(", "10: The pattern “\\bOld Thing(” is no regular expression"),
        (
            "minutes: 20\nscale",
            "minutes: 20\nitem_types: [essay]\nscale",
            "7: The item type “essay” is unknown.",
        ),
        ("unscored: 2", "unscored: 10", "28: ex-full: All 10 items would be unscored. Lower “unscored”."),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, why: str) -> None:
    assert old in SMALL
    with pytest.raises(FormatError) as caught:
        parse(SMALL.replace(old, new))
    assert [str(p) for p in caught.value.problems if str(p).startswith(f"blueprint.yaml:{why}")], str(
        caught.value
    )
    assert len(caught.value.problems) == 1
