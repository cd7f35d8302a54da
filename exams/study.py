"""What there is to read on each topic, beside what the learner has shown of it so far."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID, uuid4

from django.db.models import Count, Q
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from exams import assembly, disclosure, evidence, figures, psychometrics, standing
from exams.evidence import Kind, Tally
from exams.figures import Figure
from exams.models import Attempt, Exposure, Response
from exams.standing import Standing, StandingDomain, StandingTask
from questions.formats.native import CODE
from questions.models import Blueprint, Question, StudyNote, Topic


@dataclass(frozen=True)
class StudyTopic:
    """`record` counts the learner's first exposures on the topic, mocks and practice together."""

    code: str
    title: str
    has_note: bool
    questions: int
    unmet: int
    record: Tally

    @property
    def is_a_hint(self) -> bool:
        """Too few for an estimate: the counts alone are shown."""
        return self.record.seen < psychometrics.MIN_SEEN


@dataclass(frozen=True)
class NoteLink:
    """To a topic that has a note."""

    code: str
    title: str


@dataclass(frozen=True)
class StudyTask:
    row: StandingTask
    topics: tuple[StudyTopic, ...]


@dataclass(frozen=True)
class StudyDomain:
    row: StandingDomain
    tasks: tuple[StudyTask, ...]


@dataclass(frozen=True)
class StudyPage:
    blueprint: Blueprint
    standing: Standing
    domains: tuple[StudyDomain, ...]

    @property
    def topics(self) -> tuple[StudyTopic, ...]:
        return tuple(topic for domain in self.domains for task in domain.tasks for topic in task.topics)

    @property
    def note_count(self) -> int:
        return sum(topic.has_note for topic in self.topics)


@dataclass(frozen=True)
class NotePage:
    """`html` is empty while nobody has written the note; `figure` needs three questions seen."""

    blueprint_code: str
    domain_code: str
    domain_title: str
    task: StandingTask
    topic: StudyTopic
    title: str
    html: SafeString
    covers: str
    updated_at: datetime | None
    figure: Figure | None
    previous: StudyTopic | None
    following: StudyTopic | None
    start_key: UUID


def study_page(learner: User, blueprint: Blueprint, *, now: datetime) -> StudyPage:
    """The whole outline, in a number of statements that neither topics nor sittings raise."""
    stands = standing.standing(learner, blueprint, now=now)
    topics = _topics(learner, blueprint, now=now)
    # The standing ranks its tasks by weakness; a table of contents keeps the order of the outline.
    order = {code: place for place, code in enumerate(topics)}
    tasks = sorted(stands.tasks, key=lambda task: order.get(task.code, len(order)))
    return StudyPage(
        blueprint=blueprint,
        standing=stands,
        domains=tuple(
            StudyDomain(
                domain,
                tuple(
                    StudyTask(task, tuple(topics.get(task.code, ())))
                    for task in tasks
                    if task.domain_code == domain.code
                ),
            )
            for domain in stands.domains
        ),
    )


def notes_by_task(blueprint: Blueprint) -> dict[str, list[NoteLink]]:
    """Per task code, for pages that show tasks and want to lead to what there is to read."""
    notes = StudyNote.objects.filter(topic__task__domain__blueprint=blueprint)
    rows = notes.order_by("topic__position", "topic__code").values_list(
        "topic__task__code", "topic__code", "topic__title"
    )
    links: dict[str, list[NoteLink]] = defaultdict(list)
    for task_code, code, title in rows:
        links[task_code].append(NoteLink(code, title))
    return dict(links)


def topic_called(code: str, *, blueprint: Blueprint | None) -> Topic | None:
    """The topic with this code in the blueprint; without one, in the first that has it."""
    if not re.fullmatch(CODE, code):
        return None
    found = Topic.objects.filter(code=code).select_related("task__domain__blueprint")
    if blueprint is not None:
        found = found.filter(task__domain__blueprint=blueprint)
    return found.order_by("task__domain__blueprint").first()


