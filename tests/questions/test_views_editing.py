"""The editor over HTTP, as a browser without JavaScript uses it, and what its script asks."""

from __future__ import annotations

import io
import re
from typing import Any

import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Role, User
from questions import authoring, reviewing
from questions.content import ItemType
from questions.models import Blueprint, Draft, Image, Question, Scenario
from tests.factories import NOW, make_blueprint, make_content, make_published_question, make_user
from tests.questions.editor_makers import STEM, make_draft, make_fields, posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


@pytest.fixture
def iris(db: None) -> User:
    return make_user("Iris", role=Role.INSTRUCTOR)


@pytest.fixture
def client(ben: User) -> Client:
    return signed_in(ben)


@pytest.fixture
def draft(blueprint: Blueprint, ben: User) -> Draft:
    return make_draft(blueprint, ben, code="q-1")


EDIT = "/bank/questions/q-1/edit/"
AUTOSAVE = f"{EDIT}autosave/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, (response.status_code, response.content[:300])
    return str(response.content.decode())


def now_of(draft: Draft) -> Draft:
    return Draft.objects.get(pk=draft.pk)


def png(size: tuple[int, int] = (8, 4), kind: str = "PNG") -> SimpleUploadedFile:
    out = io.BytesIO()
    PIL.Image.new("RGB", size, "teal").save(out, kind)
    return SimpleUploadedFile("chart.png", out.getvalue(), "image/png")


# a new question


def test_a_question_begins_with_type_and_topic(client: Client, blueprint: Blueprint) -> None:
    page = html(client.get("/bank/questions/new/", {"blueprint": blueprint.code}))
    assert "test-new-001" in page
    topic = make_fields(blueprint).topic
    assert topic is not None
    data = {"blueprint": blueprint.code, "type": "ordering", "topic": topic.pk, "code": "test-new-001"}
    response = client.post("/bank/questions/new/", {**data, "suggested": "test-new-001"})
    question = Question.objects.get()
    assert question.code == "test-1.1-001", "a proposed code follows the topic"
    assert response.headers["Location"] == f"/bank/questions/{question.code}/edit/"
    assert question.draft.item_type == "ordering"
    html(client.get(response.headers["Location"]))


def test_a_code_of_ones_own_is_kept(client: Client, blueprint: Blueprint) -> None:
    client.post("/bank/questions/new/", {"blueprint": blueprint.code, "code": "Drift_1", "suggested": "x"})
    assert Question.objects.get().code == "Drift_1"


@pytest.mark.parametrize("code", ["q-1", "new", "a/b", "x" * 65, "-a", "ä"])
def test_a_bad_code_is_told_at_its_field(
    client: Client, blueprint: Blueprint, draft: Draft, code: str
) -> None:
    response = client.post("/bank/questions/new/", {"blueprint": blueprint.code, "code": code})
    page = html(response, 400)
    assert 'data-problem="code">' in page
    assert f'value="{code}"' in page
    assert Question.objects.count() == 1


def test_topic_and_case_of_another_exam_are_told(client: Client, blueprint: Blueprint) -> None:
    topic = make_fields(make_blueprint()).topic
    assert topic is not None
    data = {"blueprint": blueprint.code, "topic": topic.pk, "scenario": "nope"}
    page = html(client.post("/bank/questions/new/", data), 400)
    assert "no such topic" in page and "no such case study" in page


def test_with_several_exams_one_is_chosen_first(client: Client, blueprint: Blueprint) -> None:
    make_blueprint()
    page = html(client.get("/bank/questions/new/"))
    assert "Begin writing" not in page and "Choose" in page
    assert client.get("/bank/questions/new/?blueprint=nope").status_code == 404


def test_without_an_exam_the_way_to_one_is_shown(client: Client, db: None) -> None:
    assert "no exam yet" in html(client.get("/bank/questions/new/"))


# saving


