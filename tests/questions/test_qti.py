"""Reading QTI: what a single item asks, and its key."""

from __future__ import annotations

import pytest

from questions.content import ItemType
from tests.questions.qti_makers import (
    CHOICES,
    MATCH,
    ORDER,
    QTI_3,
    choice,
    codes,
    condition,
    declaration,
    item,
    pairs,
    processing,
    rationales,
    read_one,
    rejected,
    scores,
)


def test_a_choice() -> None:
    found = read_one(item("<p>Look at the <b>map</b>.</p>" + choice()))

    assert found.content.item_type is ItemType.MULTIPLE_CHOICE
    assert found.content.stem == "Look at the **map**.\n\nWhich city?"
    assert [(o.id, o.text, o.is_correct) for o in found.content.options] == [
        ("A", "Paris", True),
        ("B", "Lyon", False),
        ("C", "Nice", False),
    ]
    assert (found.code, found.title, found.keep_order) == ("q1", "Cities", False)
    assert found.where == "q.xml, line 2, “Cities”"
    assert found.losses == ()


def test_the_names_of_qti_3_mean_the_same() -> None:
    text = (
        f'<qti-assessment-item xmlns="{QTI_3}" identifier="q1" title="Cities" time-dependent="false">'
        '<qti-response-declaration identifier="RESPONSE" cardinality="multiple" base-type="identifier">'
        "<qti-correct-response><qti-value>A</qti-value><qti-value>C</qti-value></qti-correct-response>"
        "</qti-response-declaration><qti-item-body><p>Look.</p>"
        '<qti-choice-interaction response-identifier="RESPONSE" max-choices="0" shuffle="false">'
        '<qti-prompt>Which <qti-hottext identifier="h">two</qti-hottext>?</qti-prompt>'
        '<qti-simple-choice identifier="A">a</qti-simple-choice>'
        '<qti-simple-choice identifier="B">b<qti-feedback-inline outcome-identifier="F" identifier="B">'
        "No.</qti-feedback-inline></qti-simple-choice>"
        '<qti-simple-choice identifier="C">c</qti-simple-choice></qti-choice-interaction>'
        "</qti-item-body><qti-modal-feedback outcome-identifier='F' identifier='C' show-hide='show'>"
        "<qti-content-body><p>Yes.</p></qti-content-body></qti-modal-feedback></qti-assessment-item>"
    )

    found = read_one(text)

    assert found.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert found.content.stem == "Look.\n\nWhich two?"
    assert found.content.key == ["A", "C"]
    assert rationales(found) == {"B": "No.", "C": "Yes."}
    assert found.keep_order


def test_a_prefix_instead_of_a_default_namespace() -> None:
    text = (
        item().replace("<", "<q:").replace("<q:/", "</q:").replace("<q:?", "<?").replace("xmlns=", "xmlns:q=")
    )

    assert read_one(text).content.key == "A"


def test_several_may_be_chosen_and_one_is_right() -> None:
    several = declaration("A", cardinality="multiple")

    assert read_one(item(choice(attributes='maxChoices="1"'), declared=several)).losses == ()
    found = read_one(item(choice(attributes='maxChoices="0"'), declared=several))
    assert found.content.item_type is ItemType.MULTIPLE_CHOICE
    assert codes(found) == {"single_key"}


def test_an_order_with_a_surplus_step() -> None:
    found = read_one(item(ORDER, declared=declaration("B", "C", "A", cardinality="ordered")))

    assert found.content.item_type is ItemType.ORDERING
    assert found.content.key == ["B", "C", "A"]
    assert found.content.options[3].position is None


def test_a_match_with_a_target_used_twice_and_a_surplus_one() -> None:
    found = read_one(item(MATCH, declared=pairs("C R", "D  M", "L M")))

    assert found.content.item_type is ItemType.MATCHING
    assert found.content.key == {"C": "R", "D": "M", "L": "M"}
    assert [option.id for option in found.content.options] == ["M", "R", "T"]
    assert found.losses == ()


def test_a_match_whose_right_side_has_one_each() -> None:
    found = read_one(item(MATCH, declared=pairs("C M", "C R", "D T").replace("D T", "C T")))

    assert {prompt.id for prompt in found.content.prompts} == {"M", "R", "T"}
    assert found.content.key == {"M": "C", "R": "C", "T": "C"}
    assert codes(found) == {"sides_swapped"}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (("C R", "D M"), "not_one_match_each"),
        (("C R",), "too_few_pairs"),
        (("C R", "C M", "D R", "D M", "L T"), "not_one_match_each"),
        (("C R", "D M", "L X"), "unknown_key"),
        ((), "no_key"),
    ],
)
def test_matches_that_fit_nothing_of_ours(key: tuple[str, ...], code: str) -> None:
    assert rejected(item(MATCH, declared=pairs(*key))).code == code


def test_a_key_in_the_mapping() -> None:
    mapping = (
        '<mapping defaultValue="0"><mapEntry mapKey="A" mappedValue="0.5"/>'
        '<mapEntry mapKey="B" mappedValue="1"/><mapEntry mapKey="C" mappedValue="-1"/></mapping>'
    )

    one = read_one(item(declared=declaration(more=mapping)))
    assert one.content.key == "B"
    assert codes(one) == {"partial_credit"}
    several = declaration(more=mapping, cardinality="multiple")
    assert read_one(item(choice(attributes='maxChoices="0"'), declared=several)).content.key == ["A", "B"]