def note_page(learner: User, topic: Topic, *, now: datetime) -> NotePage:
    """A topic's note with its neighbours in the outline; the same number of statements for each."""
    domain = topic.task.domain
    blueprint = domain.blueprint
    stands = standing.standing(learner, blueprint, now=now)
    outline = [row for rows in _topics(learner, blueprint, now=now).values() for row in rows]
    place = next(number for number, row in enumerate(outline) if row.code == topic.code)
    row = outline[place]
    task = next(each for each in stands.tasks if each.code == topic.task.code)
    note = StudyNote.objects.filter(topic=topic).first()
    return NotePage(
        blueprint_code=blueprint.code,
        domain_code=domain.code,
        domain_title=domain.title,
        task=task,
        topic=row,
        title=note.title if note else topic.title,
        # Rendered and cleaned by questions.rendering.
        html=mark_safe(note.rendered if note else ""),
        covers=topic.covers,
        updated_at=note.updated_at if note else None,
        figure=None if row.is_a_hint else _figure(row.record, topic, blueprint, task.figure.target),
        previous=outline[place - 1] if place else None,
        following=outline[place + 1] if place + 1 < len(outline) else None,
        start_key=uuid4(),
    )


def _figure(record: Tally, topic: Topic, blueprint: Blueprint, target: float) -> Figure:
    """Against the task's prior and target: a topic has none of its own."""
    priors = evidence.priors_of(blueprint, kind=Kind.MOCK)
    prior = priors.of_task(topic.task_id, topic.task.domain_id)
    return figures.from_estimate(record.estimate(prior, Fraction(target)), prior)


def _topics(learner: User, blueprint: Blueprint, *, now: datetime) -> dict[str, list[StudyTopic]]:
    """Per task code, all in the order of the outline."""
    banks = _banks(learner, blueprint)
    records = _records(learner, blueprint, now=now)
    rows = (
        Topic.objects.filter(task__domain__blueprint=blueprint)
        .order_by("task__domain__position", "task__position", "task__code", "position", "code")
        .values_list("pk", "task__code", "code", "title", "note__pk")
    )
    topics: dict[str, list[StudyTopic]] = defaultdict(list)
    for pk, task_code, code, title, note_id in rows:
        questions, met = banks.get(pk, (0, 0))
        topics[task_code].append(
            StudyTopic(
                code=code,
                title=title,
                has_note=note_id is not None,
                questions=questions,
                unmet=questions - met,
                record=records.get(pk, Tally()),
            )
        )
    return topics


def _banks(learner: User, blueprint: Blueprint) -> dict[int, tuple[int, int]]:
    """Per topic id: what can be practised of it, and how many of that the learner has met."""
    published = (
        Question.objects.published().filter(blueprint=blueprint).exclude(pk__in=assembly.held_back(blueprint))
    )
    has_met = Q(pk__in=Exposure.objects.filter(learner=learner).values("question"))
    counts = (
        published.order_by()
        .values_list("current__topic_id")
        .annotate(n=Count("id"), met=Count("id", filter=has_met))
    )
    return {topic_id: (n, met) for topic_id, n, met in counts}


def _records(learner: User, blueprint: Blueprint, *, now: datetime) -> Mapping[int, Tally]:
    """Per topic id, without the sittings whose score or marks are held back: a count would tell them."""
    sittings = Attempt.objects.sat_by(learner).filter(
        state=Attempt.State.SCORED, purpose=Attempt.Purpose.MOCK, paper__blueprint=blueprint
    )
    shown = {each.pk: disclosure.of(each, now=now) for each in sittings.select_related("mock", "assignment")}
    held_back = [pk for pk, shows in shown.items() if not (shows.score and shows.marks)]
    rows = (
        Response.objects.filter(
            attempt__learner=learner,
            attempt__state=Attempt.State.SCORED,
            attempt__purpose__in=(Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE),
            attempt__paper__blueprint=blueprint,
            is_scored=True,
            is_first_exposure=True,
        )
        .exclude(attempt__in=held_back)
        .order_by()
        .values_list("version__topic_id")
        .annotate(seen=Count("id"), correct=Count("id", filter=Q(is_correct=True)))
    )
    return {topic_id: Tally(correct, seen) for topic_id, seen, correct in rows}
