"""The columns of a table of questions: what we call them, what they mean, what others call them.  Pure.

CSV and XLSX share them. `read_header` finds each column of ours under its own name, in any order, case and
spelling (`Option A`, `option_a`, `optionA`), or under a name that other systems give it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from questions.formats import exchange
from questions.formats.lined_yaml import shown

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

# In order of preference: of several columns that could be the stem, the first named here is taken.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "code": ("code", "question code", "identifier", "item code"),
    "id": ("id", "question id", "item id", "external id", "qid", "uid"),
    "type": ("type", "question type", "item type", "qtype", "quiz type", "kind"),
    "topic": ("topic", "topic code"),
    "level": ("level", "cognitive level", "bloom level", "blooms level", "bloom", "taxonomy"),
    "difficulty": ("difficulty", "difficulty level", "angoff"),
    "keep_order": ("keep order", "fixed order", "keeps order"),
    "tags": ("tags", "tag", "keywords", "labels"),
    "scenario_code": ("scenario code", "scenario id"),
    "scenario_title": ("scenario title",),
    "scenario_text": ("scenario text", "scenario", "passage", "case study", "context"),
    "stem": (
        *("stem", "question text", "question stem", "questiontext", "question", "questions", "prompt"),
        *("item text", "problem", "mcq", "text", "content", "body", "item"),
    ),
    "key": (
        *("key", "correct answer", "correct answers", "answer key", "correct option", "correct options"),
        *("correct choice", "correct choices", "correct key", "right answer", "correct", "correct response"),
        *("answer", "ans", "correct index", "correct answer index", "correct option index", "answer index"),
        *("right option", "correct ans", "answers", "solution"),
    ),
    "explanation": (
        *("explanation", "rationale", "overall explanation", "general feedback", "feedback"),
        *("answer explanation", "general explanation", "correct explanation", "justification"),
        *("correct feedback", "solution explanation"),
    ),
    "references": ("references", "reference", "source", "sources"),
    "category": (
        *("category", "categories", "domain", "section", "chapter", "folder", "module", "unit", "subject"),
        "subject area",
    ),
    "title": ("title", "question title", "name", "question name"),
    "options": (
        "options",
        "choices",
        "options json",
        "answer options",
        "answer choices",
        "possible answers",
        "alternatives",
    ),
    "wrong": ("incorrect answers", "wrong answers", "distractors"),
}

# “Option S” is an option, “options” is none.
_WHICH = r"(?: (?P<which>[a-z]|\d{1,2})|(?P<glued>[a-j]|\d{1,2}))"
_REASON = r"(?:rationale|explanation|feedback|reason|justification|why)"
_OPTION = (
    r"(?:(?:answer|possible|mc|multiple choice) )?(?:option|choice|answer|opt|response|alternative|ans)s?"
)
_NUMBERED = (
    ("option_", re.compile(rf"(?:{_OPTION}{_WHICH}|(?P<bare>[a-j]))(?: text)?(?: optional)?")),
    ("wrong_", re.compile(rf"(?:(?:incorrect|wrong) (?:answer|option|choice)|distractor){_WHICH}")),
    ("rationale_", re.compile(rf"(?:{_OPTION} )?{_REASON}(?: for)?(?: {_OPTION})?{_WHICH}")),
    ("rationale_", re.compile(rf"{_OPTION}{_WHICH}(?: text)? {_REASON}")),
    ("prompt_rationale_", re.compile(rf"prompt {_REASON}{_WHICH}|prompt ?(?P<bare>\d{{1,2}}) {_REASON}")),
    ("prompt_", re.compile(rf"(?:prompt|left|premise|term){_WHICH}")),
    ("match_", re.compile(rf"(?:match|right|matching|definition){_WHICH}")),
)


@dataclass(frozen=True)
class Header:
    """`places` tells the position of each column by our name; options and prompts are numbered from 0."""

    places: dict[str, int]
    unknown: tuple[str, ...]
    found: tuple[str, ...]
    slots: dict[str, dict[int, int]] = field(default_factory=dict)

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
    for column, spellings in _SYNONYMS.items():
        for spelling in spellings:
            if spelling in names and names.index(spelling) not in taken:
                places[column] = names.index(spelling)
                taken.add(places[column])
                break
    found = tuple(" ".join(cell.split()) for cell in cells if cell.strip())
    rest = (cell for position, cell in enumerate(cells) if position not in taken and cell.strip())
    return Header(places, tuple(" ".join(cell.split()) for cell in rest), found, _from_zero(slots))


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
    return [spelling for column in columns for spelling in _SYNONYMS.get(column, (column,))]


def _spelling(cell: str) -> str:
    """`Option A`, `option_a`, `option-a`, `optionA` and `OPTION A (optional)` are spelt alike."""
    text = re.sub(r"\([^)]*\)|[’']", "", cell[:200])
    text = re.sub(
        r"\s+[-–:]\s+(?:max|choose|optional|select|enter|separate|e\.g)\b.*", "", text, flags=re.DOTALL
    )
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[\W_]+", " ", text.lower()).split())


def _numbered(name: str) -> tuple[str, int]:
    for part, pattern in _NUMBERED:
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
