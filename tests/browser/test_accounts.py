"""The account pages in a browser: keys and passkeys, the browser's time zone, the keyboard, accessibility."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, User
from tests.browser.conftest import NewContext, Open, SignIn
from tests.factories import make_cohort, make_user

COUNTER = 58_000_000
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SIGNED_OUT = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
SIGNED_IN = (
    "/profile/",
    "/profile/anonymise/",
    "/profile/accommodations/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
)


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "timezone_id": "Asia/Tokyo"}


@pytest.fixture
def protected(transactional_db: None, ana: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """Ana with a confirmed address; the app's clock stands, for a code holds only half a minute."""
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([COUNTER]))
    return ana


def code_of(secret: str) -> str:
    code: str = auth.format_hotp_value(auth.hotp_value(secret, COUNTER))
    return code


@contextmanager
def device_with_passkeys(page: Page) -> Iterator[None]:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield
    session.send("WebAuthn.disable")


def type_password(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill("secret")
    page.keyboard.press("Enter")


def sign_out(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_is_added_and_signs_in_alone(
    sign_in: SignIn, open_page: Open, live_server: LiveServer, protected: User
) -> None:
    page = open_page(sign_in(protected), f"{live_server.url}/accounts/2fa/webauthn/add/")
    with device_with_passkeys(page):
        type_password(page)
        page.get_by_label("Passkey: sign in with it alone").check()
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        sign_out(page, live_server)
        page.goto(f"{live_server.url}/accounts/login/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.locator("summary", has_text="Ana")).to_be_visible()
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"webauthn", "recovery_codes"}


def test_a_security_key_is_the_second_step_and_confirms(
    sign_in: SignIn, open_page: Open, live_server: LiveServer, protected: User
) -> None:
    page = open_page(sign_in(protected), f"{live_server.url}/accounts/2fa/webauthn/add/")
    with device_with_passkeys(page):
        type_password(page)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        sign_out(page, live_server)
        page.goto(f"{live_server.url}/accounts/login/?next=/accounts/2fa/webauthn/")
        page.get_by_label("E-mail address").fill(protected.email)
        type_password(page)
        page.get_by_role("button", name="Use a security key or passkey").click()
        page.get_by_role("link", name="Rename Master key").click()
        page.get_by_role("link", name="Use a security key").click()
        page.get_by_role("button", name="Use a security key").click()
        page.get_by_label("Name").fill("Blue key")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Blue key")).to_be_visible()


def test_a_key_that_fails_is_said_plainly(
    new_context: NewContext, open_page: Open, live_server: LiveServer, db: None
) -> None:
    page = open_page(new_context(), f"{live_server.url}/accounts/login/")
    with device_with_passkeys(page):
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("The key or passkey was not used.")


def test_the_app_is_set_up_with_the_keyboard_alone(
    sign_in: SignIn, open_page: Open, live_server: LiveServer, protected: User
) -> None:
    page = open_page(sign_in(protected), f"{live_server.url}/accounts/2fa/totp/activate/")
    page.get_by_label("Password", exact=True).focus()
    page.keyboard.type("secret")
    page.keyboard.press("Enter")
    secret = page.get_by_label("Secret").input_value()
    page.get_by_label("Secret").focus()
    page.keyboard.press("Tab")
    page.keyboard.type(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Unused codes")).to_be_visible()


def test_signing_in_with_the_keyboard_alone(
    new_context: NewContext, open_page: Open, live_server: LiveServer, protected: User
) -> None:
    secret = generate_totp_secret()
    TOTP.activate(protected, secret)
    page = open_page(new_context(), f"{live_server.url}/accounts/login/?next=/profile/")
    page.get_by_label("E-mail address").focus()
    page.keyboard.type(protected.email.upper())
    page.keyboard.press("Tab")
    page.keyboard.type("secret")
    page.keyboard.press("Enter")
    page.get_by_label("Code").focus()
    page.keyboard.type(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Profile", exact=True)).to_be_visible()


def test_the_demo_accounts_are_one_click(
    new_context: NewContext, open_page: Open, live_server: LiveServer, db: None, settings: Settings
) -> None:
    settings.DEMO = True
    User.objects.create_user("instructor@example.com", "demo", role=Role.INSTRUCTOR)
    page = open_page(new_context(), f"{live_server.url}/accounts/login/?next=/profile/")
    page.get_by_role("button", name="Sign in as instructor@example.com").click()
    expect(page.get_by_role("heading", name="Profile", exact=True)).to_be_visible()


def test_the_browsers_zone_is_offered_and_taken(
    sign_in: SignIn, open_page: Open, live_server: LiveServer, transactional_db: None, ana: User
) -> None:
    page = open_page(sign_in(ana), f"{live_server.url}/profile/")
    page.get_by_role("button", name="Use this browser's zone: Asia/Tokyo").click()
    expect(page.get_by_role("button", name="Use this browser's zone")).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Profile saved.")).to_be_visible()
    ana.refresh_from_db()
    assert ana.time_zone == "Asia/Tokyo"


def test_a_new_account_starts_in_the_browsers_zone(
    new_context: NewContext, open_page: Open, live_server: LiveServer, db: None
) -> None:
    page = open_page(new_context(), f"{live_server.url}/accounts/signup/?next=/profile/")
    page.get_by_label("E-mail address").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill("blue horse 71")
    page.get_by_label("Password, again").fill("blue horse 71")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_at_320_pixels(
    sign_in: SignIn,
    new_context: NewContext,
    open_page: Open,
    live_server: LiveServer,
    protected: User,
    scheme: Literal["light", "dark"],
) -> None:
    teacher = make_user("Ben", role=Role.INSTRUCTOR)
    EmailAddress.objects.create(user=teacher, email=teacher.email, verified=True, primary=True)
    make_cohort(learners=(protected,), instructors=(teacher,))
    stranger = open_page(new_context(), live_server.url + SIGNED_OUT[0])
    make_small(stranger, scheme)
    for address in SIGNED_OUT:
        check(stranger, live_server.url + address)
    page = open_page(sign_in(teacher), live_server.url + "/accounts/2fa/totp/activate/")
    make_small(page, scheme)
    check(page, page.url)
    type_password(page)
    expect(page.get_by_label("Secret")).to_be_visible()
    for address in (*SIGNED_IN, f"/profile/accommodations/{protected.pk}/"):
        check(page, live_server.url + address)


def make_small(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


def check(page: Page, url: str) -> None:
    page.goto(url)
    assert re.sub(r"\?.*", "", page.url) == re.sub(r"\?.*", "", url)
    found = Axe().run(page, options=AXE_RULES)
    assert found.violations_count == 0, f"{url}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, url
