"""What to teach next: the tasks in the order of what the cohort would gain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count

from exams import study
from exams.cohorts import links, missed
from exams.cohorts.group_figures import Sums
from exams.cohorts.missed import MissedQuestion
from exams.cohorts.outline import Outline, Part, PartShare
from exams.models import Assignment
from exams.study import NoteLink
from questions.models import Question


@dataclass(frozen=True)
class Lesson:
    """A task with what it would bring. `gain` ranks; `questions_short` is what it is made of, in words.

    gain = weight × weakness × certainty: the task's share of the exam, times how far the group's share right
    lies below the target (0 above it), times the chance that the true share lies below the target. Weight
    times weakness is what a learner of the group loses in the exam against the target; the certainty keeps a
    task that few answers speak of from the top.
    """

    part: Part
    row: PartShare
    weakness: float
    certainty: float
    gain: float
    questions_short: float
    notes: tuple[NoteLink, ...]
    questions: int
    missed: MissedQuestion | None
    bank_address: str
    assign_address: str

    @property
    def certainty_percent(self) -> int:
        return int(100 * self.certainty + 0.5)

    @property
    def weakness_points(self) -> int:
        return int(100 * self.weakness + 0.5)


def lessons(
    outline: Outline,
    sums: Mapping[int, Sums],
    *,
    assignments: list[Assignment],
    cohort_id: int,
    is_short: bool = False,
) -> tuple[Lesson, ...]:
    """All tasks, the greatest gain first, in four statements; in two without notes and counts of questions."""
    notes = {} if is_short else study.notes_by_task(outline.blueprint)
    banks = {} if is_short else _questions(outline)
    worst = missed.worst_of_each_task([assignment.pk for assignment in assignments])
    found = []
    for row in outline.shares("tasks", sums):
        weakness, certainty = weakness_of(row), row.share.chance_below if row.share.figure.seen else 0.0
        found.append(
            Lesson(
                part=row.part,
                row=row,
                weakness=weakness,
                certainty=certainty,
                gain=row.part.weight * weakness * certainty,
                questions_short=row.part.weight / 100 * outline.blueprint.scored_items * weakness,
                notes=tuple(notes.get(row.part.code, ())),
                questions=banks.get(row.part.id, 0),
                missed=worst.get(row.part.code),
                bank_address=_bank(outline, row.part),
                assign_address=_assign(outline, row.part, cohort_id)
                if is_short or banks.get(row.part.id)
                else "",
            )
        )
    return rank(found)


def weakness_of(row: PartShare) -> float:
    figure = row.share.figure
    return max(figure.target - figure.mean, 0.0) if figure.seen else 0.0


def rank(found: list[Lesson]) -> tuple[Lesson, ...]:
    """By gain; what gains nothing by how uncertain it still is, then in the order of the exam."""
    return tuple(sorted(found, key=lambda lesson: (-lesson.gain, -lesson.certainty)))


def _questions(outline: Outline) -> dict[int, int]:
    published = Question.objects.published().filter(blueprint=outline.blueprint)
    return dict(published.values_list("current__topic__task_id").annotate(n=Count("pk")))


def _bank(outline: Outline, part: Part) -> str:
    query = urlencode({"blueprint": outline.blueprint.code, "task": part.code, "status": "published"})
    return links.address("questions:bank", query=query)


def _assign(outline: Outline, part: Part, cohort_id: int) -> str:
    query = urlencode({"practice": 1, "blueprint": outline.blueprint.code, "task": part.code})
    return links.address("cohorts:assign", cohort_id, query=query)
