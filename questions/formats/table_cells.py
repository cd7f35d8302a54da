"""Single cells of a row of questions: plain text, and the fields that stand in one cell.  Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from questions.content import Level
from questions.formats.exchange import Loss
from questions.formats.lined_yaml import shown
from questions.formats.native import CODE
from questions.formats.table_columns import Header

# Line and page breaks of word processors become line ends; NUL, lone surrogates and other control characters
# belong in no question, and PostgreSQL and XML refuse some of them.
_BREAK = re.compile(r"\r\n?|[\x0b\x0c\u2028\u2029]")
_UNWANTED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"''*[=+\-@\t\r]")

_LEVELS = {
    **dict.fromkeys(("recall", "knowledge", "remember", "remembering"), Level.RECALL),
    **dict.fromkeys(("apply", "application", "applying"), Level.APPLY),
    **dict.fromkeys(("analyse", "analyze", "analysis", "analysing", "analyzing"), Level.ANALYSE),
}
YES = ("true", "yes", "1", "x", "y", "t", "wahr")


@dataclass
class Row:
    """A row under its header, as texts; collects what can't come along."""

    header: Header
    cells: Sequence[str]
    losses: list[Loss] = field(default_factory=list)

    def get(self, column: str) -> str:
        place = self.header.places.get(column)
        return self._at(place) if place is not None else ""

    def numbered(self, part: str) -> dict[int, str]:
        """The cells of numbered columns that hold something, by number from 0."""
        places = self.header.slots.get(part, {})
        found = ((number, self._at(place)) for number, place in places.items())
        return {number: text for number, text in found if text}

    def lose(self, code: str, why: str) -> None:
        self.losses.append(Loss(code, why))

    def _at(self, place: int) -> str:
        return self.cells[place] if place < len(self.cells) else ""


def tidy(text: str) -> str:
    """The text without control characters and the blank space around it."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", _UNWANTED.sub("", _BREAK.sub("\n", text))).strip()


def clean(cell: str) -> str:
    """The text of a cell as it was before `neutralised`, tidied."""
    return tidy(cell[1:] if _NEUTRALISED.match(cell) else cell)


def neutralised(text: str, *, only_ambiguous: bool = False) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula.

    Reading takes one apostrophe away before these characters, so a text that has some already gets one more;
    `only_ambiguous` does just this, for files in which a text can't be taken for a formula.
    """
    pattern = _NEUTRALISED if only_ambiguous else _FORMULA
    return f"'{text}" if pattern.match(text) else text


def code(row: Row) -> str:
    found = row.get("code")
    if not found:
        # The bare number of a row is no identity: another file has the same.
        foreign = row.get("id")
        found = "" if foreign.isdigit() else foreign
    if found and not re.fullmatch(CODE, found):
        row.lose("code", f"The code {shown(found)} has other characters than letters, digits, “.”, “-”, “_”.")
        return ""
    return found


def place(row: Row) -> tuple[str, tuple[str, ...]]:
    """Topic code and category; what is no code of ours is a folder, which can be mapped."""
    topic = row.get("topic")
    parts = re.split(r"\s+[/>]\s+", row.get("category"))
    category = tuple(re.sub(r"\\([\\/>])", r"\1", part.strip()) for part in parts if part.strip())
    if topic and (len(topic) > 16 or not re.fullmatch(CODE, topic)):
        return "", (*category, topic)
    return topic, category


def tags(row: Row) -> tuple[str, ...]:
    text = row.get("tags")
    marks = ";\n" if re.search(r"[;\n\\]", text) else "|" if "|" in text else ","
    parts = re.findall(rf"(?:\\.|[^\\{marks}]|\\$)+", text, flags=re.DOTALL)
    tags = (re.sub(r"\\([\\;,|])", r"\1", part.strip()).strip() for part in parts)
    kept = []
    for tag in dict.fromkeys(tag for tag in tags if tag):
        if len(tag) > 64:
            row.lose("tag", f"The tag {shown(tag)} has more than 64 characters.")
        else:
            kept.append(tag)
    return tuple(kept)


def level(row: Row) -> Level | None:
    text = row.get("level")
    found = _LEVELS.get(text.lower())
    if text and found is None:
        row.lose("level", f"The level {shown(text)}: use recall, apply or analyse.")
    return found


def difficulty(row: Row) -> Decimal | None:
    text = row.get("difficulty")
    if not text:
        return None
    share = re.fullmatch(r"(\d{0,3}(?:[.,]\d{1,20})?)\s*(%?)", text)
    number = share[1].replace(",", ".") if share else ""
    value = Decimal(number) if re.search(r"\d", number) else Decimal(0)
    value = (value / 100 if share and share[2] else value).quantize(Decimal("0.01"))
    if Decimal("0.05") <= value <= Decimal("0.99"):
        return value
    row.lose("difficulty", f"The difficulty {shown(text)}: write a share from 0.05 to 0.99.")
    return None
