"""The editor in a browser: saved as one types, whatever the line does; by keyboard, narrow, and without a script."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import PIL.Image
import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, User
from questions import authoring, draft_form, scenarios
from questions.content import ItemType
from questions.models import Blueprint, Draft, Question, Topic
from tests.browser.conftest import Open, SignIn, give_session
from tests.browser.test_player_screens import complaints, overflow
from tests.factories import NOW, make_blueprint, make_published_question, make_user
from tests.questions.editor_makers import STEM, fresh, make_draft

SAVED = re.compile(r"^saved \d\d:\d\d:\d\d$")
AUTOSAVE = re.compile(r"/edit/autosave/$")


@pytest.fixture
def ben(transactional_db: None) -> User:
    return make_user("Ben", role=Role.INSTRUCTOR)


@pytest.fixture
def blueprint(transactional_db: None) -> Blueprint:
    return make_blueprint()


@pytest.fixture
def draft(blueprint: Blueprint, ben: User) -> Draft:
    return make_draft(blueprint, ben, code="q-1")


@pytest.fixture
def url(draft: Draft, live_server: LiveServer) -> str:
    return f"{live_server.url}/bank/questions/q-1/edit/"


@pytest.fixture
def page(url: str, ben: User, sign_in: SignIn, open_page: Open) -> Page:
    page = open_page(sign_in(ben), url)
    expect(page.locator("#preview-body .question-stem")).to_be_visible()
    return page


def saved(page: Page) -> None:
    expect(line(page)).to_have_text(SAVED)


def line(page: Page) -> Locator:
    return page.locator("[data-saved]").first


def stored(draft: Draft) -> Draft:
    return Draft.objects.get(pk=draft.pk)


def kept(page: Page) -> list[str]:
    keys: list[str] = page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('cutscore.draft.'))"
    )
    return keys


def type_at_end(page: Page, field: str, words: str) -> None:
    page.locator(field).focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def edit_elsewhere(draft: Draft, stem: str) -> None:
    """Iris saves the same draft."""
    fields = authoring.fields_of(fresh(draft))
    fields = replace(fields, content=replace(fields.content, stem=stem))
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    now = stored(draft)
    authoring.save_draft(now, fields=fields, revision=now.revision, by=iris, now=NOW)


# saved as one types


def test_typing_is_saved_and_neither_focus_nor_caret_moves(page: Page, draft: Draft) -> None:
    page.locator("#stem").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Note: ")
    expect(line(page)).to_have_text("not saved yet")
    saved(page)
    assert stored(draft).parsed.stem == f"Note: {STEM}"
    expect(page.locator("#stem")).to_be_focused()
    assert page.evaluate("document.activeElement.selectionStart") == len("Note: ")
    expect(page.locator("#preview-body .question-stem")).to_contain_text("Note: A ferry operator")
    assert kept(page) == []


def test_findings_follow_the_text_and_open_the_way_to_review(page: Page) -> None:
    expect(page.locator("[data-submit]")).to_be_enabled()
    page.locator("#option-2-rationale").fill("")
    finding = page.locator(".finding", has_text="Option B has no rationale")
    expect(finding).to_be_visible()
    expect(page.locator("[data-submit]")).to_be_disabled()
    expect(page.get_by_text("a finding blocks it")).to_be_visible()
    finding.get_by_role("link").click()
    expect(page).to_have_url(re.compile("#option-2-rationale$"))
    page.locator("#option-2-rationale").fill("It breaks the constraint on cost, which decides here.")
    expect(page.locator("[data-submit]")).to_be_enabled()


def test_what_cant_be_stored_says_so_at_its_field(page: Page, draft: Draft) -> None:
    page.locator("#difficulty").fill("half")
    expect(line(page)).to_have_text(re.compile("but for what is marked"))
    expect(page.locator("#difficulty-error")).to_be_visible()
    expect(page.locator("#difficulty")).to_have_attribute("aria-invalid", "true")
    page.locator("#difficulty").fill("0,55")
    saved(page)
    expect(page.locator("#difficulty-error")).to_be_hidden()
    assert str(stored(draft).difficulty) == "0.55"


def test_the_screen_reader_hears_of_changes_of_state_only(page: Page) -> None:
    said: list[str] = []
    page.expose_function("heard", lambda words: said.append(words))
    page.evaluate(
        """new MutationObserver(() => { const t = document.querySelector("[data-say]").textContent; if (t) heard(t) })
           .observe(document.querySelector("[data-say]"), {childList: true})"""
    )
    for word in ("one ", "two "):
        type_at_end(page, "#stem", word)
        with page.expect_response(AUTOSAVE):
            pass
    page.route(AUTOSAVE, lambda route: route.abort())
    type_at_end(page, "#stem", "three")
    expect(line(page)).to_have_text(re.compile("^not saved: no connection"))
    expect(page.locator("[data-say]")).to_have_text(re.compile("no connection"))
    assert len(said) == 1


# the line is cut, the browser closed, the session over


def test_without_a_line_the_text_is_kept_and_sent_when_it_is_back(page: Page, draft: Draft) -> None:
    page.route(AUTOSAVE, lambda route: route.abort())
    type_at_end(page, "#stem", " And why?")
    expect(line(page)).to_have_text("not saved: no connection; it is kept in this browser")
    assert len(kept(page)) == 1
    page.unroute(AUTOSAVE)
    saved(page)
    assert stored(draft).parsed.stem == f"{STEM} And why?"
    assert kept(page) == []


def test_a_save_whose_reply_was_lost_is_no_conflict(page: Page, draft: Draft) -> None:
    page.route(AUTOSAVE, lambda route: (route.fetch(), route.abort()))
    type_at_end(page, "#stem", " And why?")
    expect(line(page)).to_have_text(re.compile("kept in this browser"))
    type_at_end(page, "#stem", " Typed after.")
    page.unroute(AUTOSAVE)
    saved(page)
    assert stored(draft).parsed.stem == f"{STEM} And why? Typed after."
    expect(page.locator("[data-banner]")).to_be_hidden()


def test_after_a_reload_what_was_kept_is_saved(page: Page, draft: Draft) -> None:
    page.route(AUTOSAVE, lambda route: route.abort())
    type_at_end(page, "#stem", " And why?")
    page.locator("#option-1-text").fill("A better one")
    expect(line(page)).to_have_text(re.compile("kept in this browser"))
    page.context.route(AUTOSAVE, lambda route: route.continue_())
    page.unroute(AUTOSAVE)
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("#stem")).to_have_value(f"{STEM} And why?")
    expect(page.locator("#option-1-text")).to_have_value("A better one")
    expect(page.locator("[data-saved]").first).to_have_text(re.compile("saved"))
    assert stored(draft).parsed.options[0].text == "A better one"
    assert kept(page) == []


def test_leaving_while_a_save_is_on_its_way_is_no_conflict_later(
    page: Page, draft: Draft, url: str, open_page: Open
) -> None:
    context = page.context
    page.route(AUTOSAVE, lambda route: route.fetch() and None)  # it arrives, and nobody hears of it
    type_at_end(page, "#stem", " And why?")
    for _ in range(50):
        if stored(draft).parsed.stem == f"{STEM} And why?":
            break
        page.wait_for_timeout(100)
    page.locator("#option-1-text").fill("A better one")
    page.close()
    other = open_page(context, url)
    expect(other.locator("#option-1-text")).to_have_value("A better one")
    expect(other.locator("[data-banner]")).to_be_hidden()
    assert stored(draft).parsed.options[0].text == "A better one"
    assert stored(draft).parsed.stem == f"{STEM} And why?"


def test_what_a_closed_tab_had_kept_is_found_by_the_next(
    page: Page, draft: Draft, url: str, open_page: Open
) -> None:
    context = page.context
    page.route(AUTOSAVE, lambda route: route.abort())
    type_at_end(page, "#stem", " And why?")
    expect(line(page)).to_have_text(re.compile("kept in this browser"))
    page.close()
    other = open_page(context, url)
    expect(other.locator("#stem")).to_have_value(f"{STEM} And why?")
    expect(other.locator("[data-saved]").first).to_have_text(re.compile("^(saved|What this browser)"))
    assert stored(draft).parsed.stem == f"{STEM} And why?"


def test_signed_out_nothing_is_lost(page: Page, draft: Draft, ben: User, live_server: LiveServer) -> None:
    Session.objects.all().delete()
    cache.clear()
    type_at_end(page, "#stem", " And why?")
    expect(page.locator("[data-banner]")).to_contain_text("You are signed out")
    link = page.get_by_role("link", name="Sign in (new tab)")
    assert link.get_attribute("target") == "_blank"
    give_session(page.context, ben, live_server)
    page.evaluate("dispatchEvent(new Event('focus'))")
    saved(page)
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert stored(draft).parsed.stem == f"{STEM} And why?"


def test_a_page_that_is_left_sends_its_last_words(page: Page, draft: Draft, url: str) -> None:
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full') } }")
    type_at_end(page, "#stem", " Last.")
    page.goto("about:blank")
    for _ in range(50):
        if stored(draft).parsed.stem == f"{STEM} Last.":
            break
        page.wait_for_timeout(100)
    page.goto(url)
    expect(page.locator("#stem")).to_have_value(f"{STEM} Last.")


# two people


def test_when_somebody_else_has_saved_both_texts_are_shown(page: Page, draft: Draft) -> None:
    edit_elsewhere(draft, "Iris asks: which?")
    type_at_end(page, "#stem", " And why?")
    expect(page.locator("[data-banner]")).to_contain_text("Somebody else has saved this draft meanwhile")
    type_at_end(page, "#stem", " Typed after.")
    assert stored(draft).parsed.stem == "Iris asks: which?"
    page.get_by_role("button", name="See both texts").click()
    expect(page.locator("ins")).to_have_count(1)
    expect(page.locator("body")).to_contain_text("And why? Typed after.")
    assert complaints(page) == []
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#stem")).to_have_value(f"{STEM} And why? Typed after.")
    saved(page)
    assert kept(page) == []
    expect(page.locator("[data-banner]")).to_be_hidden()


def test_taking_theirs_forgets_ones_own(page: Page, draft: Draft) -> None:
    edit_elsewhere(draft, "Iris asks: which?")
    type_at_end(page, "#stem", " And why?")
    page.get_by_role("button", name="See both texts").click()
    page.get_by_role("link", name="Take theirs").click()
    expect(page.locator("#stem")).to_have_value("Iris asks: which?")
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert kept(page) == []


def test_what_was_kept_meets_what_somebody_else_has_saved(page: Page, draft: Draft) -> None:
    page.route(AUTOSAVE, lambda route: route.abort())
    type_at_end(page, "#stem", " And why?")
    expect(line(page)).to_have_text(re.compile("kept in this browser"))
    edit_elsewhere(draft, "Iris asks: which?")
    page.unroute(AUTOSAVE)
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("#stem")).to_have_value("Iris asks: which?")
    page.get_by_role("button", name="See both texts").click()
    expect(page.locator("body")).to_contain_text("And why?")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#stem")).to_have_value(f"{STEM} And why?")


# by keyboard


def test_rows_come_go_and_move_by_keyboard(page: Page, draft: Draft) -> None:
    add = page.get_by_role("button", name="Add an option")
    add.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Option E", exact=True)).to_be_focused()
    page.keyboard.type("The fifth")
    page.get_by_role("button", name="Move up: E").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move up: D")).to_be_focused()
    expect(page.get_by_label("Option D", exact=True)).to_have_value("The fifth")
    page.get_by_role("button", name="Remove: A").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Put it back")).to_be_focused()
    saved(page)
    assert [o.text for o in stored(draft).parsed.options] == ["Option b", "Option c", "The fifth", "Option d"]
    page.keyboard.press("Enter")
    expect(page.get_by_label("Option A", exact=True)).to_have_value("Option a")
    saved(page)
    assert [o.id for o in stored(draft).parsed.options] == ["a", "b", "c", "e", "d"]
    assert stored(draft).parsed.key == "a"


def test_enter_in_a_field_saves_and_sends_nothing(page: Page, draft: Draft) -> None:
    page.locator("#difficulty").fill("0.5")
    page.keyboard.press("Enter")
    saved(page)
    assert (stored(draft).state, str(stored(draft).difficulty)) == (Draft.State.DRAFT, "0.50")


def test_tags_and_topics_are_found_as_one_types(page: Page, draft: Draft) -> None:
    page.get_by_label("Tags").fill("Drift")
    page.keyboard.press("Enter")
    page.keyboard.type("cost,")
    expect(page.locator(".tag-box .chip")).to_have_text(["drift", "cost"])
    page.get_by_role("button", name="Remove tag drift").click()
    page.get_by_label("Narrow the topics").fill("2.1.1")
    page.keyboard.press("Enter")
    saved(page)
    assert list(draft.question.tags.values_list("name", flat=True)) == ["cost"]
    topic = stored(draft).topic
    assert topic is not None and topic.code == "2.1.1"


def test_the_type_changes_with_what_was_typed_last(page: Page, draft: Draft) -> None:
    type_at_end(page, "#stem", " And why?")
    page.get_by_label("Type", exact=True).select_option("ordering")
    expect(page.get_by_text("1 mark of a right option")).to_be_visible()
    page.get_by_role("button", name="Change the type").click()
    expect(page.get_by_role("heading", name="Steps")).to_be_visible()
    assert (stored(draft).item_type, stored(draft).parsed.stem) == ("ordering", f"{STEM} And why?")


def test_a_new_response_can_be_matched_before_it_is_saved(
    blueprint: Blueprint, ben: User, live_server: LiveServer, sign_in: SignIn, open_page: Open
) -> None:
    draft = make_draft(blueprint, ben, item_type=ItemType.MATCHING, code="q-2")
    page = open_page(sign_in(ben), f"{live_server.url}/bank/questions/q-2/edit/")
    page.get_by_role("button", name="Add a response").click()
    page.keyboard.type("The fifth")
    match = page.locator("#prompt-1-match")
    match.focus()
    match.select_option(label="E The fifth")
    saved(page)
    content = stored(draft).parsed
    assert (content.options[4].text, content.prompts[0].match) == ("The fifth", "e")


def test_sending_to_review_takes_the_last_words_along(page: Page, draft: Draft) -> None:
    type_at_end(page, "#stem", " Which is the cheapest one, and which the best?")
    page.get_by_role("button", name="Send to review").click()
    expect(page.get_by_role("button", name="Take it back to edit")).to_be_visible()
    assert stored(draft).parsed.stem.endswith("and which the best?")
    expect(page.locator("#stem")).to_be_disabled()
    page.get_by_role("button", name="Take it back to edit").click()
    expect(page.locator("#stem")).to_be_enabled()


def test_the_preview_is_played_by_the_players_own_script(
    blueprint: Blueprint, ben: User, live_server: LiveServer, sign_in: SignIn, open_page: Open
) -> None:
    make_draft(blueprint, ben, item_type=ItemType.ORDERING, code="q-2")
    page = open_page(sign_in(ben), f"{live_server.url}/bank/questions/q-2/edit/")
    preview = page.locator("#preview")
    preview.get_by_role("button", name="Add").first.click()
    expect(preview.locator("[data-ordering] li")).to_have_count(1)
    preview.get_by_role("link", name="Review").click()
    expect(preview.get_by_text("Rationale a")).to_be_visible()
    page.locator("#option-1-rationale").fill("Another reason for it.")
    expect(preview.get_by_text("Another reason for it.")).to_be_visible()


# pictures


def picture() -> dict[str, Any]:
    out = io.BytesIO()
    PIL.Image.new("RGB", (8, 4), "teal").save(out, "PNG")
    return {"name": "chart.png", "mimeType": "image/png", "buffer": out.getvalue()}


def test_a_picture_comes_to_the_caret(page: Page, draft: Draft) -> None:
    page.locator("#stem").evaluate("node => node.setSelectionRange(2, 2)")
    adder = page.locator("[data-text-field]", has=page.locator("#stem"))
    adder.locator("summary").click()
    adder.get_by_role("button", name="Put it in").click()
    expect(adder.get_by_text("Choose a file first.")).to_be_visible()
    adder.get_by_label("File").set_input_files(picture())  # type: ignore[arg-type]
    adder.get_by_label("What it shows").fill("Drift over a week")
    adder.get_by_role("button", name="Put it in").click()
    expect(page.locator("#stem")).to_have_value(
        re.compile(r"^A \n\n!\[Drift over a week\]\(image:[^)]+\)ferry")
    )
    saved(page)
    expect(page.locator("#preview-body img")).to_have_attribute("alt", "Drift over a week")


# how it looks, and without a script


@pytest.mark.parametrize("kind", list(ItemType))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_type_is_readable_by_rule(
    kind: ItemType,
    scheme: str,
    blueprint: Blueprint,
    ben: User,
    live_server: LiveServer,
    sign_in: SignIn,
    open_page: Open,
) -> None:
    make_draft(blueprint, ben, item_type=kind, code="q-2", tags=("drift",))
    make_draft(blueprint, ben, item_type=kind, code="q-3")
    page = open_page(sign_in(ben, color_scheme=scheme), f"{live_server.url}/bank/questions/q-2/edit/")
    expect(page.locator("#preview-body .question-stem")).to_be_visible()
    assert complaints(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow(page) == 0


PAGES = (
    "questions/new/",
    "questions/q-1/edit/discard/",
    "questions/q-1/edit/alike/q-2/",
    "questions/q-1/preview/",
    "questions/q-1/preview/?mode=review",
    "questions/q-3/edit/",
    "scenarios/",
    "scenarios/new/",
    "scenarios/ferry/",
)


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_around_it_are_readable_by_rule(
    path: str,
    blueprint: Blueprint,
    draft: Draft,
    ben: User,
    live_server: LiveServer,
    sign_in: SignIn,
    open_page: Open,
) -> None:
    case = scenarios.create_scenario(blueprint, code="ferry", title="The ferry", text="Two *places*.")
    make_draft(blueprint, ben, code="q-2", scenario=case, item_type=ItemType.MATCHING)
    make_published_question(blueprint, code="q-3")
    page = open_page(sign_in(ben), f"{live_server.url}/bank/{path}")
    assert complaints(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow(page) == 0


def test_the_code_follows_the_topic_until_somebody_writes_one(
    blueprint: Blueprint, ben: User, live_server: LiveServer, sign_in: SignIn, open_page: Open
) -> None:
    page = open_page(sign_in(ben), f"{live_server.url}/bank/questions/new/")
    code = page.get_by_label("Code", exact=True)
    page.get_by_label("Narrow the topics").fill("2.1.1")
    page.keyboard.press("Enter")
    expect(code).to_have_value("test-2.1-001")
    code.fill("mine-1")
    with page.expect_response(re.compile("topic=")):
        page.get_by_label("Topic", exact=True).select_option(label="1.1.1 Topic 1.1.1")
    expect(code).to_have_value("mine-1")
    page.get_by_role("button", name="Begin writing").click()
    expect(page).to_have_url(re.compile("/mine-1/edit/$"))


def test_saving_by_shortcut_is_said(page: Page, draft: Draft) -> None:
    page.locator("#stem").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Now: ")
    page.keyboard.press("Control+s")
    expect(page.locator("[data-say]")).to_have_text(SAVED)
    assert stored(draft).parsed.stem == f"Now: {STEM}"


def test_without_a_script_the_whole_way_is_open(
    blueprint: Blueprint, ben: User, live_server: LiveServer, sign_in: SignIn, open_page: Open
) -> None:
    context = sign_in(ben, java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = open_page(context, f"{live_server.url}/bank/questions/new/")
    topic = Topic.objects.get(code="1.1.1")
    page.get_by_label("Topic", exact=True).select_option(str(topic.pk))
    page.get_by_role("button", name="Begin writing").click()
    page.get_by_role("textbox", name="Stem").fill(STEM)
    page.get_by_role("button", name="Remove: D").click()
    for number, letter in enumerate("ABC", 1):
        page.get_by_label(f"Option {letter}", exact=True).fill(f"Watch the feature number {number} each day")
        page.locator(f"#option-{number}-rationale").fill("It meets the constraint on time, and on cost.")
    page.get_by_label("key A").check()
    page.get_by_label("Level").select_option("apply")
    page.get_by_label("Difficulty").fill("0.6")
    page.get_by_role("button", name="Move down: A").click()
    expect(page.get_by_label("key B")).to_be_checked()
    page.get_by_role("button", name="Send to review").click()
    expect(page.get_by_text("Sent to review")).to_be_visible()
    question = Question.objects.get()
    assert question.draft.state == Draft.State.IN_REVIEW
    assert draft_form.of_fields(authoring.fields_of(question)).options[1].is_key
