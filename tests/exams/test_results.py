"""Scoring: once, from what is stored, and equal to what can be worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from accounts.models import Role, User
from exams import delivery, population, results, sweeps
from exams.models import (
    Attempt,
    Evidence,
    Exposure,
    ItemStatistic,
    MockExam,
    MockScoreCount,
    PopulationPrior,
    Result,
)
from questions.models import TaskStatement
from tests.factories import NOW, key_of, make_exam, make_user, save, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8)


def test_all_right_and_none_right(mock: MockExam, ana: User, cleo: User) -> None:
    best, worst = sit(mock, ana).result, sit(mock, cleo, right=0).result

    assert (best.correct, best.scored_items, best.scaled_score, best.passed) == (8, 8, 1000, True)
    assert (worst.correct, worst.scaled_score, worst.passed) == (0, 100, False)
    assert best.cut == Fraction(6, 10)


def test_the_parts_add_up_to_the_whole(mock: MockExam, ana: User) -> None:
    result = sit(mock, ana, right=5).result

    for parts in (result.domain_scores.all(), result.task_scores.all()):
        assert sum(part.correct for part in parts) == result.correct == 5
        assert sum(part.seen for part in parts) == result.scored_items == 8
        assert all(part.low <= part.mean <= part.high for part in parts)


def test_unscored_slots_do_not_count(ana: User) -> None:
    mock = make_exam(items=8, unscored=3)
    attempt = start(mock, ana)
    for response in attempt.responses.filter(is_scored=False):
        save(attempt, response.slot, key_of(attempt, response.slot))
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)

    result = Result.objects.get(attempt=attempt)
    assert (result.correct, result.scored_items) == (0, 5)
    assert attempt.responses.filter(is_correct=True, is_scored=False).count() == 3


def test_scoring_twice_writes_once(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, score=False)

    assert [results.score_attempt(attempt.pk, now=NOW) for _ in range(3)] == [True, False, False]

    assert Result.objects.count() == 1
    assert attempt.events.filter(kind="scored").count() == 1
    assert sum(Evidence.objects.values_list("seen", flat=True)) == 8


def test_an_open_attempt_is_not_scored(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)

    assert not results.score_attempt(attempt.pk, now=NOW)
    assert not Result.objects.exists()


def test_only_the_first_meeting_of_a_question_is_evidence(mock: MockExam, ana: User) -> None:
    first = sit(mock, ana, right=8)
    second = sit(mock, ana, right=8, now=NOW + timedelta(days=1))

    assert first.paper_id == second.paper_id
    assert (first.result.first_exposures, second.result.first_exposures) == (8, 0)
    assert sum(Evidence.objects.filter(learner=ana).values_list("seen", flat=True)) == 8
    assert Exposure.objects.filter(learner=ana).count() == 8


def test_a_question_that_nobody_opened_is_no_evidence_but_wrong(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=3)

    assert attempt.result.scored_items == 8
    assert attempt.result.first_exposures == 3
    assert Exposure.objects.filter(learner=ana).count() == 3


def test_seen_but_blank_is_evidence(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW, seconds={"2": 40})
    results.score_attempt(attempt.pk, now=NOW)

    row = Evidence.objects.get(learner=ana)
    assert (row.correct, row.seen) == (0, 1)


def test_what_staff_sit_enters_no_statistics(mock: MockExam, ben: User) -> None:
    attempt = sit(mock, ben)
    population.fold(now=NOW)

    assert attempt.purpose == Attempt.Purpose.STAFF
    assert attempt.result.scaled_score == 1000
    assert not Evidence.objects.exists()
    assert not ItemStatistic.objects.exists()
    assert not MockScoreCount.objects.exists()


def test_changes_of_mind_are_counted(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    slots = list(
        attempt.responses.filter(version__item_type="multiple_choice")
        .values_list("slot", flat=True)
        .order_by("slot")
    )
    for slot, answers in zip(slots[:2], [("a", "b"), ("b", "c", "a")], strict=True):
        for revision, answer in enumerate(answers, start=1):
            save(attempt, slot, answer, revision=revision)
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)

    result = Result.objects.get(attempt=attempt)
    assert (result.right_to_wrong, result.wrong_to_right) == (1, 1)


def test_no_chance_below_ten_questions_and_one_from_there_on(ana: User) -> None:
    few, enough = make_exam(items=8), make_exam(items=10)

    assert sit(few, ana).result.chance_of_passing is None
    result = sit(enough, ana).result

    assert result.chance_of_passing is not None and result.chance_of_passing > 0.5
    assert (result.chance_before, result.chance_questions, result.chance_sittings) == (None, 10, 1)


# ── the population ──


def test_each_sitting_is_folded_into_the_statistics_once(mock: MockExam) -> None:
    for right in (8, 4):
        sit(mock, make_user(), right=right)

    assert [population.fold(now=NOW), population.fold(now=NOW)] == [2, 0]

    statistics = list(ItemStatistic.objects.values_list("n", "correct"))
    # Four slots of the second sitting were never opened: they are no first exposure.
    assert sorted(statistics) == [(1, 1)] * 4 + [(2, 2)] * 4
    assert sum(MockScoreCount.objects.values_list("n", flat=True)) == 2


def test_second_attempts_are_not_in_the_percentile(mock: MockExam, ana: User) -> None:
    sit(mock, ana)
    sit(mock, ana, now=NOW + timedelta(days=1))
    population.fold(now=NOW)

    assert sum(MockScoreCount.objects.values_list("n", flat=True)) == 1


def test_priors_are_fitted_from_fifty_learners_on(mock: MockExam) -> None:
    blueprint = mock.blueprint
    task = TaskStatement.objects.filter(domain__blueprint=blueprint)[0]
    learners = [make_user(f"L{n}") for n in range(50)]
    rows = [
        Evidence(learner=u, task=task, kind="mock", correct=n % 11, seen=10) for n, u in enumerate(learners)
    ]
    Evidence.objects.bulk_create(rows[:49])
    assert population.refit_priors(now=NOW) == 0

    rows[49].save()
    assert population.refit_priors(now=NOW) == 2

    prior = PopulationPrior.objects.get(task=task)
    assert prior.learners == 50
    assert prior.mean == pytest.approx(sum(n % 11 for n in range(50)) / 500)


# ── the sweeps ──


def test_the_sweep_scores_what_a_dead_worker_left(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, score=False)
    assert attempt.closed_at is not None
    soon, later = attempt.closed_at + timedelta(seconds=5), attempt.closed_at + timedelta(seconds=11)

    assert sweeps.score_forgotten(now=soon) == 0
    assert sweeps.score_forgotten(now=later) == 1
    assert sweeps.score_forgotten(now=later) == 0


def test_reconciling_closes_and_scores_all_that_ended_meanwhile(mock: MockExam) -> None:
    for _ in range(3):
        start(mock, make_user())

    assert sweeps.reconcile(now=NOW + timedelta(hours=2)) == (3, 3)
    assert set(Attempt.objects.values_list("state", flat=True)) == {"scored"}


def test_a_learner_who_teaches_elsewhere_still_sits_as_staff(mock: MockExam) -> None:
    admin = make_user("Mia", role=Role.ADMIN)

    assert start(mock, admin).purpose == Attempt.Purpose.STAFF
