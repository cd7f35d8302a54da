from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import delivery, player, results, review
from exams.models import Attempt, MockExam
from exams.review import Choice, ReviewPage, ReviewQuestion
from exams.review_policy import Part, Phase
from tests.factories import NOW, key_of, make_bank, make_blueprint, make_exam, make_mock, save, sit, start

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8, unscored=2)


def read(attempt: Attempt, query: str = "", *, now: datetime = LATER) -> ReviewPage:
    related = Attempt.objects.select_related("learner", "mock", "paper__blueprint", "result")
    attempt = related.get(pk=attempt.pk)
    return review.review_page(attempt, Choice.of(QueryDict(query)), viewer=attempt.learner, now=now)


def question(attempt: Attempt, slot: int) -> ReviewQuestion:
    shown = read(attempt, f"question={slot}").question
    assert shown is not None and shown.slot == slot
    return shown


def test_every_question_stands_in_the_list_with_its_mark(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    save(attempt, 1, key_of(attempt, 1))
    save(attempt, 2, None, is_flagged=True)
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW, seconds={"1": 20, "2": 300})
    results.score_attempt(attempt.pk, now=LATER)

    page = read(attempt)

    assert [row.mark for row in page.rows] == ["right", *["blank"] * 7]
    assert [row.slot for row in page.rows if row.is_flagged] == [2]
    assert [row.slot for row in page.rows if row.is_slow] == [2]
    assert {each.name: each.count for each in page.filters} == {"all": 8, "wrong": 7, "flagged": 1, "slow": 1}
    assert sum(each.count for each in page.domains[1:]) == page.domains[0].count == 8


def test_filters_combine_and_keep_their_state_in_the_address(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=0)

    page = read(attempt, "show=wrong&domain=1")

    assert {row.domain_code for row in page.rows} == {"1"}
    assert all("show=wrong" in row.href and "domain=1" in row.href for row in page.rows)
    assert page.question is not None and page.question.slot == page.rows[0].slot
    assert page.previous is None
    assert page.following == page.rows[1]


def test_a_question_outside_the_filter_is_shown_when_asked_for(mock: MockExam, ana: User) -> None:
    page = read(sit(mock, ana, right=4), "show=wrong&question=3")

    assert page.question is not None and page.question.slot == 3
    assert [row.slot for row in page.rows] == [5, 6, 7, 8]
    assert page.following is not None and page.following.slot == 5


@pytest.mark.parametrize(
    "query", ["question=99", "question=x", "show=zzz", "domain=77", "question=-1", "question=²"]
)
def test_nonsense_in_the_address_falls_back_to_the_first(mock: MockExam, ana: User, query: str) -> None:
    page = read(sit(mock, ana), query)

    assert page.question is not None and page.question.slot == 1
    assert len(page.rows) == 8


def test_a_filter_without_questions_has_none_to_show(mock: MockExam, ana: User) -> None:
    page = read(sit(mock, ana), "show=wrong")

    assert (page.rows, page.question) == ((), None)


def test_options_stand_in_the_order_in_which_they_were_sat(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    sat = player.player_page(attempt, now=NOW)
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=LATER)

    for item in sat.items:
        shown = question(attempt, item.slot)
        assert [option.id for option in shown.item.options] == [option.id for option in item.options]
        assert shown.feedback is not None
        letters = {option.id: option.letter for option in shown.feedback.options}
        assert letters == {option.id: option.letter for option in item.options}


def test_every_option_has_its_reason(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)

    for slot in range(1, 9):
        feedback = question(attempt, slot).feedback
        assert feedback is not None
        assert all(option.rationale_html for option in feedback.options)


def of_type(attempt: Attempt, item_type: str) -> int:
    response = attempt.responses.filter(version__item_type=item_type).order_by("slot").first()
    assert response is not None
    return response.slot


@pytest.fixture
def every_type(db: None) -> MockExam:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    make_bank(blueprint, per_task=8)
    return make_mock(blueprint, items=8)


