"""Case studies over HTTP: begun, changed, and two people at the same text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from questions import scenarios
from questions.models import Blueprint, Scenario
from tests.factories import NOW, make_blueprint
from tests.questions.editor_makers import make_draft

pytestmark = pytest.mark.django_db
TEXT = "A ferry operator keeps its **sensor** data in two places."


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


@pytest.fixture
def case(blueprint: Blueprint) -> Scenario:
    return scenarios.create_scenario(blueprint, code="ferry", title="The ferry", text=TEXT)


@pytest.fixture
def client(ben: User) -> Client:
    client = Client()
    client.force_login(ben)
    return client


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, (response.status_code, response.content[:300])
    return str(response.content.decode())


def base_of(page: str) -> str:
    found = re.search(r'name="base" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_case_begins_with_a_text(client: Client, blueprint: Blueprint) -> None:
    html(client.get("/bank/scenarios/new/"))
    data = {"blueprint": blueprint.code, "code": "ferry", "title": " The  ferry ", "text": TEXT}
    response = client.post("/bank/scenarios/new/", data)
    assert response.headers["Location"] == "/bank/scenarios/ferry/"
    page = html(client.get("/bank/scenarios/ferry/"))
    assert "not published yet" in page and "<strong>sensor</strong>" in page
    assert "The ferry" in html(client.get("/bank/scenarios/"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("code", "ferry", "already"),
        ("code", "a/b", "A code has letters"),
        ("code", "new", "A code has letters"),
        ("title", "", "Give it a title"),
        ("title", "x" * 201, "Give it a title"),
        ("text", " \0", "Write the case"),
        ("text", "x" * 20_001, "20,001 characters"),
        ("blueprint", "nope", "Choose the exam"),
    ],
)
def test_what_is_wrong_is_told_and_kept(
    client: Client, blueprint: Blueprint, case: Scenario, field: str, value: str, said: str
) -> None:
    data = {"blueprint": blueprint.code, "code": "other", "title": "Another", "text": TEXT, field: value}
    page = html(client.post("/bank/scenarios/new/", data), 400)
    assert said in page
    assert field == "blueprint" or value.strip(" \0") in page
    assert Scenario.objects.count() == 1


def test_a_preview_stores_nothing(client: Client, case: Scenario) -> None:
    data = {"title": "The ferry", "text": "Seen *only*.", "base": "", "action": "preview"}
    page = html(client.post("/bank/scenarios/ferry/", data))
    assert "<em>only</em>" in page and "nothing is stored yet" in page
    assert case.versions.get().text == TEXT


def test_changing_a_published_text_begins_a_draft_of_it(
    client: Client, case: Scenario, blueprint: Blueprint, ben: User
) -> None:
    scenarios.publish(case, now=NOW)
    make_draft(blueprint, ben, code="q-1", scenario=case)
    page = html(client.get("/bank/scenarios/ferry/"))
    assert "q-1" in page and "its text is published with the next question" in page.lower()
    data = {"title": "The ferry", "text": "New.", "base": base_of(page)}
    client.post("/bank/scenarios/ferry/", data)
    assert [version.text for version in case.versions.all()] == [TEXT, "New."]
    assert "changed, not published yet" in html(client.get("/bank/scenarios/"))


def test_the_second_sees_both_texts(client: Client, case: Scenario) -> None:
    base = base_of(html(client.get("/bank/scenarios/ferry/")))
    client.post("/bank/scenarios/ferry/", {"title": "Theirs", "text": "Theirs.", "base": base})
    page = html(client.post("/bank/scenarios/ferry/", {"title": "Mine", "text": "Mine.", "base": base}), 409)
    assert "<del>Theirs.</del>" in page and "<ins>Mine.</ins>" in page
    assert case.versions.get().text == "Theirs."
    client.post("/bank/scenarios/ferry/", {"title": "Mine", "text": "Mine.", "base": base_of(page)})
    assert case.versions.get().text == "Mine."


def test_the_list_takes_the_same_queries_with_two_and_twenty(client: Client, blueprint: Blueprint) -> None:
    counts = []
    for start, count in ((0, 2), (2, 18)):
        for n in range(start, start + count):
            scenarios.create_scenario(blueprint, code=f"case-{n:02}", title=f"Case {n}", text=TEXT)
        client.get("/bank/scenarios/")
        with CaptureQueriesContext(connection) as queries:
            html(client.get("/bank/scenarios/"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    scenarios.create_scenario(blueprint, code="case-99", title="Case 99", text=TEXT)
    assert "page 1 of 2" in html(client.get("/bank/scenarios/"))
    assert "Case 99" in html(client.get("/bank/scenarios/?page=2"))
    html(client.get("/bank/scenarios/?page=x"))


def test_learners_see_nothing_of_it(case: Scenario, cleo: User) -> None:
    learner = Client()
    learner.force_login(cleo)
    for path in ("/bank/scenarios/", "/bank/scenarios/new/", "/bank/scenarios/ferry/"):
        assert learner.get(path).status_code == 404
        assert learner.post(path).status_code in (404, 405)
        assert Client().get(path).status_code == 302


@pytest.mark.parametrize("code", ["nope", "x" * 300, "a%00b"])
def test_unknown_codes_are_not_found(client: Client, case: Scenario, code: str) -> None:
    assert client.get(f"/bank/scenarios/{code}/").status_code == 404
