"""What the page of an import shows."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from questions import wording
from questions.content import ItemType, QuestionContent
from questions.models import ImportRow, ImportRun, Topic
from questions.models.question import ITEM_TYPES
from questions.transfer_forms import outlines

Outcome = ImportRow.Outcome
State = ImportRun.State
BUSY = (State.WAITING, State.READING, State.APPLYING, State.LISTING)
EARLIER = 10
_LONGEST = 160


@dataclass(frozen=True)
class Count:
    """A filter of the preview, and how many questions it shows."""

    outcome: str
    label: str
    count: int


@dataclass(frozen=True)
class RunPage:
    is_busy: bool
    counts: tuple[Count, ...]
    total: int
    coming: int
    updates: int
    without_topic: int
    groups: list[tuple[str, list[Topic]]]
    bank_query: str
    suggested_tag: str


@dataclass(frozen=True)
class Line:
    """A question of the preview; `key` says its right answer in words."""

    row: ImportRow
    kind: str
    stem: str
    key: str


def run_page(run: ImportRun) -> RunPage:
    coming = run.rows.filter(outcome__in=(Outcome.IMPORTED, Outcome.DEGRADED))
    is_ready = run.state == State.READY
    counts = tuple(Count(str(o), str(o.label), run.counts.get(o, 0)) for o in Outcome)
    query = {"blueprint": run.blueprint.code} | ({"tag": run.tag} if run.tag else {"sort": "changed"})
    return RunPage(
        is_busy=run.state in BUSY,
        counts=counts,
        total=sum(each.count for each in counts),
        coming=sum(run.counts.get(outcome, 0) for outcome in (Outcome.IMPORTED, Outcome.DEGRADED)),
        updates=coming.filter(updates=True).count(),
        without_topic=coming.filter(topic=None, updates=False).count() if is_ready else 0,
        groups=outlines_of(run) if is_ready else [],
        bank_query=urlencode(query),
        suggested_tag=run.tag or f"import-{run.created_at:%Y-%m-%d}",
    )


def outlines_of(run: ImportRun) -> list[tuple[str, list[Topic]]]:
    return outlines(type(run.blueprint)._default_manager.filter(pk=run.blueprint_id))


def pages_of(run: ImportRun, outcome: str, *, per_page: int) -> Paginator[int]:
    """The pages of its rows, from what was counted when they were written."""
    counts = run.counts if run.rows.exists() else {}
    count = counts.get(outcome, 0) if outcome in Outcome.values else sum(counts.values())
    return Paginator(range(count), per_page)


def rows_of(run: ImportRun, outcome: str, page: Page[int]) -> QuerySet[ImportRow]:
    rows = run.rows.select_related("topic", "same_as", "question").order_by("number")
    first, size = max(page.start_index() - 1, 0), page.paginator.per_page
    if outcome in Outcome.values:
        return rows.filter(outcome=outcome)[first : first + size]
    # Without reading over the rows of the pages before.
    return rows.filter(number__gt=first, number__lte=first + size)


def line(row: ImportRow) -> Line:
    if not row.payload:
        return Line(row, "", "", "")
    content = QuestionContent.from_json(row.payload["content"])
    stem = _short(wording.plain(content.stem))
    return Line(
        row, dict(ITEM_TYPES)[str(content.item_type)], "" if stem == row.title else stem, _key(content)
    )


def _key(content: QuestionContent) -> str:
    texts = {option.id: _short(wording.plain(option.text), 60) for option in content.options}
    match content.item_type:
        case ItemType.MATCHING:
            pairs = ((_short(wording.plain(p.text), 40), texts.get(p.match, "?")) for p in content.prompts)
            return _short("; ".join(f"{prompt} → {response}" for prompt, response in pairs), 240)
        case ItemType.ORDERING:
            steps = content.key if isinstance(content.key, list) else []
            return _short(" → ".join(texts[step] for step in steps), 240)
    return _short("; ".join(texts[option.id] for option in content.options if option.is_correct), 240)


def _short(text: str, longest: int = _LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
