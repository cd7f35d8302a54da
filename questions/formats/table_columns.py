"""The columns of a table of questions: what we call them, what they mean, what others call them.  Pure.

CSV and XLSX share them. `read_header` finds each column of ours under its own name, in any order, case and
spelling (`Option A`, `option_a`, `optionA`), or under a name that other systems give it.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from questions.formats import exchange
from questions.formats.lined_yaml import shown
from questions.formats.table_words import NUMBERED, SYNONYMS, UNNUMBERED

OPTIONS = 10
PROMPTS = 7
READ_OPTIONS = 26
_MOST_COLUMNS = 256


@dataclass(frozen=True)
class Column:
    """`width` is the width in a spreadsheet, in characters."""

    name: str
    meaning: str
    width: int = 14


_LETTERS = [exchange.option_id(number) for number in range(OPTIONS)]
_NUMBERS = range(1, PROMPTS + 1)

COLUMNS: tuple[Column, ...] = (
    Column(
        "code", "The question's own name, unique: letters, digits, “.”, “-”, “_”; at most 64 characters.", 18
    ),
    Column("type", "multiple_choice, multiple_response, ordering or matching. Empty: seen from the key.", 18),
    Column("topic", "The code of a topic in the blueprint’s outline, such as 1.2.3.", 10),
    Column("level", "recall, apply or analyse.", 10),
    Column("difficulty", "Share of just-qualified candidates who would get it right, 0.05 to 0.99.", 10),
    Column("keep_order", "true where the options have a natural order and must not be shuffled.", 11),
    Column("tags", "Tags, separated by “;”. A “;” within a tag is written “\\;”.", 18),
    Column("scenario_code", "For questions that share a case: the name of the case."),
    Column("scenario_title", "The title of the case."),
    Column(
        "scenario_text", "The text of the case, in Markdown. Once is enough for all rows with its code.", 30
    ),
    Column("stem", "The question, in Markdown.", 60),
    Column(
        "key",
        "The right answer: “b”; several: “a, c”; the steps in order: “c > a > b”. Empty for matching. "
        "A number or the exact text of the option will do, too; “option_b” where a letter could be mistaken.",
        10,
    ),
    *(Column(f"option_{a}", f"Option, step or response {a}, in Markdown.", 30) for a in _LETTERS),
    *(Column(f"rationale_{a}", f"Why option {a} is right or wrong.", 30) for a in _LETTERS),
    *(Column(f"prompt_{n}", f"For matching: what stands on the left, number {n}.", 24) for n in _NUMBERS),
    *(Column(f"match_{n}", f"The letter of the option that belongs to prompt {n}.", 10) for n in _NUMBERS),
    *(Column(f"prompt_rationale_{n}", f"Why the match of prompt {n} is right.", 24) for n in _NUMBERS),
    Column("references", "References, one on each line of the cell.", 24),
    Column(
        "category", "The folders that the question lies in, outermost first, with “ / ” between them.", 24
    ),
)
NAMES = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True)
class Header:
    """`places` tells the position of each column by our name; options and prompts are numbered from 0.

    `has_index` where the key is called an index, which programs count from 0; `options_from` is the number
    of the first option's column, where they are numbered; `is_ours` where the stem has our own name for it.
    """

    places: dict[str, int]
    unknown: tuple[str, ...]
    found: tuple[str, ...]
    slots: dict[str, dict[int, int]] = field(default_factory=dict)
    has_index: bool = False
    options_from: int | None = None
    is_ours: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        missing = [] if "stem" in self.places else ["stem"]
        prompts = self.slots.get("prompt_")
        options = self.slots.get("option_")
        if "key" not in self.places and not prompts:
            missing.append("key")
        others = self.slots.get("wrong_") or self.places.keys() & {"options", "wrong", "type"}
        if not options and not prompts and not others:
            missing.append("option_a, option_b, …")
        return tuple(missing)


def read_header(cells: Sequence[str]) -> Header:
    return _header(tuple(cells[:_MOST_COLUMNS]))


@lru_cache(maxsize=16)
def _header(cells: tuple[str, ...]) -> Header:
    names = [_spelling(cell) for cell in cells]
    places: dict[str, int] = {}
    slots: dict[str, dict[int, int]] = {}
    taken: set[int] = set()
    for position, name in enumerate(names):
        part, which = _numbered(name)
        if part and which not in slots.setdefault(part, {}):
            slots[part][which] = position
            taken.add(position)
    alike = [position for position, name in enumerate(names) if UNNUMBERED.fullmatch(name)]
    if len(alike) > 1 and len({names[position] for position in alike}) == 1 and "option_" not in slots:
        slots["option_"] = dict(enumerate(alike, 1))
        taken.update(alike)
    for column, spellings in SYNONYMS.items():
        for spelling in spellings:
            if spelling in names and names.index(spelling) not in taken:
                places[column] = names.index(spelling)
                taken.add(places[column])
                break
    if "stem" not in places and "title" in places:
        places["stem"] = places.pop("title")
    has_index = "key" in places and names[places["key"]].endswith("index")
    options = slots.get("option_", {})
    are_numbered = bool(options) and all(names[place][-1].isdigit() for place in options.values())
    options_from = min(options) if are_numbered else None
    found = tuple(" ".join(cell.split()) for cell in cells if cell.strip())
    rest = (cell for position, cell in enumerate(cells) if position not in taken and cell.strip())
    return Header(
        places,
        tuple(" ".join(cell.split()) for cell in rest),
        found,
        _from_zero(slots),
        has_index,
        options_from,
        "stem" in names,
    )


def missing_columns(header: Header, *, where: str = "") -> exchange.UnreadableFile:
    wanted = ", ".join(f"“{name}”" for name in header.missing)
    found = ", ".join(shown(name) for name in header.found[:30]) or "none"
    close = {
        name: match[0]
        for name in header.unknown
        if (match := difflib.get_close_matches(_spelling(name), _spellings(header.missing), n=1, cutoff=0.7))
    }
    hint = "".join(f" Is {shown(name)} meant to be “{meant}”?" for name, meant in list(close.items())[:3])
    why = (
        f"The first row must name the columns, and these are missing: {wanted}. Columns found: {found}.{hint} "
        "Rename the columns, or copy the questions into the template."
    )
    return exchange.UnreadableFile("missing_columns", why, where=where)


def _spellings(columns: Iterable[str]) -> list[str]:
    return [spelling for column in columns for spelling in SYNONYMS.get(column, (column,))]


def _spelling(cell: str) -> str:
    """`Option A`, `option_a`, `option-a`, `optionA` and `OPTION A (optional)` are spelt alike; no accents."""
    text = re.sub(r"\([^)]*\)|[’']", "", cell[:200])
    text = re.sub(
        r"\s+[-–:]\s+(?:max|choose|optional|select|enter|separate|e\.g)\b.*", "", text, flags=re.DOTALL
    )
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


def _numbered(name: str) -> tuple[str, int]:
    for part, pattern in NUMBERED:
        found = pattern.fullmatch(name)
        if found:
            which = next(which for which in found.groupdict().values() if which)
            number = int(which) if which.isdigit() else ord(which) - ord("a") + 1
            if number <= READ_OPTIONS:
                return part, number
    return "", 0


def _from_zero(slots: dict[str, dict[int, int]]) -> dict[str, dict[int, int]]:
    """Others count their columns from 1 or, seldom, from 0."""
    return {
        part: {number - (0 not in numbers): place for number, place in sorted(numbers.items())}
        for part, numbers in slots.items()
    }
