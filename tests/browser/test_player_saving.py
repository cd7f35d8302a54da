"""Every change is saved, whatever the line, the browser or another window does."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Dialog, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from exams import delivery
from exams.models import AttemptEvent
from tests.browser.conftest import Open, SignIn, Sitting, delivered, give_session
from tests.factories import save

SAVED = re.compile(r"saved \d\d:\d\d:\d\d")
SAVES = re.compile(r"/responses/\d+/$")


@pytest.fixture
def page(sitting: Sitting, sign_in: SignIn, open_page: Open) -> Page:
    page = open_page(sign_in(sitting.attempt.learner), sitting.url)
    expect(page.locator("#title-1")).to_be_visible()
    return page


def cut(page: Page) -> None:
    page.route(SAVES, lambda route: route.abort())


def mend(page: Page) -> None:
    page.unroute(SAVES)


def outbox(page: Page, sitting: Sitting) -> dict[str, dict[str, object]]:
    stored = page.evaluate("key => localStorage.getItem(key)", f"cutscore.outbox.{sitting.attempt.pk}")
    return json.loads(stored) if stored else {}


def bar(page: Page) -> Locator:
    return page.locator("[data-save-text]")


def test_a_change_is_saved_at_once_and_said_with_the_servers_time(page: Page, sitting: Sitting) -> None:
    page.keyboard.press("b")

    expect(bar(page)).to_have_text(SAVED)
    stored = sitting.stored(1)
    assert (stored.answer, stored.revision) == (sitting.option_at(1, "B"), 1)
    assert stored.saved_at is not None
    expect(page.locator("#question-1 [data-saved]")).to_have_text(f"saved {stored.saved_at:%H:%M:%S}")
    assert outbox(page, sitting) == {}


def test_flags_and_strikes_are_saved_like_answers(page: Page, sitting: Sitting) -> None:
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.keyboard.press("f")

    expect(page.locator("#question-1 [data-flag]")).to_be_checked()
    delivered(page, sitting)
    stored = sitting.stored(1)
    assert (stored.is_flagged, stored.struck, stored.answer) == (True, [sitting.option_at(1, "C")], None)
    page.reload()
    expect(page.locator(".option-struck .option-key")).to_have_text("C")
    expect(page.locator("#question-1 [data-flag]")).to_be_checked()


def test_ten_answers_given_without_a_line_survive_a_reload(page: Page, sitting: Sitting) -> None:
    cut(page)
    for _ in range(4):
        page.keyboard.press("n")
    for _ in range(8):
        page.keyboard.press("a")
        page.keyboard.press("n")

    expect(bar(page)).to_have_text("8 answers waiting: no connection")
    expect(page.locator("[data-waiting]")).to_contain_text("Keep working.")
    assert sitting.attempt.responses.filter(revision__gt=0).count() == 0
    page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?": that is what the test does
    page.reload()
    expect(bar(page)).to_have_text(re.compile("waiting: no connection"))
    expect(page.locator("[data-navigator] .cell-waiting[data-go]")).to_have_count(8)
    mend(page)
    page.locator("[data-waiting] [data-retry]").click()

    delivered(page, sitting)
    answered = sitting.attempt.responses.filter(revision__gt=0)
    assert [r.slot for r in answered] == list(range(5, 13))
    assert all(r.answer == sitting.option_at(r.slot, "A") for r in answered)


def test_a_lost_reply_is_asked_for_again_without_a_second_save(page: Page, sitting: Sitting) -> None:
    def swallow(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(SAVES, swallow)
    page.keyboard.press("a")
    expect(bar(page)).to_have_text("1 answer waiting: no connection")
    assert sitting.stored(1).revision == 1
    mend(page)
    page.locator("[data-waiting] [data-retry]").click()

    expect(bar(page)).to_have_text(SAVED)
    assert sitting.attempt.events.filter(kind=AttemptEvent.Kind.SAVED).count() == 1


def test_a_second_window_of_the_same_browser_follows(page: Page, sitting: Sitting, open_page: Open) -> None:
    other = open_page(page.context, sitting.url)
    expect(other.locator("#title-1")).to_be_visible()
    page.keyboard.press("d")
    expect(other.locator("#question-1 input[data-letter=D]")).to_be_checked()

    other.keyboard.press("a")

    expect(page.locator("#question-1 input[data-letter=A]")).to_be_checked()
    expect(bar(other)).to_have_text(SAVED)
    assert (sitting.stored(1).answer, sitting.stored(1).revision) == (sitting.option_at(1, "A"), 2)


def test_a_newer_answer_from_another_device_is_adopted_and_said(page: Page, sitting: Sitting) -> None:
    newer = sitting.option_at(1, "C")
    save(sitting.attempt, 1, newer, revision=5, now=timezone.now())

    page.keyboard.press("a")

    expect(page.locator("[data-banners]")).to_contain_text(
        "Question 1 was changed in another window; this is its latest answer."
    )
    expect(page.locator("#question-1 input[data-letter=C]")).to_be_checked()
    assert (sitting.stored(1).answer, sitting.stored(1).revision) == (newer, 5)
    page.keyboard.press("b")
    delivered(page, sitting)
    assert (sitting.stored(1).answer, sitting.stored(1).revision) == (sitting.option_at(1, "B"), 6)


def test_a_change_made_while_an_older_one_is_refused_wins(page: Page, sitting: Sitting) -> None:
    save(sitting.attempt, 1, sitting.option_at(1, "D"), revision=7, now=timezone.now())
    held: list[Route] = []
    page.route(SAVES, lambda route: route.continue_() if held else held.append(route))
    with page.expect_request(SAVES):
        page.keyboard.press("a")
    page.keyboard.press("b")  # while the first is still on its way
    held[0].continue_()
    delivered(page, sitting)

    expect(page.locator("#question-1 input[data-letter=B]")).to_be_checked()
    assert (sitting.stored(1).answer, sitting.stored(1).revision) == (sitting.option_at(1, "B"), 8)


def test_signed_out_keeps_everything_until_signed_in_again(
    page: Page, sitting: Sitting, live_server: LiveServer
) -> None:
    Session.objects.all().delete()
    cache.clear()
    page.keyboard.press("a")
    expect(bar(page)).to_have_text("1 answer waiting: signed out")
    expect(page.locator("[data-waiting]")).to_contain_text("Sign in again in another tab")

    give_session(page.context, sitting.attempt.learner, live_server)
    # Signing in makes a new token; the page's own is void from now on.
    page.context.add_cookies([{"name": "csrftoken", "value": "n" * 32, "url": live_server.url}])
    page.locator("[data-waiting] [data-retry]").click()

    expect(bar(page)).to_have_text(SAVED)
    assert sitting.stored(1).answer == sitting.option_at(1, "A")


def test_an_answer_that_came_too_late_is_named(page: Page, sitting: Sitting) -> None:
    sitting.submit_elsewhere()

    page.keyboard.press("a")

    closing = page.locator("[data-closing]")
    expect(closing).to_contain_text("This sitting is closed")
    expect(closing.locator("[data-late-list]")).to_have_text(re.compile("Question 1: your last change"))
    expect(closing.get_by_role("link", name="To the result")).to_be_visible()
    assert sitting.stored(1).answer is None
    assert sitting.attempt.events.filter(kind=AttemptEvent.Kind.CAME_LATE, slot=1).count() == 1
    closing.get_by_role("link", name="To the result").click()
    expect(page).to_have_url(re.compile(r"/results/$"))


def test_without_storage_saving_goes_on_and_is_said(
    sitting: Sitting, sign_in: SignIn, open_page: Open
) -> None:
    context = sign_in(sitting.attempt.learner)
    context.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    )
    page = open_page(context, sitting.url)
    page.keyboard.press("a")

    expect(page.locator("[data-memory-only]")).to_be_visible()
    expect(bar(page)).to_have_text(SAVED)
    assert sitting.stored(1).revision == 1


def test_an_answer_that_the_server_refuses_is_told_and_dropped(page: Page, sitting: Sitting) -> None:
    refusal = json.dumps({"code": "wrong_type", "message": "The answer has the wrong shape."})
    page.route(SAVES, lambda route: route.fulfill(status=400, body=refusal, content_type="application/json"))

    page.keyboard.press("a")

    expect(page.locator("[data-banners]")).to_contain_text("did not accept the last answer to question 1")
    delivered(page, sitting)


def test_a_busy_server_is_asked_again(page: Page, sitting: Sitting) -> None:
    page.route(SAVES, lambda route: route.fulfill(status=503, body="busy"))
    page.keyboard.press("a")
    expect(bar(page)).to_have_text("1 answer waiting: server busy")
    mend(page)

    page.evaluate("dispatchEvent(new Event('online'))")

    expect(bar(page)).to_have_text(SAVED)
    assert sitting.stored(1).revision == 1


def test_leaving_is_questioned_only_while_something_waits(page: Page, sitting: Sitting) -> None:
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.keyboard.press("a")
    expect(bar(page)).to_have_text(SAVED)
    page.reload()
    assert asked == []

    cut(page)
    page.keyboard.press("b")
    expect(bar(page)).to_have_text("1 answer waiting: no connection")
    page.reload()

    assert asked == ["beforeunload"]


def test_submitting_waits_for_what_has_not_arrived(page: Page, sitting: Sitting) -> None:
    page.clock.install()
    cut(page)
    page.keyboard.press("a")
    page.get_by_role("button", name="Review and submit").click()
    page.get_by_role("button", name="Submit the exam").click()
    page.get_by_role("button", name="Submit now").click()
    page.clock.run_for(9000)
    dialog = page.locator("[data-submit-dialog]")
    expect(dialog).to_contain_text("1 answer has not arrived yet")
    sitting.attempt.refresh_from_db()
    assert sitting.attempt.is_open

    mend(page)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(1000)

    expect(page).to_have_url(re.compile(r"/results/$"))
    sitting.attempt.refresh_from_db()
    assert not sitting.attempt.is_open
    assert sitting.attempt.answered_count == 1
    assert delivery.submit_attempt(
        sitting.attempt.pk, learner=sitting.attempt.learner, now=timezone.now()
    ).digest
