"""Learners × tasks, or × domains: one page of learners, in an order that the database makes.

A cell is the learner's own estimate as scoring stored it; below three questions it is empty, whatever came out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.http import QueryDict

from accounts.models import Cohort, Membership
from exams import figures
from exams.cohorts.outline import Outline, Part, PartShare
from exams.figures import Figure
from exams.models import (
    Assignment,
    Attempt,
    DomainScore,
    PartStanding,
    Response,
    Result,
    TaskScore,
)
from exams.psychometrics import MIN_SEEN, Verdict

PER_PAGE = 50
STEPS = (-0.195, -0.095, -0.025, 0.035, 0.085, 0.145)
"""Distances from the target at which a cell's colour changes: rust below, petrol above, grey around it."""
SHOWS = ("all", "passed", "below", "none")


@dataclass(frozen=True)
class Asked:
    """Which rows and columns an address asks for; `sort` is name, score, chance or the code of a part."""

    by: str = "tasks"
    sort: str = "name"
    is_descending: bool = False
    show: str = "all"
    low: int | None = None
    high: int | None = None
    missed: int | None = None
    page: int = 1
    kept: tuple[tuple[str, str], ...] = ()
    """What the address says beside, such as the exam."""

    @classmethod
    def parse(cls, params: QueryDict, *, kept: tuple[str, ...] = ()) -> Asked:
        """Never raises: what is unknown is the default."""
        sort, show = params.get("sort", "name")[:20], params.get("show", "all")
        return cls(
            by="domains" if params.get("by") == "domains" else "tasks",
            sort=sort.removeprefix("-"),
            is_descending=sort.startswith("-"),
            show=show if show in SHOWS else "all",
            low=_number(params.get("from")),
            high=_number(params.get("to")),
            missed=_number(params.get("missed")),
            page=max(_number(params.get("page")) or 1, 1),
            kept=tuple((name, value[:64]) for name in kept if (value := params.get(name, ""))),
        )

    def query(self, **changes: Any) -> str:
        """The address's part after `?`; back to the first page unless `changes` names one."""
        asked = replace(self, **{"page": 1, **changes})
        sort = ("-" if asked.is_descending else "") + asked.sort
        pairs = (
            *asked.kept,
            ("by", "" if asked.by == "tasks" else asked.by),
            ("sort", "" if sort == "name" else sort),
            ("show", "" if asked.show == "all" else asked.show),
            ("from", asked.low),
            ("to", asked.high),
            ("missed", asked.missed),
            ("page", asked.page if asked.page > 1 else None),
        )
        return urlencode([(name, value) for name, value in pairs if value not in ("", None)])

    @property
    def is_narrowed(self) -> bool:
        return self.show != "all" or self.low is not None or self.high is not None or self.missed is not None


@dataclass(frozen=True)
class Cell:
    """`step` is 1–7 around the target, 0 while there is not enough evidence for a colour."""

    figure: Figure | None
    step: int

    @property
    def is_weak(self) -> bool:
        return bool(self.step) and self.figure is not None and self.figure.verdict is Verdict.NEEDS_WORK


@dataclass(frozen=True)
class Head:
    """A column's heading; `query` sorts by it, the other way round when it is sorted already."""

    key: str
    title: str
    query: str
    direction: str
    """ascending, descending, or empty."""


@dataclass(frozen=True)
class Group:
    """A domain above its tasks' columns."""

    code: str
    title: str
    columns: int


@dataclass(frozen=True)
class Row:
    """A learner. Without a score: `state` says not begun, running or being scored."""

    learner_id: int
    name: str
    cells: tuple[Cell, ...]
    attempt_id: UUID | None = None
    score: int | None = None
    passed: bool | None = None
    correct: int = 0
    items: int = 0
    chance_percent: int | None = None
    chance_questions: int = 0


@dataclass(frozen=True)
class Step:
    step: int
    label: str


