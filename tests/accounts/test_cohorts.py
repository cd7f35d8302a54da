"""Who is in a cohort: made, joined, left, removed, and never without an instructor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import cohorts
from accounts.models import Cohort, CohortEvent, Membership, Part, Role, User
from tests.factories import NOW, make_cohort, make_user

pytestmark = pytest.mark.django_db


def kinds(cohort: Cohort) -> list[str]:
    return list(cohort.events.order_by("pk").values_list("kind", flat=True))


def code_of(caught: pytest.ExceptionInfo[cohorts.CohortError]) -> str:
    return caught.value.code


def test_who_makes_a_cohort_teaches_it(ben: User) -> None:
    cohort = cohorts.create(title="Evening", term="Autumn 2026", by=ben, now=NOW)
    assert cohorts.instructors_of(cohort) == [ben]
    assert kinds(cohort) == ["created"]


def test_a_change_is_logged_and_the_same_again_is_not(ben: User) -> None:
    cohort = cohorts.create(title="Evening", term="", by=ben, now=NOW)
    assert cohorts.change(cohort, title="Morning", term="", by=ben, now=NOW)
    assert not cohorts.change(cohort, title="Morning", term="", by=ben, now=NOW)
    event = cohort.events.get(kind="changed")
    assert (event.detail["before"]["title"], event.detail["after"]["title"]) == ("Evening", "Morning")


def test_nobody_joins_an_archived_cohort(ana: User, ben: User) -> None:
    cohort = make_cohort(instructors=(ben,))
    cohorts.archive(cohort, by=ben, now=NOW)
    cohorts.archive(cohort, by=ben, now=NOW)
    with pytest.raises(cohorts.CohortError) as caught:
        cohorts.join(cohort, ana, by=ben, now=NOW)
    assert code_of(caught) == "archived"
    cohorts.restore(cohort, by=ben, now=NOW)
    cohorts.join(cohort, ana, by=ben, now=NOW)
    assert kinds(cohort) == ["archived", "restored", "joined"]


def test_who_left_sees_nothing_and_comes_back_to_the_same_row(ana: User, ben: User) -> None:
    cohort = make_cohort(learners=(ana,), instructors=(ben,))
    row = ana.memberships.get()
    cohorts.leave(cohort, ana, now=NOW)
    assert not Cohort.objects.visible_to(ana).exists()
    assert not Membership.objects.taught_by(ben).exists()
    row.refresh_from_db()
    assert row.left_at == NOW
    cohorts.join(cohort, ana, by=ben, now=NOW + timedelta(days=1))
    row.refresh_from_db()
    assert row.left_at is None and ana.memberships.count() == 1
    with pytest.raises(cohorts.CohortError) as caught:
        cohorts.join(cohort, ana, by=ben, now=NOW)
    assert code_of(caught) == "already_in"


def test_leaving_twice_is_refused(ana: User, ben: User) -> None:
    cohort = make_cohort(learners=(ana,), instructors=(ben,))
    cohorts.leave(cohort, ana, now=NOW)
    with pytest.raises(cohorts.CohortError) as caught:
        cohorts.leave(cohort, ana, now=NOW)
    assert code_of(caught) == "not_in"
    assert kinds(cohort) == ["left"]


def test_the_last_instructor_stays(ben: User) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    cohort = make_cohort(instructors=(ben, iris))
    cohorts.leave(cohort, iris, now=NOW)
    for attempt in (
        lambda: cohorts.leave(cohort, ben, now=NOW),
        lambda: cohorts.remove(cohort, ben, by=ben, now=NOW),
        lambda: cohorts.change_part(cohort, ben, part=Part.LEARNER, by=ben, now=NOW),
    ):
        with pytest.raises(cohorts.CohortError) as caught:
            attempt()
        assert code_of(caught) == "last_instructor"
    assert cohorts.instructors_of(cohort) == [ben]


def test_a_closed_account_is_no_instructor(ben: User) -> None:
    gone = make_user("Gone", role=Role.INSTRUCTOR, is_active=False)
    cohort = make_cohort(instructors=(ben, gone))
    with pytest.raises(cohorts.CohortError):
        cohorts.leave(cohort, ben, now=NOW)


def test_an_admin_may_remove_the_last_and_finds_the_cohort_again(ben: User) -> None:
    admin = make_user("Mia", role=Role.ADMIN)
    cohort, other = make_cohort(instructors=(ben,)), make_cohort(instructors=(ben,))
    cohorts.remove(cohort, ben, by=admin, now=NOW)
    assert list(cohorts.without_instructor()) == [cohort]
    cohorts.archive(cohort, by=admin, now=NOW)
    assert not cohorts.without_instructor().exists()
    assert cohorts.instructors_of(other) == [ben]


def test_to_teach_takes_an_instructors_account(ana: User, ben: User) -> None:
    cohort = make_cohort(learners=(ana,), instructors=(ben,))
    with pytest.raises(cohorts.CohortError) as caught:
        cohorts.change_part(cohort, ana, part=Part.INSTRUCTOR, by=ben, now=NOW)
    assert code_of(caught) == "not_instructor"
    ana.role = Role.INSTRUCTOR
    ana.save()
    assert cohorts.change_part(cohort, ana, part=Part.INSTRUCTOR, by=ben, now=NOW)
    assert not cohorts.change_part(cohort, ana, part=Part.INSTRUCTOR, by=ben, now=NOW)
    event = cohort.events.get()
    assert (event.kind, event.subject, event.by) == (CohortEvent.Kind.PART_CHANGED, ana, ben)
