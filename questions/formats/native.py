"""Cutscore's own bank format, `cutscore-bank/1`: one YAML file per task statement.  Pure.

`parse_bank` and `render_bank` are inverse to one another: what was parsed renders to a file that parses to
the same, and a file that was rendered renders to itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from questions import shape
from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats.lined_yaml import Mapping, Scalar, Sequence, shown
from questions.formats.native_writing import FORMAT, render_bank, scalar
from questions.formats.reading import FormatError, Problem, Reader

__all__ = [
    "BankFile",
    "Checked",
    "FormatError",
    "Problem",
    "QuestionEntry",
    "ScenarioEntry",
    "parse_bank",
    "render_bank",
    "scalar",
]

CODE = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
ID = r"[A-Za-z0-9_-]{1,32}"

_QUESTION_FIELDS = (
    *("code", "type", "topic", "level", "difficulty", "scenario", "keep_order", "tags", "checked"),
    *("stem", "prompts", "options", "references"),
)


@dataclass(frozen=True)
class ScenarioEntry:
    code: str
    title: str
    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Checked:
    """Somebody (a role, not a name) answered the question blind, and agreed with the key or didn't."""

    by: str
    agreed: bool


@dataclass(frozen=True)
class QuestionEntry:
    code: str
    topic: str
    level: Level
    difficulty: Decimal
    content: QuestionContent
    scenario: str | None = None
    keep_order: bool = False
    tags: tuple[str, ...] = ()
    checked: Checked | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class BankFile:
    blueprint: str
    questions: tuple[QuestionEntry, ...]
    scenarios: tuple[ScenarioEntry, ...] = ()
    filename: str = field(default="", compare=False)


@dataclass(frozen=True)
class Reading:
    """What could be made of a file, and all that is wrong with it.

    `lines` are those in which the entries begin, each with the code of the entry; `own_lines` those of the
    fields of the file itself.
    """

    bank: BankFile
    problems: tuple[Problem, ...]
    lines: tuple[tuple[int, str], ...]
    own_lines: frozenset[int]


def parse_bank(data: bytes, *, filename: str, topics: Collection[str] | None = None) -> BankFile:
    """The bank file in `data`, or `FormatError` with every problem in it.

    `topics` are the topic codes of the blueprint; without them, any code passes here and `loading` checks.
    """
    reading = read_bank(data, filename=filename, topics=topics)
    if reading.problems:
        raise FormatError(reading.problems)
    return reading.bank


def read_bank(data: bytes, *, filename: str, topics: Collection[str] | None = None) -> Reading:
    """All entries that can be made out, also beside others with problems.

    Raises `FormatError` when the file has no structure at all.
    """
    reader = Reader(filename)
    top = reader.document(data)
    reader.fields(top, ("format", "blueprint", "scenarios", "questions"))
    reader.choice(top, "format", [FORMAT])
    blueprint = reader.text(top, "blueprint", limit=32, pattern=CODE)
    scenarios = [_scenario(reader, node) for _, node in reader.mappings(top, "scenarios", required=False)]
    reader.about("")
    nodes = list(reader.mappings(top, "questions"))
    codes = {scenario.code for scenario in scenarios}
    questions = [_question(reader, node, scenarios=codes, topics=topics) for _, node in nodes]
    reader.about("")
    _check_codes(reader, scenarios, [q for q in questions if q is not None], [node for _, node in nodes])
    bank = BankFile(
        blueprint=blueprint,
        questions=tuple(q for q in questions if q is not None),
        scenarios=tuple(scenarios),
        filename=filename,
    )
    entries = [node for name in ("scenarios", "questions") for node in _entries(top, name)]
    lines = sorted((node.line, _code(node)) for node in entries)
    problems = tuple(sorted(set(reader.problems)))
    return Reading(bank, problems, tuple(lines), frozenset(top.key_lines.values()))


def _entries(top: Mapping, name: str) -> list[Mapping]:
    found = top.entries.get(name)
    return [node for node in found.items if isinstance(node, Mapping)] if isinstance(found, Sequence) else []


