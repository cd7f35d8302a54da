"""How far a bank covers its blueprint: what each cell holds, what a full mock needs, and how many the bank makes.

Cells are counted in the database: a bank of any size costs the same number of rows as it has kinds of questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, CharField, Count, Value, When

from exams import assembly
from exams.assembly import Shortage
from questions.content import ItemType, Level
from questions.models import Blueprint, Draft, Question, Topic

BANDS = (("hard", "0.00", "0.55"), ("medium", "0.55", "0.75"), ("easy", "0.75", "1.01"))
"""By the share of just-qualified candidates who are expected to be right; each from its first figure up."""


@dataclass(frozen=True)
class Cell:
    """How many published questions anything may take, how many a final check holds back, and the retired."""

    free: int = 0
    held: int = 0
    retired: int = 0
    query: str = ""

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.free + other.free, self.held + other.held, self.retired + other.retired, self.query)

    @property
    def published(self) -> int:
        return self.free + self.held


@dataclass(frozen=True)
class TaskRow:
    code: str
    title: str
    total: Cell
    in_work: int
    types: tuple[Cell, ...]
    """In the order of `ItemType`; so are the levels, and the bands in that of `BANDS`."""
    levels: tuple[Cell, ...]
    bands: tuple[Cell, ...]


@dataclass(frozen=True)
class DomainNeed:
    """What a full mock takes from a domain, and what there is; `left` is what the disjoint ones leave over."""

    code: str
    title: str
    weight: str
    scored: int
    unscored: int
    free: int
    held: int
    query: str
    thinnest: str
    rows: tuple[TaskRow, ...]
    is_next_short: bool
    """It is what the mock after the last disjoint one lacks."""

    @property
    def needed(self) -> int:
        return self.scored + self.unscored

    @property
    def is_short(self) -> bool:
        """Too few even for one."""
        return self.free < self.scored


@dataclass(frozen=True)
class ThinTopic:
    code: str
    title: str
    cell: Cell
    missing: int


@dataclass(frozen=True)
class ShortCell:
    shortage: Shortage
    thinnest: str
    """Where to write first: the task of the domain with the fewest, and how many these are."""


@dataclass(frozen=True)
class Coverage:
    blueprint: Blueprint
    domains: tuple[DomainNeed, ...]
    thin: tuple[ThinTopic, ...]
    papers: int
    short: tuple[Shortage, ...]
    """What the paper after the last one lacks."""
    total: Cell
    in_work: int

    @property
    def next_paper(self) -> int:
        return self.papers + 1

    @property
    def short_cells(self) -> list[ShortCell]:
        thinnest = {each.code: each.thinnest for each in self.domains}
        return [ShortCell(each, thinnest.get(each.cell, "")) for each in self.short]


def coverage(blueprint: Blueprint) -> Coverage:
    """In a number of queries that neither outline nor bank raises."""
    counted = _counted(blueprint)
    by_topic: dict[int, Cell] = {}
    by_task: dict[int, dict[tuple[str, str], Cell]] = {}
    topics = _topics(blueprint)
    task_of = {topic.pk: topic.task_id for topic in topics}
    for topic_id, item_type, level, band, cell in counted:
        if topic_id not in task_of:
            continue
        by_topic[topic_id] = by_topic.get(topic_id, Cell()) + cell
        cells = by_task.setdefault(task_of[topic_id], {})
        for key in (("", ""), ("type", item_type), ("level", level), ("band", band)):
            cells[key] = cells.get(key, Cell()) + cell
    in_work = _in_work(blueprint)
    weights = {}
    domains = list(blueprint.domains.prefetch_related("tasks").order_by("position", "code"))
    rows_of: dict[str, tuple[TaskRow, ...]] = {}
    for domain in domains:
        weights[domain.code] = domain.weight
        rows_of[domain.code] = tuple(
            _task_row(blueprint, task, by_task.get(task.pk, {}), in_work.get(task.pk, 0))
            for task in domain.tasks.all()
        )
    totals = {code: sum((row.total for row in rows), Cell()) for code, rows in rows_of.items()}
    counts = (
        assembly.domain_counts(
            weights, items=blueprint.items, unscored=blueprint.items - blueprint.scored_items
        )
        if weights
        else {}
    )
    papers, short = assembly.disjoint_papers({code: cell.free for code, cell in totals.items()}, counts)
    return Coverage(
        blueprint=blueprint,
        domains=tuple(
            DomainNeed(
                code=domain.code,
                title=domain.title,
                weight=format(domain.weight.normalize(), "f"),
                scored=counts[domain.code][0],
                unscored=counts[domain.code][1],
                free=totals[domain.code].free,
                held=totals[domain.code].held,
                query=_query(blueprint, domain=domain.code, status="published"),
                thinnest=_thinnest(rows_of[domain.code]),
                rows=rows_of[domain.code],
                is_next_short=any(each.cell == domain.code for each in short),
            )
            for domain in domains
        ),
        thin=tuple(_thin(blueprint, topics, by_topic)),
        papers=papers,
        short=tuple(short),
        total=sum(totals.values(), Cell()),
        in_work=sum(in_work.values()),
    )


def _counted(blueprint: Blueprint) -> list[tuple[int, str, str, str, Cell]]:
    """(topic, type, level, band, cell), grouped by the database; published and retired, free and held back."""
    is_hard, is_medium = (
        When(current__difficulty__lt=upper, then=Value(name)) for name, _, upper in BANDS[:2]
    )
    band = Case(is_hard, is_medium, default=Value(BANDS[2][0]), output_field=CharField())
    questions = (
        Question.objects.filter(
            blueprint=blueprint,
            current__isnull=False,
            state__in=(Question.State.PUBLISHED, Question.State.RETIRED),
        )
        .order_by()
        .annotate(band=band)
    )
    names = ("current__topic", "current__item_type", "current__level", "band", "state")
    held = questions.filter(pk__in=assembly.held_back(blueprint), state=Question.State.PUBLISHED)
    held_counts = {tuple(row[:4]): row[5] for row in held.values_list(*names).annotate(n=Count("id"))}
    rows: list[Any] = list(questions.values_list(*names).annotate(n=Count("id")))
    counted = []
    for topic_id, item_type, level, name, state, n in rows:
        if state == Question.State.RETIRED:
            cell = Cell(retired=n)
        else:
            held_here = held_counts.get((topic_id, item_type, level, name), 0)
            cell = Cell(free=n - held_here, held=held_here)
        counted.append((topic_id, item_type, level, name, cell))
    return counted


def _topics(blueprint: Blueprint) -> list[Topic]:
    topics = Topic.objects.filter(task__domain__blueprint=blueprint).select_related("task__domain")
    return list(topics.order_by("task__domain__position", "task__position", "position", "code"))


def _in_work(blueprint: Blueprint) -> dict[int, int]:
    """Per task id: drafts, of new questions and of next versions."""
    drafts: Counter[int] = Counter()
    rows = Draft.objects.filter(question__blueprint=blueprint, topic__isnull=False).order_by()
    for task_id, n in rows.values_list("topic__task").annotate(n=Count("id")):
        drafts[task_id] += n
    return dict(drafts)


def _task_row(blueprint: Blueprint, task: Any, cells: dict[tuple[str, str], Cell], in_work: int) -> TaskRow:
    def cell(kind: str, value: str, **query: str) -> Cell:
        found = cells.get((kind, value), Cell())
        asked = _query(blueprint, task=task.code, status="published", **query)
        return Cell(found.free, found.held, found.retired, asked)

    return TaskRow(
        code=task.code,
        title=task.title,
        total=cell("", ""),
        in_work=in_work,
        types=tuple(cell("type", str(each), type=str(each)) for each in ItemType),
        levels=tuple(cell("level", str(each), level=str(each)) for each in Level),
        bands=tuple(cell("band", name) for name, _, _ in BANDS),
    )


def _thin(blueprint: Blueprint, topics: Iterable[Topic], by_topic: dict[int, Cell]) -> Iterable[ThinTopic]:
    for topic in topics:
        found = by_topic.get(topic.pk, Cell())
        missing = blueprint.coverage_per_topic - found.published
        if missing > 0:
            query = _query(blueprint, topic=topic.code, status="published")
            cell = Cell(found.free, found.held, found.retired, query)
            yield ThinTopic(topic.code, topic.title, cell, missing)


def _thinnest(rows: tuple[TaskRow, ...]) -> str:
    """The task with the fewest free questions: where to write next."""
    thinnest = min(rows, key=lambda row: row.total.free, default=None)
    return f"{thinnest.code} ({thinnest.total.free})" if thinnest else ""


def _query(blueprint: Blueprint, **asked: str) -> str:
    return urlencode({"blueprint": blueprint.code, **asked})
