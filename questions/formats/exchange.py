"""What the formats of other systems are read into and written from.  Pure.

A format is a module of this package with three functions:

    parse(file, filename) → yields an `ExchangeQuestion` or a `Rejection` for each question of the file
    render(questions, out) → writes a file that `parse` reads back into equal questions
    losses(question) → what `render` can't carry of it, told beforehand

`parse` reads as it goes and holds one question at a time; it raises `UnreadableFile` where the rest of the
file can't be read, also after it has yielded questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import BinaryIO

from questions.content import Level, Option, Prompt, QuestionContent

MAX_FILE = 100 * 1024 * 1024
"""Bytes of an uploaded file; a package may hold as much again once, unpacked."""
MAX_QUESTIONS = 50_000
MAX_PICTURE = 5 * 1024 * 1024
"""Bytes of one picture before it is encoded anew."""

IMAGE_TARGET = re.compile(r"!\[(?P<alt>(?:\\.|[^\]\\])*)\]\(image:(?P<name>[A-Za-z0-9._-]+)\)")
"""A picture in a text: `![what it shows](image:<name of a Picture>)`."""


class UnreadableFile(ValueError):
    """The file, or what is left of it, can't be read. `why` says what is wrong and how to mend it."""

    def __init__(self, code: str, why: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.code = code
        self.why = why
        self.where = where


@dataclass(frozen=True)
class Loss:
    """Something that doesn't come along. With `leaves_out` the whole question doesn't."""

    code: str
    why: str
    leaves_out: bool = False


@dataclass(frozen=True)
class Picture:
    """Bytes as found in the file: not yet checked, decoded or encoded anew."""

    name: str
    data: bytes


@dataclass(frozen=True)
class ExchangeScenario:
    code: str
    title: str
    text: str


@dataclass(frozen=True)
class ExchangeQuestion:
    """One question on its way in or out. What a format doesn't say keeps its default.

    `where` is for people: “line 12” or “question 3, “Drift””. `code` is our own code, or the identifier that
    the other system gave. `category` is the path of folders, outermost first; a topic of ours is its last
    part. Texts are Markdown; pictures stand in them as `IMAGE_TARGET`.
    """

    content: QuestionContent
    where: str = ""
    code: str = ""
    title: str = ""
    topic: str = ""
    level: Level | None = None
    difficulty: Decimal | None = None
    keep_order: bool = False
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    scenario: ExchangeScenario | None = None
    pictures: tuple[Picture, ...] = ()
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """A question that can't come in. `code` is for programs, `why` says what is wrong and how to mend it."""

    where: str
    code: str
    why: str
    title: str = ""


Outcome = ExchangeQuestion | Rejection


@dataclass(frozen=True)
class Format:
    """`looks_like(head, filename)` gets the first 64 KiB. Without `render` a format can only be read."""

    name: str
    label: str
    extension: str
    media_type: str
    parse: Callable[[BinaryIO, str], Iterator[Outcome]]
    looks_like: Callable[[bytes, str], bool]
    render: Callable[[Iterable[ExchangeQuestion], BinaryIO], None] | None = None
    losses: Callable[[ExchangeQuestion], tuple[Loss, ...]] = lambda question: ()


def letter_ids(content: QuestionContent) -> QuestionContent:
    """The same question with the ids a, b, c … and p1, p2 …: what a format without ids gives back."""
    names = {o.id: _letters(number) for number, o in enumerate(content.options)}
    options = tuple(replace(o, id=names[o.id]) for o in content.options)
    prompts = tuple(
        replace(p, id=f"p{number}", match=names.get(p.match, p.match))
        for number, p in enumerate(content.prompts, 1)
    )
    return replace(content, options=options, prompts=prompts)


def option_id(number: int) -> str:
    """a, b, … z, aa, ab … for 0, 1, …"""
    return _letters(number)


def texts(content: QuestionContent) -> Iterator[str]:
    """Every Markdown text of a question."""
    yield content.stem
    parts: tuple[Option | Prompt, ...] = (*content.options, *content.prompts)
    for part in parts:
        yield part.text
        yield part.rationale


def image_names(content: QuestionContent) -> tuple[str, ...]:
    """The names of the pictures that the texts show, each once, in reading order."""
    return tuple(
        dict.fromkeys(found["name"] for text in texts(content) for found in IMAGE_TARGET.finditer(text))
    )


def _letters(number: int) -> str:
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name
