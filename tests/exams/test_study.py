"""What to read, beside what the learner has shown: the outline's counts, and none that may not be told yet."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import practice, results, study
from exams.models import Attempt, MockExam
from exams.psychometrics import Verdict
from exams.review_policy import Part, Phase
from exams.study import NotePage, StudyTopic
from questions.models import Blueprint, Question, Topic
from tests.factories import NOW, make_bank, make_blueprint, make_exam, make_mock, make_note, sit

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    """Four tasks of one topic each, six questions a topic; all 24 are asked."""
    return make_whole_exam()


def make_whole_exam(**fields: Any) -> MockExam:
    blueprint = make_blueprint(weights=(50, 50))
    make_bank(blueprint)
    return make_mock(blueprint, items=24, **fields)


def topics(learner: User, blueprint: Blueprint) -> dict[str, StudyTopic]:
    page = study.study_page(learner, blueprint, now=LATER)
    return {topic.code: topic for topic in page.topics}


def topic(blueprint: Blueprint, code: str) -> Topic:
    found = study.topic_called(code, blueprint=blueprint)
    assert found is not None
    return found


def note_of(learner: User, blueprint: Blueprint, code: str) -> NotePage:
    return study.note_page(learner, topic(blueprint, code), now=LATER)


def test_the_outline_stands_in_its_order_with_what_there_is(mock: MockExam, ana: User) -> None:
    make_note(mock.blueprint, topic="2.1.1")
    page = study.study_page(ana, mock.blueprint, now=LATER)

    assert [domain.row.code for domain in page.domains] == ["1", "2"]
    assert [task.row.code for domain in page.domains for task in domain.tasks] == ["1.1", "1.2", "2.1", "2.2"]
    assert [(t.code, t.has_note) for t in page.topics] == [
        ("1.1.1", False),
        ("1.2.1", False),
        ("2.1.1", True),
        ("2.2.1", False),
    ]
    assert page.note_count == 1
    assert {(t.questions, t.unmet, t.record.seen) for t in page.topics} == {(6, 6, 0)}


def test_a_sitting_counts_on_each_topic_once(mock: MockExam, ana: User, cleo: User) -> None:
    # What was never opened is no evidence; what was met before is none again.
    sit(mock, ana, right=10)
    assert sum(row.record.seen for row in topics(ana, mock.blueprint).values()) == 10
    sit(mock, ana, now=NOW + timedelta(minutes=20))

    rows = topics(ana, mock.blueprint)
    assert {row.record.seen for row in rows.values()} == {row.record.correct for row in rows.values()} == {6}
    assert {row.unmet for row in rows.values()} == {0}
    assert not any(row.record.seen for row in topics(cleo, mock.blueprint).values())


def test_the_topics_add_up_to_their_task(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=11)
    page = study.study_page(ana, mock.blueprint, now=LATER)
    for domain in page.domains:
        for task in domain.tasks:
            assert sum(row.record.seen for row in task.topics) == task.row.figure.seen
            assert sum(row.record.correct for row in task.topics) == task.row.figure.correct
            assert sum(row.questions for row in task.topics) == task.row.questions
            assert sum(row.unmet for row in task.topics) == task.row.unmet


def test_unscored_slots_and_running_sittings_count_nothing(ana: User) -> None:
    mock = make_exam(items=8, unscored=4)
    attempt = sit(mock, ana, score=False)
    assert not any(row.record.seen for row in topics(ana, mock.blueprint).values())
    results.score_attempt(attempt.pk, now=LATER)
    assert sum(row.record.seen for row in topics(ana, mock.blueprint).values()) == 4


@pytest.mark.parametrize(
    ("shown", "counted"), [([], 0), ([Part.SCORE], 0), ([Part.MARKS], 0), ([Part.SCORE, Part.MARKS], 24)]
)
def test_what_the_review_policy_holds_back_is_not_told_by_a_count(
    ana: User, shown: list[str], counted: int
) -> None:
    policy = {Phase.DURING: [], Phase.RIGHT_AFTER: shown, Phase.AFTER_WINDOW: list(Part)}
    mock = make_whole_exam(closes_at=NOW + timedelta(days=7), review_policy=policy)
    sit(mock, ana)
    assert sum(row.record.seen for row in topics(ana, mock.blueprint).values()) == counted


def test_what_staff_sit_is_no_record(mock: MockExam, ben: User) -> None:
    sit(mock, ben)
    assert not any(row.record.seen for row in topics(ben, mock.blueprint).values())


def test_retired_and_held_back_questions_are_no_coverage(mock: MockExam, ana: User) -> None:
    gone = Question.objects.filter(current__topic__code="1.1.1").first()
    assert gone is not None
    Question.objects.filter(pk=gone.pk).update(state=Question.State.RETIRED)
    assert topics(ana, mock.blueprint)["1.1.1"].questions == 5


# The page of one topic


def test_a_note_with_its_neighbours(mock: MockExam, ana: User) -> None:
    make_note(mock.blueprint, topic="1.2.1", title="Reading", text="*Read* this.")
    page = note_of(ana, mock.blueprint, "1.2.1")

    assert (page.title, page.html) == ("Reading", "<p><em>Read</em> this.</p>\n")
    assert page.previous is not None and page.following is not None
    assert (page.previous.code, page.following.code) == ("1.1.1", "2.1.1")
    assert note_of(ana, mock.blueprint, "1.1.1").previous is None
    assert note_of(ana, mock.blueprint, "2.2.1").following is None


def test_a_topic_without_a_note_still_has_a_page(mock: MockExam, ana: User) -> None:
    page = note_of(ana, mock.blueprint, "1.1.1")
    assert (page.title, page.html, page.updated_at) == ("Topic 1.1.1", "", None)


def test_two_questions_are_counts_and_three_an_estimate(ana: User) -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    make_bank(blueprint, per_task=3)
    sit(make_mock(blueprint, items=2), ana)
    page = note_of(ana, blueprint, "1.1.1")
    assert (page.topic.record.seen, page.topic.is_a_hint, page.figure) == (2, True, None)

    sit(make_mock(blueprint, items=3), ana, now=NOW + timedelta(minutes=20))
    page = note_of(ana, blueprint, "1.1.1")
    assert page.figure is not None
    assert (page.figure.correct, page.figure.seen) == (3, 3)
    assert page.figure.low < page.figure.mean < page.figure.high
    assert page.figure.target == page.task.figure.target
    assert page.figure.verdict in set(Verdict)


def test_a_topic_is_found_in_the_exam_asked_for(mock: MockExam) -> None:
    other = make_blueprint()
    assert topic(other, "1.1.1").task.domain.blueprint == other
    assert study.topic_called("1.1.1", blueprint=None) is not None
    for code in ("9.9.9", "", "\x00", "1.1.1' OR 1=1", "x" * 1000):
        assert study.topic_called(code, blueprint=None) is None


def test_notes_are_listed_by_task(mock: MockExam) -> None:
    make_note(mock.blueprint, topic="1.2.1")
    assert study.notes_by_task(mock.blueprint) == {"1.2": [study.NoteLink("1.2.1", "Topic 1.2.1")]}
    assert study.notes_by_task(make_blueprint()) == {}


# Practice of a topic


def practise(blueprint: Blueprint, learner: User, *codes: str, tasks: tuple[int, ...] = ()) -> Attempt:
    return practice.start_practice(
        blueprint,
        learner=learner,
        task_ids=tasks,
        topic_ids=[topic(blueprint, code).pk for code in codes],
        questions=30,
        start_key=uuid.uuid4(),
        now=NOW,
    )


def asked_topics(attempt: Attempt) -> set[str]:
    return set(attempt.responses.values_list("version__topic__code", flat=True))


def test_a_topic_is_practised_alone(ana: User) -> None:
    blueprint = make_blueprint(weights=(100,), tasks=2)
    task = blueprint.domains.get().tasks.get(code="1.1")
    task.topics.create(code="1.1.2", title="Second", position=2)
    make_bank(blueprint, per_task=4)

    attempt = practise(blueprint, ana, "1.1.2")
    assert asked_topics(attempt) == {"1.1.2"}
    assert attempt.paper.title == "1.1.2 Second"
    both = practise(blueprint, ana, "1.1.2", "1.2.1")
    assert (asked_topics(both), both.paper.title) == ({"1.1.2", "1.2.1"}, "1.1.2, 1.2.1")
    mixed = practise(blueprint, ana, "1.1.2", tasks=(topic(blueprint, "1.2.1").task_id,))
    assert (asked_topics(mixed), mixed.paper.title) == ({"1.1.2", "1.2.1"}, "1.2, 1.1.2")


def test_another_exams_topic_is_not_practised(mock: MockExam, ana: User) -> None:
    other = make_blueprint()
    with pytest.raises(practice.PracticeError, match="nothing_chosen"):
        practice.start_practice(
            mock.blueprint,
            learner=ana,
            task_ids=(),
            topic_ids=[topic(other, "1.1.1").pk],
            questions=5,
            start_key=uuid.uuid4(),
            now=NOW,
        )


def test_a_topic_without_questions(ana: User) -> None:
    with pytest.raises(practice.PracticeError, match="nothing_to_practise"):
        practise(make_blueprint(), ana, "1.1.1")


# Cost


def test_neither_topics_nor_sittings_raise_the_number_of_queries(ana: User) -> None:
    small, large = make_blueprint(), make_blueprint(weights=(25, 25, 25, 25), tasks=5)
    for blueprint in (small, large):
        make_bank(blueprint, per_task=2)
        for code in Topic.objects.filter(task__domain__blueprint=blueprint).values_list("code", flat=True):
            make_note(blueprint, topic=code)
        sit(make_mock(blueprint, items=4), ana)
    for number in range(2):
        sit(make_mock(large, items=4), ana, now=NOW + timedelta(minutes=20 * number + 20))

    def queries(blueprint: Blueprint) -> tuple[int, int]:
        one = topic(blueprint, "1.1.1")
        with CaptureQueriesContext(connection) as captured:
            study.study_page(ana, blueprint, now=LATER)
        with CaptureQueriesContext(connection) as captured_note:
            study.note_page(ana, one, now=LATER)
        return len(captured), len(captured_note)

    of_small, of_large = queries(small), queries(large)
    assert of_small == of_large
    assert max(of_small) <= 16