@pytest.mark.parametrize("kind", list(ItemType))
def test_the_form_as_shown_changes_nothing(
    client: Client, blueprint: Blueprint, ben: User, kind: ItemType
) -> None:
    draft = make_draft(blueprint, ben, item_type=kind, code="q-1", tags=("drift",))
    before = now_of(draft)
    page = html(client.get(EDIT))
    for text in ("Option a", "Rationale b"):
        assert text in page
    response = client.post(EDIT, posted(draft))
    assert response.status_code == 302
    after = now_of(draft)
    assert (after.content, after.revision) == (before.content, before.revision)


def test_saving_goes_back_to_the_editor(client: Client, draft: Draft, ben: User) -> None:
    data = posted(draft, stem="Which one?", level="recall", tags="Drift, cost", option__1__text="New a")
    response = client.post(EDIT, data, follow=True)
    assert "Saved." in html(response)
    saved = now_of(draft)
    assert (saved.parsed.stem, saved.level, saved.parsed.options[0].text) == ("Which one?", "recall", "New a")
    assert saved.revision == 2
    assert sorted(saved.question.tags.values_list("name", flat=True)) == ["cost", "drift"]


def test_what_cant_be_stored_stays_in_the_form_and_the_rest_is_saved(client: Client, draft: Draft) -> None:
    data = posted(draft, stem="Which one?", difficulty="about half", option__2__text="y" * 5_001)
    page = html(client.post(EDIT, data), 400)
    assert 'value="about half"' in page and "y" * 5_001 in page
    assert "Saved, but for 2 fields" in page
    saved = now_of(draft)
    assert (saved.parsed.stem, saved.parsed.options[1].text) == ("Which one?", "Option b")
    revision = re.search(r'name="revision" value="(\d+)"', page)
    assert revision is not None and int(revision[1]) == saved.revision


@pytest.mark.parametrize(
    ("action", "first"),
    [("up-option-2", "Option b"), ("remove-option-1", "Option b"), ("down-option-1", "Option b")],
)
def test_rows_move_without_a_script(client: Client, draft: Draft, action: str, first: str) -> None:
    response = client.post(EDIT, posted(draft, action=action))
    assert response.headers["Location"].startswith(f"{EDIT}#option-")
    assert now_of(draft).parsed.options[0].text == first


def test_rows_are_added_without_a_script(client: Client, draft: Draft) -> None:
    client.post(EDIT, posted(draft, action="add-option", stem="Typed before?"))
    content = now_of(draft).parsed
    assert [o.id for o in content.options] == ["a", "b", "c", "d", "e"]
    assert content.stem == "Typed before?"


def test_sixty_options_are_told_and_kept_in_the_form(client: Client, draft: Draft) -> None:
    extra = {f"option-{n}-text": f"Option number {n}" for n in range(5, 61)}
    page = html(client.post(EDIT, {**posted(draft), **extra}), 400)
    assert "these are 60" in page and "Option number 60" in page
    assert len(now_of(draft).parsed.options) == 4


def test_nul_bytes_are_no_error(client: Client, draft: Draft) -> None:
    data = posted(draft, stem="a\0b", level="\0", topic="\0", scenario="\0", tags="\0", references="\0")
    assert client.post(EDIT, data).status_code in (302, 400)
    assert now_of(draft).parsed.stem == "ab"


def test_two_megabytes_are_refused_in_words(client: Client, draft: Draft) -> None:
    response = client.post(EDIT, posted(draft, stem="x" * 2_100_000))
    assert response.status_code in (400, 413)
    assert now_of(draft).parsed.stem == STEM


# the type


def test_a_type_that_loses_nothing_changes_at_once(client: Client, draft: Draft) -> None:
    response = client.post(EDIT, posted(draft, type="multiple_response"))
    assert response.status_code == 302
    assert now_of(draft).item_type == "multiple_response"


def test_a_type_that_loses_something_asks_first(client: Client, draft: Draft) -> None:
    page = html(client.post(EDIT, posted(draft, type="ordering", stem="New?")), 400)
    assert "1 mark of a right option" in page and "change-to-ordering" in page
    saved = now_of(draft)
    assert (saved.item_type, saved.parsed.stem) == ("multiple_choice", "New?")
    client.post(EDIT, posted(saved, action="change-to-ordering"))
    saved = now_of(draft)
    assert saved.item_type == "ordering"
    assert [o.position for o in saved.parsed.options] == [1, 2, 3, 4]
    assert saved.parsed.options[0].rationale == "Rationale a"


