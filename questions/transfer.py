"""Banks into the database and out of it again.

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

from questions import content, rendering
from questions.bank_checks import BankItem
from questions.content import Level
from questions.formats.blueprint import BlueprintSpec, DomainSpec
from questions.formats.native import BankFile, Checked, QuestionEntry, ScenarioEntry, render_bank
from questions.formats.reading import FormatError, Problem
from questions.models import (
    Blueprint,
    Domain,
    Question,
    QuestionVersion,
    Scenario,
    ScenarioVersion,
    TaskStatement,
    Topic,
)

_BATCH = 500


class TransferError(Exception):
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


# The blueprint


@transaction.atomic
def load_blueprint(spec: BlueprintSpec) -> Blueprint:
    """Write the specification; again with the same one, nothing changes.

    Codes identify domains, tasks and topics, so that titles, weights and places may change. Raises
    `TransferError` when a topic that has gone has questions.
    """
    blueprint, _ = Blueprint.objects.update_or_create(
        code=spec.code,
        defaults={
            "title": spec.title,
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
        raise TransferError("in_use", ", ".join(names)) from error


def _topics(blueprint: Blueprint) -> QuerySet[Topic]:
    return Topic.objects.filter(task__domain__blueprint=blueprint)


# In


@transaction.atomic
def load_bank_file(
    bank_file: BankFile, *, blueprint: Blueprint, source: str, now: datetime, retire_gone: bool = True
) -> LoadReport:
    """Bring the database to what the file says: all of it, or nothing and a `FormatError`.

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
        outcome[_fate(question, is_same)].append(entry.code)
        if not is_same:
            changed.append((question, entry, print_now))
        question.state = Question.State.PUBLISHED
        question.retired_at = None
        question.source = source
        known[entry.code] = question
    Question.objects.bulk_create([q for q in known.values() if q.pk is None], batch_size=_BATCH)
    _publish(changed, topics, scenarios, now=now)
    fields = ["current", "state", "retired_at", "source"]
    Question.objects.bulk_update(known.values(), fields, batch_size=_BATCH)
    if retire_gone:
        outcome["retired"] += retire_missing(blueprint, keep=codes, sources=[source], now=now)
    return LoadReport(**{fate: tuple(listed) for fate, listed in outcome.items()})


@transaction.atomic
def retire_missing(
    blueprint: Blueprint, *, keep: Collection[str], now: datetime, sources: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Retire the loaded questions whose code is not in `keep`; of these `sources`, or of all files.

    Questions that were written on the site have no source and stay.
    """
    loaded = Question.objects.published().filter(blueprint=blueprint).exclude(source="")
    if sources is not None:
        loaded = loaded.filter(source__in=sources)
    kept = set(keep)
    gone = [(pk, code) for pk, code in loaded.values_list("pk", "code") if code not in kept]
    for start in range(0, len(gone), _BATCH):
        batch = [pk for pk, _ in gone[start : start + _BATCH]]
        Question.objects.filter(pk__in=batch).update(state=Question.State.RETIRED, retired_at=now)
    return tuple(sorted(code for _, code in gone))


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
) -> None:
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


def _fingerprint(entry: QuestionEntry, scenario: ScenarioEntry | None) -> str:
    return content.fingerprint(
        {
            "content": entry.content.to_json(),
            "topic": entry.topic,
            "level": str(entry.level),
            "difficulty": f"{entry.difficulty:.2f}",
            "keeps_order": entry.keep_order,
            "tags": list(entry.tags),
            "checked": _checked_json(entry.checked),
            "scenario": [scenario.code, scenario.title, scenario.text] if scenario else None,
        }
    )


def _checked_json(checked: Checked | None) -> dict[str, Any] | None:
    return {"by": checked.by, "agreed": checked.agreed} if checked else None


# Out


def export_bank(blueprint: Blueprint) -> dict[str, str]:
    """The published questions as bank files, one for each task statement that has any: name → text.

    Loading them again changes nothing, and exporting again gives the same bytes.
    """
    return {file.filename: render_bank(file) for file in published_files(blueprint)}


def published_files(blueprint: Blueprint) -> list[BankFile]:
    by_task: dict[str, list[Question]] = {}
    tasks = TaskStatement.objects.filter(domain__blueprint=blueprint).order_by("domain__position", "position")
    by_task = {code: [] for code in tasks.values_list("code", flat=True)}
    questions = Question.objects.published().filter(blueprint=blueprint, current__isnull=False)
    related = questions.select_related("current__topic__task", "current__scenario_version__scenario")
    for question in related.order_by("code"):
        by_task[_current(question).topic.task.code].append(question)
    return [_file(blueprint, code, listed) for code, listed in by_task.items() if listed]


def bank_items(files: Iterable[BankFile]) -> list[BankItem]:
    """The questions of bank files as the bank's checks want them."""
    return [
        BankItem(
            code=entry.code,
            topic=entry.topic,
            level=entry.level,
            difficulty=float(entry.difficulty),
            content=entry.content,
            scenario=entry.scenario,
        )
        for file in files
        for entry in file.questions
    ]


def _file(blueprint: Blueprint, task: str, questions: Sequence[Question]) -> BankFile:
    scenarios: dict[str, ScenarioEntry] = {}
    for question in questions:
        version = _current(question).scenario_version
        if version is not None:
            code = version.scenario.code
            scenarios[code] = ScenarioEntry(code=code, title=version.title, text=version.text)
    return BankFile(
        blueprint=blueprint.code,
        questions=tuple(_entry(question) for question in questions),
        scenarios=tuple(scenarios[code] for code in sorted(scenarios)),
        filename=f"{task}.yaml",
    )


def _entry(question: Question) -> QuestionEntry:
    version = _current(question)
    checked = version.checked
    return QuestionEntry(
        code=question.code,
        topic=version.topic.code,
        level=Level(version.level),
        difficulty=version.difficulty,
        content=version.parsed,
        scenario=version.scenario_version.scenario.code if version.scenario_version else None,
        keep_order=version.keeps_order,
        tags=tuple(version.tags),
        checked=Checked(by=checked["by"], agreed=checked["agreed"]) if checked else None,
    )


def _current(question: Question) -> QuestionVersion:
    assert question.current is not None, "only questions with a published version come here"
    return question.current
