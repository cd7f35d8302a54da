from __future__ import annotations

import io
import zipfile
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.content import ItemType
from questions.formats import canvas_qti
from questions.formats.exchange import ExchangeQuestion, Outcome, Picture, Rejection, UnreadableFile

PNG = b"\x89PNG not really"


def field(label: str, entry: str) -> str:
    return f"<qtimetadatafield><fieldlabel>{label}</fieldlabel><fieldentry>{entry}</fieldentry></qtimetadatafield>"


def html(text: str) -> str:
    return f'<material><mattext texttype="text/html">{escape(text)}</mattext></material>'


def plain(text: str) -> str:
    return f'<material><mattext texttype="text/plain">{escape(text)}</mattext></material>'


def labels(**texts: str) -> str:
    return "".join(
        f'<response_label ident="{i[1:]}">{plain(text)}</response_label>' for i, text in texts.items()
    )


def choose(texts: str, *, ident: str = "response1", cardinality: str = "Single", before: str = "") -> str:
    return (
        f'<response_lid ident="{ident}" rcardinality="{cardinality}">{before}'
        f"<render_choice>{texts}</render_choice></response_lid>"
    )


def is_(value: str, ident: str = "response1") -> str:
    return f'<varequal respident="{ident}">{value}</varequal>'


def when(condition: str, *, score: str = "", shows: str = "", action: str = "Set") -> str:
    return (
        f"<respcondition><conditionvar>{condition}</conditionvar>"
        + (f'<setvar action="{action}" varname="SCORE">{score}</setvar>' if score else "")
        + (f'<displayfeedback feedbacktype="Response" linkrefid="{shows}"/>' if shows else "")
        + "</respcondition>"
    )


def feedback(**texts: str) -> str:
    return "".join(
        f'<itemfeedback ident="{name.lstrip("_")}"><flow_mat>{html(text)}</flow_mat></itemfeedback>'
        for name, text in texts.items()
    )


def item(
    kind: str, presentation: str, processing: str = "", more: str = "", *, ident: str = "g1f", title: str = ""
) -> str:
    metadata = f"<itemmetadata><qtimetadata>{field('question_type', kind)}</qtimetadata></itemmetadata>"
    return (
        f'<item ident="{ident}" title="{title}">{metadata if kind else ""}'
        f"<presentation>{presentation}</presentation><resprocessing>{processing}</resprocessing>{more}</item>"
    )


def assessment(*items: str, title: str = "Quiz 1") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<questestinterop xmlns="http://www.imsglobal.org/xsd/ims_qtiasiv1p2">'
        f'<assessment ident="a" title="{title}"><section ident="root_section">{"".join(items)}</section></assessment>'
        "</questestinterop>"
    )


