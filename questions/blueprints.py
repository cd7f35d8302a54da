"""An exam's specification, changed by hand: made, edited, and copied as the exam's next version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from questions import tasks
from questions.blueprint_spec import DomainPart, Head, Spec, TaskPart, TopicPart, fingerprint, spec_of
from questions.models import (
    Blueprint,
    Domain,
    Listing,
    Question,
    StudyNote,
    TaskMapping,
    TaskStatement,
    Topic,
)

PARKED = "~"
"""Begins a code that is in nobody's way while codes change places; no real one can begin with it."""


class BlueprintError(Exception):
    """`code`: code_taken, no_domains, weights, code_twice, in_use, changed_meanwhile, unknown_part or unmapped.

    `detail` names what it is about; `uses` what still needs a part that was to go.
    """

    def __init__(self, code: str, detail: str = "", *, uses: Sequence[Use] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.uses = tuple(uses)


@dataclass(frozen=True)
class Use:
    """What needs a part: the model's name, how many, and some of those that have names."""

    what: str
    count: int
    examples: tuple[str, ...]


# ── writing ──


def create_blueprint(spec: Spec, *, code: str) -> Blueprint:
    """A new exam. Raises `BlueprintError`."""
    _check(spec)
    try:
        with transaction.atomic():
            blueprint = Blueprint.objects.create(code=code, **_values(spec.head))
            _write(blueprint, spec)
    except IntegrityError as error:
        raise BlueprintError("code_taken", code) from error
    return blueprint


@transaction.atomic
def edit_blueprint(blueprint: Blueprint, spec: Spec, *, seen: str, now: datetime) -> Blueprint:
    """Store `spec`, unless what is stored is no longer what the editor has `seen` (its fingerprint).

    Parts without an id are made, parts that are missing go, unless something needs them.
    """
    _check(spec)
    # Two editors who save at once: the second must find what the first has written.
    blueprint = Blueprint.objects.select_for_update(no_key=True).get(pk=blueprint.pk)
    stored = spec_of(blueprint)
    if fingerprint(stored) != seen:
        raise BlueprintError("changed_meanwhile")
    for known, given in (
        (stored.domains, spec.domains),
        (stored.tasks, spec.tasks),
        (stored.topics, spec.topics),
    ):
        ids = [part.id for part in given if part.id is not None]
        if len(ids) != len(set(ids)) or not set(ids) <= {part.id for part in known}:
            raise BlueprintError("unknown_part")
    for name, value in _values(spec.head).items():
        setattr(blueprint, name, value)
    blueprint.edited_at = now
    blueprint.save()
    _write(blueprint, spec)
    if stale := _stale_lines(blueprint, stored, spec):
        # A large bank takes seconds: whoever else edits it needn't wait for them.
        tasks.enqueue_listings(stale)
    return blueprint


def _stale_lines(blueprint: Blueprint, before: Spec, after: Spec) -> list[int]:
    """The questions whose line of the bank list names a topic's old title or judges by old patterns."""
    if before.head.forbidden != after.head.forbidden:
        return list(Question.objects.filter(blueprint=blueprint).values_list("pk", flat=True))
    named = {topic.id: (topic.code, topic.title) for topic in before.topics}
    renamed = [
        topic.id for topic in after.topics if named.get(topic.id) not in (None, (topic.code, topic.title))
    ]
    return list(Listing.objects.filter(topic__in=renamed).values_list("question", flat=True))


def _check(spec: Spec) -> None:
    if not spec.domains:
        raise BlueprintError("no_domains")
    if spec.total_weight != 100:
        raise BlueprintError("weights", format(spec.total_weight.normalize(), "f"))
    for parts in (spec.domains, spec.tasks, spec.topics):
        counted = Counter(part.code for part in parts)
        if twice := [code for code, n in counted.items() if n > 1]:
            raise BlueprintError("code_twice", ", ".join(twice))


def _values(head: Head) -> dict[str, Any]:
    values = {each.name: getattr(head, each.name) for each in fields(Head)}
    values["item_types"] = list(head.item_types)
    values["forbidden"] = [asdict(rule) for rule in head.forbidden]
    return values


def _write(blueprint: Blueprint, spec: Spec) -> None:
    """Bring the outline to `spec`. The codes go aside first, so that two of them may change places."""
    domains = {row.pk: row for row in blueprint.domains.all()}
    tasks = {row.pk: row for row in TaskStatement.objects.filter(domain__blueprint=blueprint)}
    topics = {row.pk: row for row in Topic.objects.filter(task__domain__blueprint=blueprint)}
    _remove(topics, spec.topics)
    for model, known in ((Domain, domains), (TaskStatement, tasks), (Topic, topics)):
        parked = models.functions.Concat(
            models.Value(PARKED), models.F("pk"), output_field=models.CharField()
        )
        model._default_manager.filter(pk__in=list(known)).update(code=parked)
    for d, domain_part in enumerate(spec.domains, start=1):
        domain = domains.get(domain_part.id or 0) or Domain(blueprint=blueprint)
        domain.code, domain.title, domain.position = domain_part.code, domain_part.title, d
        domain.weight, domain.cut = domain_part.weight, domain_part.cut
        domain.save()
        for t, task_part in enumerate(domain_part.tasks, start=1):
            task = tasks.get(task_part.id or 0) or TaskStatement()
            task.domain, task.code, task.title, task.position = domain, task_part.code, task_part.title, t
            task.save()
            for p, part in enumerate(task_part.topics, start=1):
                topic = topics.get(part.id or 0) or Topic()
                topic.task, topic.code, topic.position = task, part.code, p
                topic.title, topic.covers = part.title, part.covers
                topic.save()
            # The bank list files questions by task: its lines follow their topic before an empty task goes.
            lines = Listing.objects.filter(topic__task=task).exclude(task=task, domain=domain)
            lines.update(task=task, domain=domain)
    _remove(tasks, spec.tasks)
    _remove(domains, spec.domains)


def _remove(known: Mapping[int, Any], kept: Iterable[Any]) -> None:
    ids = {part.id for part in kept}
    for row in known.values():
        if row.pk in ids:
            continue
        if uses := uses_of(row):
            raise BlueprintError("in_use", row.code, uses=uses)
        row.delete()


def uses_of(part: Domain | TaskStatement | Topic) -> list[Use]:
    """What would be lost or refused if this part went; empty when it may go."""
    found: dict[type[models.Model], list[models.Model]] = {}
    notes = {
        Domain: {"topic__task__domain": part},
        TaskStatement: {"topic__task": part},
        Topic: {"topic": part},
    }[type(part)]
    # A note goes with its topic, says the database: nobody should lose one by a click beside it.
    if written := list(StudyNote.objects.filter(**notes)):
        found[StudyNote] = list(written)
    try:
        with transaction.atomic():
            type(part)._default_manager.filter(pk=part.pk).delete()
            raise _Undo
    except _Undo:
        pass
    except ProtectedError as error:
        for row in error.protected_objects:
            found.setdefault(type(row), []).append(row)
    return [
        Use(
            str(model._meta.verbose_name if len(rows) == 1 else model._meta.verbose_name_plural),
            len(rows),
            # What learners have left behind has no name that says anything.
            tuple(sorted({str(row) for row in rows})[:3]) if model._meta.app_label == "questions" else (),
        )
        for model, rows in found.items()
    ]


class _Undo(Exception):
    """Rolls a try-out back."""


# ── the next version ──


@dataclass(frozen=True)
class NewTask:
    code: str
    title: str


@transaction.atomic
def copy_blueprint(
    old: Blueprint, *, code: str, title: str, became: Mapping[str, Sequence[NewTask]]
) -> Blueprint:
    """The exam's next version, and what each task of the old one has become in it.

    became: per code of an old task its new tasks; none means that it has gone. Two old tasks with the same
    new one are joined in it. Topics go along with their task, to the first of several.
    """
    spec = spec_of(old)
    old_ids = {task.code: task.id or 0 for task in spec.tasks}
    if unmapped := [task.code for task in spec.tasks if task.code not in became]:
        raise BlueprintError("unmapped", ", ".join(unmapped))
    next_day = old.valid_until + timedelta(days=1) if old.valid_until else None
    head = Head(**{**vars(spec.head), "title": title, "valid_from": next_day, "valid_until": None})
    new = create_blueprint(Spec(head, _next_domains(spec, became)), code=code)
    new.follows = old
    new.save(update_fields=("follows",))
    rows = {task.code: task for task in TaskStatement.objects.filter(domain__blueprint=new)}
    TaskMapping.objects.bulk_create(
        TaskMapping(old_id=old_ids[task.code], new=rows[new_code])
        for task in spec.tasks
        for new_code in dict.fromkeys(each.code for each in became[task.code])
    )
    return new


def _next_domains(spec: Spec, became: Mapping[str, Sequence[NewTask]]) -> tuple[DomainPart, ...]:
    """A new task stands where the first of its old ones stood."""
    titles: dict[str, str] = {}
    topics: dict[str, list[TopicPart]] = {}
    places: dict[str, list[str]] = {domain.code: [] for domain in spec.domains}
    for domain in spec.domains:
        for task in domain.tasks:
            for number, each in enumerate(became[task.code]):
                if each.code not in titles:
                    titles[each.code] = each.title
                    places[domain.code].append(each.code)
                if number == 0:
                    topics.setdefault(each.code, []).extend(task.topics)
    return tuple(
        DomainPart(
            domain.code,
            domain.title,
            domain.weight,
            domain.cut,
            tuple(
                TaskPart(
                    new_code,
                    titles[new_code],
                    tuple(TopicPart(t.code, t.title, t.covers) for t in topics.get(new_code, ())),
                )
                for new_code in places[domain.code]
            ),
        )
        for domain in spec.domains
    )
