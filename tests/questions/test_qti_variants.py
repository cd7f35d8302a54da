"""Items and packages of QTI 2 and 3 as particular systems write them."""

from __future__ import annotations

import io

import pytest

from questions.content import ItemType
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion, Rejection, UnreadableFile
from tests.questions.qti_makers import (
    CHOICES,
    ORDER,
    PNG,
    choice,
    codes,
    condition,
    declaration,
    item,
    manifest,
    modal,
    package,
    processing,
    rationales,
    read_all,
    read_one,
    rejected,
    scores,
)

ANY_NUMBER = 'maxChoices="0"'


def value(text: str) -> str:
    return f'<baseValue baseType="identifier">{text}</baseValue>'


def member(text: str, score: str) -> str:
    test = f'<member>{value(text)}<variable identifier="RESPONSE"/></member>'
    return condition(test, scores(score))


def outcome(name: str, text: str) -> str:
    return f'<setOutcomeValue identifier="{name}">{value(text)}</setOutcomeValue>'


IS_RIGHT = '<match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>'
BASIC = condition(IS_RIGHT, outcome("BASIC", "correct"), outcome("BASIC", "incorrect"))


def basic(text: str) -> str:
    return f'<and><match>{value(text)}<variable identifier="BASIC"/></match></and>'


def test_a_key_of_which_each_part_earns_marks() -> None:
    steps = processing(member("A", "1"), member("C", "0.5"), member("B", "-1"))
    found = read_one(
        item(choice(attributes=ANY_NUMBER), declared=declaration(cardinality="multiple"), after=steps)
    )
    assert found.content.key == ["A", "C"]
    assert codes(found) == {"partial_credit"}


def test_an_order_of_which_each_place_earns_marks() -> None:
    steps = processing(
        *(
            condition(
                f'<match><index n="{place}"><variable identifier="RESPONSE"/></index>{value(step)}</match>',
                scores("1"),
            )
            for place, step in ((2, "C"), (1, "B"), (3, "A"))
        )
    )
    found = read_one(item(ORDER, declared=declaration(cardinality="ordered"), after=steps))
    assert found.content.key == ["B", "C", "A"]
    assert "partial_credit" in codes(found)


def test_answers_that_bring_the_same_marks_are_no_key() -> None:
    test = '<match><variable identifier="RESPONSE"/><multiple>{}</multiple></match>'
    steps = processing(
        condition(test.format(value("A") + value("B")), scores("1")),
        condition(test.format(value("B") + value("C")), scores("1")),
    )
    text = item(choice(attributes=ANY_NUMBER), declared=declaration(cardinality="multiple"), after=steps)
    assert rejected(text).code == "two_keys"


def test_feedback_by_way_of_another_variable() -> None:
    """What is shown after a wrong answer must not explain the key."""
    steps = processing(
        BASIC,
        condition(basic("correct"), outcome("FEEDBACK", "F1")),
        condition(basic("incorrect"), outcome("FEEDBACK", "F2")),
    )
    found = read_one(item(after=steps + modal("F1", "Well seen.") + modal("F2", "Look again.")))
    assert rationales(found) == {"A": "Well seen."}
    assert codes(found) == {"general_feedback_moved", "general_feedback"}


@pytest.mark.parametrize("marks", ['<mapResponse identifier="RESPONSE"/>', '<variable identifier="SCORE"/>'])
def test_feedback_by_the_marks(marks: str) -> None:
    def reached(number: str) -> str:
        return f'<match>{marks}<baseValue baseType="float">{number}</baseValue></match>'

    steps = processing(
        condition(reached("1"), outcome("FEEDBACK", "F1")), condition(reached("0"), outcome("FEEDBACK", "F2"))
    )
    found = read_one(item(after=steps + modal("F1", "Well seen.") + modal("F2", "Look again.")))
    assert rationales(found) == {"A": "Well seen."}


