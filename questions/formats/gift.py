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
_ESSAY = re.compile(r"\w[^\n{}]*\{\s*\}", re.MULTILINE)


def looks_like(head: bytes, filename: str) -> bool:
    """By its name, or by answers in braces in a text that is no markup, table or program."""
    name = filename.lower()
    text = beginning(head).lstrip("\ufeff \t\n")
    if name.endswith((".gift", ".gift.txt")):
        return bool(text) and not text.startswith("<?xml")
    if not text or text[0] in "<{" or "<?xml" in text[:2_000]:
        return False
    if name.endswith((".csv", ".tsv", ".yaml", ".yml", ".xml", ".json")):
        return False
    is_essay = ";" not in text and _ESSAY.search(text) is not None
    return _ANSWERS.search(text) is not None or _START.search(text) is not None or is_essay


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
