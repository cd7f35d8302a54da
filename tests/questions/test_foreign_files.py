"""Shapes that files of other systems have, as a trial with public ones showed them.  All texts are invented."""

from __future__ import annotations

import io

import pytest

from questions.content import ItemType
from questions.formats import aiken, gift, moodle_xml, registry
from questions.formats.exchange import ExchangeQuestion, Outcome, Rejection


def from_gift(text: str) -> list[Outcome]:
    return list(gift.parse(io.BytesIO(text.encode()), "bank.gift"))


def from_aiken(text: str) -> list[Outcome]:
    return list(aiken.parse(io.BytesIO(text.encode()), "bank.txt"))


def from_moodle(*questions: str) -> list[Outcome]:
    return list(moodle_xml.parse(io.BytesIO(f"<quiz>{''.join(questions)}</quiz>".encode()), "bank.xml"))


def one(outcomes: list[Outcome]) -> ExchangeQuestion:
    (found,) = outcomes
    assert isinstance(found, ExchangeQuestion), found
    return found


def refused(outcomes: list[Outcome]) -> Rejection:
    (found,) = outcomes
    assert isinstance(found, Rejection), found
    return found


def options(found: ExchangeQuestion) -> list[str]:
    """The texts of the options, each right one after an asterisk."""
    return [f"*{option.text}" if option.is_correct else option.text for option in found.content.options]


def codes(found: ExchangeQuestion) -> list[str]:
    return [loss.code for loss in found.losses]


def xml(kind: str, *parts: str, stem: str = "Which?") -> str:
    text = f'<questiontext format="html"><text><![CDATA[{stem}]]></text></questiontext>'
    return f'<question type="{kind}"><name><text>Drift</text></name>{text}{"".join(parts)}</question>'


def answer(fraction: str, text: str, form: str = ' format="html"') -> str:
    return f'<answer fraction="{fraction}"{form}><text><![CDATA[{text}]]></text></answer>'


def pair(prompt: str, response: str, form: str = "") -> str:
    return (
        f'<subquestion format="html"><text><![CDATA[{prompt}]]></text>'
        f"<answer{form}><text><![CDATA[{response}]]></text></answer></subquestion>"
    )


# GIFT


@pytest.mark.parametrize(
    "text",
    [
        "::Gaps:: The model is {1:MC:~small~=large} and {1:MC:~=slow~fast}.",
        "::Mail:: It {1:SA:=drifts} (drift), then it {2:SHORTANSWER:=fails~=breaks} (fail).\nBye,\nIris",
        "The bias is {:NM:=0.5:0.1} here.",
        "[html]<p>{ 1:MULTICHOICE:%100%a~b }</p>",
    ],
)
def test_embedded_answers_in_gift_are_rejected_by_their_name(text: str) -> None:
    found = refused(from_gift(text))
    assert found.code == "unsupported_type"
    assert "cloze" in found.why


@pytest.mark.parametrize("text", ["Q{~with~=about}", "Q {\n~with\n~=about\n}", "Q{~ with ~= about}"])
def test_the_old_mark_of_a_right_answer(text: str) -> None:
    found = one(from_gift(text))
    assert (options(found), codes(found)) == (["with", "*about"], [])


def test_several_answers_on_one_of_the_lines() -> None:
    found = one(from_gift("Q {~%50%4#Good~%0%5\n  ~%50%four#Good\n  ~six\n}"))
    assert options(found) == ["*4", "5", "*four", "six"]
    assert [option.rationale for option in found.content.options] == ["Good", "", "Good", ""]


def test_an_address_with_a_tilde_is_one_answer() -> None:
    found = one(from_gift("Where? {\n=https://example.org/~iris/notes\n~https://example.org/ben\n}"))
    assert options(found) == ["*https://example.org/~iris/notes", "https://example.org/ben"]


def test_a_model_answer_is_no_choice() -> None:
    found = refused(from_gift("Explain the drift. {\n  ~~~1. The mean moves.\n2. For x = 3 it fails.\n}"))
    assert found.code == "no_answers"