def test_an_ordering_shows_both_orders(every_type: MockExam, ana: User) -> None:
    attempt = start(every_type, ana)
    slot = of_type(attempt, "ordering")
    save(attempt, slot, ["c", "b", "d"])
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=LATER)

    shown = question(attempt, slot)

    assert [option.id for option in shown.your_order] == ["c", "b", "d"]
    assert [option.id for option in shown.right_order] == ["a", "b", "c"]
    assert [o.id for o in shown.your_order if o.chosen_position == o.key_position] == ["b"]


def test_a_matching_shows_pairs(every_type: MockExam, ana: User) -> None:
    attempt = start(every_type, ana)
    slot = of_type(attempt, "matching")
    save(attempt, slot, {"p1": "a", "p2": "c"})
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=LATER)

    shown = question(attempt, slot)

    assert shown.feedback is not None
    assert sorted((str(p.html), p.is_correct) for p in shown.feedback.prompts) == [
        ("Prompt 1", True),
        ("Prompt 2", False),
        ("Prompt 3", False),
    ]
    assert [step.answer for step in shown.path] == ["2 of 3 pairs"]


def test_the_path_follows_the_answers_and_leaves_mere_flags_out(every_type: MockExam, ana: User) -> None:
    attempt = start(every_type, ana)
    slot = of_type(attempt, "multiple_choice")
    save(attempt, slot, "a", revision=1)
    save(attempt, slot, "a", revision=2, is_flagged=True)
    save(attempt, slot, "b", revision=3)
    save(attempt, slot, None, revision=4, now=attempt.deadline_at + timedelta(seconds=3))
    with pytest.raises(delivery.DeliveryError):
        save(attempt, slot, "a", revision=5, now=attempt.deadline_at + timedelta(seconds=30))
    results.score_attempt(attempt.pk, now=LATER)

    shown = question(attempt, slot)

    letters = {option.id: option.letter for option in shown.item.options}
    assert [(step.kind, step.answer, step.is_correct) for step in shown.path] == [
        ("saved", letters["a"], True),
        ("saved", letters["b"], False),
        ("saved_in_grace", "nothing", False),
        ("came_late", letters["a"], True),
    ]


def test_it_says_which_questions_were_not_scored(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)

    unscored = {slot for slot in range(1, 9) if not question(attempt, slot).is_scored}

    assert unscored == set(attempt.responses.filter(is_scored=False).values_list("slot", flat=True))
    assert len(unscored) == 2


def held_back(mock: MockExam, *parts: Part) -> MockExam:
    mock.closes_at = NOW + timedelta(days=7)
    mock.review_policy = {
        Phase.DURING: [],
        Phase.RIGHT_AFTER: list(parts),
        Phase.AFTER_WINDOW: [Part.SCORE, Part.MARKS, Part.KEYS],
    }
    mock.save()
    return mock


def test_before_marks_are_allowed_nothing_is_there(mock: MockExam, ana: User) -> None:
    page = read(sit(held_back(mock, Part.SCORE), ana, right=3))

    assert (page.rows, page.filters[1].count, page.question) == ((), 0, None)
    assert page.shows.keys_from == mock.closes_at


def test_marks_without_keys_show_the_own_answer_alone(mock: MockExam, ana: User) -> None:
    attempt = sit(held_back(mock, Part.SCORE, Part.MARKS), ana, right=3)

    shown = question(attempt, 1)
    assert (shown.mark, shown.feedback, shown.right_order, shown.your_order, shown.references) == (
        "right",
        None,
        (),
        (),
        (),
    )

    opened = read(attempt, "question=1", now=NOW + timedelta(days=8)).question
    assert opened is not None and opened.feedback is not None


def test_the_review_takes_the_same_statements_for_any_length(db: None, ana: User) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=10)

    def statements(items: int, **fields: Any) -> int:
        attempt = sit(make_mock(blueprint, items=items, **fields), ana)
        with CaptureQueriesContext(connection) as queries:
            read(attempt, "question=2")
        return len(queries)

    assert statements(4) == statements(30) <= 5
