"""Assignments for tests, made through the rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import Cohort, User
from exams.cohorts import assigning
from exams.cohorts.assigning import AssignmentSpec
from exams.models import Assignment, MockExam
from questions.models import TaskStatement
from tests.factories import NOW


def assign(cohort: Cohort, mock: MockExam, *, by: User, now: datetime = NOW, **fields: Any) -> Assignment:
    spec = AssignmentSpec(**{"title": "Midterm", "blueprint": mock.blueprint, "mock": mock, **fields})
    return assigning.create(cohort, spec, by=by, now=now)


def assign_practice(
    cohort: Cohort, mock: MockExam, *, by: User, task: str = "1.1", now: datetime = NOW, **fields: Any
) -> Assignment:
    """Of one task of this mock's blueprint."""
    row = TaskStatement.objects.get(code=task, domain__blueprint=mock.blueprint)
    values = {
        "title": "Practise",
        "blueprint": mock.blueprint,
        "task_ids": (row.pk,),
        "questions": 5,
        **fields,
    }
    return assigning.create(cohort, AssignmentSpec(**values), by=by, now=now)
