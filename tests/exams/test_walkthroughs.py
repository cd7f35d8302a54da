"""Whole sittings, read as scripts: start, answer, lose the connection, come back, submit, score."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exams import closing, population, sweeps
from exams.models import Attempt, AttemptEvent, MockExam, Result
from tests.exams import api
from tests.exams.conftest import Clock
from tests.factories import NOW, key_of, make_bank, make_blueprint, make_mock

pytestmark = pytest.mark.django_db

MINUTES = 30


@dataclass
class Tab:
    """The player's side: an outbox that lets go of an answer only when the server has its very revision."""

    client: Client
    attempt_id: str
    revisions: dict[int, int] = field(default_factory=dict)
    outbox: dict[int, tuple[int, Any]] = field(default_factory=dict)
    is_online: bool = True
    told: list[tuple[int, int]] = field(default_factory=list)
    """(slot, status) of what the server did not take."""

    @classmethod
    def open(cls, client: Client, attempt_id: str) -> Tab:
        """A page load: the server's state, over which an outbox that was kept is replayed."""
        rows = api.slots(client, attempt_id)
        return cls(client, attempt_id, {slot: row["revision"] for slot, row in rows.items()})

    def reload(self) -> Tab:
        again = Tab.open(self.client, self.attempt_id)
        for slot, (revision, answer) in self.outbox.items():
            if revision > again.revisions[slot]:
                again.outbox[slot] = (revision, answer)
                again.revisions[slot] = revision
        again.flush()
        return again

    def answer(self, slot: int, answer: Any) -> None:
        self.revisions[slot] += 1
        self.outbox[slot] = (self.revisions[slot], answer)
        self.flush()

    def flush(self) -> None:
        if not self.is_online:
            return
        for slot, (revision, answer) in list(self.outbox.items()):
            response = api.save(self.client, self.attempt_id, slot, answer, revision=revision)
            if response.status_code == 200:
                assert response.json()["revision"] == revision
            else:
                self.told.append((slot, response.status_code))
                if response.status_code == 409:
                    self.revisions[slot] = response.json()["revision"]
            del self.outbox[slot]


@pytest.fixture
def mock(db: None) -> MockExam:
    blueprint = make_blueprint(weights=(50, 50))
    make_bank(blueprint, per_task=5)
    return make_mock(blueprint, items=20, seconds=MINUTES * 60)


def start(client: Client, mock: MockExam) -> str:
    offered = {row["id"]: row["start"] for row in api.get(client, "/mocks/")["mocks"]}
    response = api.post(client, offered[mock.pk], {})
    assert response.status_code == 302
    return str(response["Location"].split("/")[2])


def stored(attempt_id: str) -> Attempt:
    return Attempt.objects.get(pk=attempt_id)


def keys_of(attempt_id: str) -> dict[int, Any]:
    return {slot: key_of(stored(attempt_id), slot) for slot in range(1, 21)}


def the_worker_comes(clock: Clock) -> None:
    """What beat and the workers do within the next seconds."""
    clock.advance(11)
    sweeps.close_overdue(now=clock.now)
    sweeps.score_forgotten(now=clock.now + timedelta(seconds=11))
    population.fold(now=clock.now)


def assert_kept(attempt_id: str, answers: dict[int, Any], *, right: int) -> None:
    """Every answer is in the result, which was made once; nothing is open."""
    attempt = stored(attempt_id)
    assert attempt.state == "scored"
    assert dict(attempt.responses.exclude(answer=None).values_list("slot", "answer")) == answers
    assert attempt.answered_count == len(answers)
    rows = attempt.responses.order_by("slot").values_list("slot", "revision", "answer")
    assert attempt.digest == closing.receipt_digest(rows)
    assert Result.objects.get(attempt=attempt).correct == right
    kinds = list(attempt.events.values_list("kind", flat=True))
    assert (kinds.count("closed"), kinds.count("scored")) == (1, 1)


