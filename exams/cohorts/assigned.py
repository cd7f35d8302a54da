"""What is assigned: to a learner with what to do next, and for instructors what each learner will see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.core.paginator import Page, Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from accounts.models import Accommodation, Cohort, Membership, User
from exams import starting
from exams.cohorts import terms
from exams.cohorts.terms import Refusal, Terms
from exams.models import Assignment, Attempt, LearnerOverride

State = Literal["running", "open", "waiting", "coming", "done", "over"]
"""For one learner. waiting: another attempt, but not yet. over: it closed unsat."""

ORDER: tuple[State, ...] = ("running", "open", "waiting", "coming", "done", "over")
PER_PAGE = 50


@dataclass(frozen=True)
class Given:
    """An assignment as its learner meets it."""

    assignment: Assignment
    terms: Terms
    state: State
    attempts: int
    running: Attempt | None
    latest: Attempt | None
    """The last one that ended."""
    refusal: Refusal | None
    note: str
    """Why something differs for this learner, in the instructor's words."""

    @property
    def attempts_left(self) -> int | None:
        if self.terms.attempts_allowed is None:
            return None
        return max(0, self.terms.attempts_allowed - self.attempts)

    @property
    def is_to_do(self) -> bool:
        return self.state in ("running", "open", "waiting", "coming")


def given_to(learner: User, *, now: datetime) -> list[Given]:
    """All that this learner is to sit, what is most pressing first, in four queries."""
    assignments = list(Assignment.objects.given_to(learner).select_related("cohort", "mock", "blueprint"))
    if not assignments:
        return []
    rows = _given(assignments, learner, now=now)

    def pressing(row: Given) -> tuple[int, float]:
        at = row.terms.opens_at if row.state == "coming" else row.terms.closes_at
        seconds = at.timestamp() if at else float("inf")
        return ORDER.index(row.state), -seconds if row.state in ("done", "over") else seconds

    return sorted(rows, key=pressing)


def given(assignment: Assignment, learner: User, *, now: datetime) -> Given:
    """One of them."""
    return _given([assignment], learner, now=now)[0]


def _given(assignments: list[Assignment], learner: User, *, now: datetime) -> list[Given]:
    overrides = {
        each.assignment_id: each
        for each in LearnerOverride.objects.filter(learner=learner, assignment__in=assignments)
    }
    profile = starting.accommodation_of(learner)
    mocks = [each.mock_id for each in assignments if each.mock_id]
    is_running_mock = Q(mock__in=mocks, state=Attempt.State.IN_PROGRESS)
    attempts = (
        Attempt.objects.sat_by(learner)
        .filter(Q(assignment__in=assignments) | is_running_mock)
        .exclude(purpose=Attempt.Purpose.PREVIEW)
        .order_by("started_at")
    )
    own: dict[int, list[Attempt]] = defaultdict(list)
    running_mocks: dict[int, Attempt] = {}
    for attempt in attempts:
        if attempt.assignment_id:
            own[attempt.assignment_id].append(attempt)
        if attempt.is_open and attempt.mock_id and now <= attempt.deadline_at:
            running_mocks[attempt.mock_id] = attempt
    return [
        _row(
            each,
            overrides.get(each.pk),
            terms.of(each, override=overrides.get(each.pk), accommodation=profile),
            own[each.pk],
            running_mocks.get(each.mock_id or 0),
            now=now,
        )
        for each in assignments
    ]


def _row(
    assignment: Assignment,
    override: LearnerOverride | None,
    held: Terms,
    attempts: list[Attempt],
    same_mock: Attempt | None,
    *,
    now: datetime,
) -> Given:
    running = next((each for each in attempts if each.is_open and now <= each.deadline_at), None)
    ended = [each for each in attempts if each is not running]
    refusal = None if running else terms.refusal(held, attempts, now=now)
    if running is None and refusal is None and same_mock is not None:
        refusal = Refusal("running_elsewhere", attempt=same_mock)
    return Given(
        assignment=assignment,
        terms=held,
        state=_state(running, refusal, has_sat=bool(attempts)),
        attempts=len(attempts),
        running=running,
        latest=ended[-1] if ended else None,
        refusal=refusal,
        note=override.note if override else "",
    )


def _state(running: Attempt | None, refusal: Refusal | None, *, has_sat: bool) -> State:
    if running is not None:
        return "running"
    if refusal is None or refusal.code == "running_elsewhere":
        return "open"
    if refusal.code in ("window_over", "no_attempts_left"):
        return "done" if has_sat else "over"
    return "coming" if refusal.code == "not_open_yet" and not has_sat else "waiting"


# ── for instructors ──


@dataclass(frozen=True)
class AssignmentRow:
    """A row of a cohort's list; counts are of learners in the cohort now."""

    assignment: Assignment
    state: Literal["withdrawn", "coming", "open", "over"]
    learners: int
    sat: int
    running: int

    @property
    def missing(self) -> int:
        return self.learners - self.sat


