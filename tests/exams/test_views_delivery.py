"""The addresses of a sitting, a contract that other tools rely on: read it, submit it, keep its place."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exams import results
from exams.models import Attempt
from questions.content import ItemType
from tests.exams import api
from tests.exams.conftest import Clock
from tests.exams.sittings import SECONDS, make_sitting, slot_of
from tests.factories import NOW, key_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(ana: User, clock: Clock) -> Attempt:
    return make_sitting(ana)


# ── the attempt ──


def test_the_attempt_as_json(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    clock.advance(100.5)
    body = api.get(ana_client, api.of(attempt))

    assert set(body) == {
        *("state", "deadline_at", "server_now", "seconds_left", "slots"),
        *("paused", "control_revision"),
    }
    assert (body["paused"], body["control_revision"]) == (False, 0)
    assert (body["state"], body["seconds_left"]) == ("in_progress", 1099.5)
    assert datetime.fromisoformat(body["deadline_at"]) == NOW + timedelta(seconds=SECONDS)
    assert datetime.fromisoformat(body["server_now"]) == clock.now
    assert [row["slot"] for row in body["slots"]] == list(range(1, 17))
    for row in body["slots"]:
        assert set(row) == {"slot", "type", "options", "prompts", "answer", "revision", "flagged"}
        assert (row["answer"], row["revision"], row["flagged"]) == (None, 0, False)
    by_type = {row["type"]: row for row in body["slots"]}
    assert set(by_type) == {"multiple_choice", "multiple_response", "ordering", "matching"}
    assert sorted(by_type["multiple_choice"]["options"]) == ["a", "b", "c", "d"]
    assert sorted(by_type["matching"]["prompts"]) == ["p1", "p2", "p3"]
    assert by_type["ordering"]["prompts"] == []


def test_the_attempt_gives_back_what_was_saved(ana_client: Client, attempt: Attempt) -> None:
    wanted = {
        slot_of(attempt, ItemType.MULTIPLE_CHOICE): "c",
        slot_of(attempt, ItemType.MULTIPLE_RESPONSE): ["a", "c"],
        slot_of(attempt, ItemType.ORDERING): ["c", "a", "b"],
        slot_of(attempt, ItemType.MATCHING): {"p1": "b", "p3": "a"},
    }
    for slot, answer in wanted.items():
        assert api.save(ana_client, attempt, slot, answer, revision=3, flagged=True).status_code == 200

    rows = api.slots(ana_client, attempt)

    assert {slot: rows[slot]["answer"] for slot in wanted} == wanted
    assert {(rows[slot]["revision"], rows[slot]["flagged"]) for slot in wanted} == {(3, True)}


def test_the_order_of_options_is_the_same_at_every_reading(ana_client: Client, attempt: Attempt) -> None:
    first, again = (api.slots(ana_client, attempt) for _ in range(2))

    assert first == again


def test_a_closed_attempt_says_so(ana_client: Client, attempt: Attempt) -> None:
    api.submit(ana_client, attempt)

    body = api.get(ana_client, api.of(attempt))

    assert (body["state"], body["seconds_left"], len(body["slots"])) == ("closed", 0, 16)
    page = ana_client.get(api.of(attempt))
    assert (page.status_code, page["Location"]) == (302, api.of(attempt, "results/"))


def test_looking_at_an_overdue_attempt_closes_it(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    clock.advance(SECONDS + 10)
    assert api.get(ana_client, api.of(attempt))["state"] == "in_progress"
    clock.advance(0.001)

    assert api.get(ana_client, api.of(attempt))["state"] == "closed"


def test_an_attempt_is_not_kept_by_a_browser_or_a_proxy(ana_client: Client, attempt: Attempt) -> None:
    assert "no-store" in ana_client.get(api.of(attempt), headers=api.JSON)["Cache-Control"]


def test_the_page_takes_few_queries(
    ana_client: Client, attempt: Attempt, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        assert ana_client.get(api.of(attempt)).status_code == 200


# ── submitting ──


def test_submitting_gives_a_receipt_the_same_when_repeated(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    api.save(ana_client, attempt, slot_of(attempt), "b")
    clock.advance(5)
    first = api.submit(ana_client, attempt)
    clock.advance(60)
    again = api.submit(ana_client, attempt)

    assert first == again
    assert {"state", "receipt"} <= set(first)
    assert set(first["receipt"]) == {"answered", "digest", "closed_at"}
    assert (first["state"], first["receipt"]["answered"]) == ("closed", 1)
    assert re.fullmatch("[0-9a-f]{64}", first["receipt"]["digest"])
    assert datetime.fromisoformat(first["receipt"]["closed_at"]) == NOW + timedelta(seconds=5)


def test_after_scoring_a_repeated_submit_has_the_same_receipt(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    first = api.submit(ana_client, attempt)
    results.score_attempt(attempt.pk, now=clock.now)

    again = api.submit(ana_client, attempt)

    assert (again["state"], again["receipt"]) == ("scored", first["receipt"])


@pytest.mark.parametrize(
    "body", ["nonsense", "[1]", '{"seconds": 5}', '{"seconds": "x"}', '{"seconds": [1]}']
)
def test_a_malformed_submit_closes_nothing(ana_client: Client, attempt: Attempt, body: str) -> None:
    response = api.post(ana_client, api.of(attempt, "submit/"), body)

    assert (response.status_code, set(response.json())) == (400, {"code", "message"})
    attempt.refresh_from_db()
    assert attempt.is_open


def test_nonsense_among_the_seconds_is_ignored(ana_client: Client, attempt: Attempt) -> None:
    seconds = {
        "1": 7,
        "17": 5,
        "0": 5,
        "01": 5,
        "9" * 5000: 5,
        "²": 5,
        "2": -1,
        "3": 1.5,
        "4": True,
        "5": 86_401,
        "6": None,
    }

    assert api.post(ana_client, api.of(attempt, "submit/"), {"seconds": seconds}).status_code == 200

    attempt.refresh_from_db()
    assert attempt.seconds_by_slot == {"1": 7}


def test_a_submit_as_a_form_goes_to_the_result(ana_client: Client, attempt: Attempt) -> None:
    response = ana_client.post(api.of(attempt, "submit/"))

    assert (response.status_code, response["Location"]) == (302, api.of(attempt, "results/"))


def test_a_submit_as_a_form_may_ask_for_json(ana_client: Client, attempt: Attempt) -> None:
    response = ana_client.post(api.of(attempt, "submit/"), headers=api.JSON)

    assert response.json()["state"] == "closed"


def test_the_way_of_an_attempt_through_results(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, key_of(attempt, slot))
    assert api.get(ana_client, api.of(attempt, "results/")) == {"state": "in_progress"}
    receipt = api.submit(ana_client, attempt)["receipt"]
    assert api.get(ana_client, api.of(attempt, "results/")) == {"state": "closed"}
    results.score_attempt(attempt.pk, now=clock.now)

    body = api.get(ana_client, api.of(attempt, "results/"))

    assert {"state", "scaled_score", "passed", "correct", "scored_items", "cut", "domains", "tasks"} <= set(
        body
    )
    assert (body["state"], body["correct"], body["scored_items"], body["passed"]) == ("scored", 1, 16, False)
    assert 100 < body["scaled_score"] < 720
    assert body["cut"] == pytest.approx(0.6)
    for part in (*body["domains"], *body["tasks"]):
        assert {"code", "correct", "seen", "low", "high", "verdict"} <= set(part)
        assert 0 <= part["low"] <= part["high"] <= 1
    assert [part["code"] for part in body["domains"]] == ["1", "2"]
    assert [part["code"] for part in body["tasks"]] == ["1.1", "1.2", "2.1", "2.2"]
    assert body["receipt"] == receipt


# ── the pulse ──


def test_a_pulse_keeps_place_and_seconds_and_sets_the_clock(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    clock.advance(45)

    body = api.post(ana_client, api.of(attempt, "pulse/"), {"position": 7, "seconds": {"1": 30}}).json()

    assert (body["state"], body["seconds_left"]) == ("in_progress", SECONDS - 45)
    assert datetime.fromisoformat(body["server_now"]) == clock.now
    attempt.refresh_from_db()
    assert (attempt.position, attempt.seconds_by_slot, attempt.last_seen_at) == (7, {"1": 30}, clock.now)


@pytest.mark.parametrize("body", ["{", "[]", '{"position": "3"}', '{"position": true}', '{"seconds": 3}'])
def test_a_malformed_pulse_is_refused(ana_client: Client, attempt: Attempt, body: str) -> None:
    assert api.post(ana_client, api.of(attempt, "pulse/"), body).status_code == 400


@pytest.mark.parametrize("position", [0, -3, 17, 10**30, None])
def test_a_position_off_the_paper_is_ignored(
    ana_client: Client, attempt: Attempt, position: int | None
) -> None:
    assert api.post(ana_client, api.of(attempt, "pulse/"), {"position": position}).status_code == 200

    attempt.refresh_from_db()
    assert attempt.position == 1


def test_a_pulse_of_a_forgotten_tab_closes_what_is_over(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    clock.advance(SECONDS + 11)

    body = api.post(ana_client, api.of(attempt, "pulse/"), {"position": 2, "seconds": {"1": 9}}).json()

    assert (body["state"], body["seconds_left"]) == ("closed", 0)
    attempt.refresh_from_db()
    assert (attempt.position, attempt.seconds_by_slot) == (1, {})
