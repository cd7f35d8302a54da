from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import serializers
from django.test import Client

from accounts import accommodations, anonymising, cohorts, inviting
from accounts.models import Accommodation, AccommodationChange, Membership, Role, User
from exams import closing
from exams.models import Attempt, Result
from tests.factories import NOW, make_cohort, make_exam, make_user, save, sit, start

PAGE = "/profile/anonymise/"


def everything_stored() -> str:
    """All rows of all tables that can name a person."""
    from django.apps import apps

    models = [model for model in apps.get_models() if model is not Session]
    return "".join(serializers.serialize("json", model._default_manager.all()) for model in models)


def log_in_admin(target: User | Accommodation | Membership, *, by: User) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(target),
        object_id=str(target.pk),
        object_repr=str(target),
        action_flag=CHANGE,
    )


@pytest.fixture
def full_account(ben: User) -> User:
    """Somebody of whom everything is stored that can be."""
    learner = make_user("Annegret", email="annegret@example.com")
    make_cohort(learners=(learner,), instructors=(ben,))
    EmailAddress.objects.create(user=learner, email=learner.email, verified=True, primary=True)
    EmailAddress.objects.create(user=learner, email="annegret.second@example.com")
    TOTP.activate(learner, generate_totp_secret())
    RecoveryCodes.activate(learner)
    accommodations.set_accommodation(learner, by=ben, time_factor=Decimal("1.5"), extra_minutes=5, now=NOW)
    for target in (learner, learner.accommodation, learner.memberships.get()):
        log_in_admin(target, by=ben)
    return learner


def test_no_row_anywhere_names_the_person_any_more(full_account: User) -> None:
    sit(make_exam(items=4), full_account)
    assert "annegret" in everything_stored().lower()
    anonymising.anonymise(full_account, now=NOW)
    assert "annegret" not in everything_stored().lower()


def test_what_goes(full_account: User) -> None:
    old_password = full_account.password
    anonymising.anonymise(full_account, now=NOW)
    full_account.refresh_from_db()
    assert full_account.email.startswith("anonymised-") and full_account.email.endswith(".invalid")
    assert (full_account.name, full_account.is_active, full_account.anonymised_at) == ("", False, NOW)
    assert not full_account.has_usable_password() and full_account.password != old_password
    for model, owner in (
        (EmailAddress, "user"),
        (Authenticator, "user"),
        (Membership, "user"),
        (Accommodation, "learner"),
        (AccommodationChange, "learner"),
    ):
        assert not model._base_manager.filter(**{owner: full_account}).exists(), model


def test_attempts_answers_and_scores_stay(ana: User) -> None:
    attempt = sit(make_exam(items=4), ana, right=3)
    before = [(r.slot, r.answer, r.is_correct) for r in attempt.responses.all()]
    anonymising.anonymise(ana, now=NOW)
    attempt.refresh_from_db()
    assert attempt.learner == ana
    assert [(r.slot, r.answer, r.is_correct) for r in attempt.responses.all()] == before
    assert Result.objects.get(attempt=attempt).correct == 3


def test_a_running_exam_stays_and_closes_by_itself(ana: User) -> None:
    attempt = start(make_exam(items=4), ana)
    save(attempt, 1, None)
    anonymising.anonymise(ana, now=NOW)
    attempt.refresh_from_db()
    assert attempt.state == Attempt.State.IN_PROGRESS
    closing.close_overdue(now=attempt.deadline_at + timedelta(minutes=1))
    attempt.refresh_from_db()
    assert attempt.closed_reason == Attempt.ClosedReason.TIME_RAN_OUT


def test_all_sessions_end_and_no_one_elses(ana: User, cleo: User) -> None:
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(ana)
    other = Client()
    other.force_login(cleo)
    anonymising.anonymise(ana, now=NOW)
    assert all(browser.get("/profile/").status_code == 302 for browser in browsers)
    assert other.get("/profile/").status_code == 200
    assert [s.get_decoded()["_auth_user_id"] for s in Session.objects.all()] == [str(cleo.pk)]


def test_nobody_else_is_touched(full_account: User, cleo: User, ben: User) -> None:
    make_cohort(learners=(cleo,))
    accommodations.set_accommodation(cleo, by=ben, time_factor=Decimal(2), extra_minutes=0, now=NOW)
    log_in_admin(cleo, by=ben)
    anonymising.anonymise(full_account, now=NOW)
    cleo.refresh_from_db()
    assert (cleo.name, cleo.is_active) == ("Cleo", True)
    assert cleo.memberships.count() == cleo.accommodation_changes.count() == 1
    assert list(LogEntry.objects.filter(object_id=str(cleo.pk)).values_list("object_repr", flat=True)) == [
        "Cleo"
    ]


