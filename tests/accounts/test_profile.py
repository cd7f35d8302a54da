from __future__ import annotations

import pytest
from django.test import Client

from accounts.forms import time_zone_choices
from accounts.models import Theme, User
from tests.factories import make_cohort

GOOD = {"name": "Ana Brandt", "time_zone": "Europe/Berlin", "theme": "dark"}


def test_strangers_sign_in_first(client: Client, db: None) -> None:
    for address in ("/profile/", "/profile/anonymise/"):
        assert client.get(address)["Location"] == f"/accounts/login/?next={address}"
    assert client.post("/profile/theme/", {"theme": "dark"}).status_code == 302


def test_ana_changes_her_profile(client: Client, ana: User) -> None:
    client.force_login(ana)
    response = client.post("/profile/", GOOD, follow=True)
    assert "Profile saved." in response.content.decode()
    ana.refresh_from_db()
    assert (ana.name, ana.time_zone, ana.theme) == ("Ana Brandt", "Europe/Berlin", Theme.DARK)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", ""),
        ("time_zone", "../etc/passwd"),
        ("theme", "purple"),
        ("theme", ""),
        ("name", "x" * 121),
        ("name", "a\x00b"),
    ],
)
def test_a_bad_value_changes_nothing_and_is_named(client: Client, ana: User, field: str, value: str) -> None:
    client.force_login(ana)
    response = client.post("/profile/", {**GOOD, field: value})
    assert list(response.context["form"].errors) == [field]
    assert response.context["user"].name == "Ana"
    ana.refresh_from_db()
    assert (ana.name, ana.time_zone, ana.theme) == ("Ana", "UTC", Theme.AUTO)


def test_the_form_changes_nothing_that_it_doesnt_show(client: Client, ana: User) -> None:
    client.force_login(ana)
    client.post("/profile/", {**GOOD, "role": "admin", "email": "x@example.com", "is_staff": "1"})
    known = User.objects.get(pk=ana.pk)
    assert (known.role, known.email, known.is_staff) == ("learner", ana.email, False)


def test_a_name_is_text(client: Client, ana: User) -> None:
    client.force_login(ana)
    client.post("/profile/", {**GOOD, "name": "<script>alert(1)</script>"})
    html = client.get("/profile/").content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_profile_leads_everywhere(client: Client, ana: User, ben: User) -> None:
    make_cohort(learners=(ana,), instructors=(ben,))
    client.force_login(ana)
    html = client.get("/profile/").content.decode()
    for address in (
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/2fa/webauthn/",
        "/profile/data/",
        "/profile/anonymise/",
        "/plan/",
    ):
        assert f'href="{address}"' in html
    assert "You have the standard time in timed exams." in html
    assert "/profile/accommodations/" not in html
    client.force_login(ben)
    assert "/profile/accommodations/" in client.get("/profile/").content.decode()


def test_the_list_of_zones_knows_an_alias_that_the_profile_has() -> None:
    flat = [choice[0] for choice in time_zone_choices(current="US/Eastern") if isinstance(choice[1], str)]
    assert flat == ["UTC", "US/Eastern"]
    assert [
        choice[0] for choice in time_zone_choices(current="Europe/Berlin") if isinstance(choice[1], str)
    ] == ["UTC"]


@pytest.mark.parametrize("theme", Theme.values)
def test_the_theme_is_stored(client: Client, ana: User, theme: str) -> None:
    client.force_login(ana)
    response = client.post("/profile/theme/", {"theme": theme})
    assert (response.status_code, response.content) == (204, b"")
    ana.refresh_from_db()
    assert ana.theme == theme
    assert f'data-theme="{theme}"' in client.get("/profile/").content.decode()


@pytest.mark.parametrize("data", [{"theme": "purple"}, {"theme": ""}, {}])
def test_an_unknown_theme_is_refused(client: Client, ana: User, data: dict[str, str]) -> None:
    client.force_login(ana)
    assert client.post("/profile/theme/", data).status_code == 400
    ana.refresh_from_db()
    assert ana.theme == Theme.AUTO


def test_the_theme_is_changed_by_post_alone(client: Client, ana: User) -> None:
    client.force_login(ana)
    assert client.get("/profile/theme/", {"theme": "dark"}).status_code == 405


def test_the_theme_needs_its_token(ana: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post("/profile/theme/", {"theme": "dark"}).status_code == 403
