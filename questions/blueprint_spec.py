"""A blueprint as values: what its form shows, what a save stores, and how two of them differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

from questions import content
from questions.models import Blueprint, TaskStatement, Topic


@dataclass(frozen=True)
class Rule:
    pattern: str
    why: str


@dataclass(frozen=True)
class Head:
    """Everything of a specification but its outline."""

    title: str
    items: int
    scored_items: int
    minutes: int
    scale_low: int = 100
    scale_high: int = 1000
    passing_score: int = 720
    item_types: tuple[str, ...] = ()
    disclaimer: str = ""
    notice: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    coverage_per_topic: int = 3
    forbidden: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class TopicPart:
    """`id` is the row's that it changes; None makes a new one. So are the other parts'."""

    code: str
    title: str
    covers: str = ""
    id: int | None = None


@dataclass(frozen=True)
class TaskPart:
    code: str
    title: str
    topics: tuple[TopicPart, ...] = ()
    id: int | None = None


@dataclass(frozen=True)
class DomainPart:
    code: str
    title: str
    weight: Decimal
    cut: Decimal | None = None
    tasks: tuple[TaskPart, ...] = ()
    id: int | None = None


@dataclass(frozen=True)
class Spec:
    head: Head
    domains: tuple[DomainPart, ...] = field(default=())

    @property
    def tasks(self) -> tuple[TaskPart, ...]:
        return tuple(task for domain in self.domains for task in domain.tasks)

    @property
    def topics(self) -> tuple[TopicPart, ...]:
        return tuple(topic for task in self.tasks for topic in task.topics)

    @property
    def total_weight(self) -> Decimal:
        return sum((domain.weight for domain in self.domains), Decimal(0))


def spec_of(blueprint: Blueprint) -> Spec:
    """What is stored, in the order of the outline, in three queries."""
    topics: dict[int, list[TopicPart]] = {}
    for topic in Topic.objects.filter(task__domain__blueprint=blueprint).order_by("position", "code"):
        part = TopicPart(topic.code, topic.title, topic.covers, topic.pk)
        topics.setdefault(topic.task_id, []).append(part)
    tasks: dict[int, list[TaskPart]] = {}
    for task in TaskStatement.objects.filter(domain__blueprint=blueprint).order_by("position", "code"):
        own = TaskPart(task.code, task.title, tuple(topics.get(task.pk, ())), task.pk)
        tasks.setdefault(task.domain_id, []).append(own)
    values = {each.name: getattr(blueprint, each.name) for each in fields(Head)}
    values["item_types"] = tuple(blueprint.item_types)
    values["forbidden"] = tuple(Rule(rule["pattern"], rule["why"]) for rule in blueprint.forbidden)
    return Spec(
        Head(**values),
        tuple(
            DomainPart(
                domain.code,
                domain.title,
                domain.weight,
                domain.cut,
                tuple(tasks.get(domain.pk, ())),
                domain.pk,
            )
            for domain in blueprint.domains.order_by("position", "code")
        ),
    )


def fingerprint(spec: Spec) -> str:
    """Equal for equal specifications; a form carries it, so that two editors can't overwrite each other."""
    return content.fingerprint(_plain(asdict(spec)))


def _plain(value: Any) -> Any:
    """As JSON can hold it, numbers by their value: 20 and 20.00 are one weight."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


@dataclass(frozen=True)
class Difference:
    """One thing that is stored otherwise than typed; empty where a side doesn't have it."""

    what: str
    stored: str
    typed: str


def differences(stored: Spec, typed: Spec) -> list[Difference]:
    """Line by line, for somebody who has to decide between the two."""
    ours, theirs = _lines(typed), _lines(stored)
    return [
        Difference(what, theirs.get(what, ""), ours.get(what, ""))
        for what in dict.fromkeys([*theirs, *ours])
        if theirs.get(what) != ours.get(what)
    ]


def _lines(spec: Spec) -> dict[str, str]:
    lines = {name: str(value) for name, value in _plain(asdict(spec.head)).items() if name != "forbidden"}
    lines["item_types"] = ", ".join(spec.head.item_types)
    lines["forbidden"] = "; ".join(rule.pattern for rule in spec.head.forbidden)
    for domain in spec.domains:
        cut = "" if domain.cut is None else f", {_plain(domain.cut)}"
        lines[domain.code] = f"{domain.title} ({_plain(domain.weight)} %{cut})"
    for task in spec.tasks:
        lines[task.code] = task.title
    for topic in spec.topics:
        lines[topic.code] = f"{topic.title} – {topic.covers}" if topic.covers else topic.title
    return lines
