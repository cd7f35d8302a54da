from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import results
from exams.models import Attempt, MockExam
from exams.review_policy import Part, Phase
from tests.exams import api
from tests.exams.conftest import Clock
from tests.factories import NOW, make_cohort, make_exam, make_user, sit, start

HTMX = {"HX-Request": "true"}
KEY_WORDS = ("Rationale", "Pair 1", "answered-key", "right answer</span>", "belongs at")


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8, unscored=2)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def addresses(attempt: Attempt) -> list[str]:
    return [api.of(attempt, rest) for rest in ("results/", "results/domains/1/", "review/")]


def text(client: Client, address: str, **headers: Any) -> str:
    response = client.get(address, headers=headers.get("headers"))
    assert response.status_code == 200, (address, response.status_code)
    return response.content.decode()


# ── the contract ──


def test_the_json_of_a_result(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = sit(mock, ana, right=5)

    body = api.get(ana_client, api.of(attempt, "results/"))

    result = attempt.result
    assert body["state"] == "scored"
    assert (body["scaled_score"], body["passed"]) == (result.scaled_score, result.passed)
    assert (body["correct"], body["scored_items"]) == (result.correct, 6)
    assert body["cut"] == pytest.approx(0.6)
    assert [row["code"] for row in body["domains"]] == ["1", "2"]
    assert {row["code"] for row in body["tasks"]} <= {"1.1", "1.2", "2.1", "2.2"}
    assert sum(row["seen"] for row in body["domains"]) == sum(row["seen"] for row in body["tasks"]) == 6
    assert sum(row["correct"] for row in body["tasks"]) == body["correct"]
    for row in body["domains"] + body["tasks"]:
        assert {"code", "correct", "seen", "low", "high", "verdict"} <= row.keys()
        assert 0 <= row["low"] <= row["high"] <= 1
        assert row["verdict"] in ("needs_work", "on_track", "not_enough_evidence")
    assert body["receipt"]["digest"] == attempt.digest


def test_the_json_before_the_result(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = start(mock, ana)
    assert api.get(ana_client, api.of(attempt, "results/")) == {"state": "in_progress"}

    api.submit(ana_client, attempt)
    Attempt.objects.filter(pk=attempt.pk).update(state="closed")
    assert api.get(ana_client, api.of(attempt, "results/")) == {"state": "closed"}


def test_an_overdue_attempt_is_closed_by_looking(
    mock: MockExam, ana: User, ana_client: Client, clock: Clock
) -> None:
    attempt = start(mock, ana)
    clock.advance(1200 + 11)

    assert api.get(ana_client, api.of(attempt, "results/"))["state"] in ("closed", "scored")


# ── the wait ──


@pytest.fixture
def unscored(mock: MockExam, ana: User, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """Closed a second ago, and its scoring lost."""
    attempt = sit(mock, ana, score=False)
    assert attempt.state == "closed" and attempt.closed_at is not None
    clock.now = attempt.closed_at + timedelta(seconds=1)
    return attempt


def test_the_waiting_page_polls_and_shows_the_receipt(unscored: Attempt, ana_client: Client) -> None:
    page = text(ana_client, api.of(unscored, "results/"))

    assert unscored.digest in page
    assert f'hx-get="{api.of(unscored, "results/")}?waiting=1"' in page
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in page


def test_the_poll_eases_off_and_gets_a_fragment(unscored: Attempt, ana_client: Client, clock: Clock) -> None:
    clock.advance(14)

    fragment = text(ana_client, api.of(unscored, "results/?waiting=1"), headers=HTMX)

    assert fragment.strip().startswith("<section") and "<html" not in fragment
    assert 'hx-trigger="every 3s"' in fragment


def test_the_poll_goes_on_to_the_result(unscored: Attempt, ana_client: Client, clock: Clock) -> None:
    results.score_attempt(unscored.pk, now=clock.now)

    response = ana_client.get(api.of(unscored, "results/?waiting=1"), headers=HTMX)

    assert response["HX-Redirect"] == api.of(unscored, "results/")


def test_nobody_waits_for_ever_when_no_worker_runs(
    unscored: Attempt, ana_client: Client, clock: Clock
) -> None:
    clock.advance(18)
    assert "Scoring your answers" in text(ana_client, api.of(unscored, "results/"))

    clock.advance(2)
    assert "Practice score" in text(ana_client, api.of(unscored, "results/"))
    unscored.refresh_from_db()
    assert unscored.state == "scored"


def test_the_review_waits_as_well(unscored: Attempt, ana_client: Client) -> None:
    response = ana_client.get(api.of(unscored, "review/"))

    assert response.status_code == 302
    assert response["Location"] == api.of(unscored, "results/")


def test_while_sitting_all_ways_lead_to_the_player(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = start(mock, ana)

    for rest in ("results/", "review/"):
        response = ana_client.get(api.of(attempt, rest))
        assert (response.status_code, response["Location"]) == (302, api.of(attempt))
    assert ana_client.get(api.of(attempt, "results/domains/1/")).status_code == 404


# ── the pages ──


def test_the_result_page_and_its_parts(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = sit(mock, ana, right=5)

    page = text(ana_client, api.of(attempt, "results/"))
    for words in (
        "Practice score",
        "not the vendor",
        "Default prior",
        attempt.digest,
        "Domain 1",
        "shown from 20",
    ):
        assert words in page

    fragment = text(ana_client, api.of(attempt, "results/domains/1/"), headers=HTMX)
    assert "Task 1.1" in fragment and "Topic 1.1.1" in fragment and "<html" not in fragment

    whole = text(ana_client, api.of(attempt, "results/domains/1/"))
    assert "Task 1.1" in whole and "<html" in whole
    assert ana_client.get(api.of(attempt, "results/domains/9/")).status_code == 404


def test_the_review_shows_every_reason(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = sit(mock, ana, right=0)

    for slot in range(1, 9):
        page = text(ana_client, api.of(attempt, f"review/?question={slot}"))
        # A matching gives its reasons per pair, every other type per option.
        assert page.count("Rationale ") >= 4 or page.count("Pair ") == 3
        assert "left blank" in page


def test_the_history_lists_it(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = sit(mock, ana)

    page = text(ana_client, "/history/")

    assert mock.title in page and api.of(attempt, "results/") in page
    assert "Nothing sat yet" in text(signed_in(make_user("Dora")), "/history/")


def test_times_are_the_readers(mock: MockExam, ana: User, ana_client: Client) -> None:
    attempt = sit(mock, ana)
    assert "14:10:00" in text(ana_client, api.of(attempt, "results/"))

    ana.time_zone = "Asia/Kolkata"
    ana.save()
    assert "19:40:00" in text(signed_in(ana), api.of(attempt, "results/"))


# ── what may be seen ──


def test_strangers_get_the_same_as_for_nothing(mock: MockExam, ana: User, cleo_client: Client) -> None:
    for address in addresses(sit(mock, ana)):
        for headers in ({}, api.JSON, HTMX):
            assert cleo_client.get(address, headers=headers).status_code == 404


def test_who_is_not_signed_in_is_sent_to_sign_in(mock: MockExam, ana: User) -> None:
    for address in [*addresses(sit(mock, ana)), "/history/"]:
        response = Client().get(address)
        assert response.status_code == 302 and response["Location"].startswith("/accounts/login/")
    assert Client().get(address, headers=api.JSON).status_code in (302, 401)


def test_instructors_read_their_learners_results(mock: MockExam, ana: User, ben: User, clock: Clock) -> None:
    attempt = sit(mock, ana)
    assert signed_in(ben).get(api.of(attempt, "results/")).status_code == 404

    make_cohort(learners=(ana,), instructors=(ben,))

    for address in addresses(attempt):
        assert signed_in(ben).get(address).status_code == 200
    page = text(signed_in(ben), api.of(attempt, "results/"))
    assert "You are reading the result of Ana" in page
    assert 'name="start_key"' not in page


def test_staff_are_told_that_a_learner_still_sits(mock: MockExam, ana: User, clock: Clock) -> None:
    attempt = start(mock, ana)
    admin = signed_in(make_user("Mia", role=Role.ADMIN))

    assert "Ana is sitting this exam" in text(admin, api.of(attempt, "results/"))
    assert "Ana is sitting this exam" in text(admin, api.of(attempt, "review/"))


@pytest.mark.parametrize(
    "parts", [[], [Part.SCORE], [Part.SCORE, Part.MARKS]], ids=["nothing", "score", "score and marks"]
)
def test_no_key_is_in_any_response_before_its_time(
    mock: MockExam, ana: User, ana_client: Client, clock: Clock, parts: list[Part]
) -> None:
    mock.closes_at = NOW + timedelta(days=7)
    mock.review_policy = {
        Phase.DURING: [],
        Phase.RIGHT_AFTER: parts,
        Phase.AFTER_WINDOW: [Part.SCORE, Part.MARKS, Part.KEYS],
    }
    mock.save()
    attempt = sit(mock, ana, right=0)
    clock.advance(3600)
    seen = [f"review/?question={slot}" for slot in range(1, 9)] + ["results/", "review/?show=wrong"]
    everywhere = [api.of(attempt, rest) for rest in seen] + ["/", "/history/", "/weak-spots/"]

    for address in everywhere:
        page = text(ana_client, address)
        assert not [words for words in KEY_WORDS if words in page], address

    clock.advance(8 * 86_400)
    assert "Rationale" in text(ana_client, api.of(attempt, "review/"))


def test_no_score_is_in_any_response_before_its_time(
    mock: MockExam, ana: User, ana_client: Client, clock: Clock
) -> None:
    mock.closes_at = NOW + timedelta(days=7)
    mock.review_policy = {Phase.DURING: [], Phase.RIGHT_AFTER: [], Phase.AFTER_WINDOW: [Part.SCORE]}
    mock.save()
    attempt = sit(mock, ana, right=5)
    clock.advance(3600)

    body = api.get(ana_client, api.of(attempt, "results/"))
    assert body.keys() == {"state", "shown_from", "receipt"}
    assert body["shown_from"].startswith("2026-09-14T14:00:00")
    page = text(ana_client, api.of(attempt, "results/"))
    assert "What is shown when" in page and "Monday 14 September 2026, 14:00" in page
    # As a number of its own: the same three digits may stand in a token or a digest.
    score = re.compile(rf"(?<![\w-]){attempt.result.scaled_score}(?![\w-])")
    for address in (api.of(attempt, "results/"), "/", "/history/"):
        assert not score.search(text(ana_client, address))
    assert ana_client.get(api.of(attempt, "results/domains/1/")).status_code == 404

    clock.advance(8 * 86_400)
    assert api.get(ana_client, api.of(attempt, "results/"))["scaled_score"] == attempt.result.scaled_score


# ── the cost ──


def test_the_result_page_takes_at_most_twelve_statements(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    for day in range(6):
        attempt = sit(mock, ana, right=day, now=NOW + timedelta(days=day))

    for headers in ({}, api.JSON):
        with CaptureQueriesContext(connection) as queries:
            assert ana_client.get(api.of(attempt, "results/"), headers=headers).status_code == 200
        assert len(queries) <= 12, [query["sql"][:90] for query in queries]


def test_the_history_takes_the_same_statements_for_two_and_twenty(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            text(ana_client, "/history/")
        return len(queries)

    for hour in range(2):
        sit(mock, ana, right=1, now=NOW + timedelta(hours=hour))
    text(ana_client, "/history/")
    few = statements()
    for hour in range(2, 20):
        sit(mock, ana, right=1, now=NOW + timedelta(hours=hour))

    assert statements() == few


def test_nothing_may_be_kept_by_a_cache(mock: MockExam, ana: User, ana_client: Client) -> None:
    for address in [*addresses(sit(mock, ana)), "/history/", "/", "/weak-spots/"]:
        assert "no-store" in ana_client.get(address)["Cache-Control"]
