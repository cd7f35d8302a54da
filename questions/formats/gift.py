"""Moodle's GIFT, a text format: see https://docs.moodle.org/en/GIFT_format.  Pure.

Written in Markdown, each text on one line; `// [id:code] [tag:topic:1.1.2] [tag:level:apply]` before a
question carries what GIFT itself has no place for.
"""

from __future__ import annotations

import re

from questions.formats.exchange import Format
from questions.formats.gift_reading import parse
from questions.formats.gift_writing import losses, render
from questions.formats.text_files import beginning

__all__ = ["FORMAT", "looks_like", "losses", "parse", "render"]

_ANSWERS = re.compile(r"(?<!\\)\{\s*(?:[=~#%]|(?:T|TRUE|F|FALSE)\s*[#}])", re.IGNORECASE)
_START = re.compile(r"^[ \t]*(?:::[^\n]*?::|\$CATEGORY:)", re.MULTILINE)
_AIKEN = re.compile(r"^[ \t]*ANSWER[ \t]*:[ \t]*\(?[A-Z]\b", re.MULTILINE | re.IGNORECASE)
_DOCUMENT = re.compile(
    r"<(?!(?:b|strong|i|em|u|p|br|span|div|h[1-6]|img|font|pre|code)[\s/>])", re.IGNORECASE
)
_ESSAY = re.compile(r"\w[^\n{}]*\{\s*\}", re.MULTILINE)


def looks_like(head: bytes, filename: str) -> bool:
    """By its name, or by answers in braces in a text that is no markup, table or program."""
    name = filename.lower()
    text = beginning(head).lstrip("\ufeff \t\n")
    if name.endswith((".gift", ".gift.txt")):
        return bool(text) and not text.startswith("<?xml")
    if not text or text[0] == "{" or _DOCUMENT.match(text) or "<?xml" in text[:2_000]:
        return False
    if name.endswith((".csv", ".tsv", ".yaml", ".yml", ".json")):
        return False
    signs = len(_ANSWERS.findall(text)) + len(_START.findall(text))
    answer_lines = len(_AIKEN.findall(text))
    if answer_lines:
        # Braces in the code that a question is about make no GIFT of an Aiken file.
        return signs > answer_lines
    return signs > 0 or (";" not in text and _ESSAY.search(text) is not None)


FORMAT = Format(
    name="gift",
    label="GIFT (Moodle)",
    extension=".gift",
    media_type="text/plain",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
