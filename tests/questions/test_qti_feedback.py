"""Reading QTI: what the processing of an item says, and whom its feedback is about."""

from __future__ import annotations

import pytest

from tests.questions.qti_makers import (
    IS_CORRECT,
    MATCH,
    ORDER,
    choice,
    codes,
    condition,
    declaration,
    item,
    modal,
    pairs,
    processing,
    rationales,
    read_one,
    scores,
    shows,
)


def test_feedback_on_each_choice() -> None:
    choices = (
        '<simpleChoice identifier="A">Paris <feedbackInline outcomeIdentifier="FEEDBACK" identifier="A" '
        'showHide="show">It <b>is</b>.</feedbackInline></simpleChoice>'
        '<simpleChoice identifier="B">Lyon<feedbackBlock outcomeIdentifier="FEEDBACK" identifier="wrong" '
        'showHide="hide"><p>It was.</p></feedbackBlock></simpleChoice>'
        '<simpleChoice identifier="C">Nice</simpleChoice>'
    )
    copies = '<setOutcomeValue identifier="FEEDBACK"><variable identifier="RESPONSE"/></setOutcomeValue>'
    after = processing(condition(IS_CORRECT, scores("1")), copies) + modal("C", "<p>No.</p>")

    found = read_one(item(choice(choices), after=after))

    assert rationales(found) == {"A": "It **is**.", "B": "It was.", "C": "No."}
    assert [option.text for option in found.content.options] == ["Paris", "Lyon", "Nice"]
    assert found.losses == ()


def test_feedback_that_the_processing_ties_to_a_choice() -> None:
    is_b = '<member><baseValue baseType="identifier">B</baseValue><variable identifier="RESPONSE"/></member>'
    after = processing(condition(is_b, shows("F2"))) + modal("F2", "Not Lyon.")

    assert rationales(read_one(item(after=after))) == {"B": "Not Lyon."}


def test_feedback_that_the_processing_ties_to_a_pair() -> None:
    pair = '<baseValue baseType="directedPair">D M</baseValue>'
    is_pair = f'<member>{pair}<variable identifier="RESPONSE"/></member>'
    after = processing(condition(is_pair, shows("F2"))) + modal("F2", "He dreams.")

    found = read_one(item(MATCH, declared=pairs("C R", "D M", "L M"), after=after))

    assert rationales(found) == {"D": "He dreams."}


def test_general_feedback_explains_a_key_that_nothing_else_explains() -> None:
    both = processing(condition(IS_CORRECT, scores("1") + shows("yes"), shows("no")))
    after = both + modal("yes", "It is Paris.") + modal("no", "Look again.")

    found = read_one(item(after=after))

    assert rationales(found) == {"A": "It is Paris."}
    assert codes(found) == {"general_feedback_moved", "general_feedback"}


def test_general_feedback_is_named_where_it_can_not_move() -> None:
    after = processing(condition(IS_CORRECT, shows("yes"))) + modal("yes", "Done.")

    found = read_one(item(ORDER, declared=declaration("B", "C", cardinality="ordered"), after=after))

    assert rationales(found) == {}
    assert codes(found) == {"general_feedback"}


@pytest.mark.parametrize(
    "steps",
    [
        condition(IS_CORRECT, scores("1"), scores("0")),
        condition(f"<not>{IS_CORRECT}</not>", scores("0"), scores("1")),
        '<setOutcomeValue identifier="SCORE"><mapResponse identifier="RESPONSE"/></setOutcomeValue>',
        condition('<isNull><variable identifier="RESPONSE"/></isNull>', scores("0"), scores("1")),
        "",
    ],
)
def test_processing_that_says_no_more_than_the_key(steps: str) -> None:
    assert read_one(item(after=processing(steps))).losses == ()


@pytest.mark.parametrize(
    "steps",
    [
        condition("<customOperator/>", scores("1")),
        condition(IS_CORRECT, scores("1"), scores("0.5")),
        '<setOutcomeValue identifier="SCORE"><randomInteger min="1" max="3"/></setOutcomeValue>',
        '<lookupOutcomeValue identifier="SCORE"><variable identifier="RAW"/></lookupOutcomeValue>',
    ],
)
def test_processing_of_its_own_is_named(steps: str) -> None:
    assert codes(read_one(item(after=processing(steps)))) == {"response_processing"}


def test_an_item_of_inspera_keeps_its_marks_in_template_variables() -> None:
    mapping = (
        '<mapping><mapEntry mapKey="A" mappedValue="1"/><mapEntry mapKey="B" mappedValue="0"/></mapping>'
    )
    marks = '<templateDeclaration identifier="SCORE_EACH_CORRECT" cardinality="single" baseType="float"/>'
    is_empty = '<and><isNull><variable identifier="RESPONSE"/></isNull></and>'
    nothing = (
        '<setOutcomeValue identifier="SCORE"><variable identifier="SCORE_UNANSWERED"/></setOutcomeValue>'
    )
    total = '<sum><variable identifier="SCORE"/><mapResponse identifier="RESPONSE"/></sum>'
    mapped = f'<setOutcomeValue identifier="SCORE">{total}</setOutcomeValue>'
    is_a = '<and><member><baseValue baseType="identifier">A</baseValue><variable identifier="RESPONSE"/></member></and>'
    steps = (
        condition(is_empty, nothing, mapped),
        condition(is_a, shows("feedback_correct"), shows("feedback_wrong")),
    )
    after = processing(*steps) + modal("feedback_correct", "Right.") + modal("feedback_wrong", "")

    found = read_one(item(declared=declaration("A", more=mapping) + marks, after=after))

    assert rationales(found) == {"A": "Right."}
    assert found.losses == ()


def test_a_formula_is_not_what_is_read_aloud_for_it() -> None:
    math = (
        '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML" alttext="x squared">'
        "<m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup></m:math>"
    )

    stem = read_one(item(f"<p>Find {math}.</p>" + choice())).content.stem

    assert "squared" not in stem
    assert "x" in stem and "2" in stem


def test_conditions_inside_conditions_take_no_longer_than_they_are() -> None:
    nested = "<and><isNull/><not>" * 100 + "<isNull/>" + "</not></and>" * 100

    assert read_one(item(after=processing(condition(nested, shows("x"))))).content.key == "A"
