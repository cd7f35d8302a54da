from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Role, User
from questions import authoring, reviewing
from questions.authoring import AuthoringError, DraftFields
from questions.content import ItemType
from questions.models import Blueprint, Draft, Question, Review, Topic
from tests.factories import NOW, make_blueprint, make_content, make_published_question, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def iris(db: None) -> User:
    return make_user("Iris", role=Role.INSTRUCTOR)


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint(code="MLA-T1")


def draft_of(blueprint: Blueprint, by: User, item_type: ItemType = ItemType.MULTIPLE_CHOICE) -> Draft:
    stems = {ItemType.MULTIPLE_RESPONSE: "Which options does the ferry operator need? (Select TWO.)"}
    fields = DraftFields(
        content=make_content(
            item_type, stem=stems.get(item_type, "Which option does the ferry operator need?")
        ),
        topic=Topic.objects.get(code="1.1.1", task__domain__blueprint=blueprint),
        level="apply",
        difficulty=Decimal("0.60"),
    )
    return authoring.create_draft(blueprint, fields=fields, by=by, now=NOW)


def in_review(blueprint: Blueprint, by: User, item_type: ItemType = ItemType.MULTIPLE_CHOICE) -> Draft:
    return reviewing.submit(draft_of(blueprint, by, item_type), by=by, now=NOW)


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


@pytest.mark.parametrize("path", ["", "review/", "compare/?old=1&new=1"])
def test_learners_find_nothing_here(client: Client, blueprint: Blueprint, ana: User, path: str) -> None:
    code = make_published_question(blueprint).question.code
    address = f"/bank/questions/{code}/{path}"
    assert client.get(address)["Location"].startswith("/accounts/login/")
    client.force_login(ana)
    assert client.get(address).status_code == 404
    assert client.get("/bank/review/").status_code == 404


@pytest.mark.parametrize("command", ["begin", "copy", "retire", "restore", "tags", "comment"])
def test_learners_change_nothing(client: Client, blueprint: Blueprint, ana: User, command: str) -> None:
    question = make_published_question(blueprint).question
    client.force_login(ana)
    response = client.post(
        f"/bank/questions/{question.code}/{command}/", {"reason": "x", "text": "x", "tags": "x"}
    )
    assert response.status_code == 404
    question.refresh_from_db()
    assert (question.state, question.events.count(), Question.objects.count()) == ("published", 0, 1)


@pytest.mark.parametrize("code", ["nothing", "%00", "a" * 3000, "..%2f"])
def test_unknown_codes_are_not_found(client: Client, ben: User, code: str) -> None:
    client.force_login(ben)
    assert client.get(f"/bank/questions/{code}/").status_code == 404
    assert client.get(f"/bank/questions/{code}/review/").status_code == 404


@pytest.mark.parametrize("version", ["99", "99999999999999999999", "0"])
def test_versions_that_are_not_there(client: Client, blueprint: Blueprint, ben: User, version: str) -> None:
    code = make_published_question(blueprint).question.code
    client.force_login(ben)
    assert client.get(f"/bank/questions/{code}/?version={version}").status_code == 404
    assert client.get(f"/bank/questions/{code}/compare/?old=1&new={version}").status_code == 404
    assert client.get(f"/bank/questions/{code}/compare/?old=x").status_code == 404


def test_a_question_shows_key_trail_and_what_can_be_done(
    client: Client, blueprint: Blueprint, ben: User
) -> None:
    draft = draft_of(blueprint, ben)
    client.force_login(ben)
    html = page(client, f"/bank/questions/{draft.question.code}/")
    for expected in ("Rationale b", "right answer", "created", "Open the draft", "Version 1, the draft"):
        assert expected in html


def test_versions_are_compared_word_by_word(client: Client, blueprint: Blueprint, ben: User) -> None:
    version = make_published_question(blueprint, content=make_content(stem="Which lake is deep?"))
    draft = authoring.open_draft(version.question, by=ben, now=NOW)
    fields = DraftFields(content=make_content(stem="Which river is deep?"), topic=draft.topic)
    authoring.save_draft(draft, fields=fields, revision=draft.revision, by=ben, now=NOW)
    client.force_login(ben)
    html = page(client, f"/bank/questions/{version.question.code}/compare/?old=1&new=0")
    assert "<del>lake </del>" in html and "<ins>river </ins>" in html


