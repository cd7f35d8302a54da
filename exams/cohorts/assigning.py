"""Assigning: what a cohort is given to sit, changing it, taking it back, and exceptions for single learners."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import inbox
from accounts.models import Cohort, Membership, User
from exams import assembly, mock_building
from exams.cohorts import deadlines
from exams.models import Assignment, AssignmentEvent, Attempt, LearnerOverride, MockExam
from exams.review_policy import Policy
from questions.models import Blueprint, Question, TaskStatement

Kind = AssignmentEvent.Kind


class AssigningError(Exception):
    """`code`: archived, not_published, window_reversed, never_open, bad_policy, no_tasks, too_few_questions
    (`count`: how many there are), already_sat, already_withdrawn, not_withdrawn or not_found."""

    def __init__(self, code: str, *, count: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.count = count


@dataclass(frozen=True)
class AssignmentSpec:
    """What an assignment is to be: of a mock, or a practice of some tasks with so many questions."""

    title: str
    blueprint: Blueprint
    mock: MockExam | None = None
    task_ids: tuple[int, ...] = ()
    questions: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    attempts_allowed: int | None = 1
    delay_minutes: int = 0
    review_policy: Policy | None = None
    remind_hours: int | None = None


@dataclass(frozen=True)
class ExceptionSpec:
    """None leaves what the assignment says; nothing at all removes the exception."""

    opens_at: datetime | None = None
    closes_at: datetime | None = None
    attempts_allowed: int | None = None
    extra_minutes: int = 0
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return self == ExceptionSpec(note=self.note)


@transaction.atomic
def create(cohort: Cohort, spec: AssignmentSpec, *, by: User, now: datetime) -> Assignment:
    """Give it to the cohort and tell its learners."""
    _check_cohort(cohort)
    _check(spec)
    _check_practice(spec)
    if spec.mock and not spec.mock.is_published:
        raise AssigningError("not_published")
    assignment = Assignment(cohort=cohort, created_by=by, created_at=now)
    _store(assignment, spec)
    note(assignment, Kind.CREATED, by=by, at=now, detail=_plain(spec))
    _tell(assignment, now=now)
    return assignment


@transaction.atomic
def edit(assignment: Assignment, spec: AssignmentSpec, *, by: User, now: datetime) -> Assignment:
    """Change it; running sittings follow a changed window. What is sat stays once somebody has sat it."""
    stored = _lock(assignment)
    _check_cohort(stored.cohort)
    before = spec_of(stored)
    if before == spec:
        return stored
    is_same_work = (before.mock, before.task_ids, before.questions) == (
        spec.mock,
        spec.task_ids,
        spec.questions,
    )
    _check(spec)
    if not is_same_work:
        if is_sat(stored):
            raise AssigningError("already_sat")
        # What was enough when it was given may have shrunk since: that is no reason to refuse a new window.
        _check_practice(spec)
    terms_before = deadlines.terms_by_learner(stored)
    _store(stored, spec)
    changed = {
        name: [old, _plain(spec)[name]] for name, old in _plain(before).items() if old != _plain(spec)[name]
    }
    note(stored, Kind.CHANGED, by=by, at=now, detail=changed)
    deadlines.follow(stored, before=terms_before, by=by, now=now)
    return stored


@transaction.atomic
def withdraw(assignment: Assignment, *, by: User, now: datetime) -> None:
    """Nobody starts it any more; who sits it goes on, and results stay."""
    stored = _lock(assignment)
    if stored.withdrawn_at is not None:
        raise AssigningError("already_withdrawn")
    stored.withdrawn_at = now
    stored.save(update_fields=("withdrawn_at",))
    note(stored, Kind.WITHDRAWN, by=by, at=now)


@transaction.atomic
def restore(assignment: Assignment, *, by: User, now: datetime) -> None:
    stored = _lock(assignment)
    _check_cohort(stored.cohort)
    if stored.withdrawn_at is None:
        raise AssigningError("not_withdrawn")
    stored.withdrawn_at = None
    stored.save(update_fields=("withdrawn_at",))
    note(stored, Kind.RESTORED, by=by, at=now)


@transaction.atomic
def set_exception(
    assignment: Assignment, *, learner: User, spec: ExceptionSpec, by: User, now: datetime
) -> LearnerOverride | None:
    """What differs for one learner of the cohort; their running sitting follows. An empty one is taken away."""
    stored = _lock(assignment)
    _check_cohort(stored.cohort)
    if not Membership.objects.learners().filter(cohort=stored.cohort, user=learner).exists():
        raise AssigningError("not_found")
    terms_before = deadlines.terms_by_learner(stored, [learner.pk])
    found = LearnerOverride.objects.filter(assignment=stored, learner=learner).first()
    override = found or LearnerOverride(assignment=stored, learner=learner)
    before = exception_of(found)
    for each in fields(ExceptionSpec):
        setattr(override, each.name, getattr(spec, each.name))
    opens_at, closes_at = spec.opens_at or stored.opens_at, spec.closes_at or stored.closes_at
    if opens_at and closes_at and opens_at >= closes_at:
        raise AssigningError("window_reversed")
    override.set_by, override.updated_at = by, now
    if not spec.is_empty:
        override.save()
        if deadlines.terms_by_learner(stored, [learner.pk])[learner.pk].is_never_open:
            raise AssigningError("never_open")
    elif found is not None:
        found.delete()
    if before != spec:
        detail = {"before": _plain(before), "after": _plain(spec)}
        note(stored, Kind.EXCEPTION, by=by, at=now, learner=learner, reason=spec.note, detail=detail)
        deadlines.follow(stored, before=terms_before, by=by, now=now)
    return None if spec.is_empty else override


def note(
    assignment: Assignment,
    kind: AssignmentEvent.Kind,
    *,
    by: User | None,
    at: datetime,
    learner: User | None = None,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Append to the assignment's log."""
    AssignmentEvent.objects.create(
        assignment=assignment, kind=kind, by=by, at=at, learner=learner, reason=reason, detail=detail or {}
    )


