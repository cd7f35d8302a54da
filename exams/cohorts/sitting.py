"""Starting what was assigned: whether this learner may now, and the attempt that holds what they were given."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, User
from exams import closing, delivery, practice, starting
from exams.cohorts import terms
from exams.cohorts.terms import Refusal
from exams.models import Assignment, Attempt, LearnerOverride


class SittingError(Exception):
    """`code`: a `Refusal`'s, no_paper or not_found. `refusal` says until when, and what else is running."""

    def __init__(self, code: str, refusal: Refusal | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.refusal = refusal


def start_assigned(assignment: Assignment, *, learner: User, now: datetime) -> Attempt:
    """The learner's running attempt of this assignment, or a new one: repeated, it gives the same.

    A running attempt whose time is over is closed and returned, so that a late click starts nothing.
    """
    running = _running(assignment, learner)
    if running is not None:
        return closing.close_if_overdue(running, now=now)
    other = elsewhere(assignment, learner)
    if other is not None and closing.close_if_overdue(other, now=now).is_open:
        raise SittingError("running_elsewhere", Refusal("running_elsewhere", attempt=other))
    try:
        with transaction.atomic():
            return _start(assignment, learner, now=now)
    except IntegrityError:
        # The same mock was started somewhere else a moment ago: the database lets one run.
        other = elsewhere(assignment, learner)
        raise SittingError("running_elsewhere", Refusal("running_elsewhere", attempt=other)) from None


def _start(assignment: Assignment, learner: User, *, now: datetime) -> Attempt:
    # The learner's own row first: a double click waits here, and then finds what the first has started.
    is_in = Membership.objects.learners().filter(cohort=assignment.cohort_id, user=learner)
    if is_in.select_for_update(of=("self",), no_key=True).first() is None:
        raise SittingError("not_found")
    _hold(assignment)
    given = Assignment.objects.given_to(learner).select_related("mock", "blueprint")
    stored = given.filter(pk=assignment.pk).first()
    if stored is None:
        raise SittingError("not_found")
    running = _running(stored, learner)
    if running is not None:
        return running
    override = LearnerOverride.objects.filter(assignment=stored, learner=learner).first()
    held = terms.of(stored, override=override, accommodation=starting.accommodation_of(learner))
    attempts = list(Attempt.objects.sat_by(learner).filter(assignment=stored))
    refusal = terms.refusal(held, attempts, now=now)
    if refusal is not None:
        raise SittingError(refusal.code, refusal)
    try:
        if stored.mock is None:
            return practice.start_practice(
                stored.blueprint,
                learner=learner,
                task_ids=list(stored.tasks.values_list("pk", flat=True)),
                questions=stored.questions or practice.MAX_QUESTIONS,
                start_key=uuid.uuid4(),
                assignment=stored,
                window_ends_at=held.closes_at,
                now=now,
            )
        sat = Attempt.objects.sat_by(learner).filter(mock=stored.mock)
        return starting.begin(
            stored.mock,
            learner,
            assignment=stored,
            number=sat.exclude(purpose=Attempt.Purpose.PREVIEW).count() + 1,
            allowed=held.allowed,
            window_ends_at=held.closes_at,
            now=now,
        )
    except (delivery.DeliveryError, practice.PracticeError) as error:
        raise SittingError("no_paper") from error


def _hold(assignment: Assignment) -> None:
    """Against a change of it until this start is committed; shared, so that a class can start at once."""
    if connection.vendor == "postgresql":
        table = connection.ops.quote_name(Assignment._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR SHARE", [assignment.pk])


def _running(assignment: Assignment, learner: User) -> Attempt | None:
    own = Attempt.objects.sat_by(learner).filter(assignment=assignment, state=Attempt.State.IN_PROGRESS)
    return own.select_related("paper", "mock").first()


def elsewhere(assignment: Assignment, learner: User) -> Attempt | None:
    """The same mock, running for another cohort or by themselves."""
    if assignment.mock_id is None:
        return None
    running = Attempt.objects.sat_by(learner).filter(mock=assignment.mock_id, state=Attempt.State.IN_PROGRESS)
    return (
        running.exclude(assignment=assignment)
        .exclude(purpose=Attempt.Purpose.PREVIEW)
        .select_related("paper", "mock")
        .first()
    )
