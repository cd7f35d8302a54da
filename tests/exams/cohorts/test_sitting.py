from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Accommodation, Cohort, User
from exams import delivery, disclosure, offers
from exams.cohorts import assigned, assigning, sitting
from exams.cohorts.assigning import ExceptionSpec
from exams.cohorts.sitting import SittingError
from exams.models import Assignment, Attempt, MockExam
from tests.exams.cohorts.given import assign, assign_practice
from tests.factories import NOW, make_cohort, make_exam, start

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    """8 questions in 20 minutes."""
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


def refused(assignment: Assignment, learner: User, *, after: timedelta = timedelta(0)) -> SittingError:
    with pytest.raises(SittingError) as caught:
        sitting.start_assigned(assignment, learner=learner, now=NOW + after)
    return caught.value


def hand_in(attempt: Attempt, *, after: timedelta) -> None:
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW + after)


def test_the_attempt_holds_what_the_learner_was_given(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    Accommodation.objects.create(learner=ana, time_factor="1.50", extra_minutes=0)
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + HOUR)
    spec = ExceptionSpec(extra_minutes=5, closes_at=NOW + 2 * HOUR)
    assigning.set_exception(assignment, learner=ana, spec=spec, by=ben, now=NOW)

    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)

    assert (attempt.assignment, attempt.mock, attempt.purpose) == (assignment, mock, "mock")
    assert attempt.window_ends_at == NOW + 2 * HOUR
    assert attempt.deadline_at == NOW + 35 * MINUTE


def test_started_twice_it_is_the_same(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben)

    first, second = (sitting.start_assigned(assignment, learner=ana, now=NOW) for _ in range(2))

    assert first == second
    assert Attempt.objects.count() == 1


def test_outside_its_window_nothing_starts(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben, opens_at=NOW + HOUR, closes_at=NOW + 2 * HOUR)

    early, late = refused(assignment, ana), refused(assignment, ana, after=2 * HOUR)

    assert early.refusal and late.refusal
    assert (early.code, early.refusal.at) == ("not_open_yet", NOW + HOUR)
    assert (late.code, late.refusal.at) == ("window_over", NOW + 2 * HOUR)


def test_the_mocks_own_window_cuts_that_of_the_cohort(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    mock.opens_at, mock.closes_at = NOW, NOW + HOUR
    mock.save()
    assignment = assign(cohort, mock, by=ben, opens_at=NOW - HOUR, closes_at=NOW + 3 * HOUR)

    assert refused(assignment, ana, after=-MINUTE).code == "not_open_yet"
    assert refused(assignment, ana, after=HOUR).code == "window_over"
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW + 50 * MINUTE)
    assert attempt.deadline_at == NOW + HOUR


def test_attempts_are_counted_and_kept_apart(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben, attempts_allowed=2, delay_minutes=30)
    hand_in(sitting.start_assigned(assignment, learner=ana, now=NOW), after=MINUTE)

    soon = refused(assignment, ana, after=10 * MINUTE)
    assert soon.refusal
    assert (soon.code, soon.refusal.at) == ("too_soon", NOW + 31 * MINUTE)

    second = sitting.start_assigned(assignment, learner=ana, now=NOW + 31 * MINUTE)
    hand_in(second, after=32 * MINUTE)
    assert second.number == 2
    assert refused(assignment, ana, after=9 * HOUR).code == "no_attempts_left"

    spec = ExceptionSpec(attempts_allowed=3)
    assigning.set_exception(assignment, learner=ana, spec=spec, by=ben, now=NOW)
    assert sitting.start_assigned(assignment, learner=ana, now=NOW + 9 * HOUR).is_open


