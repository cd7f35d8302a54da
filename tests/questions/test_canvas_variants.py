"""QTI 1.2 as other systems, and newer Canvas, write it."""

from __future__ import annotations

import pytest

from questions.content import ItemType
from questions.formats.exchange import ExchangeQuestion, Picture, Rejection
from tests.questions.test_canvas_qti import (
    GOOD,
    PLAIN,
    PNG,
    THREE,
    assessment,
    choose,
    feedback,
    field,
    html,
    is_,
    item,
    labels,
    package,
    parse,
    plain,
    question,
    refusal,
    when,
)


def counted(value: str, response: str, variable: str, adds: str = "1") -> str:
    return (
        f"<respcondition><conditionvar>{is_(value, response)}</conditionvar>"
        f'<setvar varname="{variable}" action="Add">{adds}</setvar></respcondition>'
    )


def codes(found: ExchangeQuestion) -> list[str]:
    return [loss.code for loss in found.losses]


@pytest.mark.parametrize("adds", ["1", ""])
def test_what_is_counted_as_wrong_is_not_right(adds: str) -> None:
    """Brightspace keeps two counts, and both only grow."""
    several = html("Pick") + choose(THREE, cardinality="Multiple")
    processing = (
        counted("1", "response1", "D2L_Correct", adds)
        + counted("2", "response1", "D2L_Incorrect", adds)
        + counted("3", "response1", "D2L_Correct", adds)
        + '<respcondition><setvar varname="que_score" action="Set">D2L_Correct</setvar></respcondition>'
    )
    found = question(item("Multi-Select", several, processing))
    assert found.content.key == ["a", "c"]
    assert codes(found) == ["partial_credit"]


def test_groups_instead_of_lists() -> None:
    groups = "".join(
        f'<response_grp respident="{name}" rcardinality="Single">{plain(text)}'
        f"<render_choice>{THREE}</render_choice></response_grp>"
        for name, text in (("R1", "1"), ("R2", "2"))
    )
    processing = "".join(
        counted(
            value, name, "D2L_Correct" if (name, value) in (("R1", "1"), ("R2", "2")) else "D2L_Incorrect"
        )
        for name in ("R1", "R2")
        for value in "123"
    )
    found = question(item("", html("Match") + groups, processing))
    assert found.content.item_type is ItemType.MATCHING
    assert found.content.key == {"p1": "a", "p2": "b"}


def test_steps_whose_value_is_their_place() -> None:
    group = f'<response_grp ident="O" rcardinality="Ordered"><render_choice>{THREE}</render_choice></response_grp>'
    processing = "".join(counted(str(place), step, "D2L_Correct") for place, step in enumerate("312", 1))
    found = question(item("Ordering", html("Sort") + group, processing))
    assert found.content.key == ["c", "a", "b"]


def test_one_group_to_drag_into_is_rejected_by_name() -> None:
    group = f'<response_grp ident="G" rcardinality="Multiple"><render_choice>{THREE}</render_choice></response_grp>'
    assert refusal(item("", html("Drag") + group, when(is_("1", "G"), score="1"))).code == "unsupported_type"


def test_a_text_of_its_own_is_the_scenario_of_what_belongs_to_it() -> None:
    belongs = field("parent_stimulus_item_ident", "s1")
    picture = '<p>Read <img src="data:image/png;base64,aGVsbG8=" alt="it"/>.</p>'
    text = item("text_only_question", html(picture), ident="s1", title="The case")
    own = item("multiple_choice_question", PLAIN, when(is_("2"), score="100"))
    own = own.replace("</itemmetadata>", f"<qtimetadata>{belongs}</qtimetadata></itemmetadata>")
    first, second, third = parse(assessment(text, own, GOOD.replace("g1f", "g2f")))
    assert isinstance(first, Rejection) and first.code == "unsupported_type"
    assert isinstance(second, ExchangeQuestion) and second.scenario is not None
    assert (second.scenario.code, second.scenario.title) == ("s1", "The case")
    assert second.scenario.text == "Read ![it](image:picture.png)."
    assert second.pictures == (Picture("picture.png", b"hello"),)
    assert isinstance(third, ExchangeQuestion) and third.scenario is None