def test_feedback_by_a_variable_of_its_own_that_is_true() -> None:
    steps = processing(
        BASIC,
        f'<setOutcomeValue identifier="FB_1">{basic("correct")}</setOutcomeValue>',
        f'<setOutcomeValue identifier="FB_2">{basic("incorrect")}</setOutcomeValue>',
    )
    texts = modal("true", "Well seen.", outcome="FB_1") + modal("true", "Look again.", outcome="FB_2")
    assert rationales(read_one(item(after=steps + texts)))["A"] == "Well seen."


def test_feedback_inside_the_body_is_no_part_of_the_question() -> None:
    steps = processing(condition(IS_RIGHT, outcome("FEEDBACK", "F1")))
    found = read_one(item(choice() + modal("F1", "It is Paris."), after=steps))
    assert found.content.stem == "Which city?"
    assert rationales(found)["A"] == "It is Paris."


def test_a_button_beside_the_choices_is_left_out() -> None:
    button = '<p><endAttemptInteraction responseIdentifier="HINT" title="Hint"/></p>'
    found = read_one(item(choice() + button))
    assert (found.content.stem, found.content.key) == ("Which city?", "A")
    assert codes(found) == {"button"}
    assert rejected(item(button)).code == "unsupported_type"


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("<![CDATA[<p>Is it <b>here</b>, &lt; 3?</p>]]>", "Is it **here**, < 3?"),
        ("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;", "One\n\ntwo"),
        ("<![CDATA[<p>a <o:p>b</o:p> <?x y?> <st1:City w:st='on'>c</st1:City></p>]]>", "a b c"),
    ],
)
def test_a_question_whose_html_is_escaped(prompt: str, stem: str) -> None:
    assert read_one(item(choice(prompt=prompt))).content.stem == stem


@pytest.mark.parametrize(
    ("body", "stem"),
    [
        ("<![CDATA[<div>What is <i>it</i>?</div>]]>{}<![CDATA[<div></div>]]>", "What is *it*?"),
        ('<div class="html">One &lt;br&gt;two &amp;amp; three</div>{}', "One\\\ntwo & three"),
    ],
)
def test_escaped_html_around_the_choices(body: str, stem: str) -> None:
    found = read_one(item(body.format(choice().replace("<prompt>Which city?</prompt>", ""))))
    assert found.content.stem == stem


def test_a_choice_whose_html_is_escaped_beside_others() -> None:
    choices = CHOICES.replace("Paris", "<![CDATA[<p>Paris &amp; all</p>]]>").replace("Lyon", "<p>Lyon</p>")
    assert read_one(item(choice(choices))).content.options[0].text == "Paris & all"


def test_choices_about_html_keep_their_tags() -> None:
    choices = CHOICES.replace("Paris", "&lt;p&gt;Paris&lt;/p&gt;").replace("Lyon", "&lt;br&gt;")
    found = read_one(item(choice(choices, prompt="Which is a paragraph?")))
    texts = [option.text.replace("\\", "") for option in found.content.options]
    assert texts == ["<p>Paris</p>", "<br>", "Nice"]


def test_an_item_without_a_question() -> None:
    assert rejected(item(choice(prompt=" "))).code == "empty_stem"


def test_items_that_only_a_test_names() -> None:
    test = (
        '<assessmentTest xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="t" title="T"><testPart '
        'identifier="p"><assessmentSection identifier="s" title="First"><assessmentItemRef identifier="b" '
        'href="items/b.xml"/></assessmentSection></testPart></assessmentTest>'
    )
    listed = manifest("items/a.xml").replace(
        "<resources>",
        '<resources><resource identifier="t" type="imsqti_test_xmlv2p1" href="t.xml"/>',
    )
    data = package(
        {"imsmanifest.xml": listed, "t.xml": test, "items/a.xml": item(), "items/b.xml": item(choice())}
    )
    found = [outcome for outcome in read_all(data, "p.zip") if isinstance(outcome, ExchangeQuestion)]
    assert [one.category for one in found] == [(), ("First",)]


def test_a_manifest_that_names_other_files_than_there_are() -> None:
    data = package({"imsmanifest.xml": manifest("q/1.xml", "q/2.xml"), "q/item_1.xml": item()})
    assert codes(read_one(data, "p.zip")) == {"no_manifest"}


