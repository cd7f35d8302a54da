"""Practice of chosen domains, tasks and topics: untimed, unseen questions first, feedback at once."""

from __future__ import annotations

import random
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, models, transaction

from accounts.models import User
from exams import assembly, starting
from exams.models import Assignment, Attempt, Exposure
from questions.models import Blueprint, Question, TaskStatement, Topic

MAX_QUESTIONS = 50


class PracticeError(Exception):
    """`code`: nothing_chosen or nothing_to_practise."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class PracticeTask:
    """A row of the chooser: how many questions there are, and how many this learner hasn't met."""

    id: int
    code: str
    title: str
    questions: int
    unmet: int


@dataclass(frozen=True)
class PracticeDomain:
    code: str
    title: str
    tasks: tuple[PracticeTask, ...]

    @property
    def questions(self) -> int:
        return sum(task.questions for task in self.tasks)

    @property
    def unmet(self) -> int:
        return sum(task.unmet for task in self.tasks)


def choices(blueprint: Blueprint, learner: User) -> tuple[PracticeDomain, ...]:
    """Domains and tasks with what there is to practise, in four queries."""
    published = (
        Question.objects.published().filter(blueprint=blueprint).exclude(pk__in=assembly.held_back(blueprint))
    )
    by_task = dict(
        published.values_list("current__topic__task")
        .annotate(n=models.Count("id"))
        .values_list("current__topic__task", "n")
    )
    met = Exposure.objects.filter(learner=learner).values("question")
    met_by_task = dict(
        published.filter(pk__in=met)
        .values_list("current__topic__task")
        .annotate(n=models.Count("id"))
        .values_list("current__topic__task", "n")
    )
    return tuple(
        PracticeDomain(
            domain.code,
            domain.title,
            tuple(
                PracticeTask(
                    task.pk,
                    task.code,
                    task.title,
                    by_task.get(task.pk, 0),
                    by_task.get(task.pk, 0) - met_by_task.get(task.pk, 0),
                )
                for task in domain.tasks.all()
            ),
        )
        for domain in blueprint.domains.prefetch_related("tasks")
    )


def topics_of(blueprint: Blueprint, codes: Collection[str]) -> Sequence[Topic]:
    """The blueprint's topics with these codes, which may be anything, in the order of its outline."""
    if not codes:
        return ()
    topics = Topic.objects.filter(task__domain__blueprint=blueprint)
    in_order = topics.order_by("task__domain__position", "task__position", "position", "code")
    return [topic for topic in in_order if topic.code in codes]


def start_practice(
    blueprint: Blueprint,
    *,
    learner: User,
    task_ids: Collection[int],
    topic_ids: Collection[int] = (),
    questions: int,
    start_key: uuid.UUID,
    now: datetime,
    assignment: Assignment | None = None,
    window_ends_at: datetime | None = None,
) -> Attempt:
    """A new practice, or the one that this very form has started before.

    Questions that the learner hasn't met come first, then those met longest ago; as many as there are, up
    to `questions`. Raises `PracticeError`.
    """
    started = Attempt.objects.sat_by(learner).filter(start_key=start_key).first()
    if started is not None:
        return started
    tasks = list(
        TaskStatement.objects.filter(pk__in=task_ids, domain__blueprint=blueprint).order_by(
            "domain", "position"
        )
    )
    topics = list(
        Topic.objects.filter(pk__in=topic_ids, task__domain__blueprint=blueprint).order_by("task", "position")
    )
    if not tasks and not topics:
        raise PracticeError("nothing_chosen")
    seed = random.getrandbits(62)
    slots = _choose(
        blueprint,
        learner,
        {task.code for task in tasks},
        {topic.code for topic in topics},
        min(questions, MAX_QUESTIONS),
        seed,
    )
    if not slots:
        raise PracticeError("nothing_to_practise")
    title = _title([*tasks, *topics])
    try:
        with transaction.atomic():
            paper = assembly.create_paper(
                blueprint, slots, mock=None, number=1, title=title, seed=seed, now=now
            )
            purpose = Attempt.Purpose.STAFF if learner.role != "learner" else Attempt.Purpose.PRACTICE
            return starting.create_attempt(
                paper,
                learner=learner,
                purpose=purpose,
                is_timed=False,
                allowed=starting.Allowance(settings.PRACTICE_DAYS_OPEN * 86_400, Decimal(1), 0),
                start_key=start_key,
                assignment=assignment,
                window_ends_at=window_ends_at,
                now=now,
            )
    except IntegrityError:
        return Attempt.objects.sat_by(learner).get(start_key=start_key)


def _title(parts: Sequence[TaskStatement | Topic]) -> str:
    """One part by its name, several by their codes."""
    title = f"{parts[0].code} {parts[0].title}" if len(parts) == 1 else ", ".join(part.code for part in parts)
    return title[:200]


def _choose(
    blueprint: Blueprint,
    learner: User,
    task_codes: set[str],
    topic_codes: set[str],
    wanted: int,
    seed: int,
) -> list[assembly.Slot]:
    rng = random.Random(seed)
    met = dict(Exposure.objects.filter(learner=learner).values_list("question_id", "id"))
    candidates = [
        c for c in assembly.candidates_of(blueprint) if c.task in task_codes or c.topic in topic_codes
    ]
    rng.shuffle(candidates)
    candidates.sort(key=lambda c: met.get(c.question_id, 0))
    chosen = candidates[:wanted]
    # A case study's questions stand together, in the place of its first.
    place = {c.scenario_id: index for index, c in reversed(list(enumerate(chosen))) if c.scenario_id}
    order = sorted(range(len(chosen)), key=lambda i: place.get(chosen[i].scenario_id or 0, i))
    return [assembly.Slot(chosen[i], is_scored=True) for i in order]