# states


def test_a_published_question_offers_its_next_version(client: Client, blueprint: Blueprint) -> None:
    make_published_question(blueprint, code="q-1")
    page = html(client.get(EDIT))
    assert "Begin version 2" in page
    assert not Draft.objects.exists(), "looking at a page writes nothing"


def test_in_review_it_can_be_read_and_taken_back(client: Client, draft: Draft, ben: User) -> None:
    reviewing.submit(draft, by=ben, now=NOW)
    page = html(client.get(EDIT))
    assert re.search(r"<fieldset[^>]* disabled", page)
    assert "js/editor/main.js" not in page
    client.post(f"{EDIT}withdraw/")
    assert now_of(draft).state == Draft.State.DRAFT
    assert client.post(f"{EDIT}withdraw/", follow=True).status_code == 200, "twice is no error"


def test_sending_to_review_saves_first(client: Client, draft: Draft, iris: User) -> None:
    data = posted(draft, action="submit", reviewer=str(iris.pk), stem="Which one is it now, and why?")
    client.post(EDIT, data)
    sent = now_of(draft)
    assert (sent.state, sent.reviewer) == (Draft.State.IN_REVIEW, iris)
    assert sent.parsed.stem == "Which one is it now, and why?"


def test_a_block_keeps_it_from_being_sent_whatever_the_page_says(client: Client, draft: Draft) -> None:
    page = html(client.post(EDIT, posted(draft, action="submit", level=""), follow=True))
    assert "A finding blocks this" in page
    assert re.search(r'value="submit"[^>]* disabled', page)
    assert now_of(draft).state == Draft.State.DRAFT


def test_nobody_reviews_what_they_wrote(client: Client, draft: Draft, ben: User, ana: User) -> None:
    for person in (ben.pk, ana.pk, "x"):
        page = html(client.post(EDIT, posted(draft, action="submit", reviewer=str(person)), follow=True))
        assert "t review the draft" in page
    assert now_of(draft).state == Draft.State.DRAFT


def test_a_retired_question_is_not_sent_to_review(client: Client, draft: Draft, ben: User) -> None:
    authoring.retire(draft.question, reason="Out of date.", by=ben, now=NOW)
    page = html(client.post(EDIT, posted(draft, action="submit", stem="Kept all the same?"), follow=True))
    assert "Bring it back first" in page
    assert (now_of(draft).state, now_of(draft).parsed.stem) == (Draft.State.DRAFT, "Kept all the same?")


def test_giving_up_asks_first(client: Client, draft: Draft) -> None:
    assert "retired together" in html(client.get(f"{EDIT}discard/"))
    assert client.post(f"{EDIT}discard/").status_code == 302
    assert Question.objects.get().state == Question.State.RETIRED
    assert "This question is retired" in html(client.get(EDIT))


def test_a_copy_has_what_was_typed_last(client: Client, draft: Draft) -> None:
    response = client.post(EDIT, posted(draft, action="copy", stem="Copied?"))
    copy = Question.objects.exclude(code="q-1").get()
    assert response.headers["Location"] == f"/bank/questions/{copy.code}/edit/"
    assert copy.draft.parsed.stem == "Copied?"


def test_a_comment_is_stored_with_the_text(client: Client, draft: Draft) -> None:
    response = client.post(EDIT, posted(draft, action="comment", comment="Too long?", stem="New?"))
    assert response.headers["Location"].endswith("#comments")
    assert draft.comments.get().text == "Too long?"
    assert now_of(draft).parsed.stem == "New?"
    page = html(client.post(EDIT, posted(draft, action="comment", comment="x" * 4_001)), 400)
    assert "x" * 4_001 in page and "1 to 4,000 characters" in page


