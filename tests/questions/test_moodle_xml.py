"""Moodle XML → questions."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest

from questions.content import ItemType, Option, QuestionContent
from questions.formats import moodle_xml
from questions.formats.exchange import (
    ExchangeQuestion,
    Outcome,
    Picture,
    Rejection,
    UnreadableFile,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ENCODED = base64.b64encode(PNG).decode()


def parsed(*questions: str) -> list[Outcome]:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n{"".join(questions)}</quiz>'
    return list(moodle_xml.parse(BytesIO(text.encode()), "bank.xml"))


def one(question: str) -> ExchangeQuestion:
    (found,) = parsed(question)
    assert isinstance(found, ExchangeQuestion), found
    return found


def rejected(question: str) -> Rejection:
    (found,) = parsed(question)
    assert isinstance(found, Rejection), found
    return found


def answer(fraction: str, text: str, feedback: str = "") -> str:
    said = f'<feedback format="html"><text>{feedback}</text></feedback>' if feedback else ""
    return f'<answer fraction="{fraction}" format="html"><text>{text}</text>{said}</answer>'


def choice(*answers: str, kind: str = "multichoice", stem: str = "Which?", more: str = "") -> str:
    return (
        f'<question type="{kind}"><name><text>Drift</text></name>'
        f'<questiontext format="html"><text>{stem}</text></questiontext>{more}{"".join(answers)}</question>'
    )


def codes(question: ExchangeQuestion) -> list[str]:
    return [loss.code for loss in question.losses]


def test_a_multiple_choice_has_its_key_rationales_name_and_place() -> None:
    found = one(
        choice(
            answer("100", "<![CDATA[<p>It <b>shifts</b></p>]]>", "Yes &lt;i&gt;so&lt;/i&gt;"),
            answer("0", "It stays"),
            more="<single>true</single><shuffleanswers>false</shuffleanswers>",
        )
    )
    assert found.content == QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "Which?",
        (Option("a", "It **shifts**", "Yes *so*", is_correct=True), Option("b", "It stays")),
    )
    assert (found.title, found.keep_order, found.losses) == ("Drift", True, ())
    assert found.where == "line 3, question 1, “Drift”"


def test_several_right_answers_with_even_shares_lose_nothing() -> None:
    answers = [answer("33,33333", text) for text in "abc"] + [answer("-50", text) for text in "de"]
    found = one(choice(*answers, more="<single>false</single>"))
    assert found.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert found.content.key == ["a", "b", "c"]
    assert found.losses == ()


@pytest.mark.parametrize(
    ("single", "fractions", "key", "lost"),
    [
        ("true", ("100", "50", "0"), "a", ["partial_credit"]),
        ("true", ("0", "100", "-25"), "b", ["negative_marks"]),
        ("true", ("0", "50", "0"), "b", ["partial_credit"]),
        ("1", ("0", "100", "0"), "b", []),
        ("false", ("0", "100", "-100"), "b", ["type_changed"]),
        ("false", ("60", "40", "0"), ["a", "b"], ["partial_credit"]),
        ("false", ("100", "100", "0"), ["a", "b"], ["partial_credit"]),
        ("0", ("50", "50", "-50"), ["a", "b"], []),
    ],
)
def test_marks_come_in_as_a_key(
    single: str, fractions: tuple[str, ...], key: object, lost: list[str]
) -> None:
    answers = [answer(fraction, f"option {fraction} {n}") for n, fraction in enumerate(fractions)]
    found = one(choice(*answers, more=f"<single>{single}</single>"))
    assert (found.content.key, codes(found)) == (key, lost)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (choice(answer("100", "a"), answer("100", "b")), "several_keys"),
        (choice(answer("40", "a"), answer("40", "b")), "several_keys"),
        (choice(answer("0", "a"), answer("0", "b")), "no_key"),
        (choice(answer("0", "a"), answer("0", "b"), more="<single>false</single>"), "no_key"),
        (choice(answer("100", "a")), "too_few_options"),
        (choice(answer("100", ""), answer("0", "b"), answer("0", "c")), "empty_answer"),
        (choice(answer("ten", "a"), answer("0", "b")), "bad_fraction"),
        (choice(answer("NaN", "a"), answer("0", "b")), "bad_fraction"),
        (choice(answer("1e-999999", "a"), answer("1e-999999", "b")), "bad_fraction"),
        (choice(answer("100", "a"), answer("0", "b"), stem=" &lt;p&gt;&amp;nbsp;&lt;/p&gt; "), "no_text"),
        (choice(kind="matching"), "too_few_pairs"),
        (choice(answer("1", "a"), kind="ordering"), "too_few_options"),
        (choice(answer("0", "true"), answer("0", "false"), kind="truefalse"), "no_key"),
        (choice(kind="multichoice"), "too_few_options"),
        ("<question/>", "unsupported_type"),
    ],
)
def test_what_cannot_come_in_is_rejected_with_a_reason(question: str, code: str) -> None:
    found = rejected(question)
    assert found.code == code
    assert found.why.endswith(".")


@pytest.mark.parametrize(
    "kind", ["cloze", "numerical", "shortanswer", "essay", "ddwtos", "gapselect", "plugin"]
)
def test_other_types_are_rejected_by_name(kind: str) -> None:
    found = rejected(choice(kind=kind))
    assert found.code == "unsupported_type"
    assert f"“{kind}”" in found.why
    assert found.title == "Drift"


def test_a_name_loses_the_tags_that_were_copied_into_it() -> None:
    question = choice(answer("100", "a"), answer("0", "b"))
    copied = question.replace("Drift", "Which?&lt;br&gt;&lt;b class='x'&gt;1&lt;/b&gt; List&lt;int&gt;")
    assert one(copied).title == "Which? 1 List<int>"


def test_the_picture_of_an_old_question_ends_its_text() -> None:
    old = f"<image>moodle.png</image><image_base64>\n{ENCODED}\n</image_base64>"
    found = one(choice(answer("100", "a"), answer("0", "b"), more=old))
    assert found.content.stem == "Which?\n\n![](image:moodle.png)"
    assert found.pictures == (Picture("moodle.png", PNG),)


def test_true_or_false_becomes_a_choice_of_two() -> None:
    found = one(choice(answer("0", "true", "no"), answer("100", "false"), kind="truefalse"))
    assert [(o.text, o.rationale, o.is_correct) for o in found.content.options] == [
        ("True", "no", False),
        ("False", "", True),
    ]


def test_matching_shares_responses_and_keeps_the_surplus() -> None:
    pairs = [("one", "odd"), ("two", "even"), ("three", "odd"), ("", "neither * nor")]
    found = one(
        choice(
            *(
                f'<subquestion format="html"><text>{left}</text><answer><text>{right}</text></answer></subquestion>'
                for left, right in pairs
            ),
            kind="matching",
        )
    )
    assert [o.text for o in found.content.options] == ["odd", "even", "neither * nor"]
    assert found.content.key == {"p1": "a", "p2": "b", "p3": "a"}


def test_ordering_goes_by_fraction_or_as_written() -> None:
    placed = one(choice(answer("2.0", "second"), answer("1.0", "first"), kind="ordering"))
    listed = one(choice(answer("1", "first"), answer("1", "second"), kind="ordering"))
    for found in (placed, listed):
        assert [o.text for o in found.content.options] == ["first", "second"]
        assert found.content.key == ["a", "b"]


def test_categories_go_on_until_the_next() -> None:
    category = (
        '<question type="category"><category><text>{}</text></category><info><text>x</text></info></question>'
    )
    plain = choice(answer("100", "a"), answer("0", "b"))
    found = parsed(
        plain,
        category.format("$course$/top/Sums//differences/Easy"),
        plain,
        plain,
        category.format("$module$/top/Default for Quiz"),
        plain,
        category.format("Old style/Sub"),
        plain,
    )
    assert [q.category for q in found if isinstance(q, ExchangeQuestion)] == [
        (),
        ("Sums/differences", "Easy"),
        ("Sums/differences", "Easy"),
        ("Default for Quiz",),
        ("Old style", "Sub"),
    ]


def test_general_feedback_fills_an_empty_rationale_or_is_named_as_lost() -> None:
    general = '<generalfeedback format="html"><text>Because.</text></generalfeedback>'
    moved = one(choice(answer("100", "a"), answer("0", "b"), more=general))
    lost = one(choice(answer("100", "a", "Own."), answer("0", "b"), more=general))
    assert (moved.content.options[0].rationale, codes(moved)) == ("Because.", ["general_feedback_moved"])
    assert (lost.content.options[0].rationale, codes(lost)) == ("Own.", ["general_feedback"])


def test_other_feedback_and_hints_are_lost_unless_they_are_moodles_own() -> None:
    usual = "<correctfeedback><text>Your answer is correct.</text></correctfeedback>"
    said = "<incorrectfeedback><text>Read page 3.</text></incorrectfeedback><hint><text>h</text></hint>"
    answers = (answer("100", "a"), answer("0", "b"))
    assert codes(one(choice(*answers, more=usual))) == []
    assert codes(one(choice(*answers, more=said))) == ["combined_feedback", "hints"]


def test_pictures_come_from_the_file_and_from_addresses_that_hold_them() -> None:
    stem = (
        '<![CDATA[<img src="@@PLUGINFILE@@/my%20drift.png" alt="A curve"> '
        f'<img src="data:image/png;base64,{ENCODED}" alt="Dot"> <img src="https://e.org/x.png" alt="Far">]]>'
    )
    question = choice(answer("100", "a"), answer("0", "b"), stem=stem).replace(
        "</questiontext>",
        f'<file name="my drift.png" path="/" encoding="base64">{ENCODED}</file>'
        '<file name="notes.pdf" path="/" encoding="base64">AAAA</file></questiontext>',
    )
    found = one(question)
    assert found.content.stem == "![A curve](image:my-drift.png) ![Dot](image:picture.png) Far"
    assert found.pictures == (Picture("my-drift.png", PNG), Picture("picture.png", PNG))
    assert codes(found) == ["file", "image"]


def test_pictures_of_one_name_and_other_bytes_have_two_names() -> None:
    shown = "&lt;img src='@@PLUGINFILE@@/x.png' alt='{0}'&gt;</text><file name='x.png'>{1}</file>"
    question = choice(
        f'<answer fraction="100" format="html"><text>{shown.format("one", ENCODED)}</answer>',
        f'<answer fraction="0" format="html"><text>{shown.format("two", "QUJD")}</answer>',
    )
    found = one(question)
    assert [o.text for o in found.content.options] == ["![one](image:x.png)", "![two](image:x-2.png)"]
    assert [p.data for p in found.pictures] == [PNG, b"ABC"]


@pytest.mark.parametrize("data", ["%%%", "", "é"])
def test_a_damaged_picture_is_a_loss(data: str) -> None:
    stem = '&lt;img src="@@PLUGINFILE@@/x.png" alt="Seen"&gt;'
    question = choice(answer("100", "a"), answer("0", "b"), stem=stem)
    found = one(question.replace("</questiontext>", f'<file name="x.png">{data}</file></questiontext>'))
    assert (found.content.stem, found.pictures, codes(found)) == ("Seen", (), ["image"])


@pytest.mark.parametrize(
    ("form", "text", "markdown"),
    [
        ("html", "&lt;p&gt;a &amp;lt; b&lt;/p&gt;", "a < b"),
        ("html", "<p>not <b>escaped</b></p>", "not **escaped**"),
        ("plain_text", "*a* &lt;b&gt;\nc", "\\*a\\* <b>\\\nc"),
        ("moodle_auto_format", "one\ntwo\n\nthree &lt;b&gt;four&lt;/b&gt;", "one\\\ntwo\n\nthree **four**"),
        ("markdown", "*a* `&lt;b&gt;`", "*a* `<b>`"),
        ("markdown", "\n      *a*\n      b\n    ", "*a*\nb"),
        ("", "a &lt; b", "a < b"),
        ("1", "&lt;i&gt;a&lt;/i&gt;", "*a*"),
    ],
)
def test_texts_come_in_each_of_moodles_formats(form: str, text: str, markdown: str) -> None:
    question = choice(answer("100", "a"), answer("0", "b"), stem="STEM")
    written = question.replace('format="html"><text>STEM', f'format="{form}"><text>{text}')
    assert one(written).content.stem == markdown


def test_a_bad_question_does_not_take_others_with_it_and_a_cut_file_keeps_what_is_whole() -> None:
    good = choice(answer("100", "a"), answer("0", "b"))
    text = f"<quiz>{good}{choice(kind='essay')}{good}<question type="
    read: list[Outcome] = []
    with pytest.raises(UnreadableFile) as caught:
        read.extend(moodle_xml.parse(BytesIO(text.encode()), "bank.xml"))
    assert [type(outcome) for outcome in read] == [ExchangeQuestion, Rejection, ExchangeQuestion]
    assert caught.value.code == "truncated"
    assert caught.value.where == "bank.xml, line 1"


def test_a_file_without_questions_says_so() -> None:
    with pytest.raises(UnreadableFile, match="no <question>"):
        parsed()


def test_guessed_bytes_are_told_to_the_question_that_holds_them() -> None:
    good = choice(answer("100", "a"), answer("0", "b"))
    text = f"<quiz>{good}{good.replace('Which', 'Café')}{good}</quiz>".encode("cp1252")
    found = list(moodle_xml.parse(BytesIO(text), "bank.xml"))
    assert [codes(q) for q in found if isinstance(q, ExchangeQuestion)] == [[], ["encoding_guessed"], []]


def test_the_root_tells_the_format() -> None:
    assert moodle_xml.looks_like(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<quiz>', "x.xml")
    assert moodle_xml.looks_like("<quiz>".encode("utf-16"), "x")
    assert not moodle_xml.looks_like(b"<questestinterop><quiz>", "x.xml")
    assert not moodle_xml.looks_like(b"<quizzes/>", "x.xml")
