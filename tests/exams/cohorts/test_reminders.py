from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import Cohort, Notice, User
from exams.cohorts import assigning, reminders, sitting
from exams.cohorts.assigning import ExceptionSpec
from exams.models import Assignment, MockExam
from tests.exams.cohorts.given import assign
from tests.factories import NOW, make_cohort, make_exam, make_user

HOUR = timedelta(hours=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


@pytest.fixture
def assignment(cohort: Cohort, mock: MockExam, ben: User) -> Assignment:
    """Closes in ten hours; reminds two hours before."""
    given = assign(cohort, mock, by=ben, closes_at=NOW + 10 * HOUR, remind_hours=2)
    Notice.objects.all().delete()
    return given


def test_once_before_it_closes(assignment: Assignment, ana: User) -> None:
    counts = [reminders.send_due(now=NOW + hours * HOUR) for hours in (7, 8, 9, 10, 11)]

    assert counts == [0, 1, 0, 0, 0]
    assert [notice.recipient for notice in Notice.objects.all()] == [ana]
    assert "8 September 2026, 00:00" in Notice.objects.get().text
    assert assignment.events.filter(kind="reminded").count() == 1


def test_who_has_sat_it_is_left_alone(assignment: Assignment, ana: User) -> None:
    sitting.start_assigned(assignment, learner=ana, now=NOW)

    assert reminders.send_due(now=NOW + 9 * HOUR) == 0


def test_who_has_more_time_is_reminded_before_their_own_end(
    assignment: Assignment, cohort: Cohort, ana: User, ben: User
) -> None:
    dai = make_user("Dai")
    cohort.memberships.create(user=dai)
    spec = ExceptionSpec(closes_at=NOW + 20 * HOUR)
    assigning.set_exception(assignment, learner=ana, spec=spec, by=ben, now=NOW)

    reminders.send_due(now=NOW + 9 * HOUR)
    assert [notice.recipient for notice in Notice.objects.all()] == [dai]
    reminders.send_due(now=NOW + 19 * HOUR)
    assert {notice.recipient for notice in Notice.objects.all()} == {ana, dai}


def test_a_new_deadline_is_a_new_reminder(assignment: Assignment, ben: User) -> None:
    reminders.send_due(now=NOW + 9 * HOUR)
    spec = replace(assigning.spec_of(assignment), closes_at=NOW + 30 * HOUR)
    assigning.edit(assignment, spec, by=ben, now=NOW + 9 * HOUR)

    assert reminders.send_due(now=NOW + 10 * HOUR) == 0
    assert reminders.send_due(now=NOW + 29 * HOUR) == 1


def test_nobody_is_reminded_of_what_was_withdrawn(assignment: Assignment, ben: User) -> None:
    assigning.withdraw(assignment, by=ben, now=NOW)

    assert reminders.send_due(now=NOW + 9 * HOUR) == 0