def test_code_with_braces_right_above_the_answers() -> None:
    text = "::Names::What is wrong?\n<?php\nfunction Get($Id){\n    return $Id;\n}\n?>\n{\n=the name\n~the return\n}"
    found = one(from_gift(f"{text}\n\nNext? {{T}}")[:1])
    assert "function Get" in found.content.stem
    assert (found.title, options(found)) == ("Names", ["*the name", "the return"])


def test_questions_without_a_blank_line_are_still_told_apart() -> None:
    text = "One? {\n=a\n~b\n}\nTwo?\n{\n=c\n~d\n}\nThree?\n{}\nFour? {T}\nFive? {=e ~f}"
    stems = [found.content.stem for found in from_gift(text) if isinstance(found, ExchangeQuestion)]
    assert stems == ["One?", "Two?", "Four?", "Five?"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Q {=\(x=1\) ~\(x=2\)}", ["*$x=1$", "$x=2$"]),
        (r"Q {=\(a \neq b\) ~\(a \nu\)}", [r"*$a \neq b$", r"$a \nu$"]),
        (r"Q {=\(\frac{1}{2}\) ~\(\frac\{1\}\{3\}\)}", [r"*$\frac{1}{2}$", r"$\frac{1}{3}$"]),
        (r"Q {=\\(x\=1\\) ~\\(x\=2\\)}", ["*$x=1$", "$x=2$"]),
        (r"Q {=\[a=b\] ~$$a=c$$}", ["*$$\na=b\n$$", "$$\na=c\n$$"]),
        ("Q {=$$5 ~$$6}", ["*$$5", "$$6"]),
    ],
)
def test_formulas_whether_escaped_or_not(text: str, expected: list[str]) -> None:
    assert options(one(from_gift(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Q {=<br> ~<lb> ~<break>}", ["*<br>", "<lb>", "<break>"]),
        ("[html]<p>Q</p>{=<h1> ~<p>head</p> ~<script>}", ["*<h1>", "head", "<script>"]),
        ("Q {=<table></table> ~<ul></ul>}", ["*<table></table>", "<ul></ul>"]),
    ],
)
def test_options_that_are_nothing_but_tags(text: str, expected: list[str]) -> None:
    found = one(from_gift(text))
    assert (options(found), codes(found)) == (expected, [])


def test_feedback_of_nothing_but_a_line_break_is_none() -> None:
    assert [o.rationale for o in one(from_gift("Q {=a#<br> ~b#<p></p>}")).content.options] == ["", ""]


def test_a_response_that_is_nothing_but_a_tag() -> None:
    found = one(from_gift('Order {\n=first -> <div class="form">\n=last -> </div>\n}'))
    assert options(found) == ['<div class="form">', "</div>"]


@pytest.mark.parametrize("text", ["Is it so?{T} // sure", 'Is it so?{F#No.#Yes.}";', "Is it so?{TRUE}."])
def test_what_stands_behind_true_or_false_is_no_gap(text: str) -> None:
    assert one(from_gift(text)).content.stem == "Is it so?"


# Which format it is


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What does x = {} make?\nA) a dict\nB) a set\nANSWER: A\n", "aiken"),
        (
            "Which?\nA) {=a}\nB) {T}\nANSWER: A\n\nAnd?\nA) a\nB) b\nANSWER: B\n\nC?\nA) a\nB) b\nANSWER: B\n",
            "aiken",
        ),
        ("::Q::Which line is Aiken? {\n=It ends with\nANSWER: B\n~None\n}\n\n::R::Sure? {T}", "gift"),
        ("<b>Drift</b><br>\nWhich? {=a ~b}", "gift"),
        ("<p>Which?</p> {=a ~b}", "gift"),
        ("Pregunta\nA) sí\nB) no\nRESPUESTA: A\n", "aiken"),
        ("题目？\nA、一\nB、二\n答案：B\n", "aiken"),
    ],
)
def test_braces_in_code_and_tags_in_front_do_not_mislead(text: str, name: str) -> None:
    assert registry.detect(io.BytesIO(text.encode()), "bank.txt").name == name


@pytest.mark.parametrize("text", ["<html><body>{=a ~b}</body></html>", "<quiz>{=a ~b}", "<!DOCTYPE x>{T}"])
def test_markup_is_no_gift(text: str) -> None:
    assert not gift.looks_like(text.encode(), "bank.txt")