def test_a_comment_in_review_leaves_the_text_alone(client: Client, draft: Draft, ben: User) -> None:
    reviewing.submit(draft, by=ben, now=NOW)
    shut = {"action": "comment", "revision": "1", "rendered_type": "multiple_choice"}
    client.post(EDIT, {**shut, "comment": "Mind the unit."})
    assert draft.comments.get().text == "Mind the unit."
    draft.comments.update(where="options.2.rationale")
    assert '<a href="#option-2-rationale">Option B, rationale</a>' in html(client.get(EDIT))
    assert "1 to 4,000 characters" in html(client.post(EDIT, {**shut, "comment": " "}), 400)
    assert now_of(draft).parsed.stem == STEM


# pictures


def test_a_picture_comes_into_its_text(client: Client, draft: Draft) -> None:
    data = posted(draft, action="picture", alt__option__2__text="A [chart] of drift")
    data["picture-option-2-text"] = png()
    assert client.post(EDIT, data).status_code == 302
    image = Image.objects.get()
    text = now_of(draft).parsed.options[1].text
    assert text == f"Option b\n\n![A chart of drift](image:{image.name})\n"


@pytest.mark.parametrize(
    ("upload", "alt", "said"),
    [
        (png(), "", "Say what the picture shows"),
        (png(), "x" * 301, "at most 300 characters"),
        (SimpleUploadedFile("a.svg", b"<svg xmlns='x'></svg>"), "A", "SVG pictures are not taken"),
        (SimpleUploadedFile("a.png", b"hello"), "A", "no picture"),
        (SimpleUploadedFile("a.png", b"GIF89a" + b"x" * 50), "A", "Save it as PNG"),
        (SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50), "A", "may be damaged"),
        (SimpleUploadedFile("a.png", b"x" * (5 * 1024 * 1024 + 1)), "A", "more than 5 MB"),
    ],
)
def test_a_bad_picture_is_told_at_its_field(
    client: Client, draft: Draft, upload: SimpleUploadedFile, alt: str, said: str
) -> None:
    upload.seek(0)
    data = posted(draft, stem="Kept?", alt__stem=alt)
    data["picture-stem"] = upload
    page = html(client.post(EDIT, data), 400)
    assert said in page
    assert now_of(draft).parsed.stem == "Kept?"
    assert not Image.objects.exists()
    upload.seek(0)
    reply = client.post(f"{EDIT}picture/", {"picture": upload, "alt": alt})
    assert reply.status_code == 400
    assert said in reply.json()["message"]


def test_the_script_gets_the_markdown(client: Client, draft: Draft) -> None:
    reply = client.post(f"{EDIT}picture/", {"picture": png(), "alt": "A chart"})
    assert reply.json() == {"markdown": f"![A chart](image:{Image.objects.get().name})"}
    assert client.post(f"{EDIT}picture/", {"alt": "A chart"}).json() == {"message": "Choose a file first."}


# saved as one types


def test_the_script_saves_and_learns_what_the_text_needs(client: Client, draft: Draft) -> None:
    data = posted(draft, stem="Which one?", difficulty="x", option__2__rationale="")
    page = html(client.post(AUTOSAVE, data))
    assert 'data-revision="2"' in page
    assert 'data-found-problem="difficulty"' in page
    assert 'href="#option-2-rationale"' in page
    assert "<html" not in page
    assert now_of(draft).parsed.stem == "Which one?"


def test_the_script_is_told_of_a_conflict(client: Client, draft: Draft, iris: User) -> None:
    data = posted(draft, stem="Mine?")
    signed_in(iris).post(EDIT, posted(draft, stem="Theirs?"))
    reply = client.post(AUTOSAVE, data)
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert now_of(draft).parsed.stem == "Theirs?"


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 30, "²"])
def test_a_revision_that_is_none_is_a_conflict(client: Client, draft: Draft, revision: str) -> None:
    assert client.post(AUTOSAVE, posted(draft, revision=revision)).status_code == 409


