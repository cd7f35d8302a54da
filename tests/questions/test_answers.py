from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from questions import answers
from questions.answers import AnswerError, AnswerShape
from questions.content import Answer, ItemType, QuestionContent
from tests.questions.test_content import contents

# A busy machine is no bug.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CHOICE = AnswerShape(ItemType.MULTIPLE_CHOICE, frozenset("abcd"), frozenset(), None)
RESPONSE = AnswerShape(ItemType.MULTIPLE_RESPONSE, frozenset("abcde"), frozenset(), 2)
ORDERING = AnswerShape(ItemType.ORDERING, frozenset("abcd"), frozenset(), None)
MATCHING = AnswerShape(ItemType.MATCHING, frozenset("abc"), frozenset({"p1", "p2"}), None)
SHAPES = [CHOICE, RESPONSE, ORDERING, MATCHING]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.sampled_from("abc"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["p1", "p2", "p3"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def fitting_answers(draw: st.DrawFn, content: QuestionContent) -> Any:
    """What a learner could send for this question: complete, partial or blank."""
    options = st.sampled_from([option.id for option in content.options])
    match content.item_type:
        case ItemType.MULTIPLE_CHOICE:
            return draw(st.none() | options)
        case ItemType.MULTIPLE_RESPONSE:
            return draw(st.lists(options, unique=True, max_size=content.select_count))
        case ItemType.ORDERING:
            return draw(st.lists(options, unique=True))
        case ItemType.MATCHING:
            prompts = st.sampled_from([prompt.id for prompt in content.prompts])
            return draw(st.dictionaries(prompts, options | st.none() | st.just("")))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("raw", [None, "", [], {}])
def test_blank_in_every_spelling(shape: AnswerShape, raw: Any) -> None:
    assert answers.parse(shape, raw) is None


@pytest.mark.parametrize(
    ("shape", "raw", "parsed"),
    [
        (CHOICE, "b", "b"),
        (RESPONSE, ["c", "a"], ["a", "c"]),
        (RESPONSE, ["e"], ["e"]),
        (ORDERING, ["c", "a", "b"], ["c", "a", "b"]),
        (MATCHING, {"p2": "a", "p1": "a"}, {"p1": "a", "p2": "a"}),
        (MATCHING, {"p1": "b", "p2": ""}, {"p1": "b"}),
        (MATCHING, {"p1": None, "p2": ""}, None),
    ],
)
def test_canonical_form(shape: AnswerShape, raw: Any, parsed: Answer) -> None:
    assert answers.parse(shape, raw) == parsed


@pytest.mark.parametrize(
    ("shape", "raw", "code"),
    [
        (CHOICE, ["a"], "wrong_type"),
        (CHOICE, {"p1": "a"}, "wrong_type"),
        (CHOICE, 1, "wrong_type"),
        (CHOICE, False, "wrong_type"),
        (CHOICE, "z", "unknown_option"),
        (CHOICE, "A", "unknown_option"),
        (CHOICE, " a", "unknown_option"),
        (RESPONSE, "ab", "wrong_type"),
        (RESPONSE, ["a", 1], "wrong_type"),
        (RESPONSE, ["a", None], "wrong_type"),
        (RESPONSE, [["a"]], "wrong_type"),
        (RESPONSE, ["a", "z"], "unknown_option"),
        (RESPONSE, ["a", "a"], "repeated_option"),
        (RESPONSE, ["a", "b", "c"], "too_many_options"),
        (ORDERING, {"a": "b"}, "wrong_type"),
        (ORDERING, "abc", "wrong_type"),
        (ORDERING, ["a", "b", "a"], "repeated_option"),
        (ORDERING, ["a", "z"], "unknown_option"),
        (MATCHING, ["a", "b"], "wrong_type"),
        (MATCHING, "a", "wrong_type"),
        (MATCHING, 0, "wrong_type"),
        (MATCHING, {"p3": "a"}, "unknown_prompt"),
        (MATCHING, {"p3": ""}, "unknown_prompt"),
        (MATCHING, {"p1": "z"}, "unknown_option"),
        (MATCHING, {"p1": ["a"]}, "wrong_type"),
        (MATCHING, {"p1": {}}, "wrong_type"),
        (MATCHING, {"p1": 0}, "wrong_type"),
    ],
)
def test_misfits_are_named(shape: AnswerShape, raw: Any, code: str) -> None:
    with pytest.raises(AnswerError) as caught:
        answers.parse(shape, raw)
    assert caught.value.code == code


def test_shape_holds_no_key() -> None:
    content = QuestionContent.from_json(
        {
            "type": "multiple_response",
            "stem": "Which two?",
            "options": [
                {"id": "a", "text": "1", "correct": True},
                {"id": "b", "text": "2"},
                {"id": "c", "text": "3", "correct": True},
            ],
        }
    )
    assert AnswerShape.of(content) == AnswerShape(
        ItemType.MULTIPLE_RESPONSE, frozenset("abc"), frozenset(), select_count=2
    )


@pytest.mark.parametrize(
    ("shape", "answer", "complete"),
    [
        (CHOICE, None, False),
        (CHOICE, "a", True),
        (RESPONSE, None, False),
        (RESPONSE, ["a"], False),
        (RESPONSE, ["a", "b"], True),
        (ORDERING, ["a"], False),
        (ORDERING, ["a", "b"], True),
        (MATCHING, {"p1": "a"}, False),
        (MATCHING, {"p1": "a", "p2": "a"}, True),
    ],
)
def test_completeness(shape: AnswerShape, answer: Answer, complete: bool) -> None:
    assert answers.is_complete(shape, answer) is complete


@pytest.mark.parametrize(
    ("key", "answer", "correct"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", None, False),
        (["a", "c"], ["a", "c"], True),
        (["a", "c"], ["a"], False),
        (["a", "c"], ["a", "b", "c"], False),
        (["c", "a", "b"], ["c", "a", "b"], True),
        (["c", "a", "b"], ["a", "b", "c"], False),
        (["c", "a", "b"], ["c", "a", "b", "d"], False),  # a surplus step put in
        ({"p1": "b", "p2": "a"}, {"p2": "a", "p1": "b"}, True),
        ({"p1": "b", "p2": "a"}, {"p1": "b"}, False),
        ({"p1": "b", "p2": "a"}, {"p1": "a", "p2": "b"}, False),
        (None, None, False),  # a question without a key is right for nobody
    ],
)
def test_all_or_nothing(key: Answer, answer: Answer, correct: bool) -> None:
    assert answers.is_correct(key, answer) is correct


@unhurried
@given(st.sampled_from(SHAPES), json_values)
def test_whatever_is_sent_is_parsed_or_refused(shape: AnswerShape, raw: Any) -> None:
    try:
        parsed = answers.parse(shape, raw)
    except AnswerError as error:
        assert error.code in {
            "wrong_type",
            "unknown_option",
            "unknown_prompt",
            "repeated_option",
            "too_many_options",
        }
    else:
        assert answers.parse(shape, parsed) == parsed


@unhurried
@given(contents().flatmap(lambda content: st.tuples(st.just(content), fitting_answers(content))))
def test_parsing_is_idempotent(sitting: tuple[QuestionContent, Any]) -> None:
    content, raw = sitting
    shape = AnswerShape.of(content)
    parsed = answers.parse(shape, raw)
    assert answers.parse(shape, parsed) == parsed
    assert parsed not in ("", [], {})


@unhurried
@given(contents())
def test_the_key_parses_to_itself_and_is_right(content: QuestionContent) -> None:
    shape = AnswerShape.of(content)
    assert answers.parse(shape, content.key) == content.key
    assert answers.is_correct(content.key, content.key)
    assert answers.is_complete(shape, content.key)


@unhurried
@given(contents().flatmap(lambda content: st.tuples(st.just(content), fitting_answers(content))))
def test_right_is_exactly_what_the_key_says(sitting: tuple[QuestionContent, Any]) -> None:
    content, raw = sitting
    parsed = answers.parse(AnswerShape.of(content), raw)
    right = answers.is_correct(content.key, parsed)
    match content.item_type:
        case ItemType.MULTIPLE_CHOICE:
            assert right == any(option.is_correct and option.id == raw for option in content.options)
        case ItemType.MULTIPLE_RESPONSE:
            assert right == all(option.is_correct == (option.id in raw) for option in content.options)
        case ItemType.ORDERING:
            positions = {option.id: option.position for option in content.options}
            steps = sum(position is not None for position in positions.values())
            assert right == ([positions[option] for option in raw] == list(range(1, steps + 1)))
        case ItemType.MATCHING:
            assert right == all(raw.get(prompt.id) == prompt.match for prompt in content.prompts)


@unhurried
@given(contents(), st.randoms(use_true_random=False))
def test_the_order_of_clicks_matters_only_for_ordering(content: QuestionContent, rng: Any) -> None:
    assume(content.item_type in (ItemType.MULTIPLE_RESPONSE, ItemType.ORDERING))
    assert isinstance(content.key, list)
    clicks = list(content.key)
    rng.shuffle(clicks)
    right = answers.is_correct(content.key, answers.parse(AnswerShape.of(content), clicks))
    assert right == (content.item_type is ItemType.MULTIPLE_RESPONSE or clicks == content.key)
