from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Accommodation, Cohort, Notice, User
from exams.cohorts import assigned, assigning, sitting
from exams.cohorts.assigning import AssigningError, ExceptionSpec
from exams.models import AssignmentEvent, Attempt, AttemptEvent, LearnerOverride, MockExam
from tests.exams.cohorts.given import assign, assign_practice
from tests.factories import NOW, make_cohort, make_exam, make_mock, make_user

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    """8 questions in 20 minutes."""
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


def code_of(call: Any) -> str:
    with pytest.raises(AssigningError) as caught:
        call()
    return caught.value.code


def test_its_learners_are_told_in_their_own_time_zone(cohort: Cohort, mock: MockExam, ben: User) -> None:
    far = make_user("Dai", time_zone="Asia/Tokyo")
    cohort.memberships.create(user=far)

    assignment = assign(cohort, mock, by=ben, opens_at=NOW + HOUR)

    told = {notice.recipient.name: notice for notice in Notice.objects.select_related("recipient")}
    assert set(told) == {"Ana", "Dai"}
    assert "15:00" in told["Ana"].text and "8 September 2026, 00:00" in told["Dai"].text
    assert told["Ana"].path == f"/cohorts/{cohort.pk}/assignments/{assignment.pk}/sit/"
    assert [event.kind for event in assignment.events.all()] == ["created"]


def test_what_can_not_be_given(cohort: Cohort, mock: MockExam, ben: User) -> None:
    narrow = make_mock(mock.blueprint, items=4, opens_at=NOW + 5 * HOUR)
    draft = make_mock(mock.blueprint, items=4, is_published=False)
    odd = {"during": [], "right_after": ["keys"], "after_window": ["keys"]}

    assert code_of(lambda: assign(cohort, mock, by=ben, opens_at=NOW, closes_at=NOW)) == "window_reversed"
    assert code_of(lambda: assign(cohort, narrow, by=ben, closes_at=NOW + HOUR)) == "never_open"
    assert code_of(lambda: assign(cohort, draft, by=ben)) == "not_published"
    assert code_of(lambda: assign(cohort, mock, by=ben, review_policy=odd)) == "bad_policy"
    cohort.archived_at = NOW
    assert code_of(lambda: assign(cohort, mock, by=ben)) == "archived"
    assert not cohort.assignments.exists()


def test_a_practice_needs_tasks_and_enough_questions(cohort: Cohort, mock: MockExam, ben: User) -> None:
    with pytest.raises(AssigningError) as caught:
        assign_practice(cohort, mock, by=ben, questions=7)

    assert (caught.value.code, caught.value.count) == ("too_few_questions", 6)
    assert code_of(lambda: assign_practice(cohort, mock, by=ben, task_ids=())) == "no_tasks"
    stranger = make_exam().blueprint.domains.first()
    assert stranger is not None
    foreign = tuple(stranger.tasks.values_list("pk", flat=True))
    assert code_of(lambda: assign_practice(cohort, mock, by=ben, task_ids=foreign)) == "no_tasks"


def test_a_cohort_without_learners_can_be_given_something(mock: MockExam, ben: User) -> None:
    cohort = make_cohort()

    assignment = assign(cohort, mock, by=ben)

    (row,) = assigned.assignments_of(cohort, now=NOW)
    assert (row.assignment, row.learners, row.sat, row.state) == (assignment, 0, 0, "open")


def test_a_running_sitting_follows_the_window(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + 10 * MINUTE)
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)
    assert attempt.deadline_at == NOW + 10 * MINUTE

    spec = replace(assigning.spec_of(assignment), closes_at=NOW + HOUR)
    assigning.edit(assignment, spec, by=ben, now=NOW + MINUTE)

    attempt.refresh_from_db()
    assert attempt.deadline_at == NOW + 20 * MINUTE
    assert attempt.window_ends_at == NOW + HOUR
    assert attempt.control_revision == 1
    event = attempt.events.get(kind=AttemptEvent.Kind.DEADLINE_CHANGED)
    assert event.detail["deadline_at"] == attempt.deadline_at.isoformat()
    changed = assignment.events.get(kind=AssignmentEvent.Kind.CHANGED)
    assert set(changed.detail) == {"closes_at"}


def test_a_window_that_is_closed_ends_the_sitting_now(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + HOUR)
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)

    spec = replace(assigning.spec_of(assignment), closes_at=NOW + MINUTE)
    assigning.edit(assignment, spec, by=ben, now=NOW + 5 * MINUTE)

    attempt.refresh_from_db()
    assert attempt.deadline_at == NOW + 5 * MINUTE


def test_what_one_sitting_was_given_beyond_the_window_stays(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + 10 * MINUTE)
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)
    Attempt.objects.filter(pk=attempt.pk).update(window_ends_at=NOW + 13 * MINUTE)

    spec = replace(assigning.spec_of(assignment), closes_at=NOW + 12 * MINUTE)
    assigning.edit(assignment, spec, by=ben, now=NOW)

    attempt.refresh_from_db()
    assert attempt.window_ends_at == attempt.deadline_at == NOW + 15 * MINUTE


def test_a_paused_clock_is_left_to_whoever_lets_it_go_on(
    cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + 10 * MINUTE)
    attempt = sitting.start_assigned(assignment, learner=ana, now=NOW)
    Attempt.objects.filter(pk=attempt.pk).update(paused_at=NOW, deadline_at=NOW + 9 * HOUR)

    spec = replace(assigning.spec_of(assignment), closes_at=NOW + HOUR)
    assigning.edit(assignment, spec, by=ben, now=NOW)

    attempt.refresh_from_db()
    assert (attempt.window_ends_at, attempt.deadline_at) == (NOW + HOUR, NOW + 9 * HOUR)