def package(**files: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def parse(data: str | bytes) -> list[Outcome]:
    return list(canvas_qti.parse(io.BytesIO(data.encode() if isinstance(data, str) else data), "quiz.zip"))


def question(*items: str) -> ExchangeQuestion:
    outcome = parse(assessment(*items))[-1]
    assert isinstance(outcome, ExchangeQuestion), outcome
    return outcome


def refusal(*items: str) -> Rejection:
    outcome = parse(assessment(*items))[-1]
    assert isinstance(outcome, Rejection), outcome
    return outcome


THREE = labels(i1="One", i2="Two", i3="Three")
PLAIN = html("<p>What?</p>") + choose(THREE)
GOOD = item("multiple_choice_question", PLAIN, when(is_("2"), score="100"))


def test_multiple_choice_with_feedback() -> None:
    processing = (
        when("<other/>", shows="general_fb")
        + when(is_("1"), shows="1_fb")
        + when(is_("2"), score="100", shows="correct_fb")
    )
    found = question(
        item(
            "multiple_choice_question",
            PLAIN,
            processing,
            feedback(_1_fb="<p>Too <em>few</em>.</p>", general_fb="See chapter 2."),
            title="Counting",
        )
    )
    assert found.content.item_type is ItemType.MULTIPLE_CHOICE
    assert (found.content.stem, found.content.key) == ("What?", "b")
    assert [o.rationale for o in found.content.options] == ["Too *few*.", "See chapter 2.", ""]
    assert (found.code, found.title, found.category) == ("g1f", "Counting", ("Quiz 1",))
    assert found.where == "question 1, “Counting”"
    assert [loss.code for loss in found.losses] == ["general_feedback_moved"]


def test_general_feedback_beside_that_of_the_key_is_lost() -> None:
    processing = when(is_("2"), score="100") + when(is_("2"), shows="2_fb")
    found = question(
        item(
            "multiple_choice_question",
            PLAIN,
            processing,
            feedback(_2_fb="Right.", general_fb="General.", general_incorrect_fb="Try again."),
        )
    )
    assert found.content.options[1].rationale == "Right."
    assert [loss.code for loss in found.losses] == ["incorrect_feedback", "general_feedback"]


def test_true_false() -> None:
    presentation = html("Sky is blue") + choose(labels(i9="True", i8="False"))
    found = question(item("true_false_question", presentation, when(is_("8"), score="100")))
    assert ([o.text for o in found.content.options], found.content.key) == (["True", "False"], "b")


@pytest.mark.parametrize(
    "processing",
    [
        when(f"<and>{is_('1')}<not>{is_('2')}</not>{is_('3')}</and>", score="100"),
        when(is_("1"), score="50", action="Add")
        + when(is_("3"), score="50", action="Add")
        + when(is_("2"), score="50", action="Subtract"),
        when(is_("1") + is_("3") + f"<not>{is_('2')}</not>", score="1", action="Add")
        + when(f"<not>{is_('1')}{is_('3')}<not>{is_('2')}</not></not>", score="0", action="Add"),
        when(f"<and>{is_('1')}<not>{is_('2')}</not>{is_('3')}</and>"),
    ],
    ids=["canvas", "partial", "brightspace", "no-score"],
)
def test_multiple_answers(processing: str) -> None:
    presentation = html("Which?") + choose(THREE, cardinality="Multiple")
    found = question(item("multiple_answers_question", presentation, processing))
    assert found.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert found.content.key == ["a", "c"]


def test_multiple_answers_with_one_right_become_a_choice() -> None:
    presentation = html("Which?") + choose(THREE, cardinality="Multiple")
    found = question(item("multiple_answers_question", presentation, when(is_("3"), score="100")))
    assert (found.content.item_type, found.content.key) == (ItemType.MULTIPLE_CHOICE, "c")
    assert [loss.code for loss in found.losses] == ["type_changed"]


def test_matching_with_surplus_answers_and_feedback() -> None:
    presentation = html("Match.") + "".join(
        choose(labels(i10="Cat", i11="Dog", i12="Cow"), ident=f"response_{n}", before=plain(says))
        for n, says in ((1, "Miaow"), (2, "Woof"))
    )
    processing = "".join(
        when(is_(right, f"response_{n}"), score="50", action="Add")
        + when(f"<not>{is_(right, f'response_{n}')}</not>", shows=f"{n}_fb")
        for n, right in ((1, "10"), (2, "11"))
    )
    found = question(item("matching_question", presentation, processing, feedback(_1_fb="Cats do.")))
    assert [o.text for o in found.content.options] == ["Cat", "Dog", "Cow"]
    assert found.content.key == {"p1": "a", "p2": "b"}
    assert [(p.text, p.rationale) for p in found.content.prompts] == [("Miaow", "Cats do."), ("Woof", "")]
    assert found.content.stem == "Match."


def test_ordering_of_new_quizzes() -> None:
    presentation = (
        html("Order.")
        + '<response_lid ident="r" rcardinality="Ordered"><render_extension><material position="top"><mattext>First'
        + f"</mattext></material><ims_render_object><flow_label>{THREE}</flow_label></ims_render_object>"
        + "</render_extension></response_lid>"
    )
    processing = when(is_("3", "r") + is_("1", "r") + is_("2", "r"), score="100")
    found = question(item("ordering_question", presentation, processing))
    assert (found.content.stem, found.content.key) == ("Order.\n\n↑ First", ["c", "a", "b"])
    assert [loss.code for loss in found.losses] == ["order_labels"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("short_answer_question", "short answer"),
        ("fill_in_multiple_blanks_question", "fill in the blanks"),
        ("multiple_dropdowns_question", "drop-down lists"),
        ("numerical_question", "numeric"),
        ("calculated_question", "calculated formula"),
        ("essay_question", "essay"),
        ("file_upload_question", "file upload"),
        ("text_only_question", "text without a question"),
        ("categorization_question", "categorisation"),
        ("hot_spot_question", "hot spot"),
        ("cc.fib.v0p1", "fill in the blank"),
    ],
)
def test_other_kinds_are_rejected_by_name(kind: str, name: str) -> None:
    bad, good = parse(assessment(item(kind, PLAIN, title="T"), GOOD))
    assert isinstance(bad, Rejection)
    assert (bad.code, bad.where, bad.title) == ("unsupported_type", "question 1, “T”", "T")
    assert f"“{name}”" in bad.why
    assert isinstance(good, ExchangeQuestion)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (item("multiple_choice_question", PLAIN), "no_key"),
        (item("multiple_choice_question", PLAIN, when(is_("7"), score="100")), "unknown_key"),
        (item("multiple_choice_question", PLAIN, when(is_("1"), score="100") + when(is_("2"), score="100")), "two_keys"),
        (item("multiple_choice_question", html("Q") + choose(labels(i1="One")), when(is_("1"), score="100")), "too_few_options"),
        (item("multiple_choice_question", choose(THREE), when(is_("1"), score="100")), "empty_stem"),
        (item("multiple_choice_question", html("Q")), "no_answers"),
        (item("matching_question", html("Q") + choose(THREE, before=plain("L")), when(is_("1"), score="100")), "too_few_pairs"),
        (item("", html("Q") + '<response_str ident="r"/>'), "unsupported_type"),
        ('<item ident="x"/>', "empty_stem"),
    ],
)  # fmt: skip
def test_one_bad_question_does_not_take_the_others_along(bad: str, code: str) -> None:
    first, second = parse(assessment(bad, GOOD.replace("g1f", "g2f")))
    assert isinstance(first, Rejection) and first.code == code
    assert first.why.endswith(".")
    assert isinstance(second, ExchangeQuestion)