def spec_of(assignment: Assignment) -> AssignmentSpec:
    plain = {
        each.name: getattr(assignment, each.name)
        for each in fields(AssignmentSpec)
        if each.name != "task_ids"
    }
    return AssignmentSpec(
        **plain, task_ids=tuple(assignment.tasks.order_by("pk").values_list("pk", flat=True))
    )


def exception_of(override: LearnerOverride | None) -> ExceptionSpec:
    if override is None:
        return ExceptionSpec()
    return ExceptionSpec(**{each.name: getattr(override, each.name) for each in fields(ExceptionSpec)})


def is_sat(assignment: Assignment) -> bool:
    return Attempt.objects.filter(assignment=assignment).exists()


def questions_in(blueprint: Blueprint, task_ids: Iterable[int]) -> int:
    """How many published questions a practice of these tasks can take from."""
    published = Question.objects.published().filter(blueprint=blueprint, current__topic__task__in=task_ids)
    return published.exclude(pk__in=assembly.held_back(blueprint)).count()


def _lock(assignment: Assignment) -> Assignment:
    """A start holds it shared: a change waits for starts at work, and then finds their attempts."""
    return (
        Assignment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("cohort", "mock", "blueprint")
        .get(pk=assignment.pk)
    )


def _check_cohort(cohort: Cohort) -> None:
    if cohort.archived_at is not None:
        raise AssigningError("archived")


def _check(spec: AssignmentSpec) -> None:
    if spec.opens_at and spec.closes_at and spec.opens_at >= spec.closes_at:
        raise AssigningError("window_reversed")
    if spec.mock is None:
        return
    opens = [at for at in (spec.opens_at, spec.mock.opens_at) if at]
    closes = [at for at in (spec.closes_at, spec.mock.closes_at) if at]
    if opens and closes and max(opens) >= min(closes):
        raise AssigningError("never_open")
    if spec.review_policy is not None and mock_building.policy_problems(
        spec.review_policy, has_window=bool(closes)
    ):
        raise AssigningError("bad_policy")


def _check_practice(spec: AssignmentSpec) -> None:
    if spec.mock is not None:
        return
    known = TaskStatement.objects.filter(pk__in=spec.task_ids, domain__blueprint=spec.blueprint).count()
    if not spec.task_ids or known != len(spec.task_ids):
        raise AssigningError("no_tasks")
    count = questions_in(spec.blueprint, spec.task_ids)
    if not spec.questions or spec.questions > count:
        raise AssigningError("too_few_questions", count=count)


def _store(assignment: Assignment, spec: AssignmentSpec) -> None:
    for each in fields(AssignmentSpec):
        if each.name != "task_ids":
            setattr(assignment, each.name, getattr(spec, each.name))
    assignment.save()
    assignment.tasks.set(spec.task_ids)


def _plain(spec: AssignmentSpec | ExceptionSpec) -> dict[str, Any]:
    """For the log: numbers, texts and times."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, models.Model):
            return value.pk
        return list(value) if isinstance(value, tuple) else value

    return {each.name: plain(getattr(spec, each.name)) for each in fields(spec)}


def _tell(assignment: Assignment, *, now: datetime) -> None:
    """Each in their own time zone."""
    rows = Membership.objects.learners().filter(cohort=assignment.cohort).select_related("user")
    by_zone: dict[str, list[User]] = {}
    for row in rows:
        by_zone.setdefault(row.user.time_zone, []).append(row.user)
    path = reverse("cohorts:assigned", args=[assignment.cohort_id, assignment.pk])
    for zone, learners in by_zone.items():
        with timezone.override(zone):
            subject = _("To sit: %(title)s") % {"title": assignment.title}
            inbox.tell(learners, subject=subject, text=_told(assignment), path=path, now=now)


def _told(assignment: Assignment) -> str:
    """In the active time zone."""
    said = [
        _("“%(title)s” was assigned to you in %(cohort)s.")
        % {"title": assignment.title, "cohort": assignment.cohort.title}
    ]
    if assignment.opens_at:
        said.append(_("It opens on %(at)s.") % {"at": in_words(assignment.opens_at)})
    if assignment.closes_at:
        said.append(_("It closes on %(at)s.") % {"at": in_words(assignment.closes_at)})
    said.append(_("The page says what holds for you."))
    return " ".join(said)


def in_words(at: datetime) -> str:
    """Day and time in the active time zone."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")
