"""Cells that hold a list of options: JSON, as Python writes it, or with signs between.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from questions.formats import exchange
from questions.formats.table_cells import clean
from questions.formats.table_columns import READ_OPTIONS

_NUMBERED = re.compile(r"\(?([a-z]|\d{1,2})(?:[).:]|\s*->)\s*(.+)", re.IGNORECASE | re.DOTALL)


def several(cell: str) -> list[str]:
    """The entries of a cell that holds a list: JSON, lines, or with | or ; between them."""
    if (cell[:1], cell[-1:]) in (("[", "]"), ("{", "}")):
        entries: Iterable[str] = _listed(cell)
    else:
        separator = next((mark for mark in ("\n", "||", "|", ";", ",") if mark in cell), "\n")
        entries = cell.split(separator)
    kept = [entry for entry in map(clean, entries) if entry][:READ_OPTIONS]
    numbered = [_NUMBERED.fullmatch(entry) for entry in kept]
    if all(found and found[1].lower() in _mark(place) for place, found in enumerate(numbered)):
        return [found[2] for found in numbered if found]
    return kept


def _listed(cell: str) -> list[str]:
    """The texts of a list or a mapping as JSON or, nearly the same, as Python writes it."""
    try:
        listed = json.loads(cell)
    except (ValueError, RecursionError):
        return _quoted(cell)
    if isinstance(listed, dict) and isinstance(listed.get("text"), list):
        listed = listed["text"]
    entries = listed.values() if isinstance(listed, dict) else listed
    texts = (entry.get("text", "") if isinstance(entry, dict) else entry for entry in entries)
    return [str(text) for text in texts if isinstance(text, str | int | float)]


def _quoted(cell: str) -> list[str]:
    """The texts between quotation marks; of a mapping its values, or those called “text”."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for part in re.finditer(r"(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")(\s*:)?", cell):
        text = part[1] if part[1] is not None else part[2]
        if part[3]:
            name = text
        else:
            found.setdefault(name, []).append(text)
    if "text" in found:
        return found["text"]
    return [text for texts in found.values() for text in texts]


def _mark(place: int) -> tuple[str, str]:
    return exchange.option_id(place), str(place + 1)
