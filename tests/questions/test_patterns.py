"""Whether a typed pattern is sound and its cost bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from questions import patterns

FIXTURE = Path(__file__).parents[2] / "fixtures" / "mla-c01" / "blueprint.yaml"


def code_of(pattern: str) -> str:
    try:
        patterns.check(pattern)
    except patterns.PatternError as error:
        return error.code
    return ""


def test_every_pattern_that_is_shipped_is_fine() -> None:
    shipped = yaml.safe_load(FIXTURE.read_text())["forbidden"]

    assert len(shipped) > 20
    assert [rule["pattern"] for rule in shipped if code_of(rule["pattern"])] == []


@pytest.mark.parametrize(
    "pattern",
    [r"\bS3 Select\b", r"Kinesis .*Analytics", r"(?:ab)+c", r"(?:a|b|c)+d", r"a{2,5}(?!b)", r"(?i)x", "é+"],
)
def test_ordinary_patterns_pass(pattern: str) -> None:
    assert code_of(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+b", "(a|ab)*b", "a*a*b", "(((a*)*)*)*", "(a{1,30}){1,30}", "x{0,65535}y{0,65535}"),
        *("(?:a|ab)?" * 20, "a?" * 30, "(?=(a+)+b)", "(?:(?:ab?)+c?)+", "(a|ab)(c|bcd)(d*)e*"),
    ],
)
def test_what_could_match_in_very_many_ways_is_refused(pattern: str) -> None:
    assert code_of(pattern) == "too_slow"


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        *(
            ("", "empty"),
            ("  ", "empty"),
            ("a" * 201, "too_long"),
            ("(x", "malformed"),
            ("[z-a]", "malformed"),
        ),
        *(
            ("a{99999999999}", "malformed"),
            ("(?P<x", "malformed"),
            ("*", "malformed"),
            ("(" * 200, "malformed"),
        ),
    ],
)
def test_what_is_no_pattern_is_named(pattern: str, code: str) -> None:
    assert code_of(pattern) == code