def test_what_runs_by_themselves_is_not_started_again(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    assignment = assign(cohort, mock, by=ben)
    own = start(mock, ana)

    error = refused(assignment, ana)

    assert error.refusal
    assert (error.code, error.refusal.attempt) == ("running_elsewhere", own)
    (row,) = assigned.given_to(ana, now=NOW)
    assert (row.state, row.refusal and row.refusal.attempt) == ("open", own)
    own.refresh_from_db()
    assert own.assignment is None
    assert sitting.start_assigned(assignment, learner=ana, now=NOW + HOUR).assignment == assignment


def test_two_cohorts_with_the_same_mock(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    other = make_cohort(learners=(ana,), instructors=(ben,))
    first, second = assign(cohort, mock, by=ben), assign(other, mock, by=ben)
    attempt = sitting.start_assigned(first, learner=ana, now=NOW)

    assert refused(second, ana).code == "running_elsewhere"
    hand_in(attempt, after=MINUTE)

    assert sitting.start_assigned(second, learner=ana, now=NOW + MINUTE).assignment == second
    states = {row.assignment: row.state for row in assigned.given_to(ana, now=NOW + 2 * MINUTE)}
    assert states == {first: "done", second: "running"}


def test_who_is_not_given_it_starts_nothing(
    cohort: Cohort, mock: MockExam, ana: User, ben: User, cleo: User
) -> None:
    assignment = assign(cohort, mock, by=ben)

    assert refused(assignment, cleo).code == "not_found"
    assert refused(assignment, ben).code == "not_found"
    cohort.memberships.filter(user=ana).update(left_at=NOW)
    assert refused(assignment, ana).code == "not_found"


def test_nothing_starts_in_the_archive(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben)
    Cohort.objects.update(archived_at=NOW)

    assert refused(assignment, ana).code == "not_found"
    assert assigned.given_to(ana, now=NOW) == []


def test_a_bank_too_small_is_said(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben)
    MockExam.objects.update(items=400)

    assert refused(assignment, ana).code == "no_paper"
    assert not Attempt.objects.exists()


def test_a_practice_is_untimed_and_ends_with_the_window(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    assignment = assign_practice(cohort, mock, by=ben, closes_at=NOW + HOUR, attempts_allowed=None)

    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)

    assert (attempt.purpose, attempt.is_timed, attempt.paper.item_count) == ("practice", False, 5)
    assert (attempt.assignment, attempt.deadline_at) == (assignment, NOW + HOUR)
    assert sitting.start_assigned(assignment, learner=ana, now=NOW) == attempt
    hand_in(attempt, after=MINUTE)
    assert sitting.start_assigned(assignment, learner=ana, now=NOW + MINUTE) != attempt


def test_the_assignments_review_policy_goes_before_the_mocks(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    later = {"during": [], "right_after": [], "after_window": ["score", "marks", "keys"]}
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + HOUR, review_policy=later)
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)
    hand_in(attempt, after=MINUTE)
    attempt.refresh_from_db()

    shown = disclosure.of(attempt, now=NOW + 2 * MINUTE)
    assert (shown.score, shown.score_from) == (False, NOW + HOUR)
    assert disclosure.of(attempt, now=NOW + HOUR).is_all


def test_the_page_before_it_says_what_holds(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + 15 * MINUTE, attempts_allowed=2)
    spec = ExceptionSpec(extra_minutes=10)
    assigning.set_exception(assignment, learner=ana, spec=spec, by=ben, now=NOW)

    page = offers.assigned_page(assigned.given(assignment, ana, now=NOW), now=NOW)

    assert (page.total_minutes, page.exception_minutes, page.extra_minutes) == (30, 10, 0)
    assert (page.ends_at, page.is_cut_by_window, page.minutes_now) == (NOW + 15 * MINUTE, True, 15)
    assert (page.attempts_left, page.refusal) == (2, "")


def test_the_most_pressing_stands_first(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    coming = assign(cohort, mock, by=ben, opens_at=NOW + HOUR)
    over = assign(cohort, mock, by=ben, closes_at=NOW - HOUR)
    later = assign(cohort, mock, by=ben, closes_at=NOW + 2 * HOUR)
    soon = assign(cohort, mock, by=ben, closes_at=NOW + HOUR)

    rows = assigned.given_to(ana, now=NOW)

    assert [row.assignment for row in rows] == [soon, later, coming, over]
    assert [row.state for row in rows] == ["open", "open", "coming", "over"]