@dataclass(frozen=True)
class HeatMap:
    asked: Asked
    groups: tuple[Group, ...]
    name_head: Head
    heads: tuple[Head, ...]
    score_head: Head
    rows: tuple[Row, ...]
    totals: tuple[Cell, ...]
    key: tuple[Step, ...]
    page: Page[Any]
    has_chance: bool

    @property
    def other(self) -> str:
        """The query of the same learners by the other kind of part."""
        return self.asked.query(by="domains" if self.asked.by == "tasks" else "tasks", sort="name")

    @property
    def everybody(self) -> str:
        return self.asked.query(show="all", low=None, high=None, missed=None)

    @property
    def previous(self) -> str:
        return self.asked.query(page=self.page.number - 1) if self.page.has_previous() else ""

    @property
    def following(self) -> str:
        return self.asked.query(page=self.page.number + 1) if self.page.has_next() else ""


def of_assignment(
    assignment: Assignment, outline: Outline, asked: Asked, totals: Iterable[PartShare]
) -> HeatMap:
    """Each learner's first scored sitting of the assignment."""
    first = Attempt.objects.filter(
        assignment=assignment,
        learner=OuterRef("user"),
        state=Attempt.State.SCORED,
        purpose__in=(Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE),
    ).order_by("started_at", "pk")
    result = Result.objects.filter(attempt=OuterRef("first"))
    rows = (
        Membership.objects.learners()
        .filter(cohort=assignment.cohort_id)
        .annotate(first=Subquery(first.values("pk")[:1]))
        .annotate(score=Subquery(result.values("scaled_score")[:1]))
        .annotate(has_passed=Subquery(result.values("passed")[:1]))
    )
    scores = (DomainScore if asked.by == "domains" else TaskScore).objects.filter(result=OuterRef("first"))
    page = _page(_narrowed(rows, asked), asked, outline, _sorter(scores, asked, outline))
    found = {each.first: each for each in page if each.first}
    results = Result.objects.in_bulk(list(found))
    cells = _figures(DomainScore if asked.by == "domains" else TaskScore, "result_id", list(found), asked.by)
    made = tuple(
        Row(
            learner_id=each.user_id,
            name=str(each.user),
            cells=_cells(outline, asked.by, cells.get(each.first, {})),
            attempt_id=each.first,
            **_outcome(results.get(each.first)),
        )
        for each in page
    )
    return _heat_map(asked, outline, page, made, totals, has_chance=False)


def of_cohort(
    cohort: Cohort, outline: Outline, asked: Asked, totals: Iterable[PartShare], *, learners: int
) -> HeatMap:
    """Each learner's standing: all mocks pooled, first sight of each question."""
    rows = Membership.objects.learners().filter(cohort=cohort)
    rows = rows.annotate(
        standing=FilteredRelation(
            "user__standings", condition=Q(user__standings__blueprint=outline.blueprint)
        ),
        first=F("standing__pk"),
        score=F("standing__last_scaled"),
        chance=F("standing__chance"),
        chance_questions=F("standing__chance_questions"),
    )
    parts = PartStanding.objects.filter(standing=OuterRef("first"))
    if asked.by == "domains":
        parts = parts.filter(task=None)
    page = _page(_narrowed(rows, asked), asked, outline, _sorter(parts, asked, outline), learners)
    found = [each.first for each in page if each.first]
    cells = _figures(PartStanding, "standing_id", found, asked.by)
    made = tuple(
        Row(
            learner_id=each.user_id,
            name=str(each.user),
            cells=_cells(outline, asked.by, cells.get(each.first, {})),
            score=each.score,
            chance_percent=None if each.chance is None else figures.whole_percent(each.chance),
            chance_questions=each.chance_questions or 0,
        )
        for each in page
    )
    return _heat_map(asked, outline, page, made, totals, has_chance=True)


def cell(figure: Figure | None) -> Cell:
    if figure is None or figure.seen < MIN_SEEN:
        return Cell(figure, 0)
    distance = figure.mean - figure.target
    return Cell(figure, 1 + sum(distance >= bound for bound in STEPS))


