"""Moodle's GIFT: the answers between the braces, with their marks and weights.  Pure.

What comes in is masked (see `gift_blocks`): each `= ~ #` that is left is syntax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from questions.formats.exchange import Loss

_WEIGHT = re.compile(r"\s*%\s*(-?\d{1,6}(?:[.,]\d{0,12})?)\s*%")
_MOST_ANSWERS = 100
_PARTIAL_CREDIT = Loss(
    "partial_credit", "Its answers carry partial credit; here a question is scored all or nothing."
)
_NEGATIVE_MARKS = Loss(
    "negative_marks", "Marks taken off for wrong answers are dropped: a wrong answer scores 0."
)
_MODEL_ANSWER = (
    "Its answers begin with several ~ in a row, which is no answer to choose. Begin each right one with = and "
    "each wrong one with one ~."
)


class Refused(Exception):
    """A question that can't come in, on its way to becoming a `Rejection`."""

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Answer:
    weight: Decimal
    is_full: bool
    text: str
    feedback: str


def of_choice(answers: str) -> list[Answer]:
    """`=right#feedback ~wrong ~%50%half`, one a line or all on one; `~=` is an old spelling of `=`."""
    if re.match(r"~\s*~\s*~", answers):
        raise Refused("no_answers", _MODEL_ANSWER)
    answers = answers.replace("~=", "=")
    found = [_answer(piece) for piece in _by_line(answers)]
    if not any(answer.weight > 0 for answer in found):
        found = [_answer(piece) for piece in _anywhere(answers)]
    return found


def of_matching(answers: str) -> list[str]:
    """The text of each pair. With one a line, only a = at the start of a line begins one."""
    lines = [line for line in answers.split("\n") if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("=") == ("->" in line) for line in lines):
        pieces = re.split(r"^[^\S\n]*=", answers, flags=re.MULTILINE)
    else:
        pieces = answers.split("=")
    return _few([piece for piece in pieces if piece.strip()])


def _by_line(answers: str) -> list[str]:
    """With one answer a line, a = inside a line (`x = 5`) is taken for text."""
    lines = answers.split("\n")
    if sum(line.lstrip().startswith(("=", "~", "%")) for line in lines) < 2:
        return _anywhere(answers)
    pieces: list[list[str]] = []
    for line in lines:
        start = line.lstrip()
        if _WEIGHT.match(start):
            start = f"~{start}"
        if start.startswith(("=", "~")):
            pieces.append([start])
        elif pieces:
            pieces[-1].append(line)
    joined = map("\n".join, pieces)
    return _few([part for piece in joined for part in re.split(r"(?<=[^/])(?=~)|(?<=\s)(?==[^\s=>])", piece)])


def _anywhere(answers: str) -> list[str]:
    return _few(re.findall(r"[=~][^=~]*", answers))


def _few(pieces: list[str]) -> list[str]:
    if len(pieces) > _MOST_ANSWERS:
        why = f"It has {len(pieces):,} answers; at most {_MOST_ANSWERS} can be read. Take out some."
        raise Refused("too_many_options", why)
    return pieces


def _answer(piece: str) -> Answer:
    is_marked_right, rest = piece.startswith("="), piece[1:]
    weighed = _WEIGHT.match(rest)
    weight = Decimal(weighed[1].replace(",", ".")) if weighed else Decimal(100 if is_marked_right else 0)
    text, _, feedback = (rest[weighed.end() :] if weighed else rest).partition("#")
    return Answer(weight, is_marked_right and weight >= 99, text, feedback)


def keys(answers: list[Answer], losses: dict[str, Loss]) -> set[int]:
    """The numbers of the right answers. Tells what Moodle's weights say beyond right and wrong."""
    positive = {n for n, a in enumerate(answers) if a.weight > 0}
    full = {n for n in positive if answers[n].is_full}
    if not positive:
        raise Refused("no_key", "No answer is marked right. Put = instead of ~ before the right one.")
    if full:
        if any(answer.weight < 0 for answer in answers):
            losses["negative_marks"] = _NEGATIVE_MARKS
        if positive > full:
            losses["partial_credit"] = _PARTIAL_CREDIT
        if len(full) > 1:
            losses["several_right"] = Loss(
                "several_right",
                "Any one of its right answers was enough; here all of them must be selected.",
            )
        return full
    weights = [answers[n].weight for n in positive]
    if max(weights) - min(weights) > Decimal("0.1") or not 95 <= sum(weights) <= 105:
        losses["partial_credit"] = _PARTIAL_CREDIT
    return positive
