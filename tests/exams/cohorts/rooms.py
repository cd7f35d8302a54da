"""An assignment that a cohort is sitting, for the tests of its control room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Cohort, Role, User
from exams import starting
from exams.models import Assignment, Attempt, MockExam
from tests.factories import NOW, make_cohort, make_exam, make_user, start

SECONDS = 1200


@dataclass
class Group:
    cohort: Cohort
    teacher: User
    mock: MockExam
    assignment: Assignment
    attempts: list[Attempt]

    @property
    def address(self) -> str:
        return f"/cohorts/{self.cohort.pk}/assignments/{self.assignment.pk}/live/"

    def fresh(self, index: int = 0) -> Attempt:
        return Attempt.objects.get(pk=self.attempts[index].pk)


def make_group(
    *, running: int = 2, waiting: int = 0, window_ends_at: datetime | None = None, now: datetime = NOW
) -> Group:
    """`running` learners began at `now` and have `SECONDS`; `waiting` have not."""
    learners = [make_user(f"Learner{n}") for n in range(running + waiting)]
    teacher = make_user("Tess", role=Role.INSTRUCTOR)
    cohort = make_cohort(learners=tuple(learners), instructors=(teacher,))
    mock = make_exam(seconds=SECONDS)
    assignment = Assignment.objects.create(
        cohort=cohort, mock=mock, blueprint=mock.blueprint, title="Week 3", created_at=now - timedelta(days=1)
    )
    attempts = [
        begin(assignment, learner, window_ends_at=window_ends_at, now=now) for learner in learners[:running]
    ]
    return Group(cohort, teacher, mock, assignment, attempts)


def begin(
    assignment: Assignment, learner: User, *, window_ends_at: datetime | None = None, now: datetime = NOW
) -> Attempt:
    assert assignment.mock is not None
    attempt = start(assignment.mock, learner, now=now)
    attempt.assignment = assignment
    attempt.window_ends_at = window_ends_at
    attempt.deadline_at = starting.effective_deadline(attempt)
    attempt.save()
    return attempt
