"""What the bank list shows: one page of rows, how many questions each filter would leave, what is set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.core.paginator import Paginator
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import User
from questions import bank_counts, bank_list
from questions.bank_counts import Outline
from questions.bank_list import NO_LEVEL, Filters
from questions.models import Listing, Question, QuestionTag, SavedFilter
from questions.models.question import ITEM_TYPES

MAX_AUTHORS = 12
MAX_TAGS = 500
MAX_REACH = 400
"""Texts read for one page: some hundred kilobytes."""
_UNSEEN = ("search", "finding_codes")


@dataclass(frozen=True)
class Value:
    """One line of a facet: a link that sets or unsets it."""

    value: str
    label: str
    count: int
    is_on: bool
    query: str
    below: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the query without it."""

    label: str
    query: str


@dataclass(frozen=True)
class Row:
    listing: Listing
    exam: str
    topic: str
    topic_title: str
    author: str
    summary: SafeString
    facility: int | None
    difficulty: int | None


@dataclass(frozen=True)
class Pages:
    number: int
    count: int
    first: int
    last: int
    links: tuple[tuple[int | None, str], ...]
    """Number and query; None is a gap."""
    previous: str | None
    next: str | None


@dataclass(frozen=True)
class BankPage:
    filters: Filters
    total: int
    matching: int
    rows: tuple[Row, ...]
    pages: Pages
    facets: tuple[Facet, ...]
    asks_for_exam: bool
    chips: tuple[Chip, ...]
    tags: tuple[str, ...]
    saved: tuple[SavedFilter, ...]
    query: str
    all_query: str
    by_sort: dict[str, str]
    """The query that orders by each of the sorts."""


def bank_page(filters: Filters, *, user: User) -> BankPage:
    outline = bank_counts.outline()
    matching, counts = bank_counts.count(filters, outline, user=user)
    pages = _pages(filters, matching)
    total = Question.objects.exclude(state=Question.State.RETIRED).count()
    lines = _lines(filters, pages, matching=matching, total=total, user=user)
    names = _names(counts["author"], lines, filters, user)
    return BankPage(
        filters=filters,
        total=total,
        matching=matching,
        rows=tuple(_row(line, filters.words, outline, names) for line in lines),
        pages=pages,
        facets=tuple(_facets(filters, counts, outline, names)),
        asks_for_exam=len(outline.blueprints) > 1 and _chosen(filters, outline) is None,
        chips=tuple(_chips(filters, outline, names)),
        tags=tuple(QuestionTag.objects.order_by("name").values_list("name", flat=True).distinct()[:MAX_TAGS]),
        saved=tuple(SavedFilter.objects.filter(user=user)),
        query=filters.query(),
        all_query=filters.cleared(),
        by_sort={sort: filters.query(sort=sort) for sort in bank_list.SORTS},
    )


def labels() -> dict[str, dict[str, str]]:
    """What the values of the closed sets are called."""
    return {
        "type": {value: str(label) for value, label in ITEM_TYPES},
        "status": {
            "draft": _("draft"),
            "in_review": _("in review"),
            "changes_requested": _("changes requested"),
            "published": _("published"),
            "retired": _("retired"),
        },
        "level": {
            "recall": _("recall"),
            "apply": _("apply"),
            "analyse": _("analyse"),
            NO_LEVEL: _("no level"),
        },
        "findings": {"block": _("stop publication"), "warn": _("worth a look"), "none": _("none")},
        "challenged": {"1": _("challenged")},
        "suspect": {"1": _("statistics out of range")},
    }


# Rows


def _lines(filters: Filters, pages: Pages, *, matching: int, total: int, user: User) -> list[Listing]:
    if not matching:
        return []
    # From the end, or the last page would sort and pass over all the others.
    is_reversed = pages.first * 2 >= matching
    start, stop = pages.first - 1, pages.last
    if is_reversed:
        start, stop = matching - pages.last, matching - pages.first + 1
    # Joined to nothing: databases would join every line that matches before they sort and cut.
    found = bank_list.rows(filters, user=user).defer(*_UNSEEN)
    lines = _near(filters, start, stop, is_reversed=is_reversed, share=matching / (total or 1), user=user)
    if lines is None:
        lines = list((found.reverse() if is_reversed else found)[start:stop])
    return lines[::-1] if is_reversed else lines


def _near(
    filters: Filters, start: int, stop: int, *, is_reversed: bool, share: float, user: User
) -> list[Listing] | None:
    """The lines, where the words are common enough for the first ones in order to hold them.

    Databases don't know how common a word within a text is, and would read every text. None where it is rare.
    """
    reach = round(1.5 * stop / share) + 50
    if not filters.words or reach > MAX_REACH:
        return None
    plain = bank_list.rows(replace(filters, q=""), user=user).defer("finding_codes")
    first = (plain.reverse() if is_reversed else plain)[:reach]
    lines = [line for line in first if all(word in line.search for word in filters.words)][start:stop]
    return lines if len(lines) == stop - start else None


def _row(line: Listing, words: Sequence[str], outline: Outline, names: dict[str, str]) -> Row:
    topic, title, _task = outline.topics.get(line.topic_id or 0, ("", "", 0))
    blueprint = outline.blueprints.get(line.blueprint_id)
    return Row(
        listing=line,
        exam=blueprint.code if blueprint else "",
        topic=topic,
        topic_title=title,
        author=names.get(str(line.author_id), ""),
        summary=marked(line.summary, words),
        facility=round(line.facility * 100) if line.seen and line.facility is not None else None,
        difficulty=round(line.difficulty * 100) if line.difficulty is not None else None,
    )


