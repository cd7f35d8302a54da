"""What an instructor does reaches the player without a reload, and costs no answer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role, User
from exams.cohorts import control
from exams.models import Assignment, Attempt
from tests.browser.conftest import Open, SignIn, Sitting, delivered
from tests.factories import make_cohort, make_user

SAVES = re.compile(r"/responses/\d+/$")


@pytest.fixture
def teacher(transactional_db: None) -> User:
    return make_user("Tess", role=Role.INSTRUCTOR)


@pytest.fixture
def assignment(sitting: Sitting, teacher: User) -> Assignment:
    assert sitting.mock is not None
    assignment = Assignment.objects.create(
        cohort=make_cohort(learners=(sitting.attempt.learner,), instructors=(teacher,)),
        mock=sitting.mock,
        blueprint=sitting.mock.blueprint,
        title="Week 3",
        created_at=timezone.now(),
    )
    Attempt.objects.filter(pk=sitting.attempt.pk).update(assignment=assignment)
    return assignment


@pytest.fixture
def page(assignment: Assignment, sitting: Sitting, sign_in: SignIn, open_page: Open) -> Page:
    page = open_page(sign_in(sitting.attempt.learner), sitting.url)
    expect(page.locator("#title-1")).to_be_visible()
    return page


def pulse(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('online'))")


def test_more_minutes_and_a_message_are_told_in_banners(
    page: Page, assignment: Assignment, teacher: User, sitting: Sitting
) -> None:
    control.add_minutes(assignment, by=teacher, minutes=10, reason="late bus", now=timezone.now())
    control.message(assignment, by=teacher, text="Question 3 is fine.", now=timezone.now())
    pulse(page)

    end = Attempt.objects.get(pk=sitting.attempt.pk).deadline_at
    banners = page.locator("[data-banners]")
    expect(banners).to_contain_text(
        f"Your instructor added 10 minutes: new end {end:%H:%M}. Reason: late bus"
    )
    expect(banners).to_contain_text("Message from Tess: Question 3 is fine.")
    expect(banners).not_to_contain_text("Your time was changed")
    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^(30:00|29:\d\d)$"))
    page.reload()
    expect(page.locator("#title-1")).to_be_visible()
    expect(page.locator("[data-notice]")).to_have_count(0)


def test_a_pause_covers_the_questions_and_what_was_answered_offline_arrives_afterwards(
    page: Page, assignment: Assignment, teacher: User, sitting: Sitting
) -> None:
    page.route(SAVES, lambda route: route.abort())
    page.keyboard.press("b")
    expect(page.locator("[data-save-text]")).to_have_text("1 answer waiting: no connection")
    # So long ago that what was on its way has arrived.
    control.pause(assignment, by=teacher, reason="fire alarm", now=timezone.now() - timedelta(minutes=1))
    page.unroute(SAVES)
    pulse(page)

    expect(page.get_by_role("heading", name="Your exam is paused")).to_be_visible()
    expect(page.locator("[data-paused]")).to_contain_text("Reason: fire alarm")
    expect(page.locator("#title-1")).to_be_hidden()
    expect(page.locator("[data-save-text]")).to_have_text("1 answer waiting: exam paused")
    assert sitting.stored(1).answer is None
    control.resume(assignment, by=teacher, now=timezone.now())
    pulse(page)

    expect(page.locator("#title-1")).to_be_visible()
    expect(page.locator("[data-banners]")).to_contain_text("The exam goes on with the time that you had left")
    delivered(page, sitting)
    assert sitting.stored(1).answer == sitting.option_at(1, "B")
    expect(page.locator("[data-clock-time]")).to_have_text(re.compile(r"^(20:\d\d|21:00)$"))


def test_an_exam_opened_while_it_is_paused_goes_on_by_itself(
    page: Page, assignment: Assignment, teacher: User
) -> None:
    control.pause(assignment, by=teacher, reason="fire alarm", now=timezone.now())
    page.reload()
    expect(page.get_by_role("heading", name="Your exam is paused")).to_be_visible()
    assert page.locator("[data-slot]").count() == 0

    control.resume(assignment, by=teacher, now=timezone.now())
    pulse(page)

    expect(page.locator("#title-1")).to_be_visible()