def test_an_exception_moves_one_learner_only(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    dai = make_user("Dai")
    cohort.memberships.create(user=dai)
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + HOUR)
    first, second = (sitting.start_assigned(assignment, learner=each, now=NOW) for each in (ana, dai))

    spec = ExceptionSpec(extra_minutes=15, note="Fire alarm")
    assigning.set_exception(assignment, learner=ana, spec=spec, by=ben, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.deadline_at == NOW + 35 * MINUTE
    assert second.deadline_at == NOW + 20 * MINUTE
    event = assignment.events.get(kind=AssignmentEvent.Kind.EXCEPTION)
    assert (event.learner, event.reason) == (ana, "Fire alarm")

    assigning.set_exception(assignment, learner=ana, spec=ExceptionSpec(), by=ben, now=NOW)

    first.refresh_from_db()
    assert first.deadline_at == NOW + 20 * MINUTE
    assert not LearnerOverride.objects.exists()


def test_an_exception_that_nobody_could_use_is_refused(
    cohort: Cohort, mock: MockExam, ana: User, ben: User, cleo: User
) -> None:
    mock.closes_at = NOW + 2 * HOUR
    mock.save()
    assignment = assign(cohort, mock, by=ben, closes_at=NOW + HOUR)

    def give(learner: User, **fields: Any) -> str:
        spec = ExceptionSpec(**fields)
        return code_of(
            lambda: assigning.set_exception(assignment, learner=learner, spec=spec, by=ben, now=NOW)
        )

    assert give(ana, opens_at=NOW + HOUR) == "window_reversed"
    assert give(ana, opens_at=NOW + 3 * HOUR, closes_at=NOW + 4 * HOUR) == "never_open"
    assert give(cleo, extra_minutes=5) == "not_found"
    assert not LearnerOverride.objects.exists()


def test_what_was_sat_stays_what_it_is(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign_practice(cohort, mock, by=ben)
    sitting.start_assigned(assignment, learner=ana, now=NOW)
    spec = assigning.spec_of(assignment)

    fewer = replace(spec, questions=3)
    assert code_of(lambda: assigning.edit(assignment, fewer, by=ben, now=NOW)) == "already_sat"
    assert assigning.edit(assignment, replace(spec, title="New"), by=ben, now=NOW).title == "New"


def test_withdrawn_and_given_again(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    assignment = assign(cohort, mock, by=ben)

    assigning.withdraw(assignment, by=ben, now=NOW)
    assert assigned.given_to(ana, now=NOW) == []
    assert code_of(lambda: assigning.withdraw(assignment, by=ben, now=NOW)) == "already_withdrawn"
    assigning.restore(assignment, by=ben, now=NOW)

    assert [row.state for row in assigned.given_to(ana, now=NOW)] == ["open"]
    kinds = assignment.events.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["created", "withdrawn", "restored"]


def test_what_each_learner_will_see_and_why(cohort: Cohort, mock: MockExam, ana: User, ben: User) -> None:
    dai, eve = make_user("Dai"), make_user("Eve")
    for each in (dai, eve):
        cohort.memberships.create(user=each)
    Accommodation.objects.create(learner=dai, time_factor="1.50", extra_minutes=5)
    opens = NOW + HOUR
    assignment = assign(cohort, mock, by=ben, opens_at=opens, closes_at=opens + 25 * MINUTE)
    spec = ExceptionSpec(closes_at=opens + 10 * MINUTE, attempts_allowed=3)
    assigning.set_exception(assignment, learner=eve, spec=spec, by=ben, now=NOW)

    rows, _page = assigned.learner_rows(assignment, page_number=None, now=NOW)

    seen = [
        (r.learner.name, r.starts_at, r.ends_at - opens, r.full_minutes, r.is_cut, r.attempts_left)
        for r in rows
    ]
    assert seen == [
        ("Ana", opens, 20 * MINUTE, 20, False, 1),
        ("Dai", opens, 25 * MINUTE, 35, True, 1),
        ("Eve", opens, 10 * MINUTE, 20, True, 3),
    ]
    assert [(r.accommodation_minutes, r.terms.closes_by) for r in rows] == [
        (0, "assignment"),
        (15, "assignment"),
        (0, "exception"),
    ]


def test_a_window_shorter_than_the_time_is_said(cohort: Cohort, mock: MockExam, ben: User) -> None:
    short = assign(cohort, mock, by=ben, opens_at=NOW, closes_at=NOW + 12 * MINUTE)
    mock.closes_at = NOW + 50 * MINUTE
    mock.save()
    cut = assign(cohort, mock, by=ben, opens_at=NOW, closes_at=NOW + HOUR)

    notes = assigned.window_notes(short)
    assert (notes.is_shorter_than_time, notes.minutes_at_opening, notes.full_minutes) == (True, 12, 20)
    notes = assigned.window_notes(cut)
    assert (notes.is_shorter_than_time, notes.is_mock_closing) == (False, True)
    assert notes.last_full_start_at == NOW + 30 * MINUTE


def test_the_list_of_learners_costs_the_same_for_two_and_twenty(
    cohort: Cohort, mock: MockExam, ben: User, django_assert_max_num_queries: Any
) -> None:
    assignment = assign(cohort, mock, by=ben)
    for n in range(20):
        cohort.memberships.create(user=make_user(f"L{n}"))

    with django_assert_max_num_queries(4):
        rows, _page = assigned.learner_rows(assignment, page_number=None, now=timezone.now())
    assert len(rows) == 21