def test_saving_what_is_gone_is_told(client: Client, draft: Draft, ben: User) -> None:
    reviewing.submit(draft, by=ben, now=NOW)
    assert client.post(AUTOSAVE, posted(draft)).json()["code"] == "in_review"


def test_signed_out_the_script_is_sent_to_sign_in(draft: Draft) -> None:
    assert Client().post(AUTOSAVE, {}).status_code == 302


# two at once


def conflict(client: Client, draft: Draft, other: Client, **mine: Any) -> str:
    """Both begin from one text; the other saves first."""
    data = posted(draft, **mine)
    other.post(EDIT, posted(draft, stem="Theirs?", level="recall"))
    return html(client.post(EDIT, data), 409)


def as_shown(page: str) -> dict[str, Any]:
    """The hidden fields of the conflict's form."""
    from html import unescape

    data: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        data.setdefault(unescape(name), []).append(unescape(value))
    return {name: values for name, values in data.items() if name != "csrfmiddlewaretoken"}


def test_the_second_sees_both_texts_and_nothing_is_overwritten(
    client: Client, draft: Draft, iris: User
) -> None:
    page = conflict(client, draft, signed_in(iris), stem="Mine?\n\nTwo lines.")
    assert "<del>Theirs?</del>" in page and "<ins>Mine?" in page
    assert "Iris" in page
    saved = now_of(draft)
    assert (saved.parsed.stem, saved.level) == ("Theirs?", "recall")


def test_keeping_mine_is_a_choice(client: Client, draft: Draft, iris: User) -> None:
    page = conflict(client, draft, signed_in(iris), stem="Mine?\n\nTwo lines.")
    response = client.post(f"{EDIT}resolve/", {**as_shown(page), "keep": "mine"})
    assert response.status_code == 302
    saved = now_of(draft)
    assert (saved.parsed.stem, saved.level) == ("Mine?\n\nTwo lines.", "apply")


def test_each_part_can_be_chosen(client: Client, draft: Draft, iris: User) -> None:
    page = conflict(client, draft, signed_in(iris), stem="Mine?", option__3__text="My c")
    client.post(f"{EDIT}resolve/", {**as_shown(page), "take:stem": "theirs", "take:level": "mine"})
    saved = now_of(draft)
    assert (saved.parsed.stem, saved.level, saved.parsed.options[2].text) == ("Theirs?", "apply", "My c")


def test_a_third_text_while_choosing_is_a_conflict_again(client: Client, draft: Draft, iris: User) -> None:
    page = conflict(client, draft, signed_in(iris), stem="Mine?")
    signed_in(iris).post(EDIT, posted(draft, stem="Theirs again?"))
    again = html(client.post(f"{EDIT}resolve/", {**as_shown(page), "keep": "mine"}), 409)
    assert "Theirs again?" in again and "Mine?" in again
    assert now_of(draft).parsed.stem == "Theirs again?"


def test_what_cant_be_stored_comes_along(client: Client, draft: Draft, iris: User) -> None:
    mine = {"difficulty": "half", "option__1__text": "z" * 5_001, "stem": "Mine?"}
    page = conflict(client, draft, signed_in(iris), **mine)
    page = html(client.post(f"{EDIT}resolve/", {**as_shown(page), "keep": "mine"}), 400)
    assert 'value="half"' in page and "z" * 5_001 in page
    assert now_of(draft).parsed.stem == "Mine?"


def test_a_text_for_what_is_in_review_takes_it_back(client: Client, draft: Draft, ben: User) -> None:
    data = posted(draft, stem="Typed meanwhile?")
    reviewing.submit(draft, by=ben, now=NOW)
    page = html(client.post(EDIT, data), 409)
    assert "in review" in page and now_of(draft).parsed.stem == STEM
    client.post(f"{EDIT}resolve/", {**as_shown(page), "keep": "mine"})
    saved = now_of(draft)
    assert (saved.state, saved.parsed.stem) == (Draft.State.DRAFT, "Typed meanwhile?")


