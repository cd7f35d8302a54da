"""Delivery as a state machine: two tabs, lost replies, retries, reordering, time, and everything that closes.

The machine keeps its own small model of what must be stored, and after each step compares all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exams import closing, delivery, population, results, starting, sweeps
from exams.models import Attempt, AttemptEvent, Evidence, Exposure, MockExam, Result
from tests.factories import NOW, key_of, make_exam, make_user

SLOTS = 3
SECONDS = 600
GRACE = timedelta(seconds=10)
ORDER = [Attempt.State.IN_PROGRESS, Attempt.State.CLOSED, Attempt.State.SCORED]


@dataclass(frozen=True)
class Sent:
    """A save on its way from a tab."""

    tab: int
    slot: int
    revision: int
    answer: Any


class DeliveryMachine(RuleBasedStateMachine):
    mock: MockExam

    def __init__(self) -> None:
        super().__init__()
        self.world = transaction.atomic()
        self.world.__enter__()
        self.learner = make_user()
        self.now: datetime = NOW
        self.attempt = starting.start_attempt(self.mock, learner=self.learner, now=NOW)
        self.deadline = NOW + timedelta(seconds=SECONDS)
        self.keys = {slot: key_of(self.attempt, slot) for slot in range(1, SLOTS + 1)}
        # The model: what must be stored, and what each tab believes.
        self.stored: dict[int, tuple[int, Any]] = {slot: (0, None) for slot in self.keys}
        self.known: list[dict[int, int]] = [dict.fromkeys(self.keys, 0) for _ in range(2)]
        self.on_the_way: list[Sent] = []
        self.acknowledged: dict[int, tuple[int, Any]] = {}
        self.accepted = 0
        self.is_closed = False
        self.receipt: tuple[Any, ...] | None = None
        self.scorings = 0
        self.last_state = Attempt.State.IN_PROGRESS

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.world.__exit__(None, None, None)

    def current(self) -> Attempt:
        return Attempt.objects.get(pk=self.attempt.pk)

    # ── what the model expects ──

    @property
    def is_over(self) -> bool:
        return self.now > self.deadline + GRACE

    def expected(self, sent: Sent) -> str:
        revision, answer = self.stored[sent.slot]
        if (sent.revision, sent.answer) == (revision, answer):
            return "again"
        if self.is_closed or self.is_over:
            return "closed"
        return "saved" if sent.revision > revision else "stale"

    # ── what learners and networks do ──

    @rule(tab=st.integers(0, 1), slot=st.integers(1, SLOTS), kind=st.sampled_from(["key", "other", "blank"]))
    def change_an_answer(self, tab: int, slot: int, kind: str) -> None:
        self.known[tab][slot] += 1
        answer = {"key": self.keys[slot], "other": other_than(self.keys[slot]), "blank": None}[kind]
        self.on_the_way.append(Sent(tab, slot, self.known[tab][slot], answer))

    @rule(slot=st.integers(1, SLOTS), kinds=st.permutations(["key", "other", "blank"]))
    def both_tabs_answer_at_once(self, slot: int, kinds: list[str]) -> None:
        for tab in range(2):
            self.change_an_answer(tab, slot, kinds[tab])
        self.a_save_arrives(len(self.on_the_way) - 1, is_reply_lost=False)
        self.a_save_arrives(len(self.on_the_way) - 1, is_reply_lost=False)

    @precondition(lambda self: self.on_the_way)
    @rule(which=st.integers(0, 99), is_reply_lost=st.booleans())
    def a_save_arrives(self, which: int, is_reply_lost: bool) -> None:
        """Any one of those on the way: they overtake one another. Without its reply a tab sends it again."""
        sent = self.on_the_way[which % len(self.on_the_way)]
        expected = self.expected(sent)
        outcome = self.send(sent)
        assert outcome == ("saved" if expected == "again" else expected), sent
        if expected == "saved":
            self.stored[sent.slot] = (sent.revision, sent.answer)
            self.accepted += 1
        if outcome == "closed":
            self.is_closed = True
        if outcome == "saved":
            self.acknowledged[sent.slot] = max(
                self.acknowledged.get(sent.slot, (0, None)),
                (sent.revision, sent.answer),
                key=lambda pair: pair[0],
            )
        if not is_reply_lost:
            self.on_the_way.remove(sent)
            known = self.known[sent.tab]
            known[sent.slot] = max(known[sent.slot], self.stored[sent.slot][0])

    def send(self, sent: Sent) -> str:
        change = delivery.Change(answer=sent.answer, revision=sent.revision)
        try:
            saved = delivery.save_response(
                self.attempt.pk, learner_id=self.learner.pk, slot=sent.slot, change=change, now=self.now
            )
        except delivery.DeliveryError as error:
            if error.code == "stale":
                assert error.response is not None
                assert (error.response.revision, error.response.answer) == self.stored[sent.slot]
            return error.code
        assert (saved.slot, saved.revision) == (sent.slot, sent.revision)
        return "saved"

    @rule(tab=st.integers(0, 1))
    def reload_a_tab(self, tab: int) -> None:
        self.known[tab] = {slot: revision for slot, (revision, _) in self.stored.items()}

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(seconds=st.sampled_from([-1, 0, 1, 9.9, 10, 10.1]))
    def the_end_comes(self, seconds: float) -> None:
        self.now = max(self.now, self.deadline + timedelta(seconds=seconds))

    @precondition(lambda self: self.is_closed or not self.is_over)
    @rule()
    def start_again(self) -> None:
        again = starting.start_attempt(self.mock, learner=self.learner, now=self.now)
        if not self.is_closed:
            assert again.pk == self.attempt.pk
        else:
            # A new sitting of its own: out of the way with it.
            assert again.pk != self.attempt.pk
            again.delete()

    @rule(
        is_sure=st.integers(0, 3),
        seconds=st.dictionaries(st.sampled_from(["1", "3", "4", "x"]), st.integers(0, 90), max_size=3),
    )
    def submit(self, is_sure: int, seconds: dict[str, int]) -> None:
        # Rarely: most of what can go wrong goes wrong before.
        if is_sure < 3:
            return
        delivery.submit_attempt(self.attempt.pk, learner=self.learner, now=self.now, seconds=seconds)
        self.is_closed = True

    # ── what runs by itself ──

    @rule()
    def look_at_it(self) -> None:
        closing.close_if_overdue(self.current(), now=self.now)
        self.is_closed |= self.is_over

    @rule()
    def sweep(self) -> None:
        sweeps.close_overdue(now=self.now)
        self.is_closed |= self.is_over
        assert not Attempt.objects.overdue(self.now).exists()

    @rule()
    def a_message_to_score_arrives(self) -> None:
        """Whenever, and more than once."""
        self.scorings += results.score_attempt(self.attempt.pk, now=self.now)

    @rule()
    def score_what_was_forgotten(self) -> None:
        self.scorings += sweeps.score_forgotten(now=self.now)

    @rule()
    def fold(self) -> None:
        population.fold(now=self.now)

    # ── what holds after every step ──

    @invariant()
    def what_was_acknowledged_is_stored(self) -> None:
        rows = self.attempt.responses.values_list("slot", "revision", "answer")
        assert {slot: (revision, answer) for slot, revision, answer in rows} == self.stored
        for slot, (revision, answer) in self.acknowledged.items():
            assert self.stored[slot][0] >= revision
            if self.stored[slot][0] == revision:
                assert self.stored[slot][1] == answer

    @invariant()
    def the_state_only_moves_forward(self) -> None:
        state = Attempt.State(self.current().state)
        assert ORDER.index(state) >= ORDER.index(self.last_state)
        assert (state == Attempt.State.IN_PROGRESS) == (not self.is_closed)
        self.last_state = state

    @invariant()
    def the_receipt_is_over_what_is_stored_and_never_changes(self) -> None:
        attempt = self.current()
        if not self.is_closed:
            assert (attempt.digest, attempt.closed_at, attempt.answered_count) == ("", None, None)
            return
        receipt = (attempt.digest, attempt.closed_at, attempt.answered_count, attempt.closed_reason)
        self.receipt = self.receipt or receipt
        assert receipt == self.receipt
        rows = [(slot, *self.stored[slot]) for slot in sorted(self.stored)]
        assert attempt.digest == closing.receipt_digest(rows)
        assert attempt.answered_count == sum(answer is not None for _, _, answer in rows)

    @invariant()
    def it_is_scored_at_most_once_and_from_what_is_stored(self) -> None:
        is_scored = self.current().state == Attempt.State.SCORED
        assert self.scorings == int(is_scored)
        result = Result.objects.filter(attempt=self.attempt).first()
        assert (result is not None) == is_scored
        if result is not None:
            right = sum(self.stored[slot][1] == key for slot, key in self.keys.items())
            assert (result.correct, result.scored_items) == (right, SLOTS)
            seen = Evidence.objects.filter(learner=self.learner).values_list("seen", flat=True)
            assert (
                sum(seen) == result.first_exposures == Exposure.objects.filter(learner=self.learner).count()
            )

    @invariant()
    def the_log_tells_each_thing_once(self) -> None:
        kinds = list(self.attempt.events.values_list("kind", flat=True))
        saves = (AttemptEvent.Kind.SAVED, AttemptEvent.Kind.SAVED_IN_GRACE)
        assert kinds.count(AttemptEvent.Kind.STARTED) == 1
        assert kinds.count(AttemptEvent.Kind.CLOSED) == int(self.is_closed)
        assert kinds.count(AttemptEvent.Kind.SCORED) == self.scorings
        assert sum(kind in saves for kind in kinds) == self.accepted


def other_than(key: Any) -> Any:
    """A well-formed answer that isn't the key of the factories' questions."""
    if isinstance(key, str):
        return "d"
    return {"p1": "d"} if isinstance(key, dict) else list("de"[: len(key)]) if len(key) == 2 else ["d"]


@pytest.mark.django_db
def test_delivery_keeps_its_promises_whatever_the_order_of_events() -> None:
    DeliveryMachine.mock = make_exam(items=SLOTS, seconds=SECONDS)
    run_state_machine_as_test(
        DeliveryMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=35,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