def key(target: float) -> tuple[Step, ...]:
    """What the seven steps mean in per cent, for this target."""
    bounds = [figures.whole_percent(target + distance) for distance in STEPS]
    labels = [f"< {bounds[0]}", *(f"{a}–{b - 1}" for a, b in pairwise(bounds))]
    return tuple(Step(n, label) for n, label in enumerate([*labels, f"≥ {bounds[-1]}"], start=1))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _narrowed(rows: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    if asked.show == "none":
        rows = rows.filter(first=None)
    elif asked.show != "all" and "has_passed" in rows.query.annotations:
        rows = rows.filter(has_passed=asked.show == "passed")
    if asked.low is not None:
        rows = rows.filter(score__gte=asked.low)
    if asked.high is not None:
        rows = rows.filter(score__lte=asked.high)
    if asked.missed is not None and "has_passed" in rows.query.annotations:
        wrong = Response.objects.filter(attempt=OuterRef("first"), version=asked.missed, is_scored=True)
        rows = rows.filter(Exists(wrong.exclude(is_correct=True)))
    return rows


def _sorter(scores: QuerySet[Any], asked: Asked, outline: Outline) -> Subquery | None:
    """The mean in the part asked for: what has too little evidence sorts last, either way."""
    part = next((part for part in outline.parts(asked.by) if part.code == asked.sort), None)
    if part is None:
        return None
    field = "task" if part.is_task else "domain"
    return Subquery(scores.filter(**{field: part.id}, seen__gte=MIN_SEEN).values("mean")[:1])


def _page(
    rows: QuerySet[Membership],
    asked: Asked,
    outline: Outline,
    by_part: Subquery | None,
    learners: int | None = None,
) -> Page[Any]:
    """`learners` is how many there are, where that is known and nothing narrows them."""
    column = asked.sort
    if by_part is not None:
        rows, column = rows.annotate(by_part=by_part), "by_part"
    named = (Lower("user__name"), "user__email")
    if (
        column == "by_part"
        or column == "score"
        or (column == "chance" and "chance" in rows.query.annotations)
    ):
        wanted = F(column)
        order = wanted.desc(nulls_last=True) if asked.is_descending else wanted.asc(nulls_last=True)
        rows = rows.order_by(order, *named)
    elif asked.is_descending:
        rows = rows.order_by(Lower("user__name").desc(), "-user__email")
    else:
        rows = rows.order_by(*named)
    paginator = Paginator(rows.select_related("user"), PER_PAGE)
    if learners is not None and not asked.is_narrowed:
        paginator.count = learners
    return paginator.get_page(asked.page)


def _figures(model: Any, owner: str, owners: list[Any], by: str) -> Mapping[Any, dict[int, Figure]]:
    rows = model.objects.filter(**{f"{owner}__in": owners})
    if model is PartStanding:
        rows = rows.filter(task__isnull=by == "domains")
    found: dict[Any, dict[int, Figure]] = defaultdict(dict)
    for row in rows:
        part = row.domain_id if by == "domains" else row.task_id
        found[getattr(row, owner)][part] = figures.from_score(row)
    return found


def _cells(outline: Outline, by: str, found: Mapping[int, Figure]) -> tuple[Cell, ...]:
    return tuple(cell(found.get(part.id)) for part in outline.parts(by))


def _outcome(result: Result | None) -> dict[str, Any]:
    if result is None:
        return {}
    return {
        "score": result.scaled_score,
        "passed": result.passed,
        "correct": result.correct,
        "items": result.scored_items,
    }


def _heat_map(
    asked: Asked,
    outline: Outline,
    page: Page[Any],
    rows: tuple[Row, ...],
    totals: Iterable[PartShare],
    *,
    has_chance: bool,
) -> HeatMap:
    parts = outline.parts(asked.by)
    groups = () if asked.by == "domains" else tuple(_group(outline, domain) for domain in outline.domains)
    return HeatMap(
        asked=asked,
        groups=groups,
        name_head=_head(asked, "name", ""),
        heads=tuple(_head(asked, part.code, part.title) for part in parts),
        score_head=_head(asked, "chance" if has_chance else "score", ""),
        rows=rows,
        totals=tuple(cell(each.share.figure) for each in totals),
        key=key(outline.target),
        page=page,
        has_chance=has_chance,
    )


def _group(outline: Outline, domain: Part) -> Group:
    return Group(domain.code, domain.title, len(outline.tasks_of(domain)))


def _head(asked: Asked, key: str, title: str) -> Head:
    is_sorted = asked.sort == key
    direction = ("descending" if asked.is_descending else "ascending") if is_sorted else ""
    query = asked.query(sort=key, is_descending=is_sorted and not asked.is_descending)
    return Head(key, title, query, direction)
