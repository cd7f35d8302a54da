import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Option, Prompt, QuestionContent, fingerprint

# A busy machine is no bug.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ids = st.lists(st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=3), unique=True)
texts = st.text(max_size=30)


@st.composite
def contents(draw: st.DrawFn) -> QuestionContent:
    """Well-formed questions of every type, as linting lets them through."""
    item_type = draw(st.sampled_from(ItemType))
    option_ids = draw(ids.filter(lambda found: 2 <= len(found) <= 6))
    fewest = 2 if item_type is ItemType.ORDERING else 1
    keys = set(draw(st.lists(st.sampled_from(option_ids), min_size=fewest, unique=True)))
    steps = draw(st.permutations(sorted(keys)))
    prompts: tuple[Prompt, ...] = ()
    match item_type:
        case ItemType.MULTIPLE_CHOICE:
            keys = {draw(st.sampled_from(option_ids))}
        case ItemType.MATCHING:
            prompts = tuple(
                Prompt(
                    id=prompt,
                    text=draw(texts),
                    match=draw(st.sampled_from(option_ids)),
                    rationale=draw(texts),
                )
                for prompt in draw(ids.filter(bool))
            )
    is_choice = item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
    options = tuple(
        Option(
            id=option,
            text=draw(texts),
            rationale=draw(texts),
            is_correct=is_choice and option in keys,
            position=steps.index(option) + 1 if item_type is ItemType.ORDERING and option in keys else None,
        )
        for option in option_ids
    )
    references = tuple(draw(st.lists(texts, max_size=3)))
    return QuestionContent(item_type, draw(texts), options, prompts, references)


def make_content(item_type: ItemType, *options: Option, prompts: tuple[Prompt, ...] = ()) -> QuestionContent:
    return QuestionContent(item_type=item_type, stem="Why?", options=options, prompts=prompts)


def test_key_of_each_type() -> None:
    choice = make_content(
        ItemType.MULTIPLE_CHOICE, Option("a", "no"), Option("b", "yes", is_correct=True), Option("c", "no")
    )
    response = make_content(
        ItemType.MULTIPLE_RESPONSE,
        Option("d", "yes", is_correct=True),
        Option("b", "no"),
        Option("a", "yes", is_correct=True),
    )
    ordering = make_content(
        ItemType.ORDERING,
        Option("a", "third", position=3),
        Option("b", "surplus"),
        Option("c", "first", position=1),
        Option("d", "second", position=2),
    )
    matching = make_content(
        ItemType.MATCHING,
        Option("x", "one"),
        Option("y", "surplus"),
        prompts=(Prompt("p2", "left", match="x"), Prompt("p1", "left too", match="x")),
    )
    assert choice.key == "b"
    assert response.key == ["a", "d"]
    assert ordering.key == ["c", "d", "a"]
    assert matching.key == {"p1": "x", "p2": "x"}
    assert [c.select_count for c in (choice, response, ordering, matching)] == [None, 2, None, None]


def test_json_leaves_defaults_out() -> None:
    content = make_content(
        ItemType.MULTIPLE_CHOICE, Option("a", "yes", rationale="because", is_correct=True), Option("b", "no")
    )
    assert content.to_json() == {
        "type": "multiple_choice",
        "stem": "Why?",
        "options": [
            {"id": "a", "text": "yes", "correct": True, "rationale": "because"},
            {"id": "b", "text": "no"},
        ],
    }


@pytest.mark.parametrize("data", [{}, {"type": "essay", "stem": "", "options": []}])
def test_json_of_no_question_is_rejected(data: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        QuestionContent.from_json(data)


@unhurried
@given(contents())
def test_content_survives_json(content: QuestionContent) -> None:
    stored = json.loads(json.dumps(content.to_json()))
    assert QuestionContent.from_json(stored) == content
    assert fingerprint(stored) == fingerprint(content.to_json())


@unhurried
@given(contents(), contents())
def test_only_equal_contents_share_a_fingerprint(one: QuestionContent, other: QuestionContent) -> None:
    assert (fingerprint(one.to_json()) == fingerprint(other.to_json())) == (one == other)


def test_fingerprint_ignores_the_order_of_keys_but_not_of_options() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_fingerprint_is_sha256_of_compact_json() -> None:
    # printf '{"a":"ü","b":[1]}' | sha256sum: whoever keeps a digest can work it out again.
    expected = "48cbbe6c04a5c67ed292a5408413ba0b934e24347a5c435e75caf0a5e71334e7"
    assert fingerprint({"b": [1], "a": "ü"}) == expected
