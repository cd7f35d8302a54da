"""The player's read: each attempt's own order of options, and never a key."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import delivery, player, practice
from exams.models import Attempt, MockExam, Response
from questions.content import ItemType, QuestionContent
from questions.models import TaskStatement
from tests.factories import (
    NOW,
    key_of,
    make_bank,
    make_blueprint,
    make_content,
    make_exam,
    make_mock,
    make_published_question,
    save,
    start,
)

pytestmark = pytest.mark.django_db

TYPES = list(ItemType)


@pytest.fixture
def mock() -> MockExam:
    return make_exam()


@pytest.fixture
def attempt(mock: MockExam, ana: User) -> Attempt:
    return start(mock, ana)


def page_of(attempt: Attempt) -> player.PlayerPage:
    return player.player_page(
        Attempt.objects.select_related("paper__blueprint", "mock").get(pk=attempt.pk), now=NOW
    )


def orders(attempt: Attempt) -> list[list[str]]:
    return [[option.id for option in item.options] for item in page_of(attempt).items]


def one_of(item_type: ItemType, ana: User, keeps_order: bool = False) -> Attempt:
    """A sitting with one question of the type."""
    blueprint = make_blueprint(weights=(100,), tasks=1)
    make_published_question(blueprint, content=make_content(item_type), keeps_order=keeps_order)
    return start(make_mock(blueprint, items=1), ana)


def response_of(attempt: Attempt) -> Response:
    return attempt.responses.select_related("version__topic").get()


def test_options_keep_their_order_for_one_attempt_and_differ_between_attempts(
    mock: MockExam, attempt: Attempt, cleo: User
) -> None:
    hers = orders(start(mock, cleo))

    assert orders(attempt) == orders(attempt)
    assert orders(attempt) != hers
    assert [sorted(o) for o in orders(attempt)] == [sorted(o) for o in hers]


@pytest.mark.parametrize("item_type", TYPES)
def test_every_order_is_as_likely_to_put_any_option_first(item_type: ItemType) -> None:
    content = make_content(item_type)

    first = [player.presented_options(content, seed=seed, slot=1)[0].id for seed in range(300)]

    share = 300 / len(content.options)
    assert all(share / 2 < first.count(option.id) < share * 2 for option in content.options)


@pytest.mark.parametrize("item_type", [t for t in TYPES if t is not ItemType.ORDERING])
def test_a_natural_order_is_kept(item_type: ItemType, ana: User) -> None:
    attempt = one_of(item_type, ana, keeps_order=True)
    Attempt.objects.update(option_seed=1)

    assert orders(attempt) == [[option.id for option in make_content(item_type).options]]


def test_an_ordering_is_shuffled_although_its_options_have_a_natural_order() -> None:
    content = make_content(ItemType.ORDERING)

    shown = {
        tuple(o.id for o in player.presented_options(content, seed=seed, slot=1, keeps_order=True))
        for seed in range(50)
    }

    assert len(shown) > 10


def test_prompts_are_shuffled_on_their_own() -> None:
    content = make_content(ItemType.MATCHING)

    pairs = {
        (
            tuple(o.id for o in player.presented_options(content, seed=seed, slot=1)),
            tuple(p.id for p in player.presented_prompts(content, seed=seed, slot=1)),
        )
        for seed in range(200)
    }

    # 24 × 6 arrangements: prompts that followed the options would give 24 at most.
    assert len(pairs) > 60


def test_two_slots_of_one_attempt_are_shuffled_apart() -> None:
    content = make_content()

    assert (
        len({tuple(o.id for o in player.presented_options(content, seed=1, slot=s)) for s in range(1, 30)})
        > 10
    )


def test_no_key_and_no_rationale_is_in_the_page(attempt: Attempt) -> None:
    for slot in range(1, 9):
        save(attempt, slot, key_of(attempt, slot))

    text = json.dumps(asdict(page_of(attempt)), default=str)

    assert "Rationale" not in text and "Pair" not in text
    assert all(item.feedback is None for item in page_of(attempt).items)


def test_a_page_says_the_same_whether_an_answer_is_right_or_wrong(ana: User, cleo: User) -> None:
    """Everything but what the learner has put in is the same: nothing else can give the key away."""
    blueprint = make_blueprint(weights=(100,), tasks=1)
    make_published_question(blueprint)
    mock = make_mock(blueprint, items=1)
    right, wrong = start(mock, ana), start(mock, cleo)
    Attempt.objects.update(option_seed=5)
    save(right, 1, "a")
    save(wrong, 1, "b")

    mine, hers = (asdict(page_of(attempt).items[0]) for attempt in (right, wrong))

    for item in (mine, hers):
        item.pop("answer_json")
        for option in item["options"]:
            option.pop("is_chosen")
    assert mine == hers


def test_what_was_stored_is_shown(ana: User) -> None:
    attempt = one_of(ItemType.ORDERING, ana)
    save(attempt, 1, ["c", "a"], revision=3, is_flagged=True, struck=["d"])

    [item] = page_of(attempt).items

    assert {o.id: o.position for o in item.options} == {"a": 2, "b": None, "c": 1, "d": None}
    assert (item.revision, item.is_flagged, item.is_seen, item.is_answered) == (3, True, True, True)
    assert [o.id for o in item.options if o.is_struck] == ["d"]
    assert json.loads(item.answer_json) == ["c", "a"]


def test_a_matching_in_part_is_not_answered(ana: User) -> None:
    attempt = one_of(ItemType.MATCHING, ana)
    save(attempt, 1, {"p1": "b"})

    [item] = page_of(attempt).items

    assert {p.id: p.chosen for p in item.prompts} == {"p1": "b", "p2": "", "p3": ""}
    assert not item.is_answered


def test_how_many_steps_belong_is_not_told(ana: User) -> None:
    [item] = page_of(one_of(ItemType.ORDERING, ana)).items

    assert item.select_count is None
    assert [option.position for option in item.options] == [None] * 4


def test_the_page_takes_two_queries_whatever_its_length(ana: User) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=12)
    for items in (4, 30):
        attempt = Attempt.objects.select_related("paper__blueprint", "mock").get(
            pk=start(make_mock(blueprint, items=items), ana).pk
        )
        with CaptureQueriesContext(connection) as captured:
            assert player.player_page(attempt, now=NOW).item_count == items
        assert len(captured) <= 2


# ── feedback in practice ──


def practice_of(item_type: ItemType, ana: User) -> Attempt:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    make_published_question(blueprint, content=make_content(item_type))
    return practice.start_practice(
        blueprint,
        learner=ana,
        task_ids=list(TaskStatement.objects.filter(domain__blueprint=blueprint).values_list("pk", flat=True)),
        questions=1,
        start_key=uuid.uuid4(),
        now=NOW,
    )


@pytest.mark.parametrize("item_type", TYPES)
def test_feedback_names_the_key_and_every_rationale(item_type: ItemType, ana: User) -> None:
    attempt = practice_of(item_type, ana)
    save(attempt, 1, key_of(attempt, 1))
    response = delivery.check_response(attempt, slot=1, now=NOW)

    shown = player.feedback(attempt, response)

    content: QuestionContent = response.version.parsed
    assert shown.is_correct and not shown.is_blank
    assert len(shown.options) == len(content.options)
    assert all("Rationale" in option.rationale_html for option in shown.options)
    assert all(prompt.is_correct and "Pair" in prompt.rationale_html for prompt in shown.prompts)
    order = list("abcd") if item_type is ItemType.ORDERING else orders(attempt)[0]
    assert [option.id for option in shown.options] == order


def test_feedback_sets_what_was_chosen_beside_the_key(ana: User) -> None:
    attempt = practice_of(ItemType.ORDERING, ana)
    save(attempt, 1, ["b", "a", "c"])

    shown = player.feedback(attempt, delivery.check_response(attempt, slot=1, now=NOW))

    assert not shown.is_correct
    assert {o.id: (o.key_position, o.chosen_position) for o in shown.options} == {
        "a": (1, 2),
        "b": (2, 1),
        "c": (3, 3),
        "d": (None, None),
    }


def test_feedback_is_shown_again_after_a_reload_only_where_it_was_asked_for(ana: User) -> None:
    attempt = practice_of(ItemType.MULTIPLE_CHOICE, ana)
    save(attempt, 1, "b")
    assert page_of(attempt).items[0].feedback is None

    delivery.check_response(attempt, slot=1, now=NOW)

    shown = page_of(attempt).items[0].feedback
    assert shown is not None and not shown.is_correct


def test_a_mock_shows_no_feedback_even_on_a_checked_answer(attempt: Attempt) -> None:
    delivery.check_response(attempt, slot=1, now=NOW)

    assert not player.gives_feedback_at_once(attempt)
    assert page_of(attempt).items[0].feedback is None
