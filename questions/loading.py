"""Banks into the database.

What is loaded is published. A published version never changes: another content is the next version, and a
question that has gone from its file is retired, not deleted, for attempts point to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, ProtectedError, QuerySet

from questions import listing, rendering, versions
from questions.formats.blueprint import BlueprintSpec, DomainSpec
from questions.formats.native import BankFile, Checked, QuestionEntry, ScenarioEntry
from questions.formats.reading import FormatError, Problem
from questions.models import (
    Blueprint,
    Domain,
    Question,
    QuestionEvent,
    QuestionTag,
    QuestionVersion,
    Scenario,
    ScenarioVersion,
    TaskStatement,
    Topic,
)

_BATCH = 500


class LoadingError(Exception):
    """`code` is `in_use`: a part of the outline that has gone is still used by questions or results."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class LoadReport:
    """The codes of the questions to which each thing happened; a question is in one list only."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """What the site says of these is somebody's work: the file says otherwise and was not followed."""


# The blueprint


@transaction.atomic
def load_blueprint(spec: BlueprintSpec, *, overwrite: bool = False) -> Blueprint:
    """Write the specification; again with the same one, nothing changes.

    Codes identify domains, tasks and topics, so that titles, weights and places may change. One that was
    edited on the site stays as it is, unless the caller wants to `overwrite` it. Raises `LoadingError` when a
    topic that has gone has questions.
    """
    edited = Blueprint.objects.filter(code=spec.code, edited_at__isnull=False).first()
    if edited is not None and not overwrite:
        return edited
    blueprint, _ = Blueprint.objects.update_or_create(
        code=spec.code,
        defaults={
            "title": spec.title,
            "edited_at": None,
            "disclaimer": spec.disclaimer,
            "notice": spec.notice,
            "items": spec.items,
            "scored_items": spec.scored_items,
            "minutes": spec.minutes,
            "scale_low": spec.scale_low,
            "scale_high": spec.scale_high,
            "passing_score": spec.passing_score,
            "item_types": list(spec.item_types),
            "valid_from": spec.valid_from,
            "valid_until": spec.valid_until,
            "coverage_per_topic": spec.coverage_per_topic,
            "forbidden": [{"pattern": rule.pattern, "why": rule.why} for rule in spec.forbidden],
        },
    )
    tasks = {task.code: task for task in TaskStatement.objects.filter(domain__blueprint=blueprint)}
    topics = {topic.code: topic for topic in _topics(blueprint)}
    for position, domain_spec in enumerate(spec.domains):
        domain, _ = Domain.objects.update_or_create(
            blueprint=blueprint,
            code=domain_spec.code,
            defaults={
                "title": domain_spec.title,
                "weight": domain_spec.weight,
                "cut": domain_spec.cut,
                "position": position,
            },
        )
        _load_tasks(domain, domain_spec, tasks, topics)
    _drop(_topics(blueprint).exclude(code__in=spec.topic_codes))
    _drop(
        TaskStatement.objects.filter(domain__blueprint=blueprint).exclude(
            code__in=[t.code for t in spec.tasks]
        )
    )
    _drop(blueprint.domains.exclude(code__in=[d.code for d in spec.domains]))
    return blueprint


def _load_tasks(
    domain: Domain, spec: DomainSpec, tasks: Mapping[str, TaskStatement], topics: Mapping[str, Topic]
) -> None:
    for position, task_spec in enumerate(spec.tasks):
        task = tasks.get(task_spec.code) or TaskStatement(code=task_spec.code)
        task.domain, task.title, task.position = domain, task_spec.title, position
        task.save()
        for place, topic_spec in enumerate(task_spec.topics):
            topic = topics.get(topic_spec.code) or Topic(code=topic_spec.code)
            topic.task, topic.title, topic.covers, topic.position = (
                task,
                topic_spec.title,
                topic_spec.covers,
                place,
            )
            topic.save()


def _drop(rows: QuerySet[Any]) -> None:
    try:
        rows.delete()
    except ProtectedError as error:
        names = sorted(str(row) for row in rows.all())
        raise LoadingError("in_use", ", ".join(names)) from error


def _topics(blueprint: Blueprint) -> QuerySet[Topic]:
    return Topic.objects.filter(task__domain__blueprint=blueprint)


# In


