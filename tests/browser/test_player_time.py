"""The clock is the server's; at zero the page sends what it has, submits and leads on. Time here is the browser's
own, moved by hand: no test waits for it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from exams.models import AttemptEvent
from tests.browser.conftest import Open, SignIn, Sitting

MINUTE = 60_000
RESULTS = re.compile(r"/results/$")
PULSES = re.compile(r"/pulse/$")
EVERYTHING = re.compile(r"/(responses/\d+|pulse|submit)/$")


@pytest.fixture
def page(sitting: Sitting, sign_in: SignIn, open_page: Open) -> Page:
    context = sign_in(sitting.attempt.learner)
    context.clock.install()
    page = open_page(context, sitting.url)
    expect(page.locator("#title-1")).to_be_visible()
    return page


def deaf(page: Page) -> None:
    """Without the pulse the browser's time is the only one that moves."""
    page.route(PULSES, lambda route: route.abort())


def come_online(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('online'))")


def test_the_clock_counts_the_servers_seconds(page: Page) -> None:
    deaf(page)
    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^(20:00|19:5\d)$"))
    page.clock.run_for(5 * MINUTE)
    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^(15:00|14:5\d)$"))


def test_a_hidden_clock_returns_at_five_minutes(page: Page) -> None:
    deaf(page)
    page.get_by_role("button", name="Hide the clock").click()
    expect(page.locator("[data-clock-time]")).to_have_text("hidden")

    page.clock.run_for(15 * MINUTE + 1000)

    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^4:5\d$"))
    expect(page.locator("[data-clock-toggle]")).to_be_hidden()


@pytest.mark.parametrize(
    ("minutes", "words"), [(10, "10 minutes left"), (15, "5 minutes left"), (19, "1 minute left")]
)
def test_thresholds_are_announced_once(page: Page, minutes: int, words: str) -> None:
    deaf(page)
    page.clock.run_for(minutes * MINUTE - 20_000)
    expect(page.locator("[data-say]")).not_to_have_text(words)

    page.clock.run_for(20_500)

    expect(page.locator("[data-toasts]")).to_contain_text(words)
    expect(page.locator("[data-say]")).to_have_text(words)


def test_t_speaks_the_time(page: Page) -> None:
    page.keyboard.press("t")
    page.clock.run_for(100)
    expect(page.locator("[data-say]")).to_have_text(re.compile(r"^(20|19) minutes left$"))


def test_more_time_is_told_and_the_clock_follows(page: Page, sitting: Sitting) -> None:
    sitting.end_in(1500)

    come_online(page)

    expect(page.locator("[data-banners]")).to_contain_text(
        f"it now ends at {sitting.attempt.deadline_at:%H:%M}"
    )
    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^24:\d\d$|^25:00$"))


def test_zero_submits_and_leads_to_the_result(page: Page, sitting: Sitting) -> None:
    deaf(page)
    page.keyboard.press("c")
    expect(page.locator("#question-1 [data-saved]")).to_have_text(re.compile("saved"))
    page.clock.fast_forward(19 * MINUTE)
    page.unroute(PULSES)
    sitting.end_in(0)

    page.clock.run_for(MINUTE)

    expect(page).to_have_url(RESULTS)
    sitting.attempt.refresh_from_db()
    assert (sitting.attempt.is_open, sitting.attempt.answered_count) == (False, 1)


def test_a_clock_that_ran_ahead_does_not_end_the_exam(page: Page, sitting: Sitting) -> None:
    with page.expect_response(PULSES):
        page.clock.fast_forward(21 * MINUTE)

    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^(20:00|19:\d\d)$"))
    expect(page.locator("[data-closing]")).to_be_hidden()
    sitting.attempt.refresh_from_db()
    assert sitting.attempt.is_open


def test_an_answer_sent_in_the_grace_counts(page: Page, sitting: Sitting, settings: Settings) -> None:
    settings.GRACE_SECONDS = 120
    page.route(EVERYTHING, lambda route: route.abort())
    page.keyboard.press("a")
    page.clock.fast_forward(19 * MINUTE)
    page.clock.run_for(MINUTE + 4000)
    expect(page.locator("[data-closing]")).to_contain_text("Time is up")
    expect(page.locator("[data-closing]")).to_contain_text(
        "1 answer is waiting; answers that arrive within 10 s count."
    )

    sitting.end_in(-1)
    page.unroute(EVERYTHING)
    come_online(page)
    page.clock.run_for(12_000)

    expect(page).to_have_url(RESULTS)
    assert sitting.stored(1).answer == sitting.option_at(1, "A")
    assert sitting.stored(1).is_in_grace


def test_an_answer_after_the_grace_is_sent_as_evidence_and_named(page: Page, sitting: Sitting) -> None:
    page.route(EVERYTHING, lambda route: route.abort())
    page.keyboard.press("a")
    page.clock.fast_forward(19 * MINUTE)
    page.clock.run_for(MINUTE + 20_000)
    expect(page.locator("[data-closing]")).to_contain_text("the time in which it would have counted is over")

    sitting.end_in(-60)
    page.unroute(EVERYTHING)
    come_online(page)
    page.clock.run_for(20_000)

    expect(page.locator("[data-late-list]")).to_contain_text("Question 1: your last change")
    assert sitting.stored(1).answer is None
    assert sitting.attempt.events.filter(kind=AttemptEvent.Kind.CAME_LATE, slot=1).exists()


def test_a_sitting_closed_elsewhere_leads_to_its_result(page: Page, sitting: Sitting) -> None:
    sitting.submit_elsewhere()

    come_online(page)

    expect(page).to_have_url(RESULTS)


def test_the_time_spent_on_a_question_reaches_the_server(page: Page, sitting: Sitting) -> None:
    page.clock.run_for(30_000)
    page.keyboard.press("n")
    page.clock.run_for(5000)
    with page.expect_response(PULSES):
        come_online(page)

    sitting.attempt.refresh_from_db()
    assert sitting.attempt.position == 2
    assert sitting.attempt.seconds_by_slot["1"] in range(29, 40)
