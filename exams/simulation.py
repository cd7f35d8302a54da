"""Sittings of made-up learners, through the real delivery and scoring code: for the demo and for rehearsals.

A simulated learner has an ability per domain on a logit scale. The chance of a right answer is
1 / (1 + exp(−(ability + logit(difficulty rating)))): a just-qualified candidate has ability 0.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from exams import delivery, items, practice, results, starting
from exams.cohorts import sitting
from exams.models import Assignment, Attempt, MockExam
from questions.content import Answer, ItemType
from questions.models import TaskStatement

SPREAD = 0.55
"""Standard deviation of abilities between learners, and of a learner's domains around their own mean."""


@dataclass
class Simulant:
    """A learner with what they can do, and how it grows from sitting to sitting."""

    learner: User
    rng: random.Random
    mean: float
    growth: float
    by_domain: dict[str, float]
    key: str = ""

    @classmethod
    def of(cls, learner: User, *, key: str = "", sitting: str = "") -> Simulant:
        """The same `key`, else the same e-mail address, can do the same in every sitting; answers differ."""
        key = key or learner.email
        rng = random.Random(f"simulant:{key}")
        mean, growth = rng.gauss(0.0, SPREAD), rng.uniform(0.05, 0.35)
        if sitting:
            rng = random.Random(f"sitting:{key}:{sitting}")
        return cls(learner, rng, mean=mean, growth=growth, by_domain={}, key=key)

    def ability(self, domain: str) -> float:
        if domain not in self.by_domain:
            self.by_domain[domain] = random.Random(f"domain:{self.key}:{domain}").gauss(0.0, SPREAD)
        return self.mean + self.by_domain[domain]

    def answer(self, facts: items.ItemFacts) -> Answer:
        """Right with the chance that ability and difficulty give, else a plausible wrong answer; rarely blank."""
        rating = min(max(float(facts.difficulty), 0.05), 0.95)
        logit = self.ability(facts.domain_code) + math.log(rating / (1 - rating))
        if self.rng.random() < 1 / (1 + math.exp(-logit)):
            return facts.key
        return None if self.rng.random() < 0.04 else wrong_answer(facts, self.rng)


def wrong_answer(facts: items.ItemFacts, rng: random.Random) -> Answer:
    """A well-formed answer that isn't the key."""
    options = sorted(facts.shape.option_ids)
    for _ in range(50):
        guess: Answer
        match facts.shape.item_type:
            case ItemType.MULTIPLE_CHOICE:
                guess = rng.choice(options)
            case ItemType.MULTIPLE_RESPONSE:
                guess = sorted(rng.sample(options, facts.shape.select_count or 1))
            case ItemType.ORDERING:
                guess = rng.sample(options, len(facts.key or ()))
            case ItemType.MATCHING:
                guess = {prompt: rng.choice(options) for prompt in sorted(facts.shape.prompt_ids)}
        if guess != facts.key:
            return guess
    return None


# Each sitting is one transaction: hundreds of commits would take most of the time.


@transaction.atomic
def simulate(simulant: Simulant, mock: MockExam, *, now: datetime) -> Attempt:
    """A whole sitting of a mock that begins at `now`, scored."""
    return _sit(starting.start_attempt(mock, learner=simulant.learner, now=now), simulant)


@transaction.atomic
def simulate_assigned(simulant: Simulant, assignment: Assignment, *, now: datetime) -> Attempt:
    """The same through an assignment, which must be open for the learner at `now`."""
    return _sit(sitting.start_assigned(assignment, learner=simulant.learner, now=now), simulant)


@transaction.atomic
def simulate_running(
    simulant: Simulant, assignment: Assignment, *, began_at: datetime, now: datetime
) -> Attempt:
    """A sitting that began a while ago and is still running at `now`, as its player has reported it."""
    attempt = sitting.start_assigned(assignment, learner=simulant.learner, now=began_at)
    at, seconds = _answer_slots(attempt, simulant, until=now)
    delivery.note_pulse(attempt, position=max(1, len(seconds)), seconds=seconds, now=at)
    attempt.refresh_from_db()
    return attempt


