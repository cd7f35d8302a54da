"""Django's admin: every page opens, nothing vanishes there, and roles hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.models import Accommodation, AccommodationChange, Role, User
from config.middleware import CONTENT_SECURITY_POLICY
from exams import challenges
from exams.models import ExamPlan
from tests.factories import NOW, make_cohort, make_exam, make_note, make_user, sit

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
READ_ONLY = {
    "accounts.CohortEvent",
    "accounts.Invitation",
    "exams.Assignment",
    "exams.AssignmentEvent",
    "exams.AssignmentQuestion",
    "exams.AssignmentTally",
    "exams.ItemTally",
    "exams.LearnerOverride",
    "exams.MockStatistic",
    "exams.PaperTally",
    "exams.PartStanding",
    "exams.Reminder",
    "exams.ReportRun",
    "exams.Standing",
    "accounts.AccommodationChange",
    "accounts.Notice",
    "questions.Comment",
    "questions.Draft",
    "questions.ExportRun",
    "questions.Image",
    "questions.ImportRun",
    "questions.QuestionEvent",
    "questions.Review",
    "questions.TaskMapping",
    "questions.Question",
    "questions.QuestionVersion",
    "questions.Scenario",
    "questions.ScenarioVersion",
    "questions.StudyNote",
    "exams.Paper",
    "exams.PaperItem",
    "exams.Attempt",
    "exams.Response",
    "exams.AttemptEvent",
    "exams.Challenge",
    "exams.Exposure",
    "exams.Result",
    "exams.DomainScore",
    "exams.TaskScore",
    "exams.Evidence",
    "exams.ItemStatistic",
    "exams.MockScoreCount",
    "exams.PopulationPrior",
    "exams.Sweep",
    "mfa.Authenticator",
}
IN_TRANSIT = {
    "questions.Listing",
    "questions.StemBand",
    "questions.QuestionTag",
    "questions.SavedFilter",
    "questions.ImportChunk",
    "questions.ImportRow",
    "questions.ImportPicture",
    "questions.ImportStage",
    "questions.ExportChunk",
    "exams.ReportChunk",
}
"""Worked out from something else, or pieces of a file on its way: there is nothing to look at."""
DELETABLE = {"accounts.Membership", "exams.ExamPlan", "account.EmailAddress", "mfa.Authenticator"}

Model = type[models.Model]


def address(model: Model, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def eve(db: None) -> User:
    """The admin."""
    return make_user("Eve", role=Role.ADMIN)


@pytest.fixture
def as_admin(client: Client, eve: User) -> Client:
    client.force_login(eve)
    return client


@pytest.fixture
def full_database(ana: User, ben: User, eve: User) -> None:
    mock = make_exam(items=4)
    attempt = sit(mock, ana)
    text = "Two of the options say the same."
    challenges.raise_challenge(attempt, slot=1, learner=ana, text=text, now=NOW)
    make_note(mock.blueprint)
    make_cohort(learners=(ana,), instructors=(ben,))
    Accommodation.objects.create(learner=ana)
    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint)
    EmailAddress.objects.create(user=ana, email=ana.email)
    TOTP.activate(ana, generate_totp_secret())


def test_all_models_of_ours_are_there() -> None:
    from django.apps import apps

    ours = {m for app in ("accounts", "questions", "exams") for m in apps.get_app_config(app).get_models()}
    assert {m for m in ours if m._meta.label not in IN_TRANSIT} <= set(REGISTERED)


def test_every_list_every_search_and_every_row_open(as_admin: Client, full_database: None) -> None:
    for model in REGISTERED:
        response = as_admin.get(address(model, "changelist"))
        assert response.status_code == 200, model
        assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        if admin.site._registry[model].search_fields:
            assert as_admin.get(address(model, "changelist"), {"q": "a-b 1"}).status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert as_admin.get(address(model, "change", row.pk)).status_code == 200, model


def test_what_may_be_added_and_deleted_by_hand(as_admin: Client, full_database: None) -> None:
    for model in REGISTERED:
        label = model._meta.label
        add = as_admin.get(address(model, "add")).status_code
        assert add == (403 if label in READ_ONLY else 200), label
        row = model._default_manager.first()
        if row is None:
            continue
        delete = as_admin.post(address(model, "delete", row.pk), {"post": "yes"}).status_code
        assert delete == (302 if label in DELETABLE else 403), label
        if label not in DELETABLE:
            assert model._default_manager.filter(pk=row.pk).exists(), label
        if label in READ_ONLY - DELETABLE:
            assert as_admin.post(address(model, "change", row.pk), {"x": "1"}).status_code == 403, label


def test_lists_have_no_delete_action_for_what_stays(as_admin: Client, full_database: None) -> None:
    for model in REGISTERED:
        html = as_admin.get(address(model, "changelist")).content.decode()
        assert ('value="delete_selected"' in html) is (model._meta.label in DELETABLE), model


def test_secrets_of_the_second_step_are_not_shown(as_admin: Client, ana: User) -> None:
    secret = generate_totp_secret()
    row = TOTP.activate(ana, secret).instance
    html = as_admin.get(address(type(row), "change", row.pk)).content.decode()
    assert "totp" in html.lower() and secret not in html and row.data["secret"] not in html


def test_the_admin_is_for_admins_alone(client: Client, ana: User, ben: User) -> None:
    for user in (ana, ben):
        client.force_login(user)
        assert client.get("/admin/").status_code == 302
        assert client.get(address(User, "changelist")).status_code == 302
    client.logout()
    assert client.get("/admin/").status_code == 302


def change(client: Client, user: User, **fields: str) -> Any:
    data = {"email": user.email, "name": user.name, "role": user.role, "time_zone": "UTC", "theme": "auto"}
    return client.post(address(User, "change", user.pk), {**data, "is_active": "on", **fields})


def test_a_change_of_role_takes_effect_at_once(as_admin: Client, ana: User) -> None:
    learner = Client()
    learner.force_login(ana)
    assert learner.get("/profile/accommodations/").status_code == 404
    change(as_admin, ana, role="instructor")
    assert learner.get("/profile/accommodations/").status_code == 200
    assert learner.get("/admin/").status_code == 302
    change(as_admin, ana, role="admin")
    assert learner.get("/admin/").status_code == 200
    change(as_admin, ana, role="learner")
    assert learner.get("/admin/").status_code == 302
    assert learner.get("/profile/accommodations/").status_code == 404


def test_an_unknown_role_is_refused(as_admin: Client, ana: User) -> None:
    assert change(as_admin, ana, role="king").status_code == 200
    ana.refresh_from_db()
    assert ana.role == Role.LEARNER


@pytest.mark.parametrize("fields", [{"role": "learner"}, {"is_active": ""}])
def test_the_last_admin_stays_one(as_admin: Client, eve: User, fields: dict[str, str]) -> None:
    response = change(as_admin, eve, **fields)
    assert "This is the only admin." in response.content.decode()
    eve.refresh_from_db()
    assert (eve.role, eve.is_active) == (Role.ADMIN, True)
    make_user(role=Role.ADMIN)
    assert change(as_admin, eve, **fields).status_code == 302


def test_a_closed_account_is_out_at_once(as_admin: Client, ana: User) -> None:
    learner = Client()
    learner.force_login(ana)
    change(as_admin, ana, is_active="")
    assert learner.get("/profile/").status_code == 302


def test_accounts_are_made_with_small_letters(as_admin: Client) -> None:
    data = {"email": "New@Example.com", "name": "", "role": "instructor", "usable_password": "true"}
    response = as_admin.post(
        address(User, "add"), {**data, "password1": "blue horse 71", "password2": "blue horse 71"}
    )
    assert response.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert user.role == Role.INSTRUCTOR and user.check_password("blue horse 71")


def test_extra_time_set_here_is_logged_as_everywhere(as_admin: Client, ana: User, eve: User) -> None:
    data = {"learner": str(ana.pk), "time_factor": "1.5", "extra_minutes": "0"}
    as_admin.post(address(Accommodation, "add"), data)
    row = Accommodation.objects.get(learner=ana)
    as_admin.post(address(Accommodation, "change", row.pk), {"time_factor": "1", "extra_minutes": "0"})
    row.refresh_from_db()
    assert (row.time_factor, row.set_by) == (Decimal(1), eve)
    changes = AccommodationChange.objects.filter(learner=ana, by=eve).order_by("at")
    assert [c.after["time_factor"] for c in changes] == ["1.50", "1.00"]
