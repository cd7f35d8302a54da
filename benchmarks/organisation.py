"""An organisation: cohorts whose learners have sat what was assigned to them, scored by the product's own code.

What learners do is put in with a few statements a cohort, closed; the score and everything that follows from it
comes from `results.score_attempt` and the fold.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Cohort, Membership, Role, User
from benchmarks.bank import RIGHT, WRONG
from exams import population, results
from exams.models import Assignment, Attempt, MockExam

SITTINGS = 2
"""Of each learner: one of each assignment of their cohort."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Group:
    cohort: Cohort
    instructor: User
    learners: list[User]
    assignments: list[Assignment]


def make_group(mock: MockExam, learners: int) -> Group:
    """A cohort with an instructor and two assignments that nobody has begun."""
    number, now = next(_numbers), timezone.now()
    cohort = Cohort.objects.create(title=f"Cohort {number}", term=f"Term {number % 4}")
    instructor = User.objects.create_user(
        f"teacher-{number}@example.com", "", name="Ben", role=Role.INSTRUCTOR
    )
    people = User.objects.bulk_create(
        User(email=f"member-{number}-{n}@example.com", name=f"Member {n}", password="!", role=Role.LEARNER)
        for n in range(learners)
    )
    Membership.objects.create(cohort=cohort, user=instructor, part=Membership.Part.INSTRUCTOR)
    Membership.objects.bulk_create(
        Membership(cohort=cohort, user=user, part=Membership.Part.LEARNER) for user in people
    )
    assignments = [
        Assignment.objects.create(
            cohort=cohort,
            mock=mock,
            blueprint=mock.blueprint,
            title=f"Mock {n}",
            opens_at=now - timedelta(days=60 - 7 * n),
            created_at=now - timedelta(days=61),
        )
        for n in range(SITTINGS)
    ]
    return Group(cohort, instructor, people, assignments)


def sit_all(mock: MockExam, group: Group) -> None:
    """Every learner sits every assignment of the cohort; scored and counted."""
    for number, assignment in enumerate(group.assignments, start=1):
        started_at = timezone.now() - timedelta(days=55 - 7 * number)
        add_attempts(
            assignment,
            group.learners,
            number=number,
            state=Attempt.State.CLOSED,
            started_at=started_at,
            closed_at=started_at + timedelta(minutes=100),
            closed_reason=Attempt.ClosedReason.SUBMITTED,
            answered_count=mock.items,
        )
        _answer(assignment)
        closed = Attempt.objects.filter(assignment=assignment).order_by("pk").values_list("pk", flat=True)
        for attempt_id in list(closed):
            results.score_attempt(attempt_id, now=timezone.now())
    population.fold(now=timezone.now())


def make_sat(mock: MockExam, cohorts: int, learners: int) -> Iterator[Group]:
    for _ in range(cohorts):
        group = make_group(mock, learners)
        sit_all(mock, group)
        yield group


@transaction.atomic
def add_attempts(
    assignment: Assignment, learners: list[User], *, started_at: datetime, **fields: Any
) -> None:
    """One each, with blank responses; on the papers of the mock in turn."""
    mock = assignment.mock
    assert mock is not None
    papers = list(mock.papers.order_by("number"))
    Attempt.objects.bulk_create(
        Attempt(
            learner=learner,
            paper=papers[(place + assignment.pk) % len(papers)],
            mock=mock,
            assignment=assignment,
            purpose=Attempt.Purpose.MOCK,
            option_seed=learner.pk,
            started_at=started_at,
            seconds_allowed=mock.seconds,
            deadline_at=started_at + timedelta(seconds=mock.seconds),
            last_seen_at=fields.get("closed_at") or timezone.now(),
            seconds_by_slot={str(slot): 20 + (slot * 7 + place) % 90 for slot in range(1, mock.items + 1)},
            **fields,
        )
        for place, learner in enumerate(learners)
    )
    false, struck = ("false", "CAST('[]' AS jsonb)") if _is_postgres() else ("0", "'[]'")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO exams_response (attempt_id, slot, version_id, is_scored, revision, is_flagged,"
            f" struck, is_in_grace) SELECT a.id, i.slot, i.version_id, i.is_scored, 0, {false}, {struck}, {false}"
            f" FROM exams_attempt a JOIN exams_paperitem i ON i.paper_id = a.paper_id WHERE a.assignment_id = %s",
            [assignment.pk],
        )


def settle() -> None:
    """What autovacuum does within a minute, where rows come in one by one."""
    if _is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _answer(assignment: Assignment) -> None:
    """Between four and eight in ten right, by learner."""
    right = " ".join(f"WHEN '{kind}' THEN '{json.dumps(answer)}'" for kind, answer in RIGHT.items())
    wrong = " ".join(f"WHEN '{kind}' THEN '{json.dumps(answer)}'" for kind, answer in WRONG.items())
    json_type = "jsonb" if _is_postgres() else "text"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE exams_response SET revision = 1, saved_at = a.started_at, answer = CAST("
            f"CASE WHEN (exams_response.slot * 7 + v.id * 3 + a.learner_id * 11) %% 10 < 4 + a.learner_id %% 5"
            f" THEN (CASE v.item_type {right} END) ELSE (CASE v.item_type {wrong} END) END AS {json_type})"
            f" FROM questions_questionversion v, exams_attempt a WHERE v.id = exams_response.version_id"
            f" AND a.id = exams_response.attempt_id AND a.assignment_id = %s",
            [assignment.pk],
        )


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"