def marked(text: str, words: Sequence[str]) -> SafeString:
    """The text, escaped, with every word that was searched for in a `<mark>`."""
    if not words:
        return SafeString(conditional_escape(text))
    longest_first = sorted(words, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text, flags=re.IGNORECASE)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", part) if n % 2 else part,) for n, part in enumerate(parts))
    )


def _pages(filters: Filters, matching: int) -> Pages:
    paginator = Paginator(range(matching), filters.per)
    page = paginator.get_page(min(filters.page, paginator.num_pages))
    shown = paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    links = ((n, filters.query(page=n)) if isinstance(n, int) else (None, "") for n in shown)
    return Pages(
        number=page.number,
        count=paginator.num_pages,
        first=page.start_index(),
        last=page.end_index(),
        links=tuple(links),
        previous=filters.query(page=page.number - 1) if page.has_previous() else None,
        next=filters.query(page=page.number + 1) if page.has_next() else None,
    )


# Facets and chips


def _facets(
    filters: Filters, counts: dict[str, Counter[str]], outline: Outline, names: dict[str, str]
) -> Iterator[Facet]:
    said = labels()
    if len(outline.blueprints) > 1:
        exams = [(each.code, each.code) for each in outline.blueprints.values()]
        yield Facet("blueprint", _("Exam"), _values("blueprint", exams, filters, counts))
    yield Facet("status", _("Status"), _values("status", said["status"].items(), filters, counts))
    chosen = _chosen(filters, outline)
    if chosen is not None:
        yield Facet("domain", _("Domain"), _tree(chosen, filters, counts, outline))
    for name, title in (("type", _("Type")), ("level", _("Level")), ("findings", _("Findings"))):
        yield Facet(name, title, _values(name, said[name].items(), filters, counts))
    learners = [
        *_values("challenged", said["challenged"].items(), filters, counts),
        *_values("suspect", said["suspect"].items(), filters, counts),
    ]
    yield Facet("learners", _("Learners"), tuple(learners))
    most = [value for value, _n in counts["author"].most_common(MAX_AUTHORS) if value in names]
    authors = list(dict.fromkeys([*most, *(a for a in filters.author if a in names)]))
    yield Facet("author", _("Author"), _values("author", [(a, names[a]) for a in authors], filters, counts))


def _values(
    name: str, options: Iterable[tuple[str, str]], filters: Filters, counts: dict[str, Counter[str]]
) -> tuple[Value, ...]:
    """Those that some question has, and those that are set."""
    on = getattr(filters, name)
    return tuple(
        Value(value, label, counts[name][value], value in on, filters.toggled(name, value))
        for value, label in options
        if counts[name][value] or value in on
    )


def _tree(
    blueprint: int, filters: Filters, counts: dict[str, Counter[str]], outline: Outline
) -> tuple[Value, ...]:
    """The exam's domains, the tasks of the one that is set, and the topics of that task."""

    def level(name: str, part_of: int) -> Iterator[Value]:
        lower = {"domain": ("task", "topic"), "task": ("topic",), "topic": ()}[name]
        rows = {"domain": outline.domains, "task": outline.tasks, "topic": outline.topics}[name]
        on = getattr(filters, name)
        for pk, (code, title, parent) in rows.items():
            if parent != part_of:
                continue
            wanted = () if code in on else (code,)
            query = filters.query(**{name: wanted}, **dict.fromkeys(lower, ()))
            inside = tuple(level(lower[0], pk)) if lower else ()
            is_open = code in on or any(value.is_on or value.below for value in inside)
            yield Value(
                code, f"{code} {title}", counts[name][code], code in on, query, inside if is_open else ()
            )

    return tuple(level("domain", blueprint))


def _chips(filters: Filters, outline: Outline, names: dict[str, str]) -> Iterator[Chip]:
    said = {**labels(), "author": {**names, "me": _("me")}}
    titles = {
        "blueprint": _("exam"),
        "domain": _("domain"),
        "task": _("task"),
        "topic": _("topic"),
        "type": _("type"),
        "status": _("status"),
        "level": _("level"),
        "author": _("author"),
        "tag": _("tag"),
        "findings": _("findings"),
        "challenged": "",
        "suspect": "",
    }
    for name, title in titles.items():
        for value in getattr(filters, name):
            text = said.get(name, {}).get(value, value)
            yield Chip(f"{title}: {text}" if title else text, filters.toggled(name, value))
    if filters.codes:
        yield Chip(_("%(n)d codes") % {"n": len(filters.codes)}, filters.query(codes=()))
    if filters.q:
        yield Chip(f"“{filters.q}”", filters.query(q=""))


def _chosen(filters: Filters, outline: Outline) -> int | None:
    """The one exam whose outline the filters can show: codes of domains mean nothing across exams."""
    asked = [pk for pk, each in outline.blueprints.items() if each.code in filters.blueprint]
    found = asked if filters.blueprint else list(outline.blueprints)
    return found[0] if len(found) == 1 else None


def _names(counts: Counter[str], lines: Iterable[Listing], filters: Filters, user: User) -> dict[str, str]:
    """Of the authors that the page shows, in its facet, its rows and its chips."""
    shown = {int(value) for value, _n in counts.most_common(MAX_AUTHORS)}
    shown |= bank_list.author_ids(filters.author, user=user)
    shown |= {line.author_id for line in lines if line.author_id}
    return {str(each.pk): str(each) for each in User.objects.filter(pk__in=shown).order_by("name", "email")}