# Aiken


def test_an_answer_without_options_takes_no_other_question_with_it() -> None:
    text = "A) Not begun\n\nANSWER: Not begun\n\nA good one\nA) Right\nB) Wrong\nANSWER: A\n"
    first, second = from_aiken(text)
    assert isinstance(first, Rejection) and first.where == "line 1"
    assert isinstance(second, ExchangeQuestion)
    assert (second.content.stem, options(second)) == ("A good one", ["*Right", "Wrong"])


@pytest.mark.parametrize(
    "text",
    [
        "Which?\n**A)** one\n**B)** two\n**ANSWER: B**\n",
        "Which?\n**A) one**\n**B) two**\n\n**Answer:** B\n",
        "Which?\nA) one\nB) two\nRESPUESTA: B\n",
        "Which?\nA. one\nB. two\nAntwort: B\n",
        "Which?\nA、one\nB、two\n答案：B\n",
        "Which?\nA. one\nB. two\nОтвет: B\n",
    ],
)
def test_bold_letters_and_translated_answer_lines(text: str) -> None:
    found = one(from_aiken(text))
    assert (found.content.stem, options(found)) == ("Which?", ["one", "*two"])


def test_bold_text_stays_text() -> None:
    found = one(from_aiken("**Which** one?\nA) **one** of two\nB) two\nANSWER: A\n"))
    assert found.content.stem == r"\*\*Which\*\* one?"


# Moodle XML


@pytest.mark.parametrize(
    ("first", "second"), [("Wahr", "Falsch"), ("Verdadero", "Falso"), ("Верно", "Неверно")]
)
def test_translated_true_and_false_keep_their_words(first: str, second: str) -> None:
    found = one(from_moodle(xml("truefalse", answer("0", first), answer("100", second))))
    assert (options(found), found.keep_order) == ([first, f"*{second}"], True)


def test_true_and_false_in_paragraphs() -> None:
    found = one(from_moodle(xml("truefalse", answer("100", "<p>true</p>"), answer("0", "<p>false</p>"))))
    assert options(found) == ["*True", "False"]


def test_one_answer_with_marks_that_add_up_from_several() -> None:
    more = "<single>true</single>"
    found = one(from_moodle(xml("multichoice", more, answer("50", "a"), answer("50", "b"), answer("0", "c"))))
    assert found.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert (options(found), codes(found)) == (["*a", "*b", "c"], ["several_right"])


def test_moodle_options_that_are_nothing_but_tags() -> None:
    found = one(
        from_moodle(
            xml("multichoice", answer("100", "<h1>"), answer("0", "<head>"), answer("0", "<p><br></p>"))
        )
    )
    assert (options(found), codes(found)) == (["*<h1>", "<head>"], [])


def test_responses_are_plain_text_without_tags_and_with_entities() -> None:
    pairs = pair("A", "<p>one</p>"), pair("B", "a &lt; b"), pair("C", "x<y & z"), pair("D", "<h1>")
    found = one(from_moodle(xml("matching", *pairs)))
    assert options(found) == ["one", "a < b", "x<y & z", "<h1>"]


def test_a_matching_by_drag_and_drop_is_a_matching() -> None:
    found = one(from_moodle(xml("ddmatch", pair("A", "<b>1</b>", ' format="html"'), pair("B", "2"))))
    assert found.content.item_type is ItemType.MATCHING
    assert options(found) == ["**1**", "2"]


@pytest.mark.parametrize("context", ["$course$", "$module$", "$cat1$"])
def test_the_context_of_a_category_is_no_part_of_it(context: str) -> None:
    category = f'<question type="category"><category><text>{context}/top/Models</text></category></question>'
    found = one(from_moodle(category, xml("multichoice", answer("100", "a"), answer("0", "b"))))
    assert found.category == ("Models",)