def _code(node: Mapping) -> str:
    found = node.entries.get("code")
    return found.text.strip() if isinstance(found, Scalar) else ""


def _scenario(reader: Reader, node: Mapping) -> ScenarioEntry:
    reader.about("")
    code = reader.text(node, "code", limit=64, pattern=CODE)
    reader.about(code)
    reader.fields(node, ("code", "title", "text"))
    return ScenarioEntry(
        code=code,
        title=reader.text(node, "title", limit=200),
        text=reader.text(node, "text", limit=shape.MAX_STEM),
        line=node.line,
    )


def _question(
    reader: Reader, node: Mapping, *, scenarios: Collection[str], topics: Collection[str] | None
) -> QuestionEntry | None:
    """The question; None when its type, level or difficulty can't be made out (noted)."""
    reader.about("")
    code = reader.text(node, "code", limit=64, pattern=CODE)
    reader.about(code)
    reader.fields(node, _QUESTION_FIELDS)
    item_type = reader.choice(node, "type", list(ItemType))
    level = reader.choice(node, "level", list(Level))
    topic = reader.text(node, "topic", limit=16, pattern=CODE)
    if topics is not None and topic and topic not in topics:
        why = f"The topic {shown(topic)} is not in the blueprint. Use a topic code of its outline."
        reader.note(node.entries["topic"].line, why, "topic")
    scenario = reader.text(node, "scenario", limit=64, required=False)
    if scenario and scenario not in scenarios:
        why = f"The scenario {shown(scenario)} is not in this file. Add it under “scenarios”, or write null."
        reader.note(node.entries["scenario"].line, why, "scenario")
    difficulty = _difficulty(reader, node)
    keep_order = reader.boolean(node, "keep_order")
    tags = reader.texts(node, "tags", limit=64)
    checked = _checked(reader, node)
    content = _content(reader, node, ItemType(item_type)) if item_type else None
    if content is None or difficulty is None or not level:
        return None
    return QuestionEntry(
        code=code,
        topic=topic,
        level=Level(level),
        difficulty=difficulty,
        content=content,
        scenario=scenario or None,
        keep_order=keep_order,
        tags=tags,
        checked=checked,
        line=node.line,
    )


def _difficulty(reader: Reader, node: Mapping) -> Decimal | None:
    text = reader.text(node, "difficulty", limit=200)
    if not text:
        return None
    if re.fullmatch(r"0?\.\d{1,2}0*", text):
        value = Decimal(text).quantize(Decimal("0.01"))
        if Decimal("0.05") <= value <= Decimal("0.99"):
            return value
    why = f"The difficulty is {shown(text)}. Write a share from 0.05 to 0.99 with at most two decimals."
    reader.note(node.entries["difficulty"].line, why, "difficulty")
    return None


def _checked(reader: Reader, node: Mapping) -> Checked | None:
    part = reader.mapping(node, "checked", required=False)
    if part is None:
        return None
    reader.fields(part, ("by", "agreed"), "checked.")
    by = reader.text(part, "by", limit=64, path="checked.")
    if "agreed" not in part.entries:
        reader.note(part.line, "“checked” does not say “agreed: true” or “agreed: false”. Add it.", "checked")
    return Checked(by=by, agreed=reader.boolean(part, "agreed", "checked."))


