"""Regular expressions that somebody typed: whether one is sound, and whether its cost is bounded.  Pure.

A pattern is tried on every key of a bank. One that can match at one place in very many ways makes the engine try
them all, so the ways are counted before it is stored.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from math import prod
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MAX_LENGTH = 200
MAX_WAYS = 100_000
ENDLESS = 999
"""What `*` and `+` count as: no text that a pattern is tried on is much longer."""


class PatternError(Exception):
    """`code`: empty, too_long, malformed (`detail` says where) or too_slow."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def check(pattern: str) -> None:
    """Raise `PatternError` unless `pattern` may be tried on any text."""
    if not pattern.strip():
        raise PatternError("empty")
    if len(pattern) > MAX_LENGTH:
        raise PatternError("too_long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = _parser.parse(pattern, re.IGNORECASE)
            re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError("malformed", str(error)) from error
    if _ways(parsed) > MAX_WAYS:
        raise PatternError("too_slow")


def _ways(nodes: Iterable[tuple[Any, Any]]) -> int:
    """In how many ways a sequence can match from one place on, at most; never much above `MAX_WAYS`."""
    ways = 1
    for operator, argument in nodes:
        ways = min(ways * _ways_of(operator, argument), MAX_WAYS + 1)
    return ways


def _ways_of(operator: Any, argument: Any) -> int:
    if operator is _constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if operator is _constants.SUBPATTERN:
        return _ways(argument[3])
    if operator in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _ways(argument[1])
    if operator is _constants.ATOMIC_GROUP:
        return _ways(argument)
    if operator is _constants.GROUPREF_EXISTS:
        return _ways(argument[1]) + _ways(argument[2] or ())
    if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        least, most, repeated = argument
        return _repeated(_ways(repeated), int(least), min(int(most), max(ENDLESS, int(least))))
    return 1


def _repeated(ways: int, least: int, most: int) -> int:
    if ways == 1:
        return most - least + 1
    total = 0
    for times in range(least, most + 1):
        total += prod([ways] * min(times, 64))
        if total > MAX_WAYS:
            break
    return total