def test_an_item_on_the_web() -> None:
    listed = manifest("https://example.org/q.xml", "a.xml")
    first, second = read_all(package({"imsmanifest.xml": listed, "a.xml": item()}), "p.zip")
    assert isinstance(first, Rejection)
    assert (first.where, first.code) == ("https://example.org/q.xml", "items_elsewhere")
    assert isinstance(second, ExchangeQuestion)


def test_a_package_one_folder_deep_with_other_spellings() -> None:
    shown = '<p><img src="../images/Pic%201.PNG" alt="A map"/></p>'
    data = package(
        {
            "course/imsmanifest.xml": manifest("items\\Item%201.xml"),
            "course/items/item 1.xml": item(shown + choice()),
            "course/images/pic 1.png": PNG,
            "__MACOSX/course/._imsmanifest.xml": b"\0",
        }
    )
    found = read_one(data, "p.zip")
    assert found.content.item_type is ItemType.MULTIPLE_CHOICE
    assert [picture.name for picture in found.pictures] == ["Pic-1.PNG"]


def test_a_zip_of_zips_says_so() -> None:
    inner = package({"imsmanifest.xml": manifest("a.xml"), "a.xml": item()})
    data = io.BytesIO(package({"quizzes/one.zip": inner, "quizzes/two.zip": inner}))
    with pytest.raises(UnreadableFile) as refusal:
        list(registry.read(data, "all.zip"))
    assert refusal.value.code == "zip_in_zip"
    assert "quizzes/one.zip" in refusal.value.why


def chosen(text: str) -> str:
    return f'<match><variable identifier="RESPONSE"/>{value(text)}</match>'


@pytest.mark.parametrize(
    ("declared", "after"),
    [
        (declaration("A"), processing(condition(chosen("B"), scores("1"), scores("0")))),
        (
            declaration(
                "A",
                more='<mapping><mapEntry mapKey="A" mappedValue="0"/><mapEntry mapKey="B" mappedValue="1"/></mapping>',
            ),
            '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>',
        ),
    ],
)
def test_a_key_that_the_scoring_contradicts_is_refused(declared: str, after: str) -> None:
    refused = rejected(item(declared=declared, after=after))
    assert refused.code == "contradictory_key"
    assert "“A”" in refused.why and "“B”" in refused.why


def test_marks_for_another_order_are_told() -> None:
    other = "".join(value(one) for one in "BAC")
    is_correct = '<match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>'
    is_other = f'<match><variable identifier="RESPONSE"/><ordered>{other}</ordered></match>'
    after = processing(condition(is_correct, scores("2")), condition(is_other, scores("1")))
    found = read_one(item(ORDER, declared=declaration("B", "C", "A", cardinality="ordered"), after=after))
    assert found.content.key == ["B", "C", "A"]
    assert codes(found) == {"partial_credit"}


def test_a_choice_that_shows_nothing() -> None:
    empty = '<simpleChoice identifier="D"> </simpleChoice>'
    found = read_one(item(choice(CHOICES + empty)))
    assert [option.id for option in found.content.options] == ["A", "B", "C"]
    assert codes(found) == {"empty_option"}
    assert rejected(item(choice(CHOICES + empty), declared=declaration("D"))).code == "empty_option"
    assert rejected(item(ORDER.replace("Second", ""), declared=declaration("B", "C"))).code == "empty_option"


def test_a_question_that_stands_before_and_inside_the_interaction() -> None:
    assert read_one(item("<div>Which  city?</div>" + choice())).content.stem == "Which city?"
    assert read_one(item("<div>Look.</div>" + choice())).content.stem == "Look.\n\nWhich city?"


def test_items_inside_the_test_of_a_package() -> None:
    inner = item().partition("?>")[2]
    test = f"<assessmentTest>{inner}{inner.replace('q1', 'q2')}</assessmentTest>"
    found = read_all(package({"imsmanifest.xml": manifest("t.xml", kind="other"), "t.xml": test}), "p.zip")
    assert [one.code for one in found] == ["q1", "q2"]