def test_a_mapping_beside_the_key_counts_only_where_it_is_used() -> None:
    mapping = (
        '<mapping><mapEntry mapKey="A" mappedValue="1"/><mapEntry mapKey="B" mappedValue="0.5"/></mapping>'
    )
    declared = declaration("A", more=mapping)
    template = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/%s"/>'

    assert codes(read_one(item(declared=declared, after=template % "match_correct"))) == set()
    assert codes(read_one(item(declared=declared, after=template % "map_response.xml"))) == {"partial_credit"}
    assert codes(read_one(item(declared=declared, after=template % "my_own"))) == {"response_processing"}


def test_a_key_that_only_the_processing_knows() -> None:
    is_b = '<match><variable identifier="RESPONSE"/><baseValue baseType="identifier">B</baseValue></match>'

    found = read_one(item(declared=declaration(), after=processing(condition(is_b, scores("2")))))

    assert found.content.key == "B"


def test_several_right_ones_that_only_the_processing_knows() -> None:
    def chosen(one: str) -> str:
        value = f'<baseValue baseType="identifier">{one}</baseValue>'
        return f'<member>{value}<variable identifier="RESPONSE"/></member>'

    both = f"<and>{chosen('A')}{chosen('C')}<not>{chosen('B')}</not></and>"
    after = processing(condition(both, scores("1")))

    found = read_one(
        item(choice(attributes='maxChoices="0"'), declared=declaration(cardinality="multiple"), after=after)
    )

    assert found.content.key == ["A", "C"]
    assert found.losses == ()


def test_values_in_cdata_and_all_in_one() -> None:
    declared = declaration("<![CDATA[A, C]]>", cardinality="multiple")

    assert read_one(item(choice(attributes='maxChoices="2"'), declared=declared)).content.key == ["A", "C"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (item(declared=declaration()), "no_key"),
        (item(declared=declaration("X")), "unknown_key"),
        (item(declared=declaration("A", "B")), "two_keys"),
        (item(choice('<simpleChoice identifier="A">x</simpleChoice>')), "too_few_options"),
        (item(choice(CHOICES + CHOICES)), "duplicate_identifier"),
        (item(ORDER, declared=declaration("A", cardinality="ordered")), "too_few_options"),
        (item("<p>Only text</p>"), "no_interaction"),
        (item(choice() + choice()), "several_interactions"),
        (item(attributes='identifier="q" adaptive="true"'), "adaptive_item"),
        (item(declared=declaration("A") + "<templateProcessing/>"), "template_item"),
        (item('<p>Add <printedVariable identifier="n"/>.</p>' + choice()), "template_item"),
    ],
)
def test_items_that_can_not_come_in(text: str, code: str) -> None:
    found = rejected(text)

    assert found.code == code
    assert found.where.startswith("q.xml, line 2")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "inlineChoice",
            "textEntry",
            "extendedText",
            "hottext",
            "hotspot",
            "gapMatch",
            "associate",
            "slider",
        ),
        *("graphicGapMatch", "graphicOrder", "selectPoint", "positionObject", "upload", "drawing", "media"),
        *("custom", "endAttempt"),
    ],
)
def test_interactions_are_rejected_by_name(name: str) -> None:
    inside = f'<p>Fill <{name}Interaction responseIdentifier="RESPONSE"/></p>'

    found = rejected(item(inside))

    assert found.code == "unsupported_type"
    assert f"{name}Interaction" in found.why


def test_an_interaction_inside_another_counts_once() -> None:
    inner = '<portableCustomInteraction xmlns="http://www.imsglobal.org/xsd/portableCustomInteraction"/>'

    assert rejected(item(f"<customInteraction>{inner}</customInteraction>")).code == "unsupported_type"


def test_shuffling_and_fixed_places() -> None:
    fixed = CHOICES.replace('"C"', '"C" fixed="true"')

    assert read_one(item(choice().replace('shuffle="true"', 'shuffle="false"'))).keep_order
    assert read_one(item(choice().replace('shuffle="true"', ""))).keep_order
    found = read_one(item(choice(fixed)))
    assert found.keep_order
    assert codes(found) == {"fixed_options"}


def test_notes_for_others_are_left_out() -> None:
    body = (
        '<rubricBlock view="scorer tutor"><p>One mark.</p></rubricBlock><rubricBlock view="scorer"/>'
        '<rubricBlock view="candidate"><p>Read this.</p></rubricBlock>'
    )

    found = read_one(item(body + choice()))

    assert found.content.stem == "Read this.\n\nWhich city?"
    assert codes(found) == {"rubric"}


def test_ids_that_are_not_ours_become_letters() -> None:
    choices = CHOICES.replace('"A"', '"choice.A.with-a-name-of-more-than-32-characters"')
    declared = declaration("choice.A.with-a-name-of-more-than-32-characters")

    found = read_one(item(choice(choices), declared=declared))

    assert [option.id for option in found.content.options] == ["a", "b", "c"]
    assert found.content.key == "a"


def test_media_and_included_files_are_named() -> None:
    body = (
        '<object type="video/mp4" data="a.mp4"><p>A film of a dog.</p></object>'
        '<include xmlns="http://www.w3.org/2001/XInclude" href="text.xml"/>'
    )

    found = read_one(item(body + choice()))

    assert found.content.stem == "A film of a dog.\n\nWhich city?"
    assert codes(found) == {"media", "shared_material"}


def test_endless_texts_are_not_even_read() -> None:
    assert rejected(item("<p>" + "word " * 100_000 + "</p>" + choice())).code == "too_large"


def test_an_item_without_identifier_or_title() -> None:
    found = read_one(item(attributes=""))

    assert (found.code, found.title, found.where) == ("", "", "q.xml, line 2")
