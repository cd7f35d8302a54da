"""How many questions each filter of the bank list would leave.

One statement groups a few short columns of whatever the words, tags and codes leave; the rest is counting groups:
as many statements for 20 questions as for 20,000.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import Count

from accounts.models import User
from questions import bank_list
from questions.bank_list import NO_LEVEL, Filters
from questions.models import Blueprint, Topic

_COLUMNS = (
    "blueprint_id",
    "domain_id",
    "task_id",
    "topic_id",
    "item_type",
    "state",
    "draft_state",
    "level",
    "author_id",
    "blocks",
    "warns",
    "open_challenges",
    "is_suspect",
)
_RESETS = {"domain": {"domain", "task", "topic"}, "task": {"task", "topic"}}
"""Who goes to another domain leaves the task behind; every other facet leaves only its own choice."""
_Group = tuple[Any, ...]
"""What some rows have in `_COLUMNS`, and how many they are."""


@dataclass(frozen=True)
class _Kind:
    """How a facet reads a row: `key` of its columns, and the filter's values that the key has."""

    name: str
    key: Callable[[Any], Any]
    values: Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True)
class Outline:
    blueprints: dict[int, Blueprint]
    domains: dict[int, tuple[str, str, int]]
    """Code, title and blueprint; of tasks and topics: and what they belong to."""
    tasks: dict[int, tuple[str, str, int]]
    topics: dict[int, tuple[str, str, int]]


def outline() -> Outline:
    blueprints = {each.pk: each for each in Blueprint.objects.only("code", "title").order_by("code")}
    topics = Topic.objects.select_related("task__domain").order_by(
        "task__domain__position", "task__domain__code", "task__position", "task__code", "position", "code"
    )
    found = Outline(blueprints, {}, {}, {})
    for topic in topics.defer("covers"):
        task, domain = topic.task, topic.task.domain
        found.domains[domain.pk] = (domain.code, domain.title, domain.blueprint_id)
        found.tasks[task.pk] = (task.code, task.title, domain.pk)
        found.topics[topic.pk] = (topic.code, topic.title, task.pk)
    return found


def count(filters: Filters, outline: Outline, *, user: User) -> tuple[int, dict[str, Counter[str]]]:
    """How many rows match, and for each facet how many would with each of its values instead of those set."""
    found = bank_list.searched(filters).order_by()
    # `*` and not the key, or no index could answer alone.
    groups = list(found.values_list(*_COLUMNS).annotate(n=Count("*")))
    return _count(groups, _kinds(outline), filters, user)


def _count(
    groups: Sequence[_Group], kinds: Sequence[_Kind], filters: Filters, user: User
) -> tuple[int, dict[str, Counter[str]]]:
    tests: dict[str, Callable[[_Group], bool]] = {}
    for kind in kinds:
        wanted = set(getattr(filters, kind.name))
        if kind.name == "author":
            wanted = set(map(str, bank_list.author_ids(wanted, user=user)))
        if kind.name == "status" and not wanted and not filters.codes:
            wanted = set(bank_list.STATUSES) - {"retired"}
        if wanted:
            tests[kind.name] = _test(groups, kind, wanted)
    passing = [group for group in groups if all(test(group) for test in tests.values())]
    counts = {}
    for kind in kinds:
        left_out = _RESETS.get(kind.name, {kind.name}) & tests.keys()
        rest = [test for name, test in tests.items() if name not in left_out]
        open_to = [group for group in groups if all(test(group) for test in rest)] if left_out else passing
        counts[kind.name] = _by_value(open_to, kind)
    return sum(group[-1] for group in passing), counts


def _test(groups: Iterable[_Group], kind: _Kind, wanted: set[str]) -> Callable[[_Group], bool]:
    good = {key for key in set(map(kind.key, groups)) if not wanted.isdisjoint(kind.values(key))}
    return lambda group: kind.key(group) in good


def _by_value(groups: Iterable[_Group], kind: _Kind) -> Counter[str]:
    keys: Counter[Any] = Counter()
    for group in groups:
        keys[kind.key(group)] += group[-1]
    counts: Counter[str] = Counter()
    for key, n in keys.items():
        for value in kind.values(key):
            counts[value] += n
    return counts


def _kinds(outline: Outline) -> tuple[_Kind, ...]:
    def of(*names: str) -> Callable[[Any], Any]:
        return itemgetter(*(_COLUMNS.index(name) for name in names))

    def code(codes: dict[int, tuple[str, str, int]]) -> Callable[[Any], tuple[str, ...]]:
        return lambda pk: (codes[pk][0],) if pk in codes else ()

    blueprints = {pk: (blueprint.code, "", 0) for pk, blueprint in outline.blueprints.items()}
    return (
        _Kind("blueprint", of("blueprint_id"), code(blueprints)),
        _Kind("domain", of("domain_id"), code(outline.domains)),
        _Kind("task", of("task_id"), code(outline.tasks)),
        _Kind("topic", of("topic_id"), code(outline.topics)),
        _Kind("status", of("state", "draft_state"), lambda key: bank_list.statuses_of(*key)),
        _Kind("type", of("item_type"), lambda key: (key,)),
        _Kind("level", of("level"), lambda key: (key or NO_LEVEL,)),
        _Kind("findings", of("blocks", "warns"), lambda key: bank_list.findings_of(*key)),
        _Kind("challenged", of("open_challenges"), lambda key: ("1",) if key else ()),
        _Kind("suspect", of("is_suspect"), lambda key: ("1",) if key else ()),
        _Kind("author", of("author_id"), lambda key: () if key is None else (str(key),)),
    )