def test_an_item_of_thousands_of_answers_is_refused_at_once() -> None:
    many = labels(**{f"i{n}": str(n) for n in range(3000)})
    conditions = "".join(when(is_(str(n)), shows=f"{n}_fb") for n in range(3000))
    refused = refusal(item("multiple_choice_question", html("Q") + choose(many), conditions))
    assert refused.code == "too_many_options"


def test_an_empty_wrong_answer_is_left_out() -> None:
    presentation = html("Q") + choose(labels(i1="One", i2="Two", i3=""))
    found = question(item("multiple_choice_question", presentation, when(is_("2"), score="100")))
    assert len(found.content.options) == 2
    assert [loss.code for loss in found.losses] == ["empty_option"]


def test_plain_text_stays_text_and_formulas_come_along() -> None:
    equation = (
        '<img class="equation_image" alt="LaTeX: x^2" data-equation-content="x^2" src="/equation_images/x">'
    )
    presentation = html(f"<p>Which is {equation}?</p>") + choose(labels(i1="<br />", i2="2*3*4"))
    found = question(item("multiple_choice_question", presentation, when(is_("1"), score="100")))
    assert found.content.stem == "Which is $x^2$?"
    assert [o.text.replace("\\", "") for o in found.content.options] == ["<br />", "2*3*4"]


def test_pictures_come_from_the_package() -> None:
    addresses = ("$IMS-CC-FILEBASE$/Uploaded%20Media/a.png?canvas_download=1", "%24IMS-CC-FILEBASE%24/b.png")
    images = "".join(f'<img src="{address}" alt="A figure">' for address in addresses)
    quiz = assessment(
        item(
            "multiple_choice_question",
            html(f"<p>What? {images}</p>") + choose(THREE),
            when(is_("2"), score="100"),
        )
    )
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": "<manifest/>",
        "g1/g1.xml": quiz,
        "g1/assessment_meta.xml": "<quiz><questestinterop/></quiz>",
        "web_resources/Uploaded Media/a.png": PNG,
        "b.png": PNG,
    }
    data = package(**files)
    found = parse(data)[0]
    assert isinstance(found, ExchangeQuestion)
    assert found.pictures == (Picture("a.png", PNG), Picture("b.png", PNG))
    assert found.content.stem == "What? ![A figure](image:a.png)![A figure](image:b.png)"
    assert found.losses == ()


def test_a_picture_that_is_missing_is_a_loss() -> None:
    presentation = html('<p>What? <img src="$IMS-CC-FILEBASE$/a.png" alt="A figure"></p>') + choose(THREE)
    found = question(item("multiple_choice_question", presentation, when(is_("2"), score="100")))
    assert (found.content.stem, [loss.code for loss in found.losses]) == ("What? A figure", ["image"])


def test_the_second_copy_of_a_course_export_is_not_read() -> None:
    quiz = assessment(GOOD)
    found = parse(package(**{"gx/assessment_qti.xml": quiz, "non_cc_assessments/gx.xml.qti": quiz}))
    assert len(found) == 1


