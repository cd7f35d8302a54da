"""Practice: what one hasn't met comes first, nothing is timed, and one form starts one sitting."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import delivery, population, practice, results
from exams.models import Attempt, Evidence, Exposure, ItemStatistic, Paper
from exams.practice import PracticeError
from questions.models import Blueprint, Question, Scenario, ScenarioVersion, TaskStatement
from tests.factories import NOW, key_of, make_bank, make_blueprint, make_published_question, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=6)
    return blueprint


def task_ids(blueprint: Blueprint, *codes: str) -> list[int]:
    return list(
        TaskStatement.objects.filter(domain__blueprint=blueprint, code__in=codes).values_list("pk", flat=True)
    )


def practise(blueprint: Blueprint, learner: User, *codes: str, **wanted: Any) -> Attempt:
    return practice.start_practice(
        blueprint,
        learner=learner,
        task_ids=task_ids(blueprint, *codes),
        questions=wanted.get("questions", 4),
        start_key=wanted.get("start_key") or uuid.uuid4(),
        now=wanted.get("now", NOW),
    )


def questions_of(attempt: Attempt) -> list[int]:
    return list(attempt.responses.order_by("slot").values_list("version__question", flat=True))


def finish(attempt: Attempt) -> None:
    """Answer everything rightly, submit, score."""
    for slot in range(1, attempt.paper.item_count + 1):
        save(attempt, slot, key_of(attempt, slot))
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    assert results.score_attempt(attempt.pk, now=NOW)


def test_only_the_chosen_tasks_are_asked(blueprint: Blueprint, ana: User) -> None:
    attempt = practise(blueprint, ana, "1.1", "2.2", questions=30)

    asked = set(attempt.responses.values_list("version__topic__task__code", flat=True))
    assert asked == {"1.1", "2.2"}
    assert len(questions_of(attempt)) == 12
    assert attempt.purpose == Attempt.Purpose.PRACTICE
    assert attempt.paper.title == "1.1, 2.2"


def test_practice_has_no_clock_and_closes_after_a_week(blueprint: Blueprint, ana: User) -> None:
    attempt = practise(blueprint, ana, "1.1")

    assert not attempt.is_timed
    assert attempt.deadline_at == NOW + timedelta(days=7)


def test_what_was_not_met_comes_first_then_what_was_met_longest_ago(blueprint: Blueprint, ana: User) -> None:
    met = []
    for _ in range(2):
        attempt = practise(blueprint, ana, "1.1", questions=2)
        finish(attempt)
        met.append(questions_of(attempt))
    old, recent = met

    third = questions_of(practise(blueprint, ana, "1.1", questions=4))

    assert not set(old) & set(recent)
    assert set(third[:2]).isdisjoint(old + recent)
    assert set(third[2:]) == set(old)


def test_the_same_form_sent_twice_starts_one_practice(blueprint: Blueprint, ana: User) -> None:
    key = uuid.uuid4()

    first, second = (practise(blueprint, ana, "1.1", start_key=key) for _ in range(2))

    assert first.pk == second.pk
    assert Paper.objects.count() == 1


def test_two_learners_may_have_the_same_start_key(blueprint: Blueprint, ana: User, cleo: User) -> None:
    key = uuid.uuid4()

    assert (
        practise(blueprint, ana, "1.1", start_key=key).pk
        != practise(blueprint, cleo, "1.1", start_key=key).pk
    )


def test_several_practices_may_run_at_once(blueprint: Blueprint, ana: User) -> None:
    assert practise(blueprint, ana, "1.1").pk != practise(blueprint, ana, "1.1").pk


def test_nothing_chosen_and_nothing_to_practise(blueprint: Blueprint, ana: User) -> None:
    with pytest.raises(PracticeError, match="nothing_chosen"):
        practise(blueprint, ana)
    Question.objects.update(state=Question.State.RETIRED)
    with pytest.raises(PracticeError, match="nothing_to_practise"):
        practise(blueprint, ana, "1.1")
    assert not Attempt.objects.exists()


def test_another_exams_tasks_are_not_chosen(blueprint: Blueprint, ana: User) -> None:
    other = make_blueprint()

    with pytest.raises(PracticeError, match="nothing_chosen"):
        practice.start_practice(
            blueprint,
            learner=ana,
            task_ids=task_ids(other, "1.1"),
            questions=5,
            start_key=uuid.uuid4(),
            now=NOW,
        )


def test_a_case_stands_together(ana: User) -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    scenario = Scenario.objects.create(blueprint=blueprint, code="case-1")
    text = ScenarioVersion.objects.create(
        scenario=scenario, number=1, title="A case", text="x", rendered="<p>x</p>"
    )
    for number in range(9):
        make_published_question(blueprint, scenario_version=text if number % 3 == 0 else None)

    for _ in range(10):
        attempt = practise(blueprint, ana, "1.1", questions=9)
        slots = list(attempt.responses.filter(version__scenario_version=text).values_list("slot", flat=True))
        assert sorted(slots) == list(range(min(slots), min(slots) + 3))


def test_an_answer_is_settled_by_its_feedback_but_the_others_are_not(blueprint: Blueprint, ana: User) -> None:
    attempt = practise(blueprint, ana, "1.1")
    save(attempt, 1, key_of(attempt, 1))

    checked = delivery.check_response(attempt, slot=1, now=NOW)
    again = delivery.check_response(attempt, slot=1, now=NOW + timedelta(hours=1))

    assert again.checked_at == checked.checked_at
    assert attempt.events.filter(kind="checked").count() == 1
    assert save(attempt, 2, key_of(attempt, 2)).revision == 1


def test_feedback_after_the_end_is_refused(blueprint: Blueprint, ana: User) -> None:
    attempt = practise(blueprint, ana, "1.1")
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)

    with pytest.raises(delivery.DeliveryError, match="closed"):
        delivery.check_response(attempt, slot=1, now=NOW)


def test_feedback_on_a_slot_that_is_not_there(blueprint: Blueprint, ana: User) -> None:
    with pytest.raises(delivery.DeliveryError, match="not_found"):
        delivery.check_response(practise(blueprint, ana, "1.1"), slot=99, now=NOW)


def test_practice_is_evidence_of_its_own_and_no_statistic(blueprint: Blueprint, ana: User) -> None:
    finish(practise(blueprint, ana, "1.1"))
    population.fold(now=NOW)

    assert set(Evidence.objects.values_list("kind", "correct", "seen")) == {("practice", 4, 4)}
    assert not ItemStatistic.objects.exists()


def test_what_staff_practise_is_evidence_of_nothing(blueprint: Blueprint, ben: User) -> None:
    attempt = practise(blueprint, ben, "1.1")
    finish(attempt)

    assert attempt.purpose == Attempt.Purpose.STAFF
    assert not Evidence.objects.exists()


def test_the_chooser_counts_what_is_new_in_four_queries(blueprint: Blueprint, ana: User) -> None:
    finish(practise(blueprint, ana, "1.1", questions=4))
    assert Exposure.objects.filter(learner=ana).count() == 4

    with CaptureQueriesContext(connection) as captured:
        first, second = practice.choices(blueprint, ana)

    assert len(captured) == 4
    assert [(t.code, t.questions, t.unmet) for t in first.tasks] == [("1.1", 6, 2), ("1.2", 6, 6)]
    assert (first.questions, first.unmet, second.unmet) == (12, 8, 12)