@transaction.atomic
def load_bank_file(
    bank_file: BankFile,
    *,
    blueprint: Blueprint,
    source: str,
    now: datetime,
    retire_gone: bool = True,
    overwrite: bool = False,
) -> LoadReport:
    """Bring the database to what the file says: all of it, or nothing and a `FormatError`.

    A question that somebody has published, retired or begun on the site is kept as it is there: a file that
    comes with the next release mustn't undo a review. `overwrite` follows the file all the same.

    Questions that came from `source` and are no longer in the file are retired, unless `retire_gone` is
    False because other files, still to come, may hold them (`retire_missing` then does it).
    """
    # Two loads at once would give two versions the same number; they queue here.
    Blueprint.objects.select_for_update().get(pk=blueprint.pk)
    topics = {topic.code: topic for topic in _topics(blueprint)}
    codes = [entry.code for entry in bank_file.questions]
    known = {q.code: q for q in Question.objects.filter(code__in=codes).select_related("current")}
    _refuse(bank_file, blueprint, topics, known)
    scenarios = _load_scenarios(bank_file.scenarios, blueprint=blueprint, now=now)
    texts = {entry.code: entry for entry in bank_file.scenarios}
    outcome: dict[str, list[str]] = defaultdict(list)
    changed: list[tuple[Question, QuestionEntry, str]] = []
    for entry in bank_file.questions:
        print_now = _fingerprint(entry, texts.get(entry.scenario or ""))
        question = known.get(entry.code) or Question(blueprint=blueprint, code=entry.code)
        is_same = question.current is not None and question.current.fingerprint == print_now
        if not overwrite and _is_of_the_site(question, is_same):
            outcome["kept"].append(entry.code)
            known.pop(entry.code)
            continue
        outcome[_fate(question, is_same)].append(entry.code)
        if not is_same:
            changed.append((question, entry, print_now))
        question.state = Question.State.PUBLISHED
        question.retired_at, question.retired_because = None, ""
        question.source = source
        known[entry.code] = question
    Question.objects.bulk_create([q for q in known.values() if q.pk is None], batch_size=_BATCH)
    published = _publish(changed, topics, scenarios, now=now)
    fields = ["current", "state", "retired_at", "retired_because", "source"]
    Question.objects.bulk_update(known.values(), fields, batch_size=_BATCH)
    _file_under_tags(bank_file.questions, known)
    _record_loaded(published, source=source, now=now)
    back = outcome["restored"]
    listing.refresh({q.pk for q, _, _ in changed} | {known[code].pk for code in back})
    if retire_gone:
        outcome["retired"] += retire_missing(blueprint, keep=codes, sources=[source], now=now)
    return LoadReport(**{fate: tuple(listed) for fate, listed in outcome.items()})