@pytest.mark.parametrize(
    ("stem", "expected", "lost"),
    [
        (
            '<p><span lang="de" class="multilang">Welche?</span> <span lang="en" class="multilang">Which?</span></p>',
            "Which?",
            ["languages"],
        ),
        (
            '<span class="multilang" lang="fr">Oui</span><span class="multilang" lang="de">Ja</span> <b>so</b>',
            "Oui **so**",
            ["languages"],
        ),
        ("{mlang de}Welche?{mlang}{mlang en}Which?{mlang} So", "Which? So", ["languages"]),
        ("{mlang de,en}Drift{mlang}", "Drift", []),
        ('<span lang="de">Welche</span> <span lang="en">Which</span>', "Welche Which", []),
        ("{mlang de} open", "{mlang de} open", []),
    ],
)
def test_one_language_of_several_is_kept(stem: str, expected: str, lost: list[str]) -> None:
    found = one(from_moodle(xml("multichoice", answer("100", "a"), answer("0", "b"), stem=stem)))
    assert (found.content.stem, codes(found)) == (expected, lost)


def test_style_sheets_say_nothing_and_underlining_by_style_is_told() -> None:
    stem = '<style>.t { color: red }</style><p>Is <span style="text-decoration: underline">it</span> so?</p>'
    found = one(from_moodle(xml("multichoice", answer("100", "a"), answer("0", "b"), stem=stem)))
    assert (found.content.stem, codes(found)) == ("Is *it* so?", ["underline"])


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("<p>What is a List<String> here?</p>", "What is a List<String> here?"),
        ("<p>#include <stdio.h><br>cd <folder></p>", "#include <stdio.h>\\\ncd <folder>"),
        ("<p>A <foo>known</foo> end, <o:p></o:p><bar id='1'>and</p>", "A known end, and"),
        ("<nolink>p-value</nolink> <tex>x", "p-value x"),
    ],
)
def test_what_looks_like_a_tag_and_is_none_stays(stem: str, expected: str) -> None:
    found = one(from_moodle(xml("multichoice", answer("100", "a"), answer("0", "b"), stem=stem)))
    assert found.content.stem == expected


@pytest.mark.parametrize(
    "text", ["::Q::Which? {=a ~b}\n", "[html]<p>Which?</p>{=a ~b}\n", "<p>Which?</p>{=a ~b}\n"]
)
def test_gift_in_a_file_that_is_called_xml_is_seen(text: str) -> None:
    file = io.BytesIO(text.encode())
    assert registry.detect(file, "export.xml").name == "gift"
    assert options(one(list(registry.read(file, "export.xml")))) == ["*a", "b"]


@pytest.mark.parametrize(
    "text", ["<quiz>{=a ~b}", "<!-- {=a ~b} --><quiz/>", '<?xml version="1.0"?><a>{=a}</a>']
)
def test_xml_with_braces_in_it_is_no_gift(text: str) -> None:
    assert not gift.looks_like(text.encode(), "export.xml")


def test_marks_taken_off_are_told_where_one_answer_is_right() -> None:
    assert codes(one(from_gift("Which? {=a ~%-25%b ~c}"))) == ["negative_marks"]
    assert codes(one(from_gift("Which? {~%50%a ~%50%b ~%-100%c}"))) == []


def test_several_to_select_and_one_right_is_told() -> None:
    several = "<single>false</single>"
    found = one(from_moodle(xml("multichoice", several, answer("100", "a"), answer("-100", "b"))))
    assert (options(found), codes(found)) == (["*a", "b"], ["type_changed"])


@pytest.mark.parametrize(
    ("shown", "lost"),
    [("ALL", []), ("0", []), ("", []), ("RANDOM", ["step_selection"]), ("2", ["step_selection"])],
)
def test_an_ordering_of_some_of_its_steps_is_told(shown: str, lost: list[str]) -> None:
    chosen = f"<selecttype>{shown}</selecttype><selectcount>2</selectcount>"
    steps = [answer(str(number), text) for number, text in enumerate("abc", 1)]
    found = one(from_moodle(xml("ordering", chosen, *steps)))
    assert (found.content.key, codes(found)) == (["a", "b", "c"], lost)


def test_an_option_whose_picture_is_missing_is_told() -> None:
    picture = '<img src="@@PLUGINFILE@@/x.png" alt="">'
    found = one(from_moodle(xml("multichoice", answer("100", "a"), answer("0", picture), answer("0", "c"))))
    assert options(found) == ["*a", "c"]
    assert "empty_answer" in codes(found)