def assignments_of(cohort: Cohort, *, now: datetime) -> list[AssignmentRow]:
    """All of the cohort's, newest first, in two queries."""
    learners = Membership.objects.learners().filter(cohort=cohort)
    attempts = Attempt.objects.filter(assignment=OuterRef("pk"), learner__in=learners.values("user"))
    running = attempts.filter(state=Attempt.State.IN_PROGRESS)
    rows = Assignment.objects.filter(cohort=cohort).select_related("mock", "blueprint")
    counted = rows.annotate(sat=_learners_in(attempts), running=_learners_in(running))
    size = learners.count()
    return [
        AssignmentRow(each, state_of(each, now=now), size, each.sat, each.running)  # type: ignore[attr-defined]
        for each in counted
    ]


def _learners_in(attempts: QuerySet[Attempt]) -> Coalesce:
    per_assignment = attempts.order_by().values("assignment").annotate(n=Count("learner", distinct=True))
    return Coalesce(Subquery(per_assignment.values("n")), 0)


def state_of(assignment: Assignment, *, now: datetime) -> Literal["withdrawn", "coming", "open", "over"]:
    if assignment.withdrawn_at is not None:
        return "withdrawn"
    if assignment.closes_at is not None and now >= assignment.closes_at:
        return "over"
    return "coming" if assignment.opens_at is not None and now < assignment.opens_at else "open"


@dataclass(frozen=True)
class LearnerRow:
    """What one learner will see, and why."""

    learner: User
    terms: Terms
    override: LearnerOverride | None
    attempts: int
    running: Attempt | None
    starts_at: datetime
    ends_at: datetime
    is_over: bool

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    @property
    def full_minutes(self) -> int:
        return round(self.terms.allowed.total / 60)

    @property
    def accommodation_minutes(self) -> int:
        return round(self.terms.accommodation_seconds / 60)

    @property
    def exception_minutes(self) -> int:
        return self.terms.exception_seconds // 60

    @property
    def is_cut(self) -> bool:
        return not self.is_over and self.terms.is_cut(self.starts_at)

    @property
    def attempts_left(self) -> int | None:
        if self.terms.attempts_allowed is None:
            return None
        return max(0, self.terms.attempts_allowed - self.attempts)


def learner_rows(
    assignment: Assignment, *, page_number: str | None, now: datetime
) -> tuple[list[LearnerRow], Page[Membership]]:
    """One page of the cohort's learners by name, in four queries."""
    members = (
        Membership.objects.learners()
        .filter(cohort=assignment.cohort_id)
        .select_related("user__accommodation")
        .order_by(Lower("user__name"), "user__email")
    )
    page = Paginator(members, PER_PAGE).get_page(page_number)
    return rows_for(assignment, [each.user for each in page], now=now), page


def rows_for(assignment: Assignment, learners: Iterable[User], *, now: datetime) -> list[LearnerRow]:
    """Reads each learner's `accommodation`: select it with them."""
    listed = list(learners)
    overrides = {
        each.learner_id: each
        for each in LearnerOverride.objects.filter(assignment=assignment, learner__in=listed)
    }
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(assignment=assignment, learner__in=listed):
        attempts[attempt.learner_id].append(attempt)
    return [_learner_row(assignment, each, overrides.get(each.pk), attempts[each.pk], now) for each in listed]


def _learner_row(
    assignment: Assignment,
    learner: User,
    override: LearnerOverride | None,
    attempts: list[Attempt],
    now: datetime,
) -> LearnerRow:
    held = terms.of(assignment, override=override, accommodation=_profile(learner))
    start = held.start_from(now)
    return LearnerRow(
        learner=learner,
        terms=held,
        override=override,
        attempts=len(attempts),
        running=next((each for each in attempts if each.is_open), None),
        starts_at=start,
        ends_at=held.end_after(start),
        is_over=held.closes_at is not None and now >= held.closes_at,
    )


def _profile(learner: User) -> Accommodation | None:
    return getattr(learner, "accommodation", None)


@dataclass(frozen=True)
class WindowNotes:
    """What an instructor should know of the window, for a learner without extra time."""

    opens_at: datetime | None
    closes_at: datetime | None
    is_mock_opening: bool
    is_mock_closing: bool
    """The mock's own window cuts the assignment's."""
    full_minutes: int
    last_full_start_at: datetime | None
    is_shorter_than_time: bool
    minutes_at_opening: int | None


def window_notes(assignment: Assignment) -> WindowNotes:
    held = terms.of(assignment, override=None, accommodation=None)
    last, opens = held.last_full_start_at, held.opens_at
    is_shorter = last is not None and opens is not None and last < opens
    return WindowNotes(
        opens_at=opens,
        closes_at=held.closes_at,
        is_mock_opening=held.opens_by == "mock",
        is_mock_closing=held.closes_by == "mock",
        full_minutes=round(held.allowed.total / 60),
        last_full_start_at=last,
        is_shorter_than_time=is_shorter,
        minutes_at_opening=held.seconds_from(opens) // 60 if is_shorter and opens else None,
    )
