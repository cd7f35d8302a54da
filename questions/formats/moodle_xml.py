"""Moodle's own XML, both ways.  Pure.

Read: multichoice (one answer or several), truefalse, matching, ordering, categories and tags; other types are
rejected by name. Written: the first, third and fourth, with texts as Markdown and pictures in the file.
"""

from __future__ import annotations

import re

from questions.formats.exchange import Format
from questions.formats.moodle_reading import parse
from questions.formats.moodle_writing import losses, render

__all__ = ["FORMAT", "looks_like", "losses", "parse", "render"]

_QUIZ = re.compile(rb"<quiz[\s>/]|<question\s+type=")


def looks_like(head: bytes, filename: str) -> bool:
    """Whether it is a `<quiz>` or a bare `<question>`, in UTF-8 or UTF-16, whatever stands before it."""
    return _QUIZ.search(head.replace(b"\0", b"")) is not None and b"<questestinterop" not in head


FORMAT = Format(
    name="moodle-xml",
    label="Moodle XML",
    extension=".xml",
    media_type="application/xml",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