def test_a_sitting_from_the_list_of_mocks_to_the_weak_spots(
    ana_client: Client, mock: MockExam, clock: Clock
) -> None:
    assert ana_client.get("/").status_code == 200
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    tab = Tab.open(ana_client, attempt_id)
    for slot in range(1, 16):
        clock.advance(40)
        tab.answer(slot, keys[slot] if slot <= 12 else None)
    api.post(ana_client, api.of(attempt_id, "pulse/"), {"position": 16, "seconds": {"16": 20}})

    receipt = api.submit(ana_client, attempt_id)["receipt"]
    waiting = ana_client.get(api.of(attempt_id, "results/")).content.decode()
    the_worker_comes(clock)
    result = api.get(ana_client, api.of(attempt_id, "results/"))

    assert receipt["answered"] == 12 and receipt["digest"][:8] in waiting.replace(" ", "")
    assert (result["state"], result["correct"], result["scored_items"]) == ("scored", 12, 20)
    assert result["passed"] is True  # 12 of 20 is the cut of .60 exactly
    assert result["scaled_score"] == 720
    assert sum(domain["correct"] for domain in result["domains"]) == 12
    assert sum(task["seen"] for task in result["tasks"]) == 20
    assert_kept(attempt_id, {slot: keys[slot] for slot in range(1, 13)}, right=12)
    for address in (
        "/",
        "/history/",
        "/weak-spots/",
        api.of(attempt_id, "results/"),
        api.of(attempt_id, "review/"),
    ):
        assert ana_client.get(address).status_code == 200, address


def test_the_network_is_cut_for_three_minutes_then_the_page_is_reloaded(
    ana_client: Client, mock: MockExam, clock: Clock
) -> None:
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    tab = Tab.open(ana_client, attempt_id)
    for slot in range(1, 4):
        tab.answer(slot, keys[slot])

    tab.is_online = False
    for slot in range(3, 13):
        clock.advance(18)
        tab.answer(slot, None if slot == 3 else keys[slot])
    assert stored(attempt_id).responses.exclude(answer=None).count() == 3

    tab = tab.reload()

    assert (tab.outbox, tab.told) == ({}, [])
    shown = {slot: row["answer"] for slot, row in api.slots(ana_client, attempt_id).items()}
    kept = {slot: keys[slot] for slot in range(1, 13) if slot != 3}
    assert {slot: answer for slot, answer in shown.items() if answer is not None} == kept
    api.submit(ana_client, attempt_id)
    the_worker_comes(clock)
    assert_kept(attempt_id, kept, right=11)


