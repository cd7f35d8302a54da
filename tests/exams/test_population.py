"""What folding owes to the statistics besides test_results.py: purposes, batches, facilities, several processes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import User
from exams import delivery, population, results
from exams.models import Attempt, Evidence, ItemStatistic, MockExam, MockScoreCount, PopulationPrior, Result
from questions.models import TaskStatement
from tests.factories import NOW, key_of, make_exam, make_user, save, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8)


def test_several_batches_are_folded_in_one_call(mock: MockExam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "BATCH", 2)
    for _ in range(5):
        sit(mock, make_user())

    assert population.fold(now=NOW) == 5
    assert set(ItemStatistic.objects.values_list("n", "correct")) == {(5, 5)}


def test_a_closed_but_unscored_sitting_waits(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, score=False)
    assert population.fold(now=NOW) == 0

    results.score_attempt(attempt.pk, now=NOW)

    assert population.fold(now=NOW) == 1


def test_unscored_slots_teach_their_facility_but_move_no_score(ana: User) -> None:
    mock = make_exam(items=8, unscored=3)
    sit(mock, ana)
    population.fold(now=NOW)

    assert ItemStatistic.objects.count() == 8
    assert list(MockScoreCount.objects.values_list("scaled_score", "n")) == [(1000, 1)]


def test_an_easy_question_right_says_less_than_a_hard_one(mock: MockExam) -> None:
    """From 30 learners on an item's facility is known, and scoring shifts the prior by it."""
    attempt = start(mock, make_user())
    versions = list(attempt.responses.values_list("version", flat=True))
    ItemStatistic.objects.bulk_create(ItemStatistic(version_id=v, n=30, correct=28) for v in versions)
    easy = finished(attempt)
    ItemStatistic.objects.update(correct=6)
    hard = finished(start(mock, make_user()))

    assert easy.correct == hard.correct == 4
    assert hard.domain_scores.get(domain__code="1").mean < easy.domain_scores.get(domain__code="1").mean
    shifts = Evidence.objects.order_by("learner", "task").values_list("facility_shift", flat=True)
    assert min(shifts) < 0 < max(shifts)


def finished(attempt: Attempt) -> Result:
    for slot in range(1, 5):
        save(attempt, slot, key_of(attempt, slot))
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)
    return Result.objects.get(attempt=attempt)


def test_priors_are_fitted_again_after_five_minutes_at_the_earliest(mock: MockExam, ana: User) -> None:
    task = TaskStatement.objects.get(domain__blueprint=mock.blueprint, code="1.1")
    people = [make_user(f"L{n}") for n in range(50)]
    Evidence.objects.bulk_create(
        Evidence(learner=u, task=task, kind="mock", correct=n % 11, seen=10) for n, u in enumerate(people)
    )
    population.refit_priors(now=NOW)
    Evidence.objects.update(correct=9)

    assert population.refit_priors(now=NOW + timedelta(minutes=4)) == 0
    assert population.refit_priors(now=NOW + timedelta(minutes=5)) == 2

    assert PopulationPrior.objects.get(task=task).mean == pytest.approx(0.9)
    assert PopulationPrior.objects.count() == 2


def test_mock_and_practice_have_priors_of_their_own(mock: MockExam) -> None:
    task = TaskStatement.objects.get(domain__blueprint=mock.blueprint, code="1.1")
    people = [make_user(f"L{n}") for n in range(50)]
    for kind, right in (("mock", 3), ("practice", 8)):
        Evidence.objects.bulk_create(
            Evidence(learner=u, task=task, kind=kind, correct=right + n % 2, seen=10)
            for n, u in enumerate(people)
        )

    assert population.refit_priors(now=NOW) == 4
    assert PopulationPrior.objects.get(task=task, kind="mock").mean == pytest.approx(0.35)
    assert PopulationPrior.objects.get(task=task, kind="practice").mean == pytest.approx(0.85)
