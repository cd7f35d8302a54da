"""A draft as the player shows it: the same markup, no key in the exam's view."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from questions import authoring, scenarios
from questions.content import ItemType
from questions.models import Blueprint
from tests.factories import NOW, make_blueprint, make_content, make_published_question
from tests.questions.editor_makers import make_draft

pytestmark = pytest.mark.django_db
URL = "/bank/questions/q-1/preview/"


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


@pytest.fixture
def client(ben: User) -> Client:
    client = Client()
    client.force_login(ben)
    return client


def body(client: Client, url: str = URL, *, fragment: bool = True) -> str:
    response = client.get(url, headers={"HX-Request": "true"} if fragment else {})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        (ItemType.MULTIPLE_CHOICE, 'type="radio"'),
        (ItemType.MULTIPLE_RESPONSE, 'type="checkbox"'),
        (ItemType.ORDERING, "data-ordering"),
        (ItemType.MATCHING, "data-prompt"),
    ],
)
def test_each_type_is_the_players_own(
    client: Client, blueprint: Blueprint, ben: User, kind: ItemType, mark: str
) -> None:
    make_draft(blueprint, ben, item_type=kind, code="q-1")
    exam = body(client)
    assert mark in exam and "<html" not in exam
    assert "Rationale" not in exam and "Pair 1" not in exam
    review = body(client, f"{URL}?mode=review")
    assert "Pair 1" in review if kind is ItemType.MATCHING else "Rationale a" in review
    assert "<html" in body(client, fragment=False)


@pytest.mark.parametrize("kind", list(ItemType))
@pytest.mark.parametrize("mode", ["exam", "review"])
def test_an_empty_draft_can_be_seen(
    client: Client, blueprint: Blueprint, ben: User, kind: ItemType, mode: str
) -> None:
    fields = authoring.DraftFields(authoring.empty_content(kind))
    authoring.create_draft(blueprint, fields=fields, by=ben, now=NOW, code="q-1")
    assert body(client, f"{URL}?mode={mode}")


def test_the_case_stands_beside_it_with_its_newest_text(
    client: Client, blueprint: Blueprint, ben: User
) -> None:
    case = scenarios.create_scenario(blueprint, code="ferry", title="The ferry", text="Drafted *text*.")
    make_draft(blueprint, ben, code="q-1", scenario=case)
    for mode in ("exam", "review"):
        assert "Drafted <em>text</em>." in body(client, f"{URL}?mode={mode}")


def test_without_a_draft_the_published_text_is_shown(client: Client, blueprint: Blueprint) -> None:
    make_published_question(blueprint, code="q-1", content=make_content(stem="Published?"))
    assert "Published?" in body(client)


def test_learners_see_nothing_of_it(blueprint: Blueprint, ben: User, cleo: User) -> None:
    make_draft(blueprint, ben, code="q-1")
    learner = Client()
    learner.force_login(cleo)
    assert learner.get(URL).status_code == 404
    assert Client().get(URL).status_code == 302


@pytest.mark.parametrize("code", ["nope", "x" * 300, "a%00b"])
def test_unknown_codes_are_not_found(client: Client, blueprint: Blueprint, code: str) -> None:
    assert client.get(f"/bank/questions/{code}/preview/").status_code == 404
