"""One domain of a result, opened: its tasks with their intervals, and the topics as counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from exams import disclosure, earlier, psychometrics
from exams.disclosure import Disclosure
from exams.earlier import PartRow
from exams.models import Attempt, TaskScore


@dataclass(frozen=True)
class TopicRow:
    """Counts alone: a topic has too few questions in one sitting for an estimate."""

    code: str
    title: str
    correct: int
    seen: int
    has_note: bool

    @property
    def is_a_hint(self) -> bool:
        return self.seen < psychometrics.MIN_SEEN


@dataclass(frozen=True)
class TaskDetail:
    task: PartRow
    topics: tuple[TopicRow, ...]


@dataclass(frozen=True)
class DomainPage:
    attempt_id: UUID
    title: str
    blueprint_code: str
    is_own: bool
    shows: Disclosure
    domain: PartRow
    tasks: tuple[TaskDetail, ...]


def domain_page(attempt: Attempt, code: str, *, viewer: User, now: datetime) -> DomainPage | None:
    """One domain's tasks and topics; None without such a domain, or while its score may not be shown."""
    shows = disclosure.of(attempt, now=now)
    if attempt.state != Attempt.State.SCORED or not shows.score:
        return None
    before = earlier.scores_before(attempt, now=now) if attempt.mock_id else {}
    domain = next((row for row in earlier.domain_rows(attempt.result, before) if row.code == code), None)
    if domain is None:
        return None
    previous = earlier.previous_of(before)
    wanted = [attempt.pk] + ([previous.pk] if previous else [])
    scores: dict[UUID, dict[int, TaskScore]] = defaultdict(dict)
    for score in (
        TaskScore.objects.filter(result__in=wanted, task__domain__code=code)
        .select_related("task")
        .order_by("task__position", "task__code")
    ):
        scores[score.result_id][score.task_id] = score
    topics = _topics(attempt, code) if shows.marks else {}
    tasks = []
    for task_id, score in scores[attempt.pk].items():
        row = earlier.part_row(
            score.task,
            score,
            before=scores[previous.pk].get(task_id) if previous else None,
            previous=previous,
        )
        tasks.append(TaskDetail(row, tuple(topics.get(task_id, ()))))
    return DomainPage(
        attempt_id=attempt.pk,
        title=earlier.title_of(attempt),
        blueprint_code=attempt.paper.blueprint.code,
        is_own=attempt.learner_id == viewer.pk,
        shows=shows,
        domain=domain,
        tasks=tuple(tasks),
    )


def _topics(attempt: Attempt, domain_code: str) -> dict[int, list[TopicRow]]:
    counts: dict[tuple[int, str, str, int | None], list[bool]] = defaultdict(list)
    rows = attempt.responses.filter(is_scored=True, version__topic__task__domain__code=domain_code).order_by(
        "version__topic__position", "version__topic__code"
    )
    for task_id, code, title, note_id, is_correct in rows.values_list(
        *("version__topic__task_id", "version__topic__code", "version__topic__title", "version__topic__note"),
        "is_correct",
    ):
        counts[task_id, code, title, note_id].append(bool(is_correct))
    topics: dict[int, list[TopicRow]] = defaultdict(list)
    for (task_id, code, title, note_id), marks in counts.items():
        topics[task_id].append(TopicRow(code, title, sum(marks), len(marks), note_id is not None))
    return topics
