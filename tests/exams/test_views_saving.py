"""The address that saves an answer: what is acknowledged, what is refused, and with which status."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exams import results
from exams.models import Attempt, AttemptEvent
from questions.content import ItemType
from tests.exams import api
from tests.exams.conftest import Clock
from tests.exams.sittings import SECONDS, make_sitting, slot_of, stored
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(ana: User, clock: Clock) -> Attempt:
    return make_sitting(ana)


# ── saving: what is acknowledged ──


def test_a_save_is_acknowledged(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    slot = slot_of(attempt)
    clock.advance(60)

    response = api.save(ana_client, attempt, slot, "b")

    body = response.json()
    assert (response.status_code, set(body)) == (200, {"slot", "revision", "saved_at", "seconds_left"})
    assert (body["slot"], body["revision"], body["seconds_left"]) == (slot, 1, 1140.0)
    assert datetime.fromisoformat(body["saved_at"]) == clock.now
    assert stored(attempt, slot) == ("b", 1)


@pytest.mark.parametrize(
    ("item_type", "field", "answer"),
    [
        (ItemType.MULTIPLE_CHOICE, "b", "b"),
        (ItemType.MULTIPLE_CHOICE, '"b"', "b"),
        (ItemType.MULTIPLE_CHOICE, "", None),
        (ItemType.MULTIPLE_CHOICE, "null", None),
        (ItemType.MULTIPLE_RESPONSE, '["c","a"]', ["a", "c"]),
        (ItemType.ORDERING, '["c","a","b"]', ["c", "a", "b"]),
        (ItemType.MATCHING, '{"p1":"b"}', {"p1": "b"}),
    ],
)
def test_a_save_may_be_a_form(
    ana_client: Client, attempt: Attempt, item_type: ItemType, field: str, answer: Any
) -> None:
    slot = slot_of(attempt, item_type)

    response = ana_client.post(
        api.of(attempt, f"responses/{slot}/"),
        {"answer": field, "revision": "2", "flagged": "1"},
        headers=api.JSON,
    )

    assert (response.status_code, response.json()["revision"]) == (200, 2)
    assert stored(attempt, slot) == (answer, 2)
    assert attempt.responses.get(slot=slot).is_flagged


def test_a_form_may_take_a_flag_away(ana_client: Client, attempt: Attempt) -> None:
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b", flagged=True)

    ana_client.post(
        api.of(attempt, f"responses/{slot}/"),
        {"answer": "b", "revision": "2", "flagged": "0"},
        headers=api.JSON,
    )

    assert not attempt.responses.get(slot=slot).is_flagged


def test_without_a_flag_the_flag_stays(ana_client: Client, attempt: Attempt) -> None:
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b", flagged=True, struck=["c"])
    api.save(ana_client, attempt, slot, "d", revision=2)

    response = attempt.responses.get(slot=slot)
    assert (response.answer, response.is_flagged, response.struck) == ("d", True, ["c"])


def test_the_retry_of_a_save_whose_reply_was_lost(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    slot = slot_of(attempt)
    first = api.save(ana_client, attempt, slot, "b").json()
    clock.advance(30)

    again = api.save(ana_client, attempt, slot, "b")

    assert again.status_code == 200
    assert {**again.json(), "seconds_left": None} == {**first, "seconds_left": None}


def test_a_browsers_wrong_clock_decides_nothing(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    """An hour off, in every field where a client could think of putting it."""
    slot = slot_of(attempt)
    wrong = {
        "saved_at": "2031-01-01T00:00:00Z",
        "now": "2020-01-01T00:00:00Z",
        "seconds_left": 99999,
        "deadline_at": "2031-01-01T00:00:00Z",
    }

    body = api.save(ana_client, attempt, slot, "b", **wrong).json()  # type: ignore[arg-type]

    assert (datetime.fromisoformat(body["saved_at"]), body["seconds_left"]) == (clock.now, SECONDS)
    attempt.refresh_from_db()
    assert attempt.deadline_at == NOW + timedelta(seconds=SECONDS)


def test_a_save_takes_four_statements(
    ana_client: Client, attempt: Attempt, django_assert_max_num_queries: Any
) -> None:
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b")
    # Session and user, the slot with its attempt, the answer, the log; two more are the test's own savepoint.
    with django_assert_max_num_queries(5 + 2):
        assert api.save(ana_client, attempt, slot, "c", revision=2).status_code == 200


# ── saving: what is refused ──


def test_a_stale_revision_is_told_what_is_stored(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b", revision=5, flagged=True, struck=["d"])
    saved_at = clock.now
    clock.advance(10)

    for revision in (4, 5):
        response = api.save(ana_client, attempt, slot, "c", revision=revision)

        body = response.json()
        assert response.status_code == 409
        assert (body["code"], body["slot"], body["revision"], body["answer"]) == ("stale", slot, 5, "b")
        assert (body["flagged"], body["struck"], body["seconds_left"]) == (True, ["d"], SECONDS - 10)
        assert datetime.fromisoformat(body["saved_at"]) == saved_at
    assert stored(attempt, slot) == ("b", 5)


@pytest.mark.parametrize(
    ("item_type", "answer"),
    [
        (ItemType.MULTIPLE_CHOICE, "z"),
        (ItemType.MULTIPLE_CHOICE, "A"),
        (ItemType.MULTIPLE_CHOICE, ["a"]),
        (ItemType.MULTIPLE_CHOICE, {"a": "b"}),
        (ItemType.MULTIPLE_CHOICE, 1),
        (ItemType.MULTIPLE_CHOICE, True),
        (ItemType.MULTIPLE_CHOICE, "a\x00"),
        (ItemType.MULTIPLE_CHOICE, "\ud800"),
        (ItemType.MULTIPLE_CHOICE, "a" * 100_000),
        (ItemType.MULTIPLE_RESPONSE, "a"),
        (ItemType.MULTIPLE_RESPONSE, ["a", "z"]),
        (ItemType.MULTIPLE_RESPONSE, ["a", "a"]),
        (ItemType.MULTIPLE_RESPONSE, ["a", "b", "c"]),
        (ItemType.MULTIPLE_RESPONSE, ["a", ["b"]]),
        (ItemType.MULTIPLE_RESPONSE, ["a", None]),
        (ItemType.ORDERING, {"a": 1}),
        (ItemType.ORDERING, ["a", "a"]),
        (ItemType.ORDERING, ["a", 2]),
        (ItemType.MATCHING, ["a"]),
        (ItemType.MATCHING, {"p9": "a"}),
        (ItemType.MATCHING, {"p1": "z"}),
        (ItemType.MATCHING, {"p1": ["a"]}),
        (ItemType.MATCHING, {"p1": {"p1": "a"}}),
        (ItemType.MATCHING, "p1"),
    ],
)
def test_a_malformed_answer_is_refused_and_changes_nothing(
    ana_client: Client, attempt: Attempt, item_type: ItemType, answer: Any
) -> None:
    slot = slot_of(attempt, item_type)

    response = api.save(ana_client, attempt, slot, answer)

    assert (response.status_code, set(response.json())) == (400, {"code", "message"})
    assert stored(attempt, slot) == (None, 0)
    assert attempt.events.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        '"a"',
        "null",
        "{",
        b"\xff\xfe",
        "[" * 100_000,
        '{"revision": 1}',
        '{"answer": "a"}',
        '{"answer": "a", "revision": null}',
        '{"answer": "a", "revision": "1"}',
        '{"answer": "a", "revision": 1.5}',
        '{"answer": "a", "revision": true}',
        '{"answer": "a", "revision": 0}',
        '{"answer": "a", "revision": -1}',
        '{"answer": "a", "revision": 2000000001}',
        '{"answer": "a", "revision": 1e3}',
        '{"answer": "a", "revision": NaN}',
        '{"answer": "a", "revision": ' + "9" * 5000 + "}",
        '{"answer": "a", "revision": 1, "flagged": "yes"}',
        '{"answer": "a", "revision": 1, "flagged": 1}',
        '{"answer": "a", "revision": 1, "struck": "b"}',
        '{"answer": "a", "revision": 1, "struck": [1]}',
        '{"answer": "a", "revision": 1, "struck": {"a": 1}}',
    ],
)
def test_a_malformed_body_is_refused(ana_client: Client, attempt: Attempt, body: str | bytes) -> None:
    slot = slot_of(attempt)

    response = api.post(ana_client, api.of(attempt, f"responses/{slot}/"), body)

    assert (response.status_code, set(response.json())) == (400, {"code", "message"})
    assert stored(attempt, slot) == (None, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"answer": "a"},
        {"revision": "1"},
        {"answer": "a", "revision": "x"},
        {"answer": "a", "revision": "²"},
        {"answer": "a", "revision": "-1"},
        {"answer": "a", "revision": "9" * 5000},
        {"answer": "[", "revision": "1"},
        {"answer": "[" * 50_000, "revision": "1"},
        {"answer": '{"a', "revision": "1"},
    ],
)
def test_a_malformed_form_is_refused(ana_client: Client, attempt: Attempt, fields: dict[str, str]) -> None:
    slot = slot_of(attempt)

    response = ana_client.post(api.of(attempt, f"responses/{slot}/"), fields, headers=api.JSON)

    assert response.status_code == 400
    assert stored(attempt, slot) == (None, 0)


@pytest.mark.parametrize("slot", [0, 17, 999, 99999, 10**12, 10**30])
def test_a_slot_that_is_not_there(ana_client: Client, attempt: Attempt, slot: int) -> None:
    response = api.save(ana_client, attempt, slot, "a")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_a_save_in_the_grace_counts_and_after_it_is_evidence(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    slot = slot_of(attempt)
    clock.advance(SECONDS + 9)
    in_grace = api.save(ana_client, attempt, slot, "b")
    clock.advance(2)
    late = api.save(ana_client, attempt, slot, "c", revision=2)

    assert (in_grace.status_code, in_grace.json()["seconds_left"]) == (200, 0)
    assert late.status_code == 410
    assert (late.json()["code"], late.json()["state"]) == ("closed", "closed")
    assert late.json()["results"] == api.of(attempt, "results/")
    assert stored(attempt, slot) == ("b", 1)
    assert attempt.events.get(kind=AttemptEvent.Kind.CAME_LATE).answer == "c"


def test_a_save_after_scoring(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    api.submit(ana_client, attempt)
    results.score_attempt(attempt.pk, now=clock.now)

    response = api.save(ana_client, attempt, slot_of(attempt), "b")

    assert (response.status_code, response.json()["state"]) == (410, "scored")


def test_a_malformed_answer_that_comes_late_is_malformed(ana_client: Client, attempt: Attempt) -> None:
    api.submit(ana_client, attempt)

    assert api.save(ana_client, attempt, slot_of(attempt), ["a"]).status_code == 400
