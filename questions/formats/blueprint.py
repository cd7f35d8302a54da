"""A blueprint file, `cutscore-blueprint/1`: everything that the code knows about an exam.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from questions.content import ItemType
from questions.formats.lined_yaml import Mapping, shown
from questions.formats.native import CODE
from questions.formats.reading import FormatError, Reader
from questions.linting import Forbidden

FORMAT = "cutscore-blueprint/1"


@dataclass(frozen=True)
class TopicSpec:
    code: str
    title: str
    covers: str = ""


@dataclass(frozen=True)
class TaskSpec:
    code: str
    title: str
    topics: tuple[TopicSpec, ...]


@dataclass(frozen=True)
class DomainSpec:
    code: str
    title: str
    weight: Decimal
    tasks: tuple[TaskSpec, ...]
    cut: Decimal | None = None


@dataclass(frozen=True)
class MockSpec:
    """A mock exam that ships with the exam; `papers` is how many fixed papers are assembled for it.

    `held_back`: a final check, whose questions appear in nothing else.
    """

    code: str
    title: str
    items: int
    unscored: int
    minutes: int
    papers: int
    held_back: bool = False


@dataclass(frozen=True)
class BlueprintSpec:
    code: str
    title: str
    disclaimer: str
    notice: str
    items: int
    scored_items: int
    minutes: int
    scale_low: int
    scale_high: int
    passing_score: int
    item_types: tuple[str, ...]
    valid_from: date | None
    valid_until: date | None
    coverage_per_topic: int
    forbidden: tuple[Forbidden, ...]
    domains: tuple[DomainSpec, ...]
    mocks: tuple[MockSpec, ...]
    filename: str = field(default="", compare=False)

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        return tuple(task for domain in self.domains for task in domain.tasks)

    @property
    def topic_codes(self) -> tuple[str, ...]:
        return tuple(topic.code for task in self.tasks for topic in task.topics)


def parse_blueprint(data: bytes, *, filename: str) -> BlueprintSpec:
    """The blueprint in `data`, or `FormatError` with every problem in it."""
    reader = Reader(filename)
    top = reader.document(data)
    known = (
        *("format", "code", "title", "disclaimer", "notice", "items", "scored_items", "minutes", "scale"),
        *("item_types", "valid_from", "valid_until", "coverage_per_topic", "forbidden", "domains", "mocks"),
    )
    reader.fields(top, known)
    reader.choice(top, "format", [FORMAT])
    low, high, passing = _scale(reader, top)
    items = reader.number(top, "items", least=1, most=1000) or 0
    scored_items = reader.number(top, "scored_items", least=1, most=1000) or 0
    if scored_items > items > 0:
        line = top.entries["scored_items"].line
        reader.note(
            line, f"{scored_items} scored items are more than the {items} items. Lower one, raise the other."
        )
    spec = BlueprintSpec(
        code=reader.text(top, "code", limit=32, pattern=CODE),
        title=reader.text(top, "title", limit=200),
        disclaimer=reader.text(top, "disclaimer", limit=5_000, required=False),
        notice=reader.text(top, "notice", limit=5_000, required=False),
        items=items,
        scored_items=scored_items,
        minutes=reader.number(top, "minutes", least=1, most=1440) or 0,
        scale_low=low,
        scale_high=high,
        passing_score=passing,
        item_types=_item_types(reader, top),
        valid_from=_day(reader, top, "valid_from"),
        valid_until=_day(reader, top, "valid_until"),
        coverage_per_topic=reader.number(top, "coverage_per_topic", least=0, most=1000) or 0,
        forbidden=_forbidden(reader, top),
        domains=_domains(reader, top),
        mocks=_mocks(reader, top),
        filename=filename,
    )
    if reader.problems:
        raise FormatError(reader.problems)
    return spec


def _scale(reader: Reader, top: Mapping) -> tuple[int, int, int]:
    part = reader.mapping(top, "scale")
    if part is None:
        return 0, 0, 0
    reader.fields(part, ("low", "high", "passing"), "scale.")
    low, high, passing = (
        reader.number(part, name, least=0, most=30_000) for name in ("low", "high", "passing")
    )
    if low is not None and high is not None and passing is not None and not low < passing < high:
        reader.note(part.line, "The passing score must lie between the scale's low and high. Mend the scale.")
    return low or 0, high or 0, passing or 0


def _item_types(reader: Reader, top: Mapping) -> tuple[str, ...]:
    types = reader.texts(top, "item_types", limit=40)
    for item_type in types:
        if item_type not in list(ItemType):
            line = top.entries["item_types"].line
            reader.note(line, f"The item type {shown(item_type)} is unknown. Use: {', '.join(ItemType)}.")
    return types or tuple(str(item_type) for item_type in ItemType)


def _day(reader: Reader, top: Mapping, name: str) -> date | None:
    text = reader.text(top, name, limit=40, required=False)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        reader.note(top.entries[name].line, f"“{name}” is {shown(text)}. Write a date such as 2026-09-28.")
        return None


def _forbidden(reader: Reader, top: Mapping) -> tuple[Forbidden, ...]:
    rules = []
    for number, part in reader.mappings(top, "forbidden", required=False):
        path = f"forbidden.{number}."
        reader.fields(part, ("pattern", "why"), path)
        pattern = reader.text(part, "pattern", limit=200, path=path)
        try:
            re.compile(pattern)
        except re.error as error:
            reader.note(
                part.line, f"The pattern {shown(pattern)} is no regular expression: {error}. Mend it."
            )
        rules.append(Forbidden(pattern=pattern, why=reader.text(part, "why", limit=200, path=path)))
    return tuple(rules)


def _domains(reader: Reader, top: Mapping) -> tuple[DomainSpec, ...]:
    codes: dict[tuple[str, str], int] = {}
    domains = []
    for _, part in reader.mappings(top, "domains"):
        code = _code(reader, part, "domain", codes)
        reader.about(code)
        reader.fields(part, ("code", "title", "weight", "cut", "tasks"))
        title = reader.text(part, "title", limit=200)
        weight = _share(reader, part, "weight", most=100, decimals=2)
        cut = _share(reader, part, "cut", most=1, decimals=3, required=False)
        tasks = [_task(reader, node, codes) for _, node in reader.mappings(part, "tasks")]
        domains.append(
            DomainSpec(code=code, title=title, weight=weight or Decimal(0), tasks=tuple(tasks), cut=cut)
        )
    reader.about("")
    total = sum(domain.weight for domain in domains)
    if domains and not reader.problems and total != 100:
        line = top.key_lines["domains"]
        reader.note(line, f"The weights of the domains add up to {total}, not to 100. Mend them.")
    return tuple(domains)


def _task(reader: Reader, part: Mapping, codes: dict[tuple[str, str], int]) -> TaskSpec:
    code = _code(reader, part, "task", codes)
    reader.about(code)
    reader.fields(part, ("code", "title", "topics"))
    title = reader.text(part, "title", limit=200)
    topics = []
    for _, node in reader.mappings(part, "topics"):
        topic = _code(reader, node, "topic", codes)
        reader.about(topic)
        reader.fields(node, ("code", "title", "covers"))
        topics.append(
            TopicSpec(
                code=topic,
                title=reader.text(node, "title", limit=200),
                covers=reader.text(node, "covers", limit=5_000, required=False),
            )
        )
    return TaskSpec(code=code, title=title, topics=tuple(topics))


def _code(reader: Reader, part: Mapping, kind: str, codes: dict[tuple[str, str], int]) -> str:
    reader.about("")
    code = reader.text(part, "code", limit=16, pattern=CODE)
    if code and (kind, code) in codes:
        first = codes[kind, code]
        reader.note(
            part.line, f"The {kind} {shown(code)} is already in line {first}. Give each its own code."
        )
    codes.setdefault((kind, code), part.line)
    return code


def _share(
    reader: Reader, part: Mapping, name: str, *, most: int, decimals: int, required: bool = True
) -> Decimal | None:
    text = reader.text(part, name, limit=20, required=required)
    if not text:
        return None
    is_number = re.fullmatch(rf"\d{{1,3}}(?:\.\d{{1,{decimals}}})?|\.\d{{1,{decimals}}}", text)
    if not is_number or not 0 < Decimal(text) <= most:
        why = f"“{name}” is {shown(text)}. Write a number up to {most}, with at most {decimals} decimals."
        reader.note(part.entries[name].line, why)
        return None
    return Decimal(text)


def _mocks(reader: Reader, top: Mapping) -> tuple[MockSpec, ...]:
    codes: dict[tuple[str, str], int] = {}
    mocks = []
    for _, part in reader.mappings(top, "mocks", required=False):
        reader.about("")
        code = reader.text(part, "code", limit=64, pattern=CODE)
        if code and ("mock", code) in codes:
            reader.note(
                part.line, f"The mock {shown(code)} is already in line {codes['mock', code]}. Rename one."
            )
        codes.setdefault(("mock", code), part.line)
        reader.about(code)
        reader.fields(part, ("code", "title", "items", "unscored", "minutes", "papers", "held_back"))
        items = reader.number(part, "items", least=1, most=1000) or 0
        unscored = reader.number(part, "unscored", least=0, most=1000, required=False) or 0
        if items and unscored >= items:
            reader.note(part.line, f"All {items} items would be unscored. Lower “unscored”.")
        mocks.append(
            MockSpec(
                code=code,
                title=reader.text(part, "title", limit=200),
                items=items,
                unscored=unscored,
                minutes=reader.number(part, "minutes", least=1, most=1440) or 0,
                papers=reader.number(part, "papers", least=1, most=100) or 0,
                held_back=reader.boolean(part, "held_back"),
            )
        )
    reader.about("")
    return tuple(mocks)