def test_a_section_may_say_what_its_questions_belong_to() -> None:
    text = item("text_only_question", html("<p>Read.</p>"), ident="s1")
    section = f'<section ident="x" parent_stimulus_item_ident="s1">{GOOD}</section>'
    found = parse(assessment(text, section))[-1]
    assert isinstance(found, ExchangeQuestion) and found.scenario is not None
    assert found.scenario.text == "Read."


def test_a_text_that_is_not_there_is_named() -> None:
    section = f'<section ident="x" parent_stimulus_item_ident="s9">{GOOD}</section>'
    found = parse(assessment(section))[-1]
    assert isinstance(found, ExchangeQuestion) and codes(found) == ["scenario"]


def test_a_question_that_is_elsewhere_is_named() -> None:
    reference, good = parse(assessment('<bankentry_item item_ref="i1" sourcebank_ref="b1"/>', GOOD))
    assert isinstance(reference, Rejection) and reference.code == "items_elsewhere"
    assert isinstance(good, ExchangeQuestion)


@pytest.mark.parametrize(
    "stem", ["Fill [x] and [y]", "Two lists that share no answer"], ids=["in brackets", "apart"]
)
def test_gaps_without_a_name_of_their_kind_are_no_matching(stem: str) -> None:
    lists = choose(labels(i1="p", i2="q"), ident="r_x", before=plain("x"))
    lists += choose(labels(i3="r", i4="s"), ident="r_y", before=plain("y"))
    processing = when(is_("1", "r_x"), score="50") + when(is_("3", "r_y"), score="50")
    assert refusal(item("", plain(stem) + lists, processing)).code == "unsupported_type"


def test_empty_pairs_are_left_out() -> None:
    texts = labels(i1="p", i2="q", i3="")
    lists = "".join(choose(texts, ident=f"r{n}", before=plain(text)) for n, text in enumerate(("x", "y", "")))
    processing = "".join(when(is_(str(n + 1), f"r{n}"), score="33.33", action="Add") for n in range(3))
    found = question(item("matching_question", html("Match") + lists, processing))
    assert [(prompt.text, prompt.match) for prompt in found.content.prompts] == [("x", "a"), ("y", "b")]
    assert codes(found) == ["empty_prompt"]


def test_feedback_of_an_answer_that_is_named_like_it() -> None:
    """Blackboard ties it to an empty value of a response that is called like the answer."""
    processing = when(is_("2"), score="100", shows="correct") + when(is_("", "1"), shows="1")
    found = question(item("", PLAIN, processing, feedback(_1="Too few.", _2="Just so.", correct="Good.")))
    assert [option.rationale for option in found.content.options] == ["Too few.", "Just so.", ""]


def test_html_that_is_escaped_twice() -> None:
    stem = html("&lt;p&gt;Is &lt;b&gt;x &amp;lt; 3&lt;/b&gt;?&lt;/p&gt;")
    options = "".join(
        f'<response_label ident="{n}">{html(text)}</response_label>'
        for n, text in ((1, "&lt;i&gt;yes&lt;/i&gt;"), (2, "no"))
    )
    found = question(item("multiple_choice_question", stem + choose(options), when(is_("2"), score="100")))
    assert found.content.stem == "Is **x < 3**?"
    assert found.content.options[0].text == "*yes*"


def test_a_question_about_html_keeps_its_tags() -> None:
    stem = html("<p>What does &lt;p&gt;x&lt;/p&gt; do?</p>")
    found = question(item("multiple_choice_question", stem + choose(THREE), when(is_("2"), score="100")))
    assert found.content.stem.replace("\\", "") == "What does <p>x</p> do?"


