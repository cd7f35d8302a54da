"""What the pages of blueprints show: the outline with how many questions each part has, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum

from questions import following
from questions.models import Blueprint, Domain, Draft, Question, TaskMapping, TaskStatement, Topic


@dataclass(frozen=True)
class Counts:
    """`drafts` are questions in work, whether or not an earlier version is published."""

    published: int = 0
    drafts: int = 0
    retired: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.published + other.published, self.drafts + other.drafts, self.retired + other.retired
        )


@dataclass(frozen=True)
class TopicLine:
    topic: Topic
    counts: Counts
    is_thin: bool


@dataclass(frozen=True)
class TaskLine:
    task: TaskStatement
    counts: Counts
    topics: tuple[TopicLine, ...]
    was: tuple[str, ...]
    """The tasks of the earlier version that it was made from."""


@dataclass(frozen=True)
class DomainLine:
    domain: Domain
    weight: str
    cut: str
    counts: Counts
    tasks: tuple[TaskLine, ...]


@dataclass(frozen=True)
class Became:
    """A task of this version in the next one; `tasks` is empty where it has gone."""

    old: TaskStatement
    tasks: tuple[TaskStatement, ...]


@dataclass(frozen=True)
class NextVersion:
    blueprint: Blueprint
    lines: tuple[Became, ...]


@dataclass(frozen=True)
class BlueprintPage:
    blueprint: Blueprint
    domains: tuple[DomainLine, ...]
    counts: Counts
    total_weight: str
    to_bring: int
    """Published questions of the exam before."""
    next_versions: tuple[NextVersion, ...]

    @property
    def bank_query(self) -> str:
        return urlencode({"blueprint": self.blueprint.code})


def listed() -> QuerySet[Blueprint]:
    return (
        Blueprint.objects.select_related("follows")
        .annotate(domain_count=Count("domains"), weight_total=Sum("domains__weight"))
        .order_by("code")
    )


def question_counts() -> dict[int, Counts]:
    """Per blueprint id, in two queries."""
    states: Counter[tuple[int, str]] = Counter()
    rows = Question.objects.order_by().values_list("blueprint", "state").annotate(n=Count("id"))
    for blueprint_id, state, n in rows:
        states[blueprint_id, state] = n
    drafts = dict(
        Draft.objects.order_by()
        .values_list("question__blueprint")
        .annotate(n=Count("id"))
        .values_list("question__blueprint", "n")
    )
    state_of = Question.State
    return {
        pk: Counts(states[pk, state_of.PUBLISHED], drafts.get(pk, 0), states[pk, state_of.RETIRED])
        for pk in {pk for pk, _ in states} | set(drafts)
    }


def blueprint_page(blueprint: Blueprint) -> BlueprintPage:
    """In a number of queries that neither outline nor bank raises."""
    counts = _counts_by_topic(blueprint)
    was: dict[int, list[str]] = {}
    mappings = TaskMapping.objects.filter(new__domain__blueprint=blueprint).order_by("old__code")
    for new_id, code in mappings.values_list("new_id", "old__code"):
        was.setdefault(new_id, []).append(code)
    domains = []
    for domain in blueprint.domains.prefetch_related("tasks__topics").order_by("position", "code"):
        tasks = []
        for task in domain.tasks.all():
            topics = tuple(
                TopicLine(topic, of_topic, of_topic.published < blueprint.coverage_per_topic)
                for topic in task.topics.all()
                for of_topic in [counts.get(topic.pk, Counts())]
            )
            total = sum((line.counts for line in topics), Counts())
            tasks.append(TaskLine(task, total, topics, tuple(was.get(task.pk, ()))))
        domains.append(
            DomainLine(
                domain,
                weight=format(domain.weight.normalize(), "f"),
                cut="" if domain.cut is None else format(domain.cut.normalize(), "f"),
                counts=sum((line.counts for line in tasks), Counts()),
                tasks=tuple(tasks),
            )
        )
    weight = sum(line.domain.weight for line in domains)
    return BlueprintPage(
        blueprint=blueprint,
        domains=tuple(domains),
        counts=sum((line.counts for line in domains), Counts()),
        total_weight=format(weight.normalize(), "f") if weight else "0",
        to_bring=following.published_before(blueprint),
        next_versions=_next_versions(blueprint, [line.task for d in domains for line in d.tasks]),
    )


def _counts_by_topic(blueprint: Blueprint) -> dict[int, Counts]:
    found: Counter[tuple[int | None, str]] = Counter()
    published = Question.objects.filter(blueprint=blueprint, current__isnull=False).order_by()
    for topic_id, state, n in published.values_list("current__topic", "state").annotate(n=Count("id")):
        found[topic_id, state] += n
    drafts = Draft.objects.filter(question__blueprint=blueprint, topic__isnull=False).order_by()
    for topic_id, n in drafts.values_list("topic").annotate(n=Count("id")):
        found[topic_id, Question.State.DRAFT] += n
    state_of = Question.State
    return {
        pk: Counts(found[pk, state_of.PUBLISHED], found[pk, state_of.DRAFT], found[pk, state_of.RETIRED])
        for pk in {pk for pk, _ in found}
        if pk is not None
    }


def _next_versions(blueprint: Blueprint, tasks: list[TaskStatement]) -> tuple[NextVersion, ...]:
    became: dict[tuple[int, int], list[TaskStatement]] = {}
    mappings = (
        TaskMapping.objects.filter(old__domain__blueprint=blueprint)
        .select_related("new__domain")
        .order_by("new__domain__position", "new__position")
    )
    for mapping in mappings:
        became.setdefault((mapping.new.domain.blueprint_id, mapping.old_id), []).append(mapping.new)
    return tuple(
        NextVersion(
            version, tuple(Became(task, tuple(became.get((version.pk, task.pk), ()))) for task in tasks)
        )
        for version in blueprint.followed_by.order_by("code")
    )
