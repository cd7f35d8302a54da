"""Every state of the player: readable by rule (WCAG 2.2 AA), within a narrow screen, and whole without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import CASE_SLOT, SLOTS, Open, SignIn, Sitting

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def complaints(page: Page, *, within: str = "body") -> list[str]:
    # Colours are judged as they will be, not half-way through a transition.
    page.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")
    found = Axe().run(page, context=within, options=RULES).response["violations"]
    return [f"{v['id']}: {n['html'][:160]}" for v in found for n in v["nodes"]]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def show(slot: int) -> Callable[[Page], None]:
    def step(page: Page) -> None:
        for _ in range(slot - 1):
            page.keyboard.press("n")
        expect(page.locator(f"#title-{slot}")).to_be_visible()

    return step


def answered(page: Page) -> None:
    show(1)(page)
    for key in ("b", "x", "a", "f"):
        page.keyboard.press(key)


def ordered(page: Page) -> None:
    show(3)(page)
    page.keyboard.press("a")
    page.keyboard.press("b")


def review(page: Page) -> None:
    answered(page)
    page.get_by_role("button", name=re.compile("^Review")).click()


def submitting(page: Page) -> None:
    review(page)
    page.get_by_role("button", name="Submit the exam").click()


def keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()


def offline(page: Page) -> None:
    page.route(re.compile("/responses/"), lambda route: route.abort())
    page.keyboard.press("a")
    expect(page.locator("[data-waiting]")).to_be_visible()


def menu(page: Page) -> None:
    page.locator(".exam-bar summary").click()


def navigator(page: Page) -> None:
    page.locator("[data-navigator-open]").click()
    expect(page.locator("[data-navigator]")).to_be_visible()


STATES = {
    "choice": answered,
    "response": show(2),
    "ordering": ordered,
    "matching": show(4),
    "case": show(CASE_SLOT),
    "review": review,
    "submitting": submitting,
    "keys": keys,
    "offline": offline,
    "menu": menu,
    "navigator": navigator,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_a_state_keeps_the_rules_and_its_width(
    sitting: Sitting, sign_in: SignIn, open_page: Open, state: str, scheme: str, width: int
) -> None:
    context = sign_in(
        sitting.attempt.learner,
        color_scheme=scheme,
        viewport={"width": width, "height": 700},
        reduced_motion="reduce",
    )
    page = open_page(context, sitting.url)
    STATES[state](page)

    # What an open menu half covers can't be reached, and need not be.
    assert complaints(page, within=".exam-bar" if state == "menu" else "body") == []
    assert overflow(page) <= 0


@pytest.mark.parametrize(("slot", "scheme"), [(1, "light"), (2, "dark"), (3, "dark"), (4, "light")])
def test_feedback_keeps_the_rules(
    practice: Sitting, sign_in: SignIn, open_page: Open, slot: int, scheme: str
) -> None:
    page = open_page(
        sign_in(practice.attempt.learner, color_scheme=scheme, reduced_motion="reduce"), practice.url
    )
    show(slot)(page)
    if slot == 4:
        page.locator("#question-4 [data-prompt=p1]").select_option("b")
    page.keyboard.press("a")
    page.locator(f"#question-{slot}").get_by_role("button", name="Check answer").click()
    expect(page.locator(f"#question-{slot} [data-feedback-shown]")).to_be_visible()

    assert complaints(page) == []


def test_at_400_percent_no_bar_stands_in_the_way(sitting: Sitting, sign_in: SignIn, open_page: Open) -> None:
    context = sign_in(sitting.attempt.learner, viewport={"width": 320, "height": 225})
    page = open_page(context, sitting.url)

    expect(page.locator(".exam-bar")).to_have_css("position", "static")
    expect(page.locator(".exam-foot")).to_have_css("position", "static")
    assert overflow(page) <= 0


def test_states_stay_visible_in_forced_colours(sitting: Sitting, sign_in: SignIn, open_page: Open) -> None:
    page = open_page(sign_in(sitting.attempt.learner, forced_colors="active"), sitting.url)
    page.keyboard.press("b")
    page.keyboard.press("n")
    style = "node => getComputedStyle(node).borderBlockEndWidth + getComputedStyle(node).borderBlockEndStyle"

    looks = {page.locator(f"[data-navigator] [data-go='{slot}']").evaluate(style) for slot in (1, 2, 3)}

    assert len(looks) == 3  # answered, seen, unseen


def test_the_last_place_and_the_text_size_are_remembered(
    sitting: Sitting, sign_in: SignIn, open_page: Open
) -> None:
    page = open_page(sign_in(sitting.attempt.learner), sitting.url)
    show(4)(page)
    menu(page)
    page.get_by_role("button", name="Text: larger").click()
    page.reload()

    expect(page.locator("#title-4")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-text", "larger")


def test_no_key_is_in_the_page_of_an_exam(sitting: Sitting, sign_in: SignIn, open_page: Open) -> None:
    page = open_page(sign_in(sitting.attempt.learner), sitting.url)

    source = page.content()

    assert "Rationale" not in source
    assert "is_correct" not in source
    assert page.locator("[data-correct], .answered-key").count() == 0


# ── without JavaScript ──


@pytest.fixture
def plain(sitting: Sitting, sign_in: SignIn, open_page: Open) -> Page:
    return open_page(sign_in(sitting.attempt.learner, java_script_enabled=False), sitting.url)


def test_the_plain_form_saves_every_kind(plain: Page, sitting: Sitting) -> None:
    expect(plain.locator("section.question:visible")).to_have_count(SLOTS)
    plain.locator("#question-1 input[value=c]").check()
    plain.locator("#question-2 input[value=a]").check()
    plain.locator("#question-2 input[value=e]").check()
    plain.locator("[name=answer-3-b]").select_option("1")
    plain.locator("[name=answer-3-d]").select_option("2")
    plain.locator("[name=answer-4-p3]").select_option("d")
    plain.locator("[name=flag-5]").check(force=True)
    plain.get_by_role("button", name="Save answers").last.click()

    expect(plain.get_by_text(re.compile(r"Saved at \d\d:\d\d:\d\d"))).to_be_visible()
    assert [sitting.stored(slot).answer for slot in (1, 2, 3, 4)] == [
        "c",
        ["a", "e"],
        ["b", "d"],
        {"p3": "d"},
    ]
    assert sitting.stored(5).is_flagged
    expect(plain.locator("[name=answer-3-d]")).to_have_value("2")


def test_enter_in_the_plain_form_saves_and_does_not_submit(plain: Page, sitting: Sitting) -> None:
    plain.locator("#question-6 .option input").first.check()
    plain.locator("#question-6 .option input").first.press("Enter")

    expect(plain.get_by_text(re.compile("Saved at"))).to_be_visible()
    sitting.attempt.refresh_from_db()
    assert sitting.attempt.is_open


def test_the_plain_form_submits(plain: Page, sitting: Sitting) -> None:
    plain.locator("#question-1 input[value=a]").check()
    plain.get_by_role("button", name="Submit the exam").click()

    expect(plain).to_have_url(re.compile(r"/results/$"))
    sitting.attempt.refresh_from_db()
    assert (sitting.attempt.is_open, sitting.attempt.answered_count) == (False, 1)


def test_the_plain_form_shows_feedback_in_practice(
    practice: Sitting, sign_in: SignIn, open_page: Open
) -> None:
    page = open_page(sign_in(practice.attempt.learner, java_script_enabled=False), practice.url)
    page.locator("#question-6 input[value=a]").check()
    page.locator("#question-6").get_by_role("button", name="Check answer").click()

    expect(page.locator("#question-6 [data-feedback-shown]")).to_contain_text("Right")
    expect(page.locator("#question-6 .option input").nth(2)).to_be_disabled()


def test_the_plain_form_fits_a_phone(sitting: Sitting, sign_in: SignIn, open_page: Open) -> None:
    context = sign_in(
        sitting.attempt.learner, java_script_enabled=False, viewport={"width": 360, "height": 700}
    )
    page = open_page(context, sitting.url)

    assert overflow(page) <= 0