def test_commands_of_a_question(client: Client, blueprint: Blueprint, ben: User) -> None:
    question = make_published_question(blueprint).question
    client.force_login(ben)
    base = f"/bank/questions/{question.code}/"
    assert client.post(f"{base}begin/")["Location"] == f"{base}edit/"
    assert Draft.objects.get().question == question
    client.post(f"{base}tags/", {"tags": "Drift, model  monitor"})
    assert list(question.tags.values_list("name", flat=True)) == ["drift", "model monitor"]
    client.post(f"{base}tags/", {"tags": "drift"})
    assert list(question.tags.values_list("name", flat=True)) == ["drift"]
    client.post(f"{base}comment/", {"text": "Is B\r\nwrong?"})
    assert question.comments.get().text == "Is B\nwrong?"
    client.post(f"{base}retire/", {"reason": " "})
    question.refresh_from_db()
    assert question.state == "published"
    client.post(f"{base}retire/", {"reason": "Gone."})
    question.refresh_from_db()
    assert (question.state, question.retired_because) == ("retired", "Gone.")
    client.post(f"{base}restore/")
    question.refresh_from_db()
    assert question.state == "published"
    copy = client.post(f"{base}copy/")["Location"]
    assert copy != f"{base}edit/" and copy.endswith("/edit/")


