"""Rows of other systems whose cells hold HTML → rows of Markdown.  Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from questions.formats import html_text
from questions.formats.exchange import Loss
from questions.formats.table_cells import Row

_WRAPPED = re.compile(r"<(p|div)\b[^<>]*>.*</\1>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-z]|&#?\w+;", re.IGNORECASE)


def plain(row: Row) -> Row:
    """The row in Markdown where its question is a paragraph of HTML as a whole; else as it is.

    Single tags tell nothing: questions about HTML have them in their text.
    """
    if row.header.is_ours or not _WRAPPED.fullmatch(row.get("stem")):
        return row
    found: dict[str, Loss] = {}
    cells = [_markdown(cell, found) if _MARKUP.search(cell) else cell for cell in row.cells]
    return replace(row, cells=cells, losses=[*row.losses, *found.values()])


def _markdown(cell: str, found: dict[str, Loss]) -> str:
    text, losses = html_text.to_markdown(cell, image=lambda source: None)
    for loss in losses:
        found.setdefault(loss.code, loss)
    return text
