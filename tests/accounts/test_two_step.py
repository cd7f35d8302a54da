"""The second step: the app and the recovery codes. Keys need a browser: tests/browser/test_accounts.py."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from accounts.models import Role, User
from tests.factories import make_user

COUNTER = 58_000_000


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code holds for half a minute: without this a test that meets the end of one would fail."""
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([COUNTER]))


def code_of(secret: str, *, counter: int = COUNTER) -> str:
    code: str = auth.format_hotp_value(auth.hotp_value(secret, counter))
    return code


def password_step(client: Client, user: User, *, to: str = "") -> str:
    data = {"login": user.email, "password": "secret", "next": to}
    return client.post("/accounts/login/", data)["Location"]


def second_step(client: Client, code: str) -> None:
    client.post("/accounts/2fa/authenticate/", {"code": code})


def is_signed_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_the_password_alone_is_not_enough(client: Client, ana: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    assert password_step(client, ana).startswith("/accounts/2fa/authenticate/")
    assert not is_signed_in(client)
    second_step(client, code_of(secret, counter=COUNTER - 2))
    assert not is_signed_in(client)
    second_step(client, code_of(secret))
    assert is_signed_in(client)


def test_a_recovery_code_works_once(ana: User) -> None:
    TOTP.activate(ana, generate_totp_secret())
    code = RecoveryCodes.activate(ana).get_unused_codes()[0]
    for client, gets_in in ((Client(), True), (Client(), False)):
        password_step(client, ana)
        second_step(client, code)
        assert is_signed_in(client) is gets_in


def test_the_admin_asks_for_the_second_step_too(client: Client, db: None) -> None:
    admin = make_user(role=Role.ADMIN)
    TOTP.activate(admin, generate_totp_secret())
    response = client.get("/admin/login/?next=/admin/")
    assert response["Location"].startswith("/accounts/login/")
    client.post("/admin/login/", {"username": admin.email, "password": "secret"})
    assert client.get("/admin/").status_code == 302
    assert password_step(client, admin, to="/admin/").startswith("/accounts/2fa/authenticate/")
    assert client.get("/admin/").status_code == 302


def test_setting_up_the_app_asks_for_the_password_and_gives_recovery_codes(client: Client, ana: User) -> None:
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    client.force_login(ana)
    activate = "/accounts/2fa/totp/activate/"
    assert client.get(activate)["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": "secret"})
    shown = re.search(
        r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', client.get(activate).content.decode()
    )
    assert shown
    assert client.post(activate, {"code": code_of(shown[1])})["Location"] == "/accounts/2fa/recovery-codes/"
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert all(code in client.get("/accounts/2fa/recovery-codes/").content.decode() for code in codes)


@pytest.mark.parametrize(
    "address", ["/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"]
)
def test_strangers_sign_in_first(client: Client, db: None, address: str) -> None:
    assert client.get(address)["Location"].startswith("/accounts/login/")


def test_nobody_touches_anothers_key(client: Client, ana: User, cleo: User) -> None:
    key = Authenticator.objects.create(user=ana, type="webauthn", data={"name": "Blue key", "credential": {}})
    client.force_login(cleo)
    client.post("/accounts/reauthenticate/", {"password": "secret"})
    for action in ("edit", "remove"):
        address = f"/accounts/2fa/webauthn/keys/{key.pk}/{action}/"
        assert client.get(address).status_code == client.post(address, {"name": "Mine"}).status_code == 404
    assert Authenticator.objects.get().wrap().name == "Blue key"