def test_the_key_does_not_reach_a_reviewer_who_has_not_answered(
    client: Client, blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = in_review(blueprint, ben)
    client.force_login(iris)
    html = page(client, f"/bank/questions/{draft.question.code}/review/")
    assert "Rationale" not in html and "right answer" not in html
    assert "Option a" in html


ANSWERS = [
    (ItemType.MULTIPLE_CHOICE, {"answer": "a"}, True),
    (ItemType.MULTIPLE_CHOICE, {"answer": "d"}, False),
    (ItemType.MULTIPLE_RESPONSE, {"answer": ["b", "a"]}, True),
    (ItemType.ORDERING, {"place-a": "1", "place-b": "2", "place-c": "3", "place-d": ""}, True),
    (ItemType.ORDERING, {"place-b": "1", "place-a": "2", "place-c": "3"}, False),
    (ItemType.MATCHING, {"match-p1": "a", "match-p2": "b", "match-p3": "c"}, True),
]


@pytest.mark.parametrize(("item_type", "given", "agrees"), ANSWERS)
def test_a_review_from_blind_answer_to_publication(
    client: Client,
    blueprint: Blueprint,
    ben: User,
    iris: User,
    item_type: ItemType,
    given: dict[str, object],
    agrees: bool,
) -> None:
    draft = in_review(blueprint, ben, item_type)
    base = f"/bank/questions/{draft.question.code}/review/"
    client.force_login(iris)
    client.post(f"{base}answer/", {"revision": draft.revision, **given})
    assert Review.objects.get().agreed is agrees
    html = page(client, base)
    assert ("as the key" in html) is agrees
    assert "Rationale" in html or "Pair 1" in html
    client.post(f"{base}decide/", {"verdict": "approve", "words": "" if agrees else "The key holds."})
    assert Question.objects.get().state == "published"


@pytest.mark.parametrize(
    ("item_type", "given"),
    [
        (ItemType.MULTIPLE_CHOICE, {}),
        (ItemType.MULTIPLE_CHOICE, {"answer": "zzz"}),
        (ItemType.MULTIPLE_RESPONSE, {"answer": ["a"]}),
        (ItemType.ORDERING, {"place-a": "1", "place-b": "1"}),
        (ItemType.ORDERING, {"place-a": "9" * 30}),
        (ItemType.MATCHING, {"match-p1": "a"}),
    ],
)
def test_half_an_answer_is_none(
    client: Client, blueprint: Blueprint, ben: User, iris: User, item_type: ItemType, given: dict[str, object]
) -> None:
    draft = in_review(blueprint, ben, item_type)
    client.force_login(iris)
    response = client.post(
        f"/bank/questions/{draft.question.code}/review/answer/", {"revision": draft.revision, **given}
    )
    assert response.status_code == 400
    assert "Give a whole answer" in response.content.decode()
    assert not Review.objects.exists()


def test_who_disagrees_with_the_key_is_asked_why_and_keeps_what_was_typed(
    client: Client, blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = in_review(blueprint, ben)
    base = f"/bank/questions/{draft.question.code}/review/"
    client.force_login(iris)
    client.post(f"{base}answer/", {"revision": draft.revision, "answer": "b"})
    response = client.post(f"{base}decide/", {"verdict": "approve", "words": " "})
    assert response.status_code == 400
    response = client.post(f"{base}decide/", {"verdict": "changes", "words": "B is right as well."})
    assert response["Location"] == "/bank/review/"
    assert Draft.objects.get().state == "changes_requested"


def test_authors_are_told_that_somebody_else_reviews(client: Client, blueprint: Blueprint, ben: User) -> None:
    draft = in_review(blueprint, ben)
    base = f"/bank/questions/{draft.question.code}/review/"
    client.force_login(ben)
    assert "Somebody else has to review" in page(client, base)
    client.post(f"{base}answer/", {"revision": draft.revision, "answer": "a"})
    assert not Review.objects.exists()
    assert client.post(f"{base}decide/", {"verdict": "approve"}).status_code == 404


def test_a_draft_taken_back_while_one_reads_it(
    client: Client, blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = in_review(blueprint, ben)
    base = f"/bank/questions/{draft.question.code}/"
    reviewing.withdraw(draft, by=ben, now=NOW)
    client.force_login(iris)
    for command, data in (("answer", {"answer": "a", "revision": "1"}), ("decide", {"verdict": "approve"})):
        assert client.post(f"{base}review/{command}/", data)["Location"] == base
    assert client.get(f"{base}review/")["Location"] == base


def test_the_queue_shows_what_one_can_review_and_what_is_ones_own(
    client: Client, blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = in_review(blueprint, ben)
    address = f"/bank/questions/{draft.question.code}/review/"
    client.force_login(iris)
    assert address in page(client, "/bank/review/")
    client.force_login(ben)
    html = page(client, "/bank/review/")
    assert address not in html and draft.question.code in html


def test_the_queue_asks_the_same_number_of_questions_for_2_and_20_drafts(
    client: Client, blueprint: Blueprint, ben: User, iris: User, django_assert_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(iris)
    counts = []
    for more in (2, 17):
        for _ in range(more):
            in_review(blueprint, ben)
        with CaptureQueriesContext(connection) as captured:
            page(client, "/bank/review/")
        counts.append(len(captured))
    assert counts[0] == counts[1]


# what an attacker and a hasty colleague try


@pytest.mark.parametrize("path", ["", "?version=0", "edit/", "preview/", "preview/?mode=review"])
def test_who_can_still_answer_blind_sees_the_key_on_no_other_page(
    client: Client, blueprint: Blueprint, ben: User, iris: User, path: str
) -> None:
    draft = in_review(blueprint, ben)
    base = f"/bank/questions/{draft.question.code}/"
    client.force_login(iris)
    assert client.get(f"{base}{path}").headers.get("Location") == f"{base}review/"
    client.post(f"{base}review/answer/", {"revision": draft.revision, "answer": "a"})
    assert client.get(f"{base}{path}").status_code == 200
    client.force_login(ben)
    assert client.get(f"{base}{path}").status_code == 200


def test_a_draft_in_review_is_compared_only_after_the_blind_answer(
    client: Client, blueprint: Blueprint, ben: User, iris: User
) -> None:
    version = make_published_question(blueprint, code="q-9")
    reviewing.submit(authoring.open_draft(version.question, by=ben, now=NOW), by=ben, now=NOW)
    other = draft_of(blueprint, iris).question.code
    client.force_login(iris)
    for path in ("compare/?old=1&new=0", f"edit/alike/{other}/"):
        assert client.get(f"/bank/questions/q-9/{path}").headers["Location"] == "/bank/questions/q-9/review/"
    assert client.get(f"/bank/questions/{other}/edit/alike/q-9/")["Location"].endswith("/q-9/review/")
    assert "Open the draft" not in page(client, "/bank/questions/q-9/")


@pytest.mark.parametrize(
    ("item_type", "given", "shown"),
    [
        (ItemType.MULTIPLE_RESPONSE, {"answer": ["b"]}, 'name="answer" value="b" checked'),
        (ItemType.ORDERING, {"place-c": "1", "place-a": "1"}, '<option value="1" selected'),
        (ItemType.MATCHING, {"match-p2": "c"}, '<option value="c" selected'),
    ],
)
def test_half_an_answer_is_kept(
    client: Client,
    blueprint: Blueprint,
    ben: User,
    iris: User,
    item_type: ItemType,
    given: dict[str, object],
    shown: str,
) -> None:
    draft = in_review(blueprint, ben, item_type)
    client.force_login(iris)
    response = client.post(
        f"/bank/questions/{draft.question.code}/review/answer/", {"revision": draft.revision, **given}
    )
    assert shown in response.content.decode()


def test_an_absurd_place_is_no_answer(client: Client, blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = in_review(blueprint, ben, ItemType.ORDERING)
    client.force_login(iris)
    for place in ("9" * 5_000, "-1", "²", "1.0"):
        response = client.post(
            f"/bank/questions/{draft.question.code}/review/answer/",
            {"revision": draft.revision, "place-a": place},
        )
        assert response.status_code == 400, place[:9]


def test_characters_that_no_database_takes_are_left_out(
    client: Client, blueprint: Blueprint, ben: User
) -> None:
    question = make_published_question(blueprint).question
    base = f"/bank/questions/{question.code}/"
    client.force_login(ben)
    client.post(f"{base}tags/", {"tags": "dr\0ift, \x07bell\n,🧀"})
    assert sorted(question.tags.values_list("name", flat=True)) == ["bell", "dr ift", "🧀"]
    client.post(f"{base}comment/", {"text": "Is\0 B\x1b right?"})
    assert question.comments.get().text == "Is B right?"
    client.post(f"{base}retire/", {"reason": "Too\0 easy"})
    question.refresh_from_db()
    assert question.retired_because == "Too easy"


def test_a_retired_question_is_brought_back_before_it_is_written_on(
    client: Client, blueprint: Blueprint, ben: User
) -> None:
    question = make_published_question(blueprint).question
    base = f"/bank/questions/{question.code}/"
    client.force_login(ben)
    client.post(f"{base}retire/", {"reason": "Gone."})
    html = page(client, base)
    assert "Bring it back into use" in html and "Begin version 2" not in html
    assert client.post(f"{base}begin/")["Location"] == base
    assert not Draft.objects.exists()


def test_the_next_version_of_a_retired_question_can_be_given_up(
    client: Client, blueprint: Blueprint, ben: User
) -> None:
    question = make_published_question(blueprint).question
    base = f"/bank/questions/{question.code}/"
    client.force_login(ben)
    client.post(f"{base}begin/")
    client.post(f"{base}retire/", {"reason": "Gone."})
    assert f"{base}edit/discard/" in page(client, f"{base}edit/")
    assert client.post(f"{base}edit/discard/")["Location"] == base
    question.refresh_from_db()
    assert not Draft.objects.exists() and question.retired_because == "Gone."


def test_a_draft_that_was_published_meanwhile_is_not_given_up(
    client: Client, blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: object, **_more: object) -> None:
        raise AuthoringError("no_draft")

    code = draft_of(blueprint, ben).question.code
    client.force_login(ben)
    monkeypatch.setattr(authoring, "discard_draft", gone)
    response = client.post(f"/bank/questions/{code}/edit/discard/", follow=True)
    assert "published or given up meanwhile" in response.content.decode()
