"""Made-up learners sit through the real code; the better they are, the better they do."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from accounts.models import User
from exams import items, simulation
from exams.models import Assignment, Attempt, AttemptEvent, Result
from exams.simulation import Simulant
from questions import answers
from questions.content import ItemType
from tests.factories import (
    NOW,
    make_bank,
    make_blueprint,
    make_cohort,
    make_content,
    make_exam,
    make_mock,
    make_published_question,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("item_type", list(ItemType))
def test_a_wrong_answer_is_well_formed_and_wrong(item_type: ItemType) -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    version = make_published_question(blueprint, content=make_content(item_type))
    facts = items.facts([version.pk])[version.pk]
    rng = random.Random(7)

    for _ in range(30):
        guess = simulation.wrong_answer(facts, rng)
        assert answers.parse(facts.shape, guess) == guess
        assert not answers.is_correct(facts.key, guess)


def test_a_simulated_sitting_is_a_real_one(ana: User) -> None:
    attempt = simulation.simulate(Simulant.of(ana), make_exam(items=10), now=NOW)

    assert (attempt.state, attempt.closed_reason) == ("scored", "submitted")
    assert attempt.closed_at is not None and NOW < attempt.closed_at <= attempt.deadline_at
    assert set(attempt.seconds_by_slot) == {str(slot) for slot in range(1, 11)}
    assert attempt.responses.filter(revision__gt=0).count() == 10
    assert not attempt.events.filter(kind__in=(AttemptEvent.Kind.CAME_LATE, AttemptEvent.Kind.STALE)).exists()


def test_ability_shows_in_the_score() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=10)
    mock = make_mock(blueprint, items=30)

    def total(ability: float) -> int:
        simulants = [
            Simulant(make_user(), random.Random(n), ability, 0.0, {"1": 0.0, "2": 0.0}) for n in range(4)
        ]
        return sum(simulation.simulate(s, mock, now=NOW).result.correct for s in simulants)

    assert total(-3.0) < total(0.0) < total(3.0)


def test_a_history_is_made_once_and_lies_in_the_past() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=10)
    short, full = make_mock(blueprint, items=8), make_mock(blueprint, items=16)
    learners = [make_user(f"L{n}") for n in range(3)]

    made = simulation.load_history(learners, now=NOW)

    assert made == Attempt.objects.count() == Result.objects.count() == 3 + 1 + 2
    assert simulation.load_history(learners, now=NOW) == 0
    assert Attempt.objects.filter(closed_at__lt=NOW - timedelta(days=1)).count() == made
    first = Attempt.objects.filter(learner=learners[0]).order_by("started_at")
    assert list(first.values_list("mock", "purpose")) == [
        (full.pk, "mock"),
        (short.pk, "mock"),
        (full.pk, "mock"),
        (None, "practice"),
    ]
    assert not Attempt.objects.exclude(learner=learners[0]).exclude(mock=short).exists()


def test_the_same_learner_has_the_same_history_again() -> None:
    """By e-mail address: the demo looks alike on every machine."""
    first, second = (Simulant.of(make_user(email=f"{n}@example.com", name="x")) for n in ("a", "b"))

    assert Simulant.of(first.learner).mean == first.mean != second.mean


def test_what_somebody_can_do_is_the_same_in_every_sitting(ana: User) -> None:
    first, second = (Simulant.of(ana, sitting=title) for title in ("one", "two"))

    assert [first.ability(code) for code in "12"] == [second.ability(code) for code in "21"][::-1]
    assert first.rng.random() != second.rng.random()
    assert Simulant.of(ana, key="7 1").ability("1") != first.ability("1")


def test_a_running_sitting_has_answers_until_now(ana: User) -> None:
    mock = make_exam(items=10, seconds=1_000)
    given = Assignment.objects.create(
        cohort=make_cohort(learners=(ana,)), mock=mock, blueprint=mock.blueprint, title="Now", created_at=NOW
    )
    now = NOW + timedelta(seconds=400)

    attempt = simulation.simulate_running(Simulant.of(ana), given, began_at=NOW, now=now)

    assert attempt.is_open and attempt.assignment == given
    assert attempt.answered_so_far <= attempt.position == len(attempt.seconds_by_slot) < 10
    assert attempt.last_saved_at is not None and NOW < attempt.last_saved_at <= now


def test_without_mocks_there_is_no_history(ana: User) -> None:
    assert simulation.load_history([ana], now=NOW) == 0
