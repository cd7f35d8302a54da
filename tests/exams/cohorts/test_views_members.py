"""The pages of a cohort and its members, over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import cohorts, inviting
from accounts.models import Cohort, Invitation, Membership, Part, Role, User
from exams.models import Assignment
from tests.factories import make_bank, make_blueprint, make_cohort, make_mock, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "blue horse 71"


@pytest.fixture
def cohort(ben: User, ana: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# ── who sees what ──


def test_every_page_of_another_cohort_is_missing(cohort: Cohort, ana: User, cleo: User) -> None:
    stranger = make_user("Iris", role=Role.INSTRUCTOR)
    made = inviting.create_link(
        cohort, by=stranger, expires_at=timezone.now() + timedelta(days=1), max_uses=None, now=timezone.now()
    )
    base = f"/cohorts/{cohort.pk}/"
    pages = ("edit/", "archive/", "members/", f"members/{ana.pk}/", "members/roster/", "invitations/")
    actions = (
        f"members/{ana.pk}/remove/",
        f"invitations/{made.pk}/revoke/",
        f"invitations/{made.pk}/resend/",
    )
    for user in (stranger, cleo):
        client = browser(user)
        assert [client.get(base + page).status_code for page in ("", "leave/", *pages)] == [404] * 8
        assert {client.post(base + action).status_code for action in actions} == {404}
        assert client.post(f"{base}archive/", {"action": "archive"}).status_code == 404
        assert client.post(f"{base}members/{ana.pk}/", {"part": "instructor"}).status_code == 404
    learner = browser(ana)
    assert {learner.get(base + page).status_code for page in pages} == {404}
    assert {learner.post(base + action).status_code for action in actions} == {404}
    assert ana.memberships.active().exists()


def test_nobody_sees_a_cohort_without_signing_in(cohort: Cohort, client: Client) -> None:
    for page in ("/cohorts/", f"/cohorts/{cohort.pk}/", f"/cohorts/{cohort.pk}/members/"):
        assert client.get(page)["Location"].startswith("/accounts/login/")


def test_the_list_holds_ones_own_cohorts(cohort: Cohort, ana: User, cleo: User) -> None:
    make_cohort(learners=(cleo,))
    shown = text_of(browser(ana).get("/cohorts/"))
    assert cohort.title in shown and "New cohort" not in shown
    assert "You are in no cohort" in text_of(browser(make_user("Dora")).get("/cohorts/"))


def test_an_admin_is_told_of_a_cohort_without_instructor(ana: User) -> None:
    make_cohort(learners=(ana,))
    admin = browser(make_user("Mia", role=Role.ADMIN))
    assert "1 cohort has no instructor" in text_of(admin.get("/cohorts/"))
    assert "1 cohort has no instructor" not in text_of(browser(ana).get("/cohorts/"))


# ── made, changed, put away ──


def test_from_a_new_cohort_to_the_archive_and_back(ben: User) -> None:
    client = browser(ben)
    assert client.post("/cohorts/new/", {"title": " ", "term": "x"}).status_code == 400
    response = client.post("/cohorts/new/", {"title": "Evening", "term": "Autumn 2026"})
    made = Cohort.objects.get(title="Evening")
    assert response["Location"] == f"/cohorts/{made.pk}/invitations/"
    assert client.get(response["Location"]).status_code == 200
    client.post(f"/cohorts/{made.pk}/edit/", {"title": "Morning", "term": ""})
    made.refresh_from_db()
    assert (made.title, made.term) == ("Morning", "")
    client.post(f"/cohorts/{made.pk}/archive/", {"action": "archive"})
    assert "Morning" not in text_of(client.get("/cohorts/"))
    assert "Morning" in text_of(client.get("/cohorts/?archived=1"))
    refused = client.post(
        f"/cohorts/{made.pk}/invitations/", {"action": "link", "link-days": 3, "link-part": "learner"}
    )
    assert refused.status_code == 400 and not Invitation.objects.exists()
    client.post(f"/cohorts/{made.pk}/archive/", {"action": "restore"})
    made.refresh_from_db()
    assert made.archived_at is None


def test_a_learner_makes_no_cohort(ana: User) -> None:
    assert browser(ana).get("/cohorts/new/").status_code == 404


# ── members ──


def test_members_are_found_filtered_and_paged(cohort: Cohort, ben: User, ana: User) -> None:
    for n in range(55):
        cohorts.join(cohort, make_user(f"Kim{n:02}"), by=ben, now=timezone.now())
    cohorts.leave(cohort, ana, now=timezone.now())
    client = browser(ben)
    page = f"/cohorts/{cohort.pk}/members/"
    assert "Page 1 of 2, 56 in all" in text_of(client.get(page))
    assert "Kim54" in text_of(client.get(page + "?page=2"))
    assert "Kim07" in text_of(client.get(page + "?q=KIM07")) and "Kim08" not in text_of(
        client.get(page + "?q=kim07")
    )
    assert ana.email in text_of(client.get(page + "?which=left"))
    assert "Nobody here is called" in text_of(client.get(page + "?q=%00nobody"))


def test_the_member_list_takes_as_many_queries_for_two_as_for_sixty(cohort: Cohort, ben: User) -> None:
    client = browser(ben)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/cohorts/{cohort.pk}/members/")
        return len(captured)

    few = queries()
    for n in range(58):
        cohorts.join(cohort, make_user(f"Kim{n:02}"), by=ben, now=timezone.now())
    assert queries() == few <= 12


def test_a_part_is_changed_and_somebody_removed(cohort: Cohort, ben: User, ana: User) -> None:
    client = browser(ben)
    page = f"/cohorts/{cohort.pk}/members/{ana.pk}/"
    shown = text_of(client.post(page, {"part": "instructor"}, follow=True))
    assert "has a learner&#x27;s account, which can&#x27;t teach" in shown
    shown = text_of(client.post(f"/cohorts/{cohort.pk}/members/{ben.pk}/remove/", follow=True))
    assert "is the only one" in shown
    client.post(page + "remove/")
    assert browser(ana).get(f"/cohorts/{cohort.pk}/").status_code == 404
    assert "removed" in text_of(client.get(page))


def test_the_last_instructor_is_told_why_they_cannot_leave(cohort: Cohort, ben: User) -> None:
    shown = text_of(browser(ben).post(f"/cohorts/{cohort.pk}/leave/", follow=True))
    assert "A cohort needs an instructor" in shown
    assert ben.memberships.active().exists()


# ── the learner's page ──


def test_a_learner_reads_who_sees_what_and_what_to_do(cohort: Cohort, ben: User, ana: User) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint)
    mock = make_mock(blueprint)
    for where, title in ((cohort, "Midterm"), (make_cohort(learners=(ana,)), "Elsewhere")):
        Assignment.objects.create(
            cohort=where, mock=mock, blueprint=blueprint, title=title, created_at=timezone.now()
        )
    shown = text_of(browser(ana).get(f"/cohorts/{cohort.pk}/"))
    assert "Who can see your results" in shown and str(ben) in shown
    assert "Midterm" in shown and "Elsewhere" not in shown


def test_leaving_is_asked_first(cohort: Cohort, ana: User) -> None:
    client = browser(ana)
    page = f"/cohorts/{cohort.pk}/leave/"
    assert "Leave the cohort" in text_of(client.get(page))
    assert ana.memberships.active().exists()
    assert client.post(page)["Location"] == "/cohorts/"
    assert client.get(f"/cohorts/{cohort.pk}/").status_code == 404
    assert cohort.title not in text_of(client.get("/profile/"))


# ── joining ──


def make_link(cohort: Cohort, ben: User) -> Invitation:
    now = timezone.now()
    return inviting.create_link(cohort, by=ben, expires_at=now + timedelta(days=7), max_uses=None, now=now)


def test_by_the_typed_code(cohort: Cohort, ben: User, cleo: User) -> None:
    made = make_link(cohort, ben)
    client = browser(cleo)
    typed = f"{made.code[:4].lower()} {made.code[4:]}"
    page = client.post("/cohorts/join/", {"code": typed})["Location"]
    shown = text_of(client.get(page))
    assert cohort.title in shown and "Who will see what" in shown and str(ben) in shown
    assert not cleo.memberships.exists()
    assert client.post(page)["Location"] == f"/cohorts/{cohort.pk}/"
    assert cleo.memberships.get().left_at is None
    assert client.get(page)["Location"] == f"/cohorts/{cohort.pk}/"


def test_guessing_codes_is_stopped(client: Client, settings: Any, cohort: Cohort, ben: User) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "join_code": "3/m/ip"}
    made = make_link(cohort, ben)
    assert client.post("/cohorts/join/", {"code": "AAAA"}).status_code == 400
    assert [client.get(f"/cohorts/join/BBBB{n}/").status_code for n in range(3)] == [404, 404, 429]
    assert client.get(f"/cohorts/join/{made.code}/").status_code == 429
    assert client.post("/cohorts/join/", {"code": made.code}).status_code == 429
    assert browser(make_user("Dora")).get(f"/cohorts/join/{made.code}/").status_code == 200


def test_who_has_no_account_comes_back_after_signing_up(client: Client, cohort: Cohort, ben: User) -> None:
    made = make_link(cohort, ben)
    page = f"/cohorts/join/{made.code}/"
    shown = client.get(page).content.decode()
    assert f"/accounts/signup/?next={page.replace('/', '%2F')}" in shown
    data = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD, "next": page}
    assert client.post("/accounts/signup/", data)["Location"] == page
    client.post(page)
    assert Membership.objects.get(user__email="new@example.com").cohort == cohort


def test_where_addresses_are_confirmed_one_comes_back_too(
    client: Client, settings: Any, cohort: Cohort, ben: User
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.SIGN_UP_OPEN = False
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=timezone.now())
    page = f"/cohorts/join/{made.code}/"
    data = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD, "next": page}
    assert client.post("/accounts/signup/", data)["Location"] == "/accounts/confirm-email/"
    found = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert found
    sign_in = client.post(found[0])["Location"]
    assert sign_in == f"/accounts/login/?next={page.replace('/', '%2F')}"
    login = {"login": "new@example.com", "password": PASSWORD, "next": page}
    assert client.post(sign_in, login)["Location"] == page
    assert f"You are invited to “{cohort.title}”" in text_of(client.get("/cohorts/"))
    client.post(page)
    assert Membership.objects.get(user__email="new@example.com").cohort == cohort


def test_posting_without_an_account_joins_nobody(client: Client, cohort: Cohort, ben: User) -> None:
    client.post(f"/cohorts/join/{make_link(cohort, ben).code}/")
    assert cohort.memberships.count() == 2


def test_an_invitation_opens_a_closed_sign_up_for_its_address(
    client: Client, settings: Any, cohort: Cohort, ben: User
) -> None:
    settings.SIGN_UP_OPEN = False
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=timezone.now())
    page = f"/cohorts/join/{made.code}/"
    data = {"password1": PASSWORD, "password2": PASSWORD, "next": page}
    assert "Sign-up is closed" in text_of(client.get("/accounts/signup/"))
    assert "Sign-up is closed" in text_of(client.get("/accounts/signup/?next=/cohorts/join/ZZZZ/"))
    assert "Sign-up is closed" not in text_of(client.get(f"/accounts/signup/?next={page}"))
    refused = client.post("/accounts/signup/", {**data, "email": "other@example.com"})
    assert "address that the invitation was sent to" in text_of(refused)
    assert client.post("/accounts/signup/", {**data, "email": "new@example.com"})["Location"] == page
    assert [User.objects.filter(email=f"{n}@example.com").count() for n in ("other", "new")] == [0, 1]
    inviting.revoke(make_link(cohort, ben), by=ben, now=timezone.now())
    assert client.post(page)["Location"] == f"/cohorts/{cohort.pk}/"


def test_an_email_for_another_says_so_without_its_address(cohort: Cohort, ben: User, cleo: User) -> None:
    made = inviting.invite(cohort, email="ana.secret@example.com", by=ben, now=timezone.now())
    response = browser(cleo).get(f"/cohorts/join/{made.code}/")
    assert response.status_code == 409
    assert "a…@example.com" in text_of(response) and "ana.secret" not in response.content.decode()


def test_who_is_invited_finds_it_in_the_list(cohort: Cohort, ben: User, cleo: User) -> None:
    EmailAddress.objects.create(user=cleo, email=cleo.email, verified=True, primary=True)
    inviting.invite(cohort, email=cleo.email, by=ben, now=timezone.now())
    assert f"You are invited to “{cohort.title}”" in text_of(browser(cleo).get("/cohorts/"))


# ── invitations ──


def test_links_and_emails_are_made_shown_and_taken_back(cohort: Cohort, ben: User) -> None:
    client = browser(ben)
    page = f"/cohorts/{cohort.pk}/invitations/"
    client.post(page, {"action": "link", "link-days": 3, "link-max_uses": 20, "link-part": "learner"})
    client.post(page, {"action": "email", "email-email": "new@example.com", "email-part": "learner"})
    by_link, by_mail = Invitation.objects.order_by("pk")
    shown = text_of(client.get(page))
    assert f"{by_link.code[:4]}-{by_link.code[4:]}" in shown and "new@example.com" in shown
    for action, field in (("link", "link-days"), ("email", "email-email")):
        response = client.post(page, {"action": action, field: "0x"})
        assert response.status_code == 400 and "0x" in response.content.decode()
    assert "ten minutes" in text_of(client.post(f"{page}{by_mail.pk}/resend/", follow=True))
    for made in (by_link, by_mail):
        client.post(f"{page}{made.pk}/revoke/")
    assert "new@example.com" not in text_of(client.get(page))
    assert not Invitation.objects.usable(timezone.now()).exists()


# ── class lists ──


def test_a_list_is_previewed_then_applied(cohort: Cohort, ben: User, cleo: User) -> None:
    client = browser(ben)
    page = f"/cohorts/{cohort.pk}/members/roster/"
    rows = f"email;name\n{cleo.email};\nnew@example.com;Zoë\nnonsense;X"
    preview = client.post(page, {"text": rows})
    shown = text_of(preview)
    assert "1 row has an error" in shown and "is not an e-mail address" in shown
    assert not cleo.memberships.exists()
    kept = re.search(
        r"<textarea name=\"text\" hidden>\n(.*?)</textarea>", preview.content.decode(), re.DOTALL
    )
    assert kept and "nonsense" not in kept[1]
    response = client.post(page, {"text": kept[1], "action": "apply"})
    assert response["Location"] == f"/cohorts/{cohort.pk}/members/"
    assert cleo.memberships.get().part == Part.LEARNER
    assert Invitation.objects.get().name == "Zoë"


def test_a_list_that_became_wrong_is_shown_again_and_not_applied(
    cohort: Cohort, ben: User, cleo: User
) -> None:
    text = f"email\nnew@example.com\n{cleo.email}"
    User.objects.filter(pk=cleo.pk).update(is_active=False)
    response = browser(ben).post(f"/cohorts/{cohort.pk}/members/roster/", {"text": text, "action": "apply"})
    assert response.status_code == 409 and "The account is closed" in text_of(response)
    assert not Invitation.objects.exists()


def test_a_bad_list_keeps_what_was_pasted(cohort: Cohort, ben: User) -> None:
    client = browser(ben)
    page = f"/cohorts/{cohort.pk}/members/roster/"
    response = client.post(page, {"text": "name\nAna"})
    assert response.status_code == 400 and "name\nAna" in response.content.decode()
    assert "Choose a file" in text_of(client.post(page, {}))