def test_wrong_answers_inside_or_inside_not() -> None:
    several = html("Pick") + choose(THREE, cardinality="Multiple")
    condition = f"<and>{is_('2')}<not><or>{is_('1')}</or></not>{is_('3')}</and>"
    found = question(item("multiple_answers_question", several, when(condition, score="100")))
    assert found.content.key == ["b", "c"]


def test_a_single_answer_that_excludes_the_others() -> None:
    condition = f"<and>{is_('2')}</and><not><or>{is_('1')}{is_('3')}</or></not>"
    assert question(item("", PLAIN, when(condition, score="1"))).content.key == "b"


def test_a_key_of_which_a_part_is_not_there_is_no_key() -> None:
    several = html("Pick") + choose(THREE, cardinality="Multiple")
    condition = f"<and>{is_('0')}<not>{is_('1')}</not>{is_('2')}</and>"
    assert refusal(item("Multiple Answer", several, when(condition, score="1"))).code == "unknown_key"
    assert refusal(item("", PLAIN, when(is_("9"), score="1"))).code == "unknown_key"


def test_answers_in_one_value() -> None:
    several = html("Pick") + choose(THREE, cardinality="Multiple")
    condition = '<varsubset respident="response1" setmatch="Exact">1,3</varsubset>'
    assert question(item("", several, when(condition, score="1"))).content.key == ["a", "c"]


def test_pictures_where_the_package_lies_in_a_folder() -> None:
    stem = html(
        '<img src="%24IMS-CC-FILEBASE%24/pics/A%20b.png?canvas_=1" alt="a"/><img src="../img/c.PNG" alt="c"/>'
    )
    quiz = item("multiple_choice_question", stem + choose(THREE), when(is_("2"), score="100"))
    files: dict[str, str | bytes] = {
        "export/quiz/quiz.xml": assessment(quiz),
        "export/pics/a b.png": PNG,
        "export/img/c.png": PNG + b"2",
        "__MACOSX/export/quiz/._quiz.xml": b"\0\5",
        "export/.DS_Store": b"\0",
    }
    (found,) = parse(package(**files))
    assert isinstance(found, ExchangeQuestion)
    assert [picture.name for picture in found.pictures] == ["a-b.png", "c.png"]
    assert found.losses == ()


def test_labels_at_both_ends_of_an_order_stay_in_the_stem() -> None:
    def label(place: str, text: str) -> str:
        return f'<material position="{place}"><mattext>{text}</mattext></material>'

    ends = label("top", "Oldest"), label("bottom", "Newest")
    presentation = (
        html("Order.")
        + f'<response_lid ident="r" rcardinality="Ordered"><render_extension>{ends[0]}'
        + f"<ims_render_object><flow_label>{THREE}</flow_label></ims_render_object>{ends[1]}"
        + "</render_extension></response_lid>"
    )
    processing = when(is_("3", "r") + is_("1", "r") + is_("2", "r"), score="100")
    found = question(item("ordering_question", presentation, processing))
    assert (found.content.stem, found.content.key) == ("Order.\n\n↑ Oldest\n\n↓ Newest", ["c", "a", "b"])
    assert codes(found) == ["order_labels"]


def test_code_inside_a_paragraph_that_is_escaped() -> None:
    stem = '<material><mattext texttype="text/html">&lt;p&gt;Is <code>a &lt; b</code> so?&lt;/p&gt;</mattext></material>'
    found = question(item("multiple_choice_question", stem + choose(THREE), when(is_("1"), score="100")))
    assert found.content.stem == "Is `a < b` so?"


def test_the_doctype_of_old_qti_is_passed_over() -> None:
    doctype = """<!DOCTYPE questestinterop SYSTEM "ims_qtiasiv1p2.dtd" [
<!-- an extension -->
<!ELEMENT ims_render_object (flow_label+)>
<!ATTLIST ims_render_object shuffle (Yes|No) 'No' >
]>"""
    (found,) = parse(assessment(GOOD).replace("<questestinterop", f"{doctype}<questestinterop", 1))
    assert isinstance(found, ExchangeQuestion) and found.content.key == "b"