@transaction.atomic
def retire_missing(
    blueprint: Blueprint, *, keep: Collection[str], now: datetime, sources: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Retire the loaded questions whose code is not in `keep`; of these `sources`, or of all files.

    Questions that were written or published on the site stay.
    """
    loaded = (
        Question.objects.published()
        .filter(blueprint=blueprint, current__published_by=None)
        .exclude(source="")
    )
    if sources is not None:
        loaded = loaded.filter(source__in=sources)
    kept = set(keep)
    gone = [(pk, code) for pk, code in loaded.values_list("pk", "code") if code not in kept]
    for start in range(0, len(gone), _BATCH):
        batch = [pk for pk, _ in gone[start : start + _BATCH]]
        Question.objects.filter(pk__in=batch).update(state=Question.State.RETIRED, retired_at=now)
        listing.refresh(batch)
    return tuple(sorted(code for _, code in gone))


def _is_of_the_site(question: Question, is_same: bool) -> bool:
    """Whether the site has a text or a verdict of its own that the file would undo."""
    if question.pk is None:
        return False
    if question.state == Question.State.RETIRED and question.retired_because:
        return True
    return question.current is None or (not is_same and question.current.published_by_id is not None)


def _fate(question: Question, is_same: bool) -> str:
    if question.pk is None:
        return "created"
    if question.state == Question.State.RETIRED:
        return "restored"
    return "unchanged" if is_same else "updated"


def _refuse(
    bank_file: BankFile, blueprint: Blueprint, topics: Collection[str], known: Mapping[str, Question]
) -> None:
    problems = []
    if bank_file.blueprint != blueprint.code:
        why = f"The file belongs to the blueprint “{bank_file.blueprint}”, not to “{blueprint.code}”."
        problems.append(Problem(bank_file.filename, 1, "", why))
    for entry in bank_file.questions:
        if entry.topic not in topics:
            why = f"The topic “{entry.topic}” is not in the blueprint. Use a topic code of its outline."
            problems.append(Problem(bank_file.filename, entry.line, entry.code, why))
        owner = known.get(entry.code)
        if owner is not None and owner.blueprint_id != blueprint.pk:
            why = "Another blueprint has a question with this code. Choose another code."
            problems.append(Problem(bank_file.filename, entry.line, entry.code, why))
    foreign = Scenario.objects.filter(code__in=[s.code for s in bank_file.scenarios]).exclude(
        blueprint=blueprint
    )
    taken = set(foreign.values_list("code", flat=True))
    for scenario in bank_file.scenarios:
        if scenario.code in taken:
            why = "Another blueprint has a scenario with this code. Choose another code."
            problems.append(Problem(bank_file.filename, scenario.line, scenario.code, why))
    if problems:
        raise FormatError(problems)


def _load_scenarios(
    entries: Sequence[ScenarioEntry], *, blueprint: Blueprint, now: datetime
) -> dict[str, ScenarioVersion]:
    """The current version of each scenario of the file, made where the text is new."""
    codes = [entry.code for entry in entries]
    known = {s.code: s for s in Scenario.objects.filter(code__in=codes).select_related("current")}
    versions = {}
    for entry in entries:
        scenario = known.get(entry.code) or Scenario.objects.create(blueprint=blueprint, code=entry.code)
        current = scenario.current
        if current is None or (current.title, current.text) != (entry.title, entry.text):
            last = scenario.versions.aggregate(last=Max("number"))["last"] or 0
            current = scenario.versions.create(
                number=last + 1,
                title=entry.title,
                text=entry.text,
                rendered=rendering.render(entry.text),
                published_at=now,
            )
            scenario.current = current
            scenario.save(update_fields=["current"])
        versions[entry.code] = current
    return versions


def _publish(
    changed: Iterable[tuple[Question, QuestionEntry, str]],
    topics: Mapping[str, Topic],
    scenarios: Mapping[str, ScenarioVersion],
    *,
    now: datetime,
) -> list[QuestionVersion]:
    """Write the next version of each question and make it the current one (the caller saves the question)."""
    changed = list(changed)
    numbered = QuestionVersion.objects.filter(question__in=[question for question, _, _ in changed])
    last = dict(numbered.values_list("question").annotate(last=Max("number")))
    versions = [
        QuestionVersion(
            question=question,
            number=last.get(question.pk, 0) + 1,
            topic=topics[entry.topic],
            scenario_version=scenarios[entry.scenario] if entry.scenario else None,
            item_type=str(entry.content.item_type),
            level=str(entry.level),
            difficulty=entry.difficulty,
            keeps_order=entry.keep_order,
            content=entry.content.to_json(),
            rendered=rendering.render_content(entry.content),
            fingerprint=fingerprint,
            tags=list(entry.tags),
            checked=_checked_json(entry.checked),
            published_at=now,
        )
        for question, entry, fingerprint in changed
    ]
    for version in QuestionVersion.objects.bulk_create(versions, batch_size=_BATCH):
        version.question.current = version
    return versions


def _fingerprint(entry: QuestionEntry, scenario: ScenarioEntry | None) -> str:
    return versions.fingerprint(
        entry.content,
        topic=entry.topic,
        level=str(entry.level),
        difficulty=entry.difficulty,
        keeps_order=entry.keep_order,
        tags=entry.tags,
        checked=_checked_json(entry.checked),
        scenario=(scenario.code, scenario.title, scenario.text) if scenario else None,
    )


def _file_under_tags(entries: Iterable[QuestionEntry], known: Mapping[str, Question]) -> None:
    """Add the file's tags; those that somebody has added on the site stay."""
    tags = [
        QuestionTag(question=known[entry.code], name=name)
        for entry in entries
        if entry.code in known
        for name in entry.tags
    ]
    QuestionTag.objects.bulk_create(tags, ignore_conflicts=True, batch_size=_BATCH)


def _record_loaded(published: Iterable[QuestionVersion], *, source: str, now: datetime) -> None:
    QuestionEvent.objects.bulk_create(
        (
            QuestionEvent(
                question=version.question,
                number=version.number,
                kind=QuestionEvent.Kind.LOADED,
                at=now,
                detail={"source": source},
            )
            for version in published
        ),
        batch_size=_BATCH,
    )


def _checked_json(checked: Checked | None) -> dict[str, Any] | None:
    return {"by": checked.by, "agreed": checked.agreed} if checked else None
