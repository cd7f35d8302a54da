"""What two texts of a question differ in, and how to make one of both.  Pure.

`compare` serves the editor's conflicts and the history of versions alike: anything with the attributes of
`FieldsLike` can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Protocol, TypeVar

from questions.content import Option, Prompt, QuestionContent

Words = tuple[tuple[str, str], ...]
Part = TypeVar("Part", Option, Prompt)

_WORD = re.compile(r"\S+\s*|\s+")
_MOST_WORK = 1_000_000
"""Words of one text times words of the other: beyond it matching word by word would take seconds."""


class FieldsLike(Protocol):
    @property
    def content(self) -> QuestionContent: ...
    @property
    def topic(self) -> Any: ...
    @property
    def scenario(self) -> Any: ...
    @property
    def level(self) -> str: ...
    @property
    def difficulty(self) -> Any: ...
    @property
    def keeps_order(self) -> bool: ...
    @property
    def tags(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class FieldDifference:
    """`field` is `stem`, `topic`, `options.b.text`, `options.b` for one that only one side has, `order`, …"""

    field: str
    label: str
    before: str
    after: str
    words: Words

    @property
    def unit(self) -> str:
        """What is taken from one side as a whole: `options.b` of `options.b.rationale`."""
        return ".".join(self.field.split(".")[:2])

    @property
    def old_words(self) -> Words:
        return tuple(part for part in self.words if part[0] != "insert")

    @property
    def new_words(self) -> Words:
        return tuple(part for part in self.words if part[0] != "delete")


@dataclass(frozen=True)
class Unit:
    """The differences that are chosen together."""

    name: str
    label: str
    differences: tuple[FieldDifference, ...]


def word_diff(old: str, new: str) -> list[tuple[str, str]]:
    """(kind, text) in reading order; the kind is `equal`, `insert` or `delete`."""
    left, right = _WORD.findall(old), _WORD.findall(new)
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    parts = [("equal", "".join(left[:start]))]
    parts += _changed(left[start : len(left) - end], right[start : len(right) - end])
    parts.append(("equal", "".join(left[len(left) - end :])))
    return [part for part in parts if part[1]]


def _changed(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    if len(left) * len(right) > _MOST_WORK:
        return [("delete", "".join(left)), ("insert", "".join(right))]
    parts: list[tuple[str, str]] = []
    for kind, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("equal", "".join(left[i:j])))
        else:
            parts += [("delete", "".join(left[i:j])), ("insert", "".join(right[k:m]))]
    return parts


def compare(before: FieldsLike, after: FieldsLike) -> list[FieldDifference]:
    """Every field that differs, in the order of the editor."""
    old, new = before.content, after.content
    pairs = [
        ("type", "Type", _words_of(old.item_type), _words_of(new.item_type)),
        ("topic", "Topic", _said(before.topic), _said(after.topic)),
        ("level", "Level", before.level, after.level),
        ("difficulty", "Difficulty", _said(before.difficulty), _said(after.difficulty)),
        ("scenario", "Case study", _said(before.scenario), _said(after.scenario)),
        ("keeps_order", "Keeps its order", _yes(before.keeps_order), _yes(after.keeps_order)),
        ("tags", "Tags", ", ".join(sorted(before.tags)), ", ".join(sorted(after.tags))),
        ("stem", "Stem", old.stem, new.stem),
        *_prompts(old, new),
        *_options(old, new),
        ("references", "References", "\n".join(old.references), "\n".join(new.references)),
    ]
    return [_difference(*pair) for pair in pairs if pair[2] != pair[3]]


def units(differences: Iterable[FieldDifference]) -> list[Unit]:
    """The differences grouped by what is chosen as a whole."""
    grouped: dict[str, list[FieldDifference]] = {}
    for difference in differences:
        grouped.setdefault(difference.unit, []).append(difference)
    return [Unit(name, parts[0].label.split(":")[0], tuple(parts)) for name, parts in grouped.items()]


def merge(mine: FieldsLike, theirs: FieldsLike, *, take: Collection[str]) -> dict[str, Any]:
    """Mine, with the units named in `take` as theirs: the arguments of a `DraftFields`.

    With `type` all options and prompts come from the side whose type it is.
    """
    plain = ("topic", "scenario", "level", "difficulty", "keeps_order", "tags")
    merged = {name: getattr(theirs if name in take else mine, name) for name in plain}
    sides = {False: mine.content, True: theirs.content}
    if mine.content.item_type != theirs.content.item_type:
        parts = sides["type" in take]
        options, prompts = parts.options, parts.prompts
    else:
        parts = mine.content
        options = _merged(mine.content.options, theirs.content.options, "options", take)
        prompts = _merged(mine.content.prompts, theirs.content.prompts, "prompts", take)
        if "order" in take:
            rank = {option.id: place for place, option in enumerate(theirs.content.options)}
            options = tuple(sorted(options, key=lambda option: rank.get(option.id, len(rank))))
    merged["content"] = QuestionContent(
        item_type=parts.item_type,
        stem=sides["stem" in take].stem,
        options=options,
        prompts=prompts,
        references=sides["references" in take].references,
    )
    return merged


def _merged(
    mine: Sequence[Part], theirs: Sequence[Part], kind: str, take: Collection[str]
) -> tuple[Part, ...]:
    own: dict[str, Part] = {part.id: part for part in mine}
    other: dict[str, Part] = {part.id: part for part in theirs}
    chosen: list[Part] = []
    for part_id in dict.fromkeys([*own, *other]):
        side = other if f"{kind}.{part_id}" in take else own
        if part_id in side:
            chosen.append(side[part_id])
    return tuple(chosen)


def _options(old: QuestionContent, new: QuestionContent) -> list[tuple[str, str, str, str]]:
    one, other = {o.id: o for o in old.options}, {o.id: o for o in new.options}
    letters = {o.id: _letter(place) for place, o in enumerate(new.options)}
    letters = {o.id: _letter(place) for place, o in enumerate(old.options)} | letters
    pairs = []
    for option_id in dict.fromkeys([*other, *one]):
        name, label = f"options.{option_id}", f"Option {letters[option_id]}"
        left, right = one.get(option_id), other.get(option_id)
        if left is None or right is None:
            pairs.append((name, label, _whole(left), _whole(right)))
            continue
        pairs += [
            (f"{name}.text", label, left.text, right.text),
            (f"{name}.key", f"{label}: key", _yes(left.is_correct), _yes(right.is_correct)),
            (f"{name}.position", f"{label}: position", _said(left.position), _said(right.position)),
            (f"{name}.rationale", f"{label}: rationale", left.rationale, right.rationale),
        ]
    shared = [i for i in one if i in other]
    moved = [i for i in other if i in one]
    pairs.append(
        (
            "order",
            "Order of the options",
            ", ".join(letters[i] for i in shared),
            ", ".join(letters[i] for i in moved),
        )
    )
    return pairs


def _prompts(old: QuestionContent, new: QuestionContent) -> list[tuple[str, str, str, str]]:
    one, other = {p.id: p for p in old.prompts}, {p.id: p for p in new.prompts}
    pairs = []
    for number, prompt_id in enumerate(dict.fromkeys([*other, *one]), 1):
        name, label = f"prompts.{prompt_id}", f"Prompt {number}"
        left, right = one.get(prompt_id), other.get(prompt_id)
        if left is None or right is None:
            pairs.append((name, label, _whole(left), _whole(right)))
            continue
        pairs += [
            (f"{name}.text", label, left.text, right.text),
            (f"{name}.match", f"{label}: match", *_matches(old, left, new, right)),
            (f"{name}.rationale", f"{label}: rationale", left.rationale, right.rationale),
        ]
    return pairs


def _difference(field: str, label: str, before: str, after: str) -> FieldDifference:
    return FieldDifference(field, label, before, after, tuple(word_diff(before, after)))


def _whole(part: Option | Prompt | None) -> str:
    if part is None:
        return ""
    return f"{part.text or '(empty)'}\n\n{part.rationale}".rstrip()


def _matches(old: QuestionContent, left: Prompt, new: QuestionContent, right: Prompt) -> tuple[str, str]:
    """What each belongs to, as its text; equal where only the wording of that has changed."""
    before = _matched(old, left)
    return (before, before) if left.match == right.match else (before, _matched(new, right))


def _matched(content: QuestionContent, prompt: Prompt) -> str:
    return next((o.text or o.id for o in content.options if o.id == prompt.match), prompt.match)


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _words_of(item_type: object) -> str:
    return str(item_type).replace("_", " ")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _said(value: object) -> str:
    return "" if value is None else str(value)
