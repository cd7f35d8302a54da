"""A real browser in front of the real server. Each page fails its test when the CSP or a script complains."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from exams import delivery, starting
from exams.models import Attempt, MockExam, Paper, PaperItem, Response
from questions.content import ItemType
from questions.models import QuestionVersion, Scenario, ScenarioVersion
from tests.factories import make_blueprint, make_content, make_mock, make_published_question

# Playwright's loop runs in the thread of the tests, which Django takes for an asynchronous one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
SILENT = ("--disable-background-networking", "--disable-component-update")

KINDS = (
    ItemType.MULTIPLE_CHOICE,
    ItemType.MULTIPLE_RESPONSE,
    ItemType.ORDERING,
    ItemType.MATCHING,
)
SLOTS = 12
CASE_SLOT = 5
"""Slots 1 to 4 are one of each kind, 5 is a case study, the others multiple choice."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        message = "no chromium here: install it, or name it in CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return {**browser_type_launch_args, "executable_path": path, "args": [*QUIET, *SILENT]}


@pytest.fixture
def browser_context_args() -> dict[str, Any]:
    return {"locale": "en-GB", "timezone_id": "UTC"}


NewContext = Callable[..., BrowserContext]
SignIn = Callable[..., BrowserContext]
Open = Callable[..., Page]


@pytest.fixture
def sign_in(new_context: NewContext, live_server: LiveServer) -> SignIn:
    """A browser in which this user is signed in; the same user may have several."""

    def sign_in(user: User, **options: Any) -> BrowserContext:
        context = new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        give_session(context, user, live_server)
        return context

    return sign_in


def give_session(context: BrowserContext, user: User, live_server: LiveServer) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )


@pytest.fixture
def open_page() -> Iterator[Open]:
    """Open an address in a context and keep watch: a CSP message or an uncaught error fails the test."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # A cut line is what some tests are about; the browser reports it as an error, too.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def open_page(context: BrowserContext, url: str) -> Page:
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    assert complaints == []


@dataclass
class Sitting:
    """A running attempt with its addresses."""

    attempt: Attempt
    mock: MockExam | None
    url: str

    def stored(self, slot: int) -> Response:
        return self.attempt.responses.get(slot=slot)

    def letters(self, slot: int) -> dict[str, str]:
        """Option id → the letter that this learner sees."""
        from exams import player

        response = self.attempt.responses.select_related("version").get(slot=slot)
        options = player.presented_options(
            response.version.parsed,
            seed=self.attempt.option_seed,
            slot=slot,
            keeps_order=response.version.keeps_order,
        )
        return {option.id: player.LETTERS[index] for index, option in enumerate(options)}

    def option_at(self, slot: int, letter: str) -> str:
        return next(option for option, own in self.letters(slot).items() if own == letter)

    def end_in(self, seconds: float) -> None:
        """Move the deadline, as staff may."""
        self.attempt.deadline_at = timezone.now() + timedelta(seconds=seconds)
        Attempt.objects.filter(pk=self.attempt.pk).update(deadline_at=self.attempt.deadline_at)

    def submit_elsewhere(self) -> None:
        delivery.submit_attempt(self.attempt.pk, learner=self.attempt.learner, now=timezone.now())


def delivered(page: Page, sitting: Sitting) -> None:
    """Wait until the outbox is empty: the server has acknowledged everything."""
    key = f"cutscore.outbox.{sitting.attempt.pk}"
    page.wait_for_function("key => localStorage.getItem(key) === null", arg=key)


@pytest.fixture
def sitting(transactional_db: None, ana: User, live_server: LiveServer) -> Sitting:
    """Ana sits a mock of twelve questions with twenty minutes."""
    versions = _versions()
    mock = make_mock(versions[0].question.blueprint, items=SLOTS, seconds=1200, title="Mock exam 4")
    _paper(versions, mock=mock)
    attempt = starting.start_attempt(mock, learner=ana, now=timezone.now())
    return Sitting(attempt, mock, f"{live_server.url}/attempts/{attempt.pk}/")


@pytest.fixture
def practice(transactional_db: None, ana: User, live_server: LiveServer) -> Sitting:
    """Ana practises the same twelve, untimed, with feedback at once."""
    attempt = starting.create_attempt(
        _paper(_versions()),
        learner=ana,
        purpose=Attempt.Purpose.PRACTICE,
        is_timed=False,
        allowed=starting.Allowance(7 * 86_400, Decimal(1), 0),
        now=timezone.now(),
    )
    return Sitting(attempt, None, f"{live_server.url}/attempts/{attempt.pk}/")


def _versions() -> list[QuestionVersion]:
    blueprint = make_blueprint(items=SLOTS, scored_items=SLOTS)
    scenario = Scenario.objects.create(blueprint=blueprint, code="case-1")
    case = ScenarioVersion.objects.create(
        scenario=scenario, number=1, title="Claims", text="A case.", rendered="<p>A case of claims.</p>"
    )
    versions = []
    for slot in range(1, SLOTS + 1):
        kind = KINDS[slot - 1] if slot <= len(KINDS) else ItemType.MULTIPLE_CHOICE
        content = make_content(kind, stem=f"Which one belongs to number {slot}?")
        extra: dict[str, Any] = {"scenario_version": case} if slot == CASE_SLOT else {}
        versions.append(make_published_question(blueprint, content=content, **extra))
    return versions


def _paper(versions: list[QuestionVersion], *, mock: MockExam | None = None) -> Paper:
    paper = Paper.objects.create(
        blueprint=versions[0].question.blueprint,
        mock=mock,
        number=1,
        title="Mock exam 4" if mock else "1.1 Task 1.1",
        seed=1,
        cut_numerator=3,
        cut_denominator=5,
        item_count=len(versions),
        created_at=timezone.now(),
    )
    PaperItem.objects.bulk_create(
        PaperItem(paper=paper, slot=slot, version=version, is_scored=True)
        for slot, version in enumerate(versions, start=1)
    )
    return paper