@transaction.atomic
def simulate_practice(simulant: Simulant, task: TaskStatement, *, questions: int, now: datetime) -> Attempt:
    attempt = practice.start_practice(
        task.domain.blueprint,
        learner=simulant.learner,
        task_ids=[task.pk],
        questions=questions,
        start_key=uuid.UUID(int=simulant.rng.getrandbits(128), version=4),
        now=now,
    )
    return _sit(attempt, simulant)


def mocks_to_sit() -> tuple[MockExam, MockExam] | None:
    """The shortest and the longest that are offered, of the exam that is shipped where it is there."""
    offered = MockExam.objects.filter(is_published=True, is_held_back=False).order_by("items", "pk")
    mocks = list(offered.filter(code__startswith="mla-")) or list(offered)
    return (mocks[0], mocks[-1]) if mocks else None


def load_history(learners: Sequence[User], *, now: datetime) -> int:
    """Two months of sittings for learners that have none yet; return how many sittings were made.

    The first learner, whom visitors sign in as, gets a longer history than the others, who have met one mock.
    """
    mocks = mocks_to_sit()
    if mocks is None:
        return 0
    short, full = mocks
    made = 0
    for place, learner in enumerate(learners):
        if Attempt.objects.sat_by(learner).exists():
            continue
        simulant = Simulant.of(learner)
        at = now - timedelta(days=simulant.rng.randint(35, 56), hours=simulant.rng.randint(0, 12))
        plan = [full, short, full] if place == 0 else [short]
        for mock in plan:
            simulate(simulant, mock, now=at)
            simulant.mean += simulant.growth
            at += timedelta(days=simulant.rng.randint(4, 9), hours=simulant.rng.randint(0, 5))
            made += 1
        if place == 0:
            tasks = TaskStatement.objects.filter(domain__blueprint=full.blueprint).order_by(
                "domain", "position"
            )
            simulate_practice(simulant, simulant.rng.choice(list(tasks)), questions=10, now=at)
            made += 1
    return made


def _sit(attempt: Attempt, simulant: Simulant) -> Attempt:
    at, seconds = _answer_slots(attempt, simulant, until=attempt.deadline_at)
    return _finish(attempt, at=at, seconds=seconds)


def _answer_slots(
    attempt: Attempt, simulant: Simulant, *, until: datetime
) -> tuple[datetime, dict[str, Any]]:
    """Answer slot after slot, those that are reached before `until`; when the last was, and the seconds of each."""
    rng = simulant.rng
    responses = list(attempt.responses.order_by("slot").values_list("slot", "version_id"))
    facts = items.facts([version_id for _, version_id in responses])
    minutes = attempt.seconds_allowed / 60 if attempt.is_timed else 2.0 * len(responses)
    pace = 60 * minutes / len(responses) * rng.uniform(0.4, 0.75)
    at, seconds = attempt.started_at, {}
    is_whole = until >= attempt.deadline_at
    for slot, version_id in responses:
        spent = max(8, round(rng.lognormvariate(math.log(pace), 0.45)))
        if not is_whole and at + timedelta(seconds=spent) > until:
            break
        at = min(at + timedelta(seconds=spent), attempt.deadline_at - timedelta(seconds=1))
        seconds[str(slot)] = spent
        _answer(attempt, simulant, slot, facts[version_id], at)
    return at, seconds


def _answer(attempt: Attempt, simulant: Simulant, slot: int, facts: items.ItemFacts, at: datetime) -> None:
    final = simulant.answer(facts)
    drafts = [wrong_answer(facts, simulant.rng), final] if simulant.rng.random() < 0.12 else [final]
    for revision, answer in enumerate(drafts, start=1):
        delivery.save_response(
            attempt.pk,
            learner_id=attempt.learner_id,
            slot=slot,
            change=delivery.Change(answer=answer, revision=revision, is_flagged=simulant.rng.random() < 0.1),
            now=at,
        )
    if not attempt.is_timed:
        delivery.check_response(attempt, slot=slot, now=at)


def _finish(attempt: Attempt, *, at: datetime, seconds: dict[str, Any]) -> Attempt:
    end = at + timedelta(seconds=20)
    closed = delivery.submit_attempt(
        attempt.pk, learner=attempt.learner, now=min(end, attempt.deadline_at), seconds=seconds
    )
    results.score_attempt(closed.pk, now=end + timedelta(seconds=1))
    closed.refresh_from_db()
    return closed