def test_a_text_for_what_was_published_begins_the_next_version(
    client: Client, draft: Draft, ben: User, iris: User
) -> None:
    data = posted(draft, stem="Typed meanwhile?")
    sent = reviewing.submit(draft, by=ben, now=NOW)
    review = reviewing.answer_blind(sent, answer="a", revision=sent.revision, by=iris, now=NOW)
    reviewing.publish(review, words="", by=iris, now=NOW)
    page = html(client.post(EDIT, data), 409)
    assert not Draft.objects.exists()
    client.post(f"{EDIT}resolve/", {**as_shown(page), "keep": "mine"})
    made = Draft.objects.get()
    assert made.parsed.stem == "Typed meanwhile?"
    assert made.based_on is not None and made.based_on.number == 1


def test_a_page_of_an_older_draft_does_not_write_into_the_next(
    client: Client, draft: Draft, ben: User, iris: User
) -> None:
    """Both count from 1."""
    stale = posted(draft, stem="From the old page?")
    sent = reviewing.submit(draft, by=ben, now=NOW)
    review = reviewing.answer_blind(sent, answer="a", revision=sent.revision, by=iris, now=NOW)
    reviewing.publish(review, words="", by=iris, now=NOW)
    following = authoring.open_draft(Question.objects.get(code="q-1"), by=iris, now=NOW)
    assert following.revision == stale["revision"]
    assert client.post(AUTOSAVE, stale).status_code == 409
    html(client.post(EDIT, stale), 409)
    assert now_of(following).parsed.stem == STEM


def test_equal_texts_leave_nothing_to_choose(client: Client, draft: Draft, iris: User) -> None:
    data = posted(draft, stem="Same?")
    signed_in(iris).post(EDIT, posted(draft, stem="Same?"))
    assert "nothing to choose" in html(client.post(EDIT, data), 409)


# the other question


def test_two_questions_side_by_side(client: Client, blueprint: Blueprint, draft: Draft, ben: User) -> None:
    make_draft(blueprint, ben, code="q-2", content=make_content(stem=STEM + " Why?"))
    page = html(client.get(f"{EDIT}alike/q-2/"))
    assert "<ins>" in page or "<del>" in page
    assert client.get(f"{EDIT}alike/q-1/").status_code == 404
    make_draft(make_blueprint(), ben, code="q-3")
    assert client.get(f"{EDIT}alike/q-3/").status_code == 404


# who may


PAGES = [
    ("get", "/bank/questions/new/"),
    ("get", EDIT),
    ("post", EDIT),
    ("post", AUTOSAVE),
    ("post", f"{EDIT}picture/"),
    ("post", f"{EDIT}resolve/"),
    ("post", f"{EDIT}withdraw/"),
    ("get", f"{EDIT}discard/"),
    ("get", f"{EDIT}alike/q-1/"),
]


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_learners_see_nothing_of_it(draft: Draft, cleo: User, method: str, path: str) -> None:
    assert getattr(signed_in(cleo), method)(path).status_code == 404
    assert getattr(Client(), method)(path).status_code == 302


@pytest.mark.parametrize("code", ["nope", "x" * 300, "a%00b"])
def test_unknown_codes_are_not_found(client: Client, draft: Draft, code: str) -> None:
    for path in ("edit/", "edit/discard/", f"edit/alike/{code}/"):
        assert client.get(f"/bank/questions/{code}/{path}").status_code == 404
    assert client.post(f"/bank/questions/{code}/edit/autosave/").status_code == 404


def test_commands_are_no_links(client: Client, draft: Draft) -> None:
    for path in ("autosave/", "picture/", "resolve/", "withdraw/"):
        assert client.get(f"{EDIT}{path}").status_code == 405


def test_a_case_can_be_chosen(client: Client, blueprint: Blueprint, draft: Draft) -> None:
    Scenario.objects.create(blueprint=blueprint, code="case-1")
    client.post(EDIT, posted(draft, scenario="case-1"))
    saved = now_of(draft)
    assert saved.scenario is not None and saved.scenario.code == "case-1"
    assert authoring.fields_of(saved.question).scenario == saved.scenario