def test_two_anonymised_accounts_can_stand_beside_each_other(ana: User, cleo: User) -> None:
    anonymising.anonymise(ana, now=NOW)
    anonymising.anonymise(cleo, now=NOW)
    assert ana.email != cleo.email


def test_again_changes_nothing(ana: User) -> None:
    anonymising.anonymise(ana, now=NOW)
    email = ana.email
    anonymising.anonymise(ana, now=NOW + timedelta(days=1))
    ana.refresh_from_db()
    assert (ana.email, ana.anonymised_at) == (email, NOW)


def test_the_last_admin_stays(db: None) -> None:
    first, second = make_user(role=Role.ADMIN), make_user(role=Role.ADMIN)
    anonymising.anonymise(first, now=NOW)
    with pytest.raises(anonymising.AnonymisingError) as caught:
        anonymising.anonymise(second, now=NOW)
    assert caught.value.code == "last_admin"
    second.refresh_from_db()
    assert second.anonymised_at is None and second.is_active
    first.refresh_from_db()
    assert (first.role, first.is_staff, first.is_superuser) == (Role.LEARNER, False, False)


# ── the page ──


def test_the_page_takes_the_password(client: Client, ana: User) -> None:
    client.force_login(ana)
    for wrong in ("", "wrong", ana.email):
        response = client.post(PAGE, {"confirmation": wrong})
        assert list(response.context["form"].errors) == ["confirmation"]
    ana.refresh_from_db()
    assert ana.anonymised_at is None
    response = client.post(PAGE, {"confirmation": "secret"}, follow=True)
    assert response.redirect_chain == [("/accounts/login/", 302)]
    assert "The account is anonymised" in response.content.decode()
    ana.refresh_from_db()
    assert ana.anonymised_at is not None
    assert "_auth_user_id" not in client.session


def test_who_has_no_password_types_the_address(client: Client, ana: User) -> None:
    ana.set_unusable_password()
    ana.save()
    client.force_login(ana)
    assert "Your e-mail address" in client.get(PAGE).content.decode()
    assert list(client.post(PAGE, {"confirmation": "x@example.com"}).context["form"].errors) == [
        "confirmation"
    ]
    client.post(PAGE, {"confirmation": f" {ana.email.upper()} "})
    ana.refresh_from_db()
    assert ana.anonymised_at is not None


def test_looking_at_the_page_does_nothing(client: Client, ana: User) -> None:
    client.force_login(ana)
    html = client.get(PAGE).content.decode()
    assert "What goes, for good" in html and "What stays" in html
    ana.refresh_from_db()
    assert ana.anonymised_at is None


def test_the_last_admin_is_told_why_not(client: Client, db: None) -> None:
    admin = make_user(role=Role.ADMIN)
    client.force_login(admin)
    assert "You are the only admin." in client.get(PAGE).content.decode()
    response = client.post(PAGE, {"confirmation": "secret"})
    assert response.context["form"].non_field_errors() == [
        "You are the only admin. Make somebody else an admin first."
    ]
    admin.refresh_from_db()
    assert admin.anonymised_at is None


def test_passwords_can_not_be_tried_without_end(client: Client, ana: User) -> None:
    client.force_login(ana)
    for _try in range(10):
        assert client.post(PAGE, {"confirmation": "wrong"}).status_code == 200
    assert client.post(PAGE, {"confirmation": "secret"}).status_code == 429
    ana.refresh_from_db()
    assert ana.anonymised_at is None


def test_the_page_needs_its_token(ana: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post(PAGE, {"confirmation": "secret"}).status_code == 403


def test_the_old_address_is_free_again(client: Client, full_account: User) -> None:
    anonymising.anonymise(full_account, now=NOW)
    client.post(
        "/accounts/signup/",
        {"email": "annegret@example.com", "password1": "blue horse 71", "password2": "blue horse 71"},
    )
    assert User.objects.get(email="annegret@example.com").pk != full_account.pk


def test_invitations_to_their_addresses_go_and_the_cohorts_log_stays_nameless(
    full_account: User, ben: User
) -> None:
    cohort = make_cohort(instructors=(ben,))
    for address in (full_account.email, "annegret.second@example.com", "other@example.com"):
        inviting.invite(cohort, email=address, name=address.partition("@")[0], by=ben, now=NOW)
    other = make_cohort(instructors=(ben,))
    cohorts.join(other, full_account, by=ben, now=NOW)
    cohorts.leave(other, full_account, now=NOW)
    anonymising.anonymise(full_account, now=NOW)
    assert [each.email for each in cohort.invitations.all()] == ["other@example.com"]
    assert list(other.events.order_by("pk").values_list("kind", flat=True)) == ["joined", "left"]
    assert "annegret" not in everything_stored().lower()
