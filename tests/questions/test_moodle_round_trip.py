"""Questions → Moodle XML, and back: equal, up to what was announced."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import moodle_xml
from questions.formats.exchange import (
    ExchangeQuestion,
    ExchangeScenario,
    Outcome,
    Picture,
    UnreadableFile,
    letter_ids,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def again(questions: Iterable[ExchangeQuestion]) -> list[Outcome]:
    out = BytesIO()
    moodle_xml.render(questions, out)
    return list(moodle_xml.parse(BytesIO(out.getvalue()), "out.xml"))


CHOICE = QuestionContent(
    ItemType.MULTIPLE_RESPONSE,
    "Which **two**? ]]> & <b> (Select TWO.)\n\n![A curve](image:drift.png)\n\n- $x_1$\n- `a`",
    (
        Option("x", "one", "because *1*", is_correct=True),
        Option("y", "two\n\nlines", is_correct=True),
        Option("z", "three", "no"),
    ),
)
FULL = ExchangeQuestion(
    CHOICE,
    code="mla-1",
    topic="drift",
    level=Level.APPLY,
    difficulty=Decimal("0.65"),
    keep_order=True,
    tags=("own", "Ünicode"),
    category=("A/B", "C"),
    pictures=(Picture("drift.png", PNG),),
)


def same(question: ExchangeQuestion) -> ExchangeQuestion:
    return replace(question, content=letter_ids(question.content), where="", losses=())


def test_a_question_comes_back_equal_with_its_details_and_pictures() -> None:
    assert moodle_xml.losses(FULL) == ()
    (back,) = again([FULL])
    assert isinstance(back, ExchangeQuestion)
    assert back.losses == ()
    assert replace(back, where="") == same(FULL)


def test_matching_and_ordering_come_back() -> None:
    matching = QuestionContent(
        ItemType.MATCHING,
        "Match.",
        (Option("x", "one"), Option("y", "*two*"), Option("z", "none")),
        (Prompt("q", "first", "x"), Prompt("r", "second", "y"), Prompt("s", "third", "x")),
    )
    ordering = QuestionContent(
        ItemType.ORDERING, "Order.", tuple(Option(f"s{n}", f"step {n}", "why", position=n) for n in (1, 2, 3))
    )
    back = again([ExchangeQuestion(matching, code="m"), ExchangeQuestion(ordering, code="o")])
    assert [q.content for q in back if isinstance(q, ExchangeQuestion)] == [
        letter_ids(matching),
        letter_ids(ordering),
    ]


def test_what_a_round_trip_changes_is_announced() -> None:
    lossy = replace(
        FULL,
        content=replace(CHOICE, references=("https://e.org",), stem="a\x00b ![x](image:gone.png)"),
        scenario=ExchangeScenario("s", "S", "text"),
        tags=("level:apply",),
    )
    assert [loss.code for loss in moodle_xml.losses(lossy)] == [
        "control_characters",
        "image",
        "references",
        "scenario",
        "tags",
    ]


def test_what_moodle_would_not_take_is_left_out() -> None:
    keyless = replace(CHOICE, options=tuple(replace(o, is_correct=False) for o in CHOICE.options))
    question = ExchangeQuestion(keyless, code="k", pictures=FULL.pictures)
    assert [loss.leaves_out for loss in moodle_xml.losses(question)] == [True]
    assert [q.code for q in again([question, FULL]) if isinstance(q, ExchangeQuestion)] == ["mla-1"]


TEXT = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text(st.sampled_from("ab \n*_`<>&[]()!\\$]>;#\x00\x0b\x1f\r\u00a0\u2028@%"), min_size=1, max_size=30),
)


@st.composite
def contents(draw: st.DrawFn) -> QuestionContent:
    item_type = draw(st.sampled_from(ItemType))
    texts = draw(st.lists(TEXT, min_size=2, max_size=5))
    keys = draw(st.integers(1, len(texts)))
    options = tuple(
        Option(
            f"o{number}",
            text,
            draw(st.one_of(st.just(""), TEXT)) if item_type is not ItemType.MATCHING else "",
            is_correct=number < (1 if item_type is ItemType.MULTIPLE_CHOICE else keys)
            and item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE),
            position=number + 1 if item_type is ItemType.ORDERING else None,
        )
        for number, text in enumerate(texts)
    )
    prompts: tuple[Prompt, ...] = ()
    if item_type is ItemType.MATCHING:
        ids = [option.id for option in options]
        prompts = tuple(
            Prompt(f"q{number}", text, draw(st.sampled_from(ids)))
            for number, text in enumerate(draw(st.lists(TEXT, min_size=1, max_size=4)))
        )
    return QuestionContent(item_type, draw(TEXT), options, prompts)


@given(contents())
@settings(max_examples=150, deadline=None)
def test_any_question_comes_back_equal_up_to_what_was_announced(content: QuestionContent) -> None:
    question = ExchangeQuestion(content, code="c")
    announced = [loss for loss in moodle_xml.losses(question) if loss.code != "plain_responses"]
    if any(loss.leaves_out for loss in announced):
        with pytest.raises(UnreadableFile, match="no <question>"):
            again([question])
        return
    (back,) = again([question])
    assert isinstance(back, ExchangeQuestion), back
    if not announced:
        assert back.content == letter_ids(content)
        assert back.losses == ()