def test_the_network_comes_back_in_the_grace(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    tab = Tab.open(ana_client, attempt_id)
    tab.answer(1, keys[1])
    tab.is_online = False
    clock.advance(MINUTES * 60 - 30)
    for slot in (2, 3):
        tab.answer(slot, keys[slot])

    clock.advance(38)
    tab.is_online = True
    tab.flush()
    api.submit(ana_client, attempt_id)
    the_worker_comes(clock)

    assert tab.told == []
    assert_kept(attempt_id, {slot: keys[slot] for slot in (1, 2, 3)}, right=3)
    assert set(stored(attempt_id).responses.filter(is_in_grace=True).values_list("slot", flat=True)) == {2, 3}
    assert stored(attempt_id).closed_reason == "time_ran_out"


def test_the_network_comes_back_too_late(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    tab = Tab.open(ana_client, attempt_id)
    tab.answer(1, keys[1])
    tab.is_online = False
    tab.answer(2, keys[2])
    clock.advance(MINUTES * 60 + 11)
    tab.is_online = True
    tab.flush()
    the_worker_comes(clock)

    assert tab.told == [(2, 410)]
    assert_kept(attempt_id, {1: keys[1]}, right=1)
    late = stored(attempt_id).events.get(kind=AttemptEvent.Kind.CAME_LATE)
    assert (late.slot, late.answer) == (2, keys[2])


def test_two_tabs_of_one_learner(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    attempt_id = start(ana_client, mock)
    assert start(ana_client, mock) == attempt_id
    keys = keys_of(attempt_id)
    left, right = Tab.open(ana_client, attempt_id), Tab.open(ana_client, attempt_id)

    left.answer(1, keys[1])
    left.answer(2, keys[2])
    right.answer(1, None)  # made on a page that knew nothing of it: told, and not stored
    right.answer(1, keys[1])  # having seen what is stored
    right.answer(3, keys[3])
    right.reload().answer(2, None)
    api.submit(ana_client, attempt_id)
    left.answer(4, keys[4])
    the_worker_comes(clock)

    assert (right.told, left.told) == ([(1, 409)], [(4, 410)])
    assert_kept(attempt_id, {1: keys[1], 3: keys[3]}, right=2)


def test_an_old_tab_replays_an_outbox_from_yesterday(
    ana_client: Client, mock: MockExam, clock: Clock
) -> None:
    """The browser crashed with an answer in its outbox; meanwhile the learner went on elsewhere."""
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    crashed = Tab.open(ana_client, attempt_id)
    crashed.is_online = False
    crashed.answer(1, None)
    phone = Tab.open(ana_client, attempt_id)
    phone.answer(1, None)
    phone.answer(1, keys[1])

    crashed.is_online = True
    crashed.flush()
    api.submit(ana_client, attempt_id)
    the_worker_comes(clock)

    assert crashed.told == [(1, 409)]
    assert_kept(attempt_id, {1: keys[1]}, right=1)


def test_nobody_is_there_at_the_end(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    tab = Tab.open(ana_client, attempt_id)
    for slot in (5, 6):
        tab.answer(slot, keys[slot])
    clock.advance(MINUTES * 60)
    the_worker_comes(clock)

    assert_kept(attempt_id, {5: keys[5], 6: keys[6]}, right=2)
    assert stored(attempt_id).ended_at == NOW + timedelta(minutes=MINUTES)


def test_no_worker_and_no_beat_the_learner_looks_and_is_scored(
    ana_client: Client, mock: MockExam, clock: Clock
) -> None:
    attempt_id = start(ana_client, mock)
    keys = keys_of(attempt_id)
    Tab.open(ana_client, attempt_id).answer(1, keys[1])
    clock.advance(MINUTES * 60 + 11)

    assert api.get(ana_client, api.of(attempt_id, "results/")) == {"state": "closed"}
    clock.advance(15)
    assert api.get(ana_client, api.of(attempt_id, "results/")) == {"state": "closed"}
    clock.advance(6)
    assert api.get(ana_client, api.of(attempt_id, "results/"))["state"] == "scored"

    the_worker_comes(clock)
    assert_kept(attempt_id, {1: keys[1]}, right=1)


def test_a_second_sitting_of_the_same_questions_moves_no_evidence(
    ana_client: Client, ana: User, mock: MockExam, clock: Clock
) -> None:
    results = []
    for _ in range(2):
        attempt_id = start(ana_client, mock)
        keys = keys_of(attempt_id)
        tab = Tab.open(ana_client, attempt_id)
        for slot, key in keys.items():
            tab.answer(slot, key)
        api.submit(ana_client, attempt_id)
        the_worker_comes(clock)
        assert_kept(attempt_id, keys, right=20)
        results.append(Result.objects.get(attempt=stored(attempt_id)))

    assert [result.first_exposures for result in results] == [20, 0]
    assert sum(ana.evidence.values_list("seen", flat=True)) == 20
    assert ana.attempts.filter(number=2).count() == 1


def test_a_practice_with_feedback(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    response = ana_client.post("/practice/", {"task": "1.1", "questions": "5"})
    attempt_id = response["Location"].split("/")[2]
    keys = {slot: key_of(stored(attempt_id), slot) for slot in range(1, 6)}
    tab = Tab.open(ana_client, attempt_id)
    for slot in (1, 2, 3):
        tab.answer(slot, keys[slot])
        shown = ana_client.post(
            api.of(attempt_id, f"responses/{slot}/feedback/"), headers={"HX-Request": "true"}
        )
        assert 'data-correct="true"' in shown.content.decode()
    tab.answer(1, None)
    api.submit(ana_client, attempt_id)
    the_worker_comes(clock)

    assert tab.told == [(1, 409)]
    assert_kept(attempt_id, {slot: keys[slot] for slot in (1, 2, 3)}, right=3)
    body = api.get(ana_client, api.of(attempt_id, "results/"))
    assert (body["state"], body["correct"], body["scaled_score"]) == ("scored", 3, None)
