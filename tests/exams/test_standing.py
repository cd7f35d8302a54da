from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import delivery, evidence, practice, results, standing
from exams.models import Attempt, Evidence, ExamPlan, MockExam
from exams.psychometrics import Verdict
from exams.review_policy import Phase
from exams.standing import Standing
from questions.models import Domain, TaskStatement
from tests.factories import NOW, key_of, make_bank, make_blueprint, make_exam, make_mock, save, sit

LATER = NOW + timedelta(days=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


def read(learner: User, mock: MockExam, source: str = "both") -> Standing:
    return standing.standing(learner, mock.blueprint, now=LATER, source=source)


def add(learner: User, mock: MockExam, code: str, *, correct: int, seen: int, kind: str = "mock") -> None:
    task = TaskStatement.objects.get(code=code, domain__blueprint=mock.blueprint)
    Evidence.objects.create(learner=learner, task=task, kind=kind, correct=correct, seen=seen)


def practise(learner: User, mock: MockExam, code: str, *, questions: int = 5) -> Attempt:
    task = TaskStatement.objects.get(code=code, domain__blueprint=mock.blueprint)
    attempt = practice.start_practice(
        mock.blueprint, learner=learner, task_ids=[task.pk], questions=questions, start_key=uuid4(), now=NOW
    )
    for slot in range(1, attempt.paper.item_count + 1):
        save(attempt, slot, key_of(attempt, slot))
    delivery.submit_attempt(attempt.pk, learner=learner, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)
    return attempt


def test_without_evidence_nothing_is_claimed(mock: MockExam, ana: User) -> None:
    page = read(ana, mock)

    assert (page.seen, page.readiness, page.weakest, page.sittings) == (0, None, (), ())
    assert {row.figure.verdict for row in page.domains} == {Verdict.NOT_ENOUGH_EVIDENCE}


def test_mocks_and_practice_are_pooled_and_told_apart(mock: MockExam, ana: User) -> None:
    add(ana, mock, "1.1", correct=2, seen=8)
    add(ana, mock, "1.1", correct=3, seen=4, kind="practice")

    def figures(source: str) -> tuple[int, int]:
        task = next(t for t in read(ana, mock, source).tasks if t.code == "1.1")
        return task.figure.correct, task.figure.seen

    assert (figures("both"), figures("mock"), figures("practice")) == ((5, 12), (2, 8), (3, 4))
    task = next(t for t in read(ana, mock).tasks if t.code == "1.1")
    assert (task.mock.correct, task.mock.seen) == (2, 8)
    assert (task.practice.correct, task.practice.seen) == (3, 4)


def test_the_weakest_comes_first_by_weight_and_chance_of_lying_below(mock: MockExam, ana: User) -> None:
    add(ana, mock, "1.1", correct=20, seen=20)
    add(ana, mock, "1.2", correct=1, seen=10)
    add(ana, mock, "2.1", correct=1, seen=10)

    page = read(ana, mock)

    # Domain 1 weighs more than domain 2, so that of two equally weak tasks its own comes first.
    assert [task.code for task in page.tasks] == ["1.2", "2.1", "2.2", "1.1"]
    assert [task.priority for task in page.tasks] == sorted((t.priority for t in page.tasks), reverse=True)
    assert [task.code for task in page.weakest] == ["1.2", "2.1"]


def test_tasks_share_their_domains_weight(mock: MockExam, ana: User) -> None:
    page = read(ana, mock)

    assert sum(task.weight for task in page.tasks) == pytest.approx(100)
    assert sum(task.exam_questions for task in page.tasks) == pytest.approx(mock.blueprint.scored_items)


def test_a_domain_of_its_own_cut_is_judged_by_it(mock: MockExam, ana: User) -> None:
    add(ana, mock, "1.1", correct=10, seen=20)
    assert read(ana, mock).domains[0].figure.target == pytest.approx(0.6, abs=0.1)

    Domain.objects.filter(blueprint=mock.blueprint, code="1").update(cut=Decimal("0.300"))

    domain = read(ana, mock).domains[0]
    assert domain.figure.target == pytest.approx(0.3)
    assert domain.figure.verdict is Verdict.ON_TRACK


def test_the_cut_is_the_mean_of_the_papers_in_use(mock: MockExam, ana: User) -> None:
    assert standing.standing_cut(mock.blueprint) == Fraction(62, 90)

    sit(mock, ana)

    assert standing.standing_cut(mock.blueprint) == Fraction(3, 5)


def test_readiness_rests_on_first_seen_questions_of_mocks_alone(mock: MockExam, ana: User) -> None:
    practise(ana, mock, "1.1")
    assert read(ana, mock).readiness is None

    long = make_mock(mock.blueprint, items=20)
    sit(long, ana)
    ready = read(ana, mock).readiness

    assert ready is not None
    assert ready.questions == sum(Evidence.objects.filter(kind="mock").values_list("seen", flat=True)) >= 15
    assert ready.low <= ready.scaled <= ready.high
    assert (ready.sittings, ready.past_flatters) == (1, ready.questions < 20)

    # The same paper again tells nothing new, but is a mark on the scale.
    sit(long, ana, now=NOW + timedelta(hours=1))
    again = read(ana, mock).readiness
    assert again is not None
    assert (again.questions, again.sittings, len(again.past)) == (ready.questions, 1, 2)
    assert again.past_flatters


def test_the_chance_is_the_one_that_scoring_gives(mock: MockExam, ana: User) -> None:
    for code, correct in (("1.1", 6), ("1.2", 2), ("2.1", 5)):
        add(ana, mock, code, correct=correct, seen=8)
    sit(mock, ana, right=4)

    page = read(ana, mock)

    known = evidence.chance(ana.pk, mock.blueprint, cut=page.cut)
    assert page.readiness is not None and known.chance is not None
    assert page.readiness.chance_percent == round(100 * known.chance)


def test_a_sitting_whose_score_is_held_back_does_not_show(mock: MockExam, ana: User) -> None:
    add(ana, mock, "1.1", correct=3, seen=6)
    before = read(ana, mock)
    mock.closes_at = LATER + timedelta(days=5)
    mock.review_policy = {Phase.DURING: [], Phase.RIGHT_AFTER: [], Phase.AFTER_WINDOW: ["score"]}
    mock.save()
    sit(mock, ana)

    held = read(ana, mock)

    assert (held.mock, held.sittings, held.hidden) == (before.mock, (), 1)
    after = standing.standing(ana, mock.blueprint, now=LATER + timedelta(days=6))
    assert after.hidden == 0
    assert after.mock.seen == before.mock.seen + 8


def test_unmet_questions_are_counted_per_task(mock: MockExam, ana: User) -> None:
    practise(ana, mock, "2.1", questions=5)

    tasks = {task.code: (task.unmet, task.questions) for task in read(ana, mock).tasks}

    assert tasks == {"1.1": (6, 6), "1.2": (6, 6), "2.1": (1, 6), "2.2": (6, 6)}


def test_another_learners_evidence_stays_theirs(mock: MockExam, ana: User, cleo: User) -> None:
    sit(mock, ana)

    assert read(cleo, mock).seen == 0


def test_the_exam_prepared_for_goes_before_the_one_sat_last(mock: MockExam, ana: User) -> None:
    other = make_blueprint()
    assert standing.blueprint_of(ana) == mock.blueprint

    make_bank(other)
    sit(make_mock(other), ana)
    assert standing.blueprint_of(ana) == other

    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint)
    assert standing.blueprint_of(ana) == mock.blueprint


def test_evidence_raises_no_statements(mock: MockExam, ana: User) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(ana, mock)
        return len(queries)

    before = statements()
    for day in range(6):
        sit(mock, ana, right=4, now=NOW + timedelta(hours=day))

    assert statements() == before <= 9
