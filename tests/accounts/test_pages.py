"""Every account page: its look, its headers, and what a strict CSP forbids in it."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from accounts.models import Role, User
from config.middleware import CONTENT_SECURITY_POLICY
from tests.factories import make_user

SIGNED_OUT = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/inactive/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/nonsense/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-nonsense/",
)
SIGNED_IN = (
    "/profile/",
    "/profile/anonymise/",
    "/profile/accommodations/",
    "/accounts/email/",
    "/accounts/logout/",
    "/accounts/password/change/",
    "/accounts/password/reset/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
)
FORBIDDEN = (
    re.compile(r"<[^>]*\sstyle="),
    re.compile(r"<[^>]*\son[a-z]+="),
    re.compile(r"<style"),
    re.compile(r"javascript:"),
    # A script without src must be data.
    re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>"),
    re.compile(r"(?:src|href)=\"(?:https?:)?//"),
)


def assert_clean(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code, response.headers.get("Location"))
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response["X-Frame-Options"] == "DENY"
    html = response.content.decode()
    for pattern in FORBIDDEN:
        assert not pattern.search(html), (address, pattern.pattern)
    assert html.count("<h1") == 1
    assert 'class="site-header"' in html
    # Our elements, not allauth's bare ones.
    assert re.search(r'class="(?:entrance|manage|page-head)"', html), address
    assert "Menu:" not in html
    return html


@pytest.mark.parametrize("address", SIGNED_OUT)
def test_pages_before_signing_in(client: Client, db: None, address: str) -> None:
    assert_clean(client, address)


def sign_in_with_all_methods(client: Client, user: User) -> None:
    """With app and recovery codes, and the password given again a moment ago, so that no page asks for it."""
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": "secret"})
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)


@pytest.mark.parametrize("address", SIGNED_IN)
def test_pages_of_a_protected_account(client: Client, db: None, address: str) -> None:
    sign_in_with_all_methods(client, make_user(role=Role.INSTRUCTOR))
    assert_clean(client, address)


def test_setting_up_the_app_and_the_keys_own_pages(client: Client, ana: User) -> None:
    sign_in_with_all_methods(client, ana)
    key = Authenticator.objects.create(
        user=ana, type=Authenticator.Type.WEBAUTHN, data={"name": "Blue key", "credential": {}}
    )
    assert "Blue key" in assert_clean(client, "/accounts/2fa/webauthn/")
    for address in (
        f"/accounts/2fa/webauthn/keys/{key.pk}/edit/",
        f"/accounts/2fa/webauthn/keys/{key.pk}/remove/",
    ):
        assert "Blue key" in assert_clean(client, address)
    Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).delete()
    html = assert_clean(client, "/accounts/2fa/totp/activate/")
    assert 'src="data:image/svg+xml;' in html


def test_the_second_step(client: Client, ana: User) -> None:
    TOTP.activate(ana, generate_totp_secret())
    client.post("/accounts/login/", {"login": ana.email, "password": "secret"})
    assert_clean(client, "/accounts/2fa/authenticate/")


def test_each_field_has_a_label_and_its_error_is_tied_to_it(client: Client, db: None) -> None:
    html = client.post("/accounts/signup/", {"email": "nonsense"}).content.decode()
    for field in ("id_email", "id_password1", "id_password2"):
        assert f'<label for="{field}">' in html
        control = re.search(rf'<input[^>]*id="{field}"[^>]*>', html)
        assert control and 'aria-invalid="true"' in control[0]
        assert f"{field}_error" in control[0]
        assert f'id="{field}_error"' in html
    assert "placeholder=" not in html
