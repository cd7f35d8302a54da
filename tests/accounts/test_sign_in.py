"""Signing in, up and out, forgotten passwords, confirmed addresses: whole flows over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import User

LOGIN = "/accounts/login/"
SIGN_UP = "/accounts/signup/"
RESET = "/accounts/password/reset/"
GOOD_PASSWORD = "blue horse 71"


def sign_in(client: Client, email: str, password: str = "secret", **data: str) -> Any:
    return client.post(LOGIN, {"login": email, "password": password, **data})


def sign_up(client: Client, email: str = "new@example.com", **data: str) -> Any:
    return client.post(
        SIGN_UP, {"email": email, "password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD, **data}
    )


def is_signed_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def link_in_mail(path: str) -> str:
    found = re.search(rf"http://testserver({path}\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


# ── in and out ──


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
def test_the_address_signs_in_in_any_case(client: Client, ana: User, spelling: Any) -> None:
    response = sign_in(client, spelling(ana.email), next="/profile/")
    assert (response.status_code, response["Location"]) == (302, "/profile/")
    assert is_signed_in(client)


def test_nobody_is_sent_to_another_site(client: Client, ana: User) -> None:
    assert sign_in(client, ana.email, next="https://elsewhere.example/")["Location"] == "/"


def test_two_spellings_of_an_address_are_one_account(ana: User) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User(email=ana.email.upper()).save()


def test_sessions_are_in_the_database_too(client: Client, ana: User) -> None:
    sign_in(client, ana.email)
    session = Session.objects.get(pk=client.cookies["sessionid"].value)
    assert session.get_decoded()["_auth_user_id"] == str(ana.pk)


def test_signing_out_takes_a_post(client: Client, ana: User) -> None:
    sign_in(client, ana.email)
    assert "A running exam goes on" in client.get("/accounts/logout/").content.decode()
    assert is_signed_in(client)
    assert client.post("/accounts/logout/")["Location"] == LOGIN
    assert not is_signed_in(client)


def test_a_closed_account_does_not_get_in(client: Client, ana: User) -> None:
    ana.is_active = False
    ana.save()
    sign_in(client, ana.email)
    assert not is_signed_in(client)


def test_a_wrong_password_and_an_unknown_address_look_the_same(client: Client, ana: User) -> None:
    wrong = sign_in(client, ana.email, "wrong").context["form"].non_field_errors()
    unknown = sign_in(client, "nobody@example.com", "wrong").context["form"].non_field_errors()
    assert wrong == unknown == ["E-mail address and password don't belong together."]


def test_after_ten_failures_an_account_rests(client: Client, ana: User, cleo: User) -> None:
    for _try in range(10):
        assert "don't belong together" in sign_in(client, ana.email, "wrong").content.decode().replace(
            "&#x27;", "'"
        )
    response = sign_in(client, ana.email.upper())
    assert "Too many failed sign-ins for this account." in response.content.decode()
    assert not is_signed_in(client)
    sign_in(client, cleo.email)
    assert is_signed_in(client)


def test_success_is_no_failure(ana: User) -> None:
    for _time in range(12):
        assert sign_in(Client(), ana.email).status_code == 302


def test_the_demo_says_its_accounts_and_nothing_else_does(
    client: Client, db: None, settings: Settings
) -> None:
    assert "learner@example.com" not in client.get(LOGIN).content.decode()
    settings.DEMO = True
    html = client.get(LOGIN).content.decode()
    for email in ("learner@example.com", "instructor@example.com", "admin@example.com"):
        assert f'<input type="hidden" name="login" value="{email}">' in html


# ── sign-up ──


def test_signing_up_makes_a_learner_in_the_browsers_zone(client: Client, db: None) -> None:
    response = sign_up(client, "New@Example.com", time_zone="Europe/Berlin", role="admin", is_staff="1")
    assert response.status_code == 302
    user = User.objects.get()
    assert (user.email, user.role, user.is_staff) == ("new@example.com", "learner", False)
    assert user.time_zone == "Europe/Berlin"


def test_an_unknown_zone_is_ignored(client: Client, db: None) -> None:
    sign_up(client, time_zone="Mars/Olympus")
    assert User.objects.get().time_zone == "UTC"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"password1": "12345678", "password2": "12345678"}, "password1"),
        ({"password1": "short", "password2": "short"}, "password1"),
        ({"password2": "another one 5"}, "password2"),
    ],
)
def test_a_bad_sign_up_is_named_at_its_field(
    client: Client, db: None, data: dict[str, str], field: str
) -> None:
    response = client.post(
        SIGN_UP, {"email": "new@example.com", "password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD, **data}
    )
    assert list(response.context["form"].errors) == [field]
    assert not User.objects.exists()


def test_closed_sign_up_makes_nobody(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False
    for response in (client.get(SIGN_UP), sign_up(client)):
        assert "Sign-up is closed" in response.content.decode()
    assert not User.objects.exists()
    assert f'href="{SIGN_UP}"' not in client.get(LOGIN).content.decode()


def test_where_addresses_are_confirmed_nobody_gets_in_before(
    client: Client, db: None, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert sign_up(client)["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)
    assert mail.outbox[0].subject == "Cutscore: Please Confirm Your Email Address"
    link = link_in_mail("/accounts/confirm-email/")
    assert "Confirm your e-mail address" in client.get(link).content.decode()
    client.post(link)
    assert EmailAddress.objects.get().verified
    sign_in(client, "new@example.com", GOOD_PASSWORD)
    assert is_signed_in(client)


def test_where_addresses_are_confirmed_sign_up_tells_nobody_who_is_here(
    client: Client, ana: User, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    known, fresh = sign_up(Client(), ana.email), sign_up(Client(), "fresh@example.com")
    assert (known.status_code, known["Location"]) == (fresh.status_code, fresh["Location"])
    assert [m.to for m in mail.outbox] == [[ana.email], ["fresh@example.com"]]
    ana.refresh_from_db()
    assert ana.check_password("secret")


def test_a_link_that_is_broken_says_so(client: Client, db: None) -> None:
    assert "This link no longer works" in client.get("/accounts/confirm-email/nonsense/").content.decode()
    assert (
        "This link no longer works" in client.get("/accounts/password/reset/key/1-nonsense/").content.decode()
    )


# ── passwords ──


def test_a_forgotten_password_is_set_anew_once(client: Client, ana: User) -> None:
    client.post(RESET, {"email": ana.email.upper()})
    assert mail.outbox[0].to == [ana.email]
    first = link_in_mail("/accounts/password/reset/key/")
    form = client.get(first)["Location"]
    client.post(form, {"password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD})
    ana.refresh_from_db()
    assert ana.check_password(GOOD_PASSWORD)
    assert "This link no longer works" in Client().get(first).content.decode()
    sign_in(client, ana.email, GOOD_PASSWORD)
    assert is_signed_in(client)


def test_a_forgotten_password_ends_the_sessions_elsewhere(client: Client, ana: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, ana.email)
    client.post(RESET, {"email": ana.email})
    form = client.get(link_in_mail("/accounts/password/reset/key/"))["Location"]
    client.post(form, {"password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD})
    assert not is_signed_in(elsewhere)


def test_asking_for_a_new_password_tells_nobody_who_is_here(client: Client, ana: User) -> None:
    known = client.post(RESET, {"email": ana.email})
    unknown = client.post(RESET, {"email": "nobody@example.com"})
    assert known["Location"] == unknown["Location"] == "/accounts/password/reset/done/"
    assert "If there is an account" in client.get(unknown["Location"]).content.decode()
    assert "/accounts/password/reset/key/" in str(mail.outbox[0].body)
    assert "/accounts/password/reset/key/" not in str(mail.outbox[1].body)


def test_changing_the_password_takes_the_old_one_and_signs_out_elsewhere(client: Client, ana: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, ana.email)
    sign_in(client, ana.email)
    change = "/accounts/password/change/"
    data = {"oldpassword": "wrong", "password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD}
    assert list(client.post(change, data).context["form"].errors) == ["oldpassword"]
    assert client.post(change, {**data, "oldpassword": "secret"}).status_code == 302
    assert not is_signed_in(elsewhere)
    ana.refresh_from_db()
    assert ana.check_password(GOOD_PASSWORD)


def test_too_many_tries_get_a_page_of_ours(client: Client, ana: User) -> None:
    sign_in(client, ana.email)
    data = {"oldpassword": "wrong", "password1": GOOD_PASSWORD, "password2": GOOD_PASSWORD}
    for _try in range(5):
        client.post("/accounts/password/change/", data)
    response = client.post("/accounts/password/change/", data)
    assert response.status_code == 429
    assert "Too many tries" in response.content.decode()


# ── addresses ──


def test_ana_changes_her_address(client: Client, ana: User) -> None:
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    old = ana.email
    sign_in(client, old)
    client.post("/accounts/email/", {"action_add": "", "email": "ana.brandt@example.com"})
    assert mail.outbox[-1].to == ["ana.brandt@example.com"]
    client.post(link_in_mail("/accounts/confirm-email/"))
    client.post("/accounts/email/", {"action_primary": "", "email": "ana.brandt@example.com"})
    client.post("/accounts/email/", {"action_remove": "", "email": old})
    ana.refresh_from_db()
    assert ana.email == "ana.brandt@example.com"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ana.brandt@example.com"]
    html = client.get("/accounts/email/").content.decode()
    assert "ana.brandt@example.com" in html and "confirmed" in html
