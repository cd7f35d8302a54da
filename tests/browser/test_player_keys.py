"""Keyboard first: everything in the player can be done without a pointer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SLOTS, Open, SignIn, Sitting, delivered


@pytest.fixture
def page(sitting: Sitting, sign_in: SignIn, open_page: Open) -> Page:
    page = open_page(sign_in(sitting.attempt.learner), sitting.url)
    expect(page.locator("#title-1")).to_be_visible()
    return page


def go_to(page: Page, slot: int) -> None:
    page.locator(f"[data-navigator] [data-go='{slot}']").click()
    expect(page.locator(f"#title-{slot}")).to_be_focused()


def test_letters_and_figures_choose(page: Page) -> None:
    page.keyboard.press("b")
    expect(page.locator("#question-1 input:checked")).to_have_attribute("data-letter", "B")
    page.keyboard.press("4")
    expect(page.locator("#question-1 input:checked")).to_have_attribute("data-letter", "D")


def test_n_and_p_move_and_focus_goes_to_the_heading(page: Page) -> None:
    page.keyboard.press("n")
    expect(page.locator("#title-2")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#title-1")).to_be_focused()
    go_to(page, SLOTS)
    page.keyboard.press("n")
    expect(page.locator("#title-review")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator(f"#title-{SLOTS}")).to_be_focused()


def test_f_flags_and_x_strikes(page: Page) -> None:
    page.keyboard.press("f")
    expect(page.get_by_role("checkbox", name="Flagged question 1")).to_be_checked()
    expect(page.locator("[data-navigator] [data-go='1']")).to_have_accessible_name(re.compile("flagged"))
    page.keyboard.press("a")
    page.keyboard.press("x")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Strike out option A")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#question-1 .option input:checked")).to_have_count(0)
    page.keyboard.press("a")  # choosing brings it back
    expect(page.get_by_role("button", name="Strike out option A")).to_have_attribute("aria-pressed", "false")


def test_no_more_options_than_asked_for(page: Page, sitting: Sitting) -> None:
    go_to(page, 2)
    for key in "abc":
        page.keyboard.press(key)

    expect(page.locator("#question-2 input:checked")).to_have_count(2)
    expect(page.locator("[data-say]")).to_have_text("You have chosen 2 already. Take one away first.")


def test_an_ordering_is_made_with_buttons_and_said(page: Page, sitting: Sitting) -> None:
    go_to(page, 3)
    steps = page.locator("#question-3 [data-ordering] > li")
    page.keyboard.press("a")
    page.keyboard.press("c")
    expect(steps).to_have_count(2)
    last = sitting.option_at(3, "C")
    page.locator(f"#question-3 [data-option='{last}'] [data-move=up]").focus()
    page.keyboard.press("Enter")

    expect(page.locator("[data-say]")).to_have_text(f"Option {last}: now 1 of 2")
    expect(page.locator(f"#question-3 [data-option='{last}'] [data-move=down]")).to_be_focused()
    expect(page.locator("#question-3 [data-saved]")).to_have_text(re.compile("saved"))
    delivered(page, sitting)
    assert sitting.stored(3).answer == [last, sitting.option_at(3, "A")]


def test_a_step_can_be_dragged_by_its_handle(page: Page, sitting: Sitting) -> None:
    go_to(page, 3)
    for key in "abc":
        page.keyboard.press(key)
    handles = page.locator("#question-3 [data-ordering] [data-place]")
    expect(handles).to_have_count(3)
    start, end = handles.nth(2).bounding_box(), handles.nth(0).bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + 10, end["y"] + 4, steps=6)
    page.mouse.up()

    delivered(page, sitting)
    assert sitting.stored(3).answer == [sitting.option_at(3, letter) for letter in "CAB"]


def test_matching_is_saved_pair_by_pair_and_counts_as_in_part(page: Page, sitting: Sitting) -> None:
    go_to(page, 4)
    page.locator("#question-4 [data-prompt=p2]").select_option("b")

    expect(page.locator("#question-4 [data-chosen]")).to_have_text("1 of 3 chosen")
    expect(page.locator("[data-navigator] [data-go='4']")).to_have_accessible_name(
        "Question 4, answered in part"
    )
    delivered(page, sitting)
    assert sitting.stored(4).answer == {"p2": "b"}


def test_keys_leave_selects_alone(page: Page, sitting: Sitting) -> None:
    go_to(page, 4)
    page.locator("#question-4 select").first.focus()
    page.keyboard.press("n")
    expect(page.locator("#title-4")).to_be_visible()


def test_the_list_of_keys_opens_and_switches_them_off(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Single keys act")).uncheck()
    page.keyboard.press("Escape")

    page.keyboard.press("n")
    page.keyboard.press("a")

    expect(page.locator("#title-1")).to_be_visible()
    expect(page.locator("#question-1 .option input:checked")).to_have_count(0)


def test_enter_in_an_exam_never_submits(page: Page, sitting: Sitting) -> None:
    page.locator("#question-1 input").first.focus()
    page.keyboard.press("Enter")

    expect(page).to_have_url(sitting.url)
    sitting.attempt.refresh_from_db()
    assert sitting.attempt.is_open


def test_enter_checks_an_answer_in_practice(practice: Sitting, sign_in: SignIn, open_page: Open) -> None:
    page = open_page(sign_in(practice.attempt.learner), practice.url)
    right = practice.letters(1)["a"]
    expect(page.locator("#question-1 [data-feedback-shown]")).to_have_count(0)
    page.keyboard.press(right.lower())
    page.locator("#title-1").focus()
    page.keyboard.press("Enter")

    feedback = page.locator("#question-1 [data-feedback-shown]")
    expect(feedback.get_by_role("heading", name=re.compile("Right"))).to_be_focused()
    expect(feedback).to_contain_text("Rationale a")
    expect(page.locator("#question-1 input").first).to_be_disabled()
    assert practice.stored(1).checked_at is not None


def test_a_blank_answer_is_not_checked(practice: Sitting, sign_in: SignIn, open_page: Open) -> None:
    page = open_page(sign_in(practice.attempt.learner), practice.url)
    page.locator("#question-1").get_by_role("button", name="Check answer").click()

    expect(page.locator("#question-1 [data-check-note]")).to_have_text("Answer the question first.")
    assert practice.stored(1).checked_at is None