def _content(reader: Reader, node: Mapping, item_type: ItemType) -> QuestionContent:
    """The content, with empty texts where a field was wrong, so that one pass shows all problems."""
    lines: dict[str, int] = {
        name: node.key_lines.get(name, node.line) for name in ("stem", "options", "prompts")
    }
    is_choice = item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
    options = []
    for number, part in reader.mappings(node, "options"):
        path = f"options.{number}."
        _remember_lines(lines, part, path)
        reader.fields(part, ("id", "text", "correct", "position", "rationale"), path)
        _note_foreign(reader, part, "correct", item_type, is_choice, path)
        _note_foreign(reader, part, "position", item_type, item_type is ItemType.ORDERING, path)
        needs_rationale = item_type is not ItemType.MATCHING
        options.append(
            Option(
                id=reader.text(part, "id", limit=32, path=path, pattern=ID) or f"?{number}",
                text=reader.text(part, "text", limit=shape.MAX_TEXT, path=path),
                rationale=reader.text(
                    part, "rationale", limit=shape.MAX_TEXT, path=path, required=needs_rationale
                ),
                is_correct=is_choice and reader.boolean(part, "correct", path),
                position=reader.number(part, "position", least=1, most=99, path=path, required=False)
                if item_type is ItemType.ORDERING
                else None,
            )
        )
    prompts = _prompts(reader, node, lines) if item_type is ItemType.MATCHING else ()
    if "prompts" in node.entries and item_type is not ItemType.MATCHING:
        why = (
            f"Prompts belong to matching questions; this one is {item_type}. Remove them or change the type."
        )
        reader.note(lines["prompts"], why, "prompts")
    content = QuestionContent(
        item_type=item_type,
        stem=reader.text(node, "stem", limit=shape.MAX_STEM),
        options=tuple(options),
        prompts=prompts,
        references=reader.texts(node, "references", limit=300),
    )
    _note_faults(reader, content, lines)
    return content


def _prompts(reader: Reader, node: Mapping, lines: dict[str, int]) -> tuple[Prompt, ...]:
    prompts = []
    for number, part in reader.mappings(node, "prompts"):
        path = f"prompts.{number}."
        _remember_lines(lines, part, path)
        reader.fields(part, ("id", "text", "match", "rationale"), path)
        prompts.append(
            Prompt(
                id=reader.text(part, "id", limit=32, path=path, pattern=ID) or f"?{number}",
                text=reader.text(part, "text", limit=shape.MAX_TEXT, path=path),
                match=reader.text(part, "match", limit=200, path=path),
                rationale=reader.text(part, "rationale", limit=shape.MAX_TEXT, path=path),
            )
        )
    return tuple(prompts)


def _remember_lines(lines: dict[str, int], part: Mapping, path: str) -> None:
    lines[path[:-1]] = part.line
    lines.update({f"{path}{name}": line for name, line in part.key_lines.items()})


def _note_foreign(
    reader: Reader, part: Mapping, name: str, item_type: ItemType, belongs: bool, path: str
) -> None:
    if name in part.entries and not belongs:
        why = f"“{name}” does not belong to a question of the type {item_type}. Remove it."
        reader.note(part.key_lines[name], why, f"{path}{name}")


def _note_faults(reader: Reader, content: QuestionContent, lines: dict[str, int]) -> None:
    """Add what `shape` finds, except where a field was unreadable and its absence would be told twice."""
    is_key_unsure = reader.complained_about_any((".correct", ".position", ".id", "options", "prompts"))
    for fault in shape.faults(content):
        if reader.complained(fault.where):
            continue
        if is_key_unsure and fault.where in ("options", "prompts", "stem"):
            continue
        if is_key_unsure and fault.code == "unknown_match":
            continue
        line = lines.get(fault.where) or lines[fault.where.rpartition(".")[0]]
        reader.note(line, f"{fault.message} {fault.how_to_mend}")


def _check_codes(
    reader: Reader, scenarios: list[ScenarioEntry], questions: list[QuestionEntry], nodes: list[Mapping]
) -> None:
    first: dict[str, int] = {}
    for scenario in scenarios:
        if scenario.code in first:
            _note_twice(reader, scenario.code, scenario.line, first[scenario.code])
        first.setdefault(scenario.code, scenario.line)
    used = {question.scenario for question in questions}
    if len(questions) == len(nodes):
        for scenario in scenarios:
            if scenario.code and scenario.code not in used:
                reader.about(scenario.code)
                reader.note(scenario.line, "No question of this file uses the scenario. Use it or remove it.")
    first = {}
    for question in questions:
        if question.code in first:
            _note_twice(reader, question.code, question.line, first[question.code])
        first.setdefault(question.code, question.line)


def _note_twice(reader: Reader, code: str, line: int, first: int) -> None:
    if code:
        reader.about(code)
        reader.note(line, f"The code is already used in line {first}. Give each its own.")