def test_the_same_question_in_two_quizzes_comes_in_once() -> None:
    other = GOOD.replace("What?", "Which?")
    first, second, third = parse(package(**{"a.xml": assessment(GOOD), "b.xml": assessment(GOOD, other)}))
    assert isinstance(first, ExchangeQuestion) and first.where == "a.xml, question 1"
    assert isinstance(second, Rejection) and second.code == "duplicate_code"
    assert isinstance(third, ExchangeQuestion) and third.code == ""
    assert [loss.code for loss in third.losses] == ["code"]


def test_banks_and_groups_are_folders() -> None:
    bank = (
        "<questestinterop><objectbank ident='b'><qtimetadata>"
        + field("bank_title", "Networks")
        + f"</qtimetadata>{GOOD}{GOOD.replace('g1f', 'g2f').replace('What', 'Why')}</objectbank></questestinterop>"
    )
    assert [o.category for o in parse(bank) if isinstance(o, ExchangeQuestion)] == [("Networks",)] * 2
    group = f'<section ident="s" title="Group 1">{GOOD}</section>'
    assert question(group).category == ("Quiz 1", "Group 1")


def test_blackboard_and_respondus() -> None:
    text = '<material><mat_extension><mat_formattedtext type="HTML">{}</mat_formattedtext></mat_extension></material>'
    shown = "".join(
        f'<flow_label><response_label ident="{i}">{text.format(t)}</response_label></flow_label>'
        for i, t in (("x", "One"), ("y", "Two"))
    )
    blackboard = (
        "<item><itemmetadata><bbmd_questiontype>Multiple Choice</bbmd_questiontype></itemmetadata><presentation>"
        f'<flow class="Block"><flow class="QUESTION_BLOCK">{text.format("&lt;b&gt;What?&lt;/b&gt;")}</flow>'
        f'<flow class="RESPONSE_BLOCK">{choose(shown, ident="response")}</flow></flow></presentation><resprocessing>'
        '<respcondition title="correct"><conditionvar><varequal respident="response">y</varequal></conditionvar>'
        '<setvar variablename="SCORE" action="Set">SCORE.max</setvar></respcondition></resprocessing></item>'
    )
    found = question(blackboard)
    assert (found.content.stem, found.content.key, found.code) == ("**What?**", "b", "")
    respondus = item(
        "",
        PLAIN,
        when(is_("1"), score="0", shows="QUE_1_AIC") + when(is_("3"), score="1", shows="QUE_2_AC"),
        feedback(QUE_1_AIC="No.", QUE_2_AC="Yes.", QUE_3_IC="Sorry."),
    )
    assert [o.rationale for o in question(respondus).content.options] == ["No.", "", "Yes."]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "not_qti_1"),
        ("<quiz/>", "not_qti_1"),
        (package(note="x"), "not_qti_1"),
        ("<questestinterop><assessment>", "truncated"),
        ('<!DOCTYPE q [<!ENTITY a "b">]><questestinterop/>', "doctype"),
        (package(**{"a.xml": assessment(GOOD)})[:-40], "truncated_zip"),
        (package(**{"../a.xml": assessment(GOOD)}), "climbing_path"),
    ],
)
def test_what_is_no_assessment_is_refused(data: str | bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        parse(data)
    assert error.value.code == code


def test_what_is_complete_before_the_fault_comes_in() -> None:
    outcomes = canvas_qti.parse(io.BytesIO(assessment(GOOD)[:-20].encode()), "quiz.xml")
    assert isinstance(next(outcomes), ExchangeQuestion)
    with pytest.raises(UnreadableFile):
        next(outcomes)


def test_looks_like() -> None:
    assert canvas_qti.looks_like(assessment(GOOD).encode(), "a.xml")
    assert canvas_qti.looks_like(package(**{"a.xml": assessment(GOOD)}), "a.zip")
    assert canvas_qti.looks_like(package(**{"g/assessment_meta.xml": "<quiz/>"}), "a.zip")
    assert not canvas_qti.looks_like(package(note="x"), "a.zip")
    assert not canvas_qti.looks_like(b"<quiz/>", "a.xml")


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2500), st.integers(0, 40), st.text(alphabet="<>/&;\"' ab1", max_size=8))
def test_damaged_files_are_read_or_refused(start: int, length: int, put: str) -> None:
    text = assessment(
        GOOD,
        item(
            "multiple_answers_question", PLAIN, when(f"<and>{is_('1')}</and>", score="100"), feedback(x="y")
        ),
    )
    try:
        parse(text[:start] + put + text[start + length :])
    except UnreadableFile as refused:
        assert refused.why.endswith(".")
