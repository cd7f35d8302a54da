from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts import access
from accounts.models import Role, User
from tests.factories import make_cohort, make_user

EVERYTHING = {
    access.TAKE_EXAMS,
    access.WRITE_QUESTIONS,
    access.SEE_COHORT_RESULTS,
    access.SET_ACCOMMODATIONS,
    access.ADMINISTER,
}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.LEARNER, {access.TAKE_EXAMS}),
        (Role.INSTRUCTOR, EVERYTHING - {access.ADMINISTER}),
        (Role.ADMIN, EVERYTHING),
    ],
)
def test_each_role_has_exactly_its_permissions(db: None, role: Role, allowed: set[access.Permission]) -> None:
    user = make_user(role=role)
    assert {permission for permission in EVERYTHING if access.may(user, permission)} == allowed


def test_nobody_and_closed_accounts_may_nothing(db: None) -> None:
    closed = make_user(role=Role.ADMIN, is_active=False)
    for permission in EVERYTHING:
        assert not access.may(AnonymousUser(), permission)
        assert not access.may(closed, permission)


@access.permission_required(access.WRITE_QUESTIONS)
def guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def test_a_guarded_view_sends_strangers_to_sign_in_and_hides_from_learners(
    ana: User, ben: User, rf: RequestFactory
) -> None:
    request = rf.get("/somewhere/?page=2")
    request.user = AnonymousUser()
    response = guarded(request)
    assert (response.status_code, response["Location"]) == (
        302,
        "/accounts/login/?next=/somewhere/%3Fpage%3D2",
    )
    request.user = ana
    with pytest.raises(Http404):
        guarded(request)
    request.user = ben
    assert guarded(request).status_code == 200


def test_a_change_of_role_changes_what_somebody_may_at_once(ana: User) -> None:
    ana.role = Role.ADMIN
    ana.save(update_fields=["role"])
    ana.refresh_from_db()
    assert ana.is_staff and ana.is_superuser
    assert access.may(ana, access.ADMINISTER)
    ana.role = Role.INSTRUCTOR
    ana.save(update_fields=["role"])
    ana.refresh_from_db()
    assert not ana.is_staff and not ana.is_superuser
    assert not access.may(ana, access.ADMINISTER)


def test_staff_rights_come_from_the_role_alone(db: None) -> None:
    user = make_user(is_staff=True, is_superuser=True)
    assert not user.is_staff and not user.is_superuser


def test_a_superuser_is_an_admin(db: None) -> None:
    user = User.objects.create_superuser("Root@Example.com", "secret")
    assert (user.role, user.email) == (Role.ADMIN, "root@example.com")
    assert access.may(user, access.ADMINISTER)


def test_the_last_admin_is_the_only_active_one(db: None, ana: User) -> None:
    first = make_user(role=Role.ADMIN)
    assert access.is_last_admin(first)
    second = make_user(role=Role.ADMIN)
    assert not access.is_last_admin(first)
    second.is_active = False
    second.save()
    assert access.is_last_admin(first)
    assert not access.is_last_admin(second)
    assert not access.is_last_admin(ana)


def test_instructors_see_the_learners_they_teach(ana: User, ben: User, cleo: User) -> None:
    other = make_user("Dan", role=Role.INSTRUCTOR)
    admin = make_user("Eve", role=Role.ADMIN)
    make_cohort(learners=(ana,), instructors=(ben,))
    make_cohort(learners=(ana,), instructors=(ben,))
    make_cohort(learners=(cleo,), instructors=(other,))
    assert list(User.objects.learners_visible_to(ben)) == [ana]
    assert list(User.objects.learners_visible_to(other)) == [cleo]
    assert list(User.objects.learners_visible_to(ana)) == []
    assert set(User.objects.learners_visible_to(admin)) == {ana, ben, cleo, other, admin}


def test_an_instructor_who_became_a_learner_sees_nobody(ana: User, ben: User) -> None:
    make_cohort(learners=(ana,), instructors=(ben,))
    ben.role = Role.LEARNER
    ben.save()
    assert not User.objects.learners_visible_to(ben).exists()


def test_being_an_instructor_somewhere_shows_nobody_elsewhere(ana: User, ben: User) -> None:
    make_cohort(learners=(ana, ben))
    assert not User.objects.learners_visible_to(ben).exists()
