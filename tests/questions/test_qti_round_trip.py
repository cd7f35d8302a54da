"""What is written as QTI comes back equal, up to what was announced."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import html_text, qti
from questions.formats.exchange import (
    IMAGE_TARGET,
    ExchangeQuestion,
    ExchangeScenario,
    Format,
    Picture,
    letter_ids,
    texts,
)
from tests.questions.qti_makers import PNG

FORMATS = pytest.mark.parametrize("wanted", [qti.FORMAT_2, qti.FORMAT_3], ids=["qti2", "qti3"])


def make_choice(**changes: object) -> ExchangeQuestion:
    options = tuple(Option(one, f"Use {one}", f"Why {one}", one == "b") for one in "abcd")
    question = ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_CHOICE, "Which one?", options), code="q-1")
    return replace(question, **changes)  # type: ignore[arg-type]


def written(wanted: Format, *questions: ExchangeQuestion) -> bytes:
    out = io.BytesIO()
    assert wanted.render is not None
    wanted.render(iter(questions), out)
    return out.getvalue()


def back(wanted: Format, *questions: ExchangeQuestion) -> list[ExchangeQuestion]:
    found = list(wanted.parse(io.BytesIO(written(wanted, *questions)), "export.zip"))
    assert all(isinstance(one, ExchangeQuestion) for one in found), found
    return [replace(one, where="") for one in found if isinstance(one, ExchangeQuestion)]


def xml_of(wanted: Format, question: ExchangeQuestion) -> etree._Element:
    package = zipfile.ZipFile(io.BytesIO(written(wanted, question)))
    (name,) = (found for found in package.namelist() if found.startswith("items/"))
    return etree.fromstring(package.read(name))


def tags(element: etree._Element) -> list[str]:
    return [etree.QName(part).localname.removeprefix("qti-").replace("-", "").lower() for part in element]


SCENARIO = ExchangeScenario("sc 1", "A “firm” & co", "It sells *books*.\n\n![Its ![logo]](image:logo.png)")

WHOLE = make_choice(
    content=QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "Read this:\n\n```python\nif a < b: pass\n```\n\n- one\n- two\n\nWhich & why?",
        (
            Option("a", "Use `x<y`", "Because:\n\n1. it is\n2. it was", True),
            Option("b", "![A map](image:map.png)", "No, $x^2$."),
            Option("c-1", "First\n\nSecond"),
        ),
        references=("note:1.1", "https://example.org/?a=1&b=2"),
    ),
    title="Maps & “more”",
    topic="1.1.2",
    level=Level.APPLY,
    difficulty=Decimal("0.65"),
    keep_order=True,
    tags=("cost", "topic:odd"),
    category=("A/B", "C"),
    scenario=ExchangeScenario("sc 1", "A “firm” & co", "It sells *books*.\n\n![Its logo](image:logo.png)"),
    pictures=(Picture("map.png", PNG), Picture("logo.png", PNG + b"2")),
)


@FORMATS
def test_everything_a_question_has(wanted: Format) -> None:
    assert wanted.losses(WHOLE) == ()
    assert back(wanted, WHOLE) == [WHOLE]


@FORMATS
def test_the_other_types(wanted: Format) -> None:
    steps = (Option("s1", "Second", "x", position=2), Option("s2", "First", position=1), Option("s3", "No"))
    ordering = make_choice(content=QuestionContent(ItemType.ORDERING, "Sort", steps), code="o")
    options = tuple(Option(one, f"Text {one}", f"Why {one}" * (one == "a")) for one in "abc")
    prompts = (Prompt("p1", "One", "b", "Why one"), Prompt("p2", "Two", "b"), Prompt("p3", "Three", "a"))
    matching = make_choice(content=QuestionContent(ItemType.MATCHING, "Match", options, prompts), code="m")
    several = tuple(Option(one, f"Text {one}", "Why", one in "ac") for one in "abcde")
    content = QuestionContent(ItemType.MULTIPLE_RESPONSE, "Which? (Select TWO.)", several)

    questions = [ordering, matching, make_choice(content=content, code="")]

    assert back(wanted, *questions) == questions


@FORMATS
def test_the_order_of_elements_is_the_one_of_the_schema(wanted: Format) -> None:
    item = xml_of(wanted, WHOLE)

    stimulus = ["assessmentstimulusref"] if wanted is qti.FORMAT_3 else []
    expected = ["responsedeclaration", "outcomedeclaration", "outcomedeclaration", *stimulus, "itembody"]
    assert tags(item) == [*expected, "responseprocessing", "modalfeedback", "modalfeedback"]
    namespace = "imsqtiasi_v3p0" if wanted is qti.FORMAT_3 else "imsqti_v2p2"
    assert item.nsmap[None] == f"http://www.imsglobal.org/xsd/{namespace}"
    names = {str(name).rpartition("}")[2] for part in item.iter() for name in part.attrib}
    camel = {name for name in names if name != name.lower()} - {"schemaLocation"}
    assert bool(camel) == (wanted is qti.FORMAT_2)


@FORMATS
def test_a_package_names_each_of_its_files_once(wanted: Format) -> None:
    package = zipfile.ZipFile(io.BytesIO(written(wanted, WHOLE, replace(WHOLE, code="Q-1"), WHOLE)))
    manifest = etree.fromstring(package.read("imsmanifest.xml"))
    space = {"p": manifest.nsmap[None] or ""}
    files = {str(one.get("href")) for one in manifest.iterfind(".//p:file", space)}
    resources = manifest.findall(".//p:resource", space)
    ids = [str(one.get("identifier")) for one in resources]
    kinds = {str(one.get("type")) for one in resources}

    assert files == {*package.namelist()} - {"imsmanifest.xml"}
    assert len(ids) == len(set(ids))
    assert {str(one.get("identifierref")) for one in manifest.iterfind(".//p:dependency", space)} <= {*ids}
    assert kinds == (
        {"imsqti_item_xmlv3p0", "imsqti_stimulus_xmlv3p0"}
        if wanted is qti.FORMAT_3
        else {"imsqti_item_xmlv2p2"}
    )
    assert len([one for one in files if one.startswith("images/")]) == 2


@FORMATS
def test_the_same_questions_give_the_same_bytes(wanted: Format) -> None:
    assert written(wanted, WHOLE) == written(wanted, WHOLE)
    assert wanted.looks_like(written(wanted, WHOLE)[: 64 * 1024], "x.zip")


def test_feedback_of_a_choice_follows_the_answer_in_processing() -> None:
    item = xml_of(qti.FORMAT_2, make_choice())
    text = etree.tostring(item, encoding="unicode")

    assert '<setOutcomeValue identifier="FEEDBACK"><variable identifier="RESPONSE"/>' in text
    plain = make_choice(
        content=replace(make_choice().content, options=(Option("a", "x", "", True), Option("b", "y")))
    )
    assert "rptemplates/match_correct" in etree.tostring(xml_of(qti.FORMAT_2, plain), encoding="unicode")


UNFIT = [
    QuestionContent(ItemType.MULTIPLE_CHOICE, "?", (Option("a", "x"), Option("b", "y"))),
    QuestionContent(ItemType.MULTIPLE_CHOICE, "?", (Option("a", "x", "", True), Option("b", "y", "", True))),
    QuestionContent(ItemType.MULTIPLE_CHOICE, "?", (Option("a", "x", "", True),)),
    QuestionContent(ItemType.MULTIPLE_CHOICE, "?", (Option("a", "x", "", True), Option("a", "y"))),
    QuestionContent(ItemType.MULTIPLE_RESPONSE, "?", (Option("a", "x"), Option("b", "y"))),
    QuestionContent(ItemType.ORDERING, "?", (Option("a", "x", position=1), Option("b", "y"))),
    QuestionContent(ItemType.MATCHING, "?", (Option("a", "x"),), (Prompt("p1", "x", "a"),)),
    QuestionContent(
        ItemType.MATCHING, "?", (Option("a", "x"),), (Prompt("p1", "x", "a"), Prompt("p2", "x", "z"))
    ),
    QuestionContent(
        ItemType.MATCHING, "?", (Option("a", "x"),), (Prompt("p1", "x", "a"), Prompt("p1", "x", "a"))
    ),
]


@FORMATS
@pytest.mark.parametrize("content", UNFIT)
def test_unfinished_questions_are_left_out_and_named(wanted: Format, content: QuestionContent) -> None:
    unfit = make_choice(content=content, code="unfit")

    assert [loss.leaves_out for loss in wanted.losses(unfit)] == [True]
    assert back(wanted, unfit, make_choice()) == [make_choice()]


def loss_codes(question: ExchangeQuestion) -> set[str]:
    return {loss.code for loss in qti.FORMAT_2.losses(question)}


def test_ids_that_xml_does_not_take_become_letters() -> None:
    content = replace(make_choice().content, options=(Option("1", "x", "", True), Option("b", "y", "why")))
    question = make_choice(content=content)

    assert loss_codes(question) == {"ids"}
    assert back(qti.FORMAT_3, question) == [replace(question, content=letter_ids(content))]


def test_pictures_without_a_text_and_texts_without_a_picture() -> None:
    options = (Option("a", "![A map](image:map.png)", "", True), Option("b", "y"))
    missing = make_choice(content=replace(make_choice().content, options=options))
    unused = make_choice(pictures=(Picture("a.png", PNG),))

    assert loss_codes(missing) == loss_codes(unused) == {"image"}
    assert back(qti.FORMAT_2, missing)[0].content.options[0].text == "A map"
    assert back(qti.FORMAT_2, unused) == [make_choice()]


def test_pictures_in_other_spellings_do_not_stop_an_export() -> None:
    options = (
        Option("a", '![A map](image:map.png "title")', "", True),
        Option("b", "![x][r]\n\n[r]: image:y"),
    )
    question = make_choice(content=replace(make_choice().content, options=options))

    assert "formatting" in loss_codes(question)
    assert back(qti.FORMAT_2, question)[0].content.options[0].text == "A map"


def test_smaller_losses() -> None:
    one_key = replace(make_choice().content, item_type=ItemType.MULTIPLE_RESPONSE)
    gap = QuestionContent(
        ItemType.ORDERING, "?", (Option("a", "x", position=1), Option("b", "y", position=3))
    )

    assert loss_codes(make_choice(content=one_key)) == {"single_key"}
    assert loss_codes(make_choice(content=gap)) == {"positions"}
    assert loss_codes(make_choice(title="q-1")) == {"title"}
    assert loss_codes(make_choice(title=" x\x00")) == {"formatting"}
    assert loss_codes(make_choice(content=replace(gap, stem="<b>x</b>\x0c"))) >= {"formatting"}


NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *(
                "]]>",
                "<![CDATA[",
                "&amp;",
                "<b>bold</b>",
                "a < b & c > d",
                "“quoted” 'and' \"so\"",
                "\\(x\\)",
            ),
            *("# Head", "- a\n- b", "1. a\n2. b", "> quote", "`code <x>`", "```\nx\n```", "$x_1$", "a\n\nb"),
            *(
                "| a | b |\n|---|---|\n| 1 | 2 |",
                "![A](image:p.png)",
                "**x** _y_",
                "\ufeff",
                "\u2028",
                "\r\n",
            ),
            *("{=a ~b}", "  padded  ", "https://example.org/?a=1&b=2", "\U0001f600", "&nbsp;", "<!-- x -->"),
        ]
    ),
)
TEXTS = st.lists(NASTY, min_size=1, max_size=3).map(" ".join)
NAMES = st.text(min_size=1, max_size=12)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)


@st.composite
def questions(draw: st.DrawFn) -> ExchangeQuestion:
    kind = draw(st.sampled_from(list(ItemType)))
    count = draw(st.integers(2, 6))
    ids = draw(st.lists(IDS, min_size=count, max_size=count, unique=True))
    options = tuple(Option(one, draw(TEXTS), draw(st.just("") | TEXTS)) for one in ids)
    prompts: tuple[Prompt, ...] = ()
    if kind is ItemType.MULTIPLE_CHOICE:
        right = draw(st.sampled_from(ids))
        options = tuple(replace(o, is_correct=o.id == right) for o in options)
    elif kind is ItemType.MULTIPLE_RESPONSE:
        keys = draw(st.sets(st.sampled_from(ids), min_size=2))
        options = tuple(replace(o, is_correct=o.id in keys) for o in options)
    elif kind is ItemType.ORDERING:
        order = draw(st.permutations(ids))[: draw(st.integers(2, count))]
        options = tuple(
            replace(o, position=order.index(o.id) + 1 if o.id in order else None) for o in options
        )
    else:
        prompts = tuple(
            Prompt(f"p{number}", draw(TEXTS), draw(st.sampled_from(ids)), draw(TEXTS))
            for number in range(draw(st.integers(2, 4)))
        )
    content = QuestionContent(kind, draw(TEXTS), options, prompts, tuple(draw(st.lists(NAMES, max_size=2))))
    scenario = draw(st.none() | st.builds(ExchangeScenario, NAMES, NAMES | st.just(""), TEXTS))
    return ExchangeQuestion(
        content=content,
        code=draw(NAMES | st.just("")),
        title=draw(NAMES | st.just("")),
        topic=draw(st.sampled_from(["", "1.1.2"])),
        level=draw(st.none() | st.sampled_from(list(Level))),
        difficulty=draw(st.none() | st.sampled_from([Decimal("0.5"), Decimal("0.65"), Decimal("0.90")])),
        keep_order=draw(st.booleans()),
        tags=tuple(draw(st.lists(NAMES, max_size=2))),
        category=tuple(draw(st.lists(NAMES, max_size=2))),
        scenario=scenario,
        pictures=draw(st.sampled_from([(), (Picture("p.png", PNG),)])),
    )


def shape_of(question: ExchangeQuestion) -> object:
    """What stays whatever is lost of the texts."""
    content = letter_ids(question.content)
    return (
        content.item_type,
        content.key,
        [option.position for option in content.options],
        question.keep_order,
        question.level,
        question.difficulty,
    )


@FORMATS
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(question=questions())
def test_any_question_comes_back_equal_up_to_what_was_announced(
    wanted: Format, question: ExchangeQuestion
) -> None:
    found = {loss.code for loss in wanted.losses(question)}
    assert found <= {"formatting", "image", "ids", "title"}

    (again,) = back(wanted, question)

    assert shape_of(again) == shape_of(question)
    if "ids" in found:
        question = replace(question, content=letter_ids(question.content))
    if not found & {"formatting", "image", "title"}:
        assert again == question
    for before, after in zip(texts(question.content), texts(again.content), strict=True):
        if html_text.is_kept(before) and not IMAGE_TARGET.search(before):
            assert after == before


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_texts_render_to_well_formed_items(text: str) -> None:
    question = make_choice(content=replace(make_choice().content, stem=text))

    for wanted in (qti.FORMAT_2, qti.FORMAT_3):
        assert xml_of(wanted, question) is not None
    if html_text.is_kept(text) and not IMAGE_TARGET.search(text):
        assert back(qti.FORMAT_2, question)[0].content.stem == text
