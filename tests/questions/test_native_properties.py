from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import lined_yaml
from questions.formats.native import (
    BankFile,
    Checked,
    FormatError,
    QuestionEntry,
    ScenarioEntry,
    render_bank,
)
from questions.formats.reading import tidy
from tests.questions.test_native import CHOICE, HEAD, MATCHING, ORDERING, parse

_texts = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=60)
    .map(lambda text: lined_yaml._UNWANTED.sub("", text))
    .map(tidy)
    .filter(bool)
)
_codes = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
_ids = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)


def _distinct(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(
        _texts, min_size=count, max_size=count, unique_by=lambda t: " ".join(t.casefold().split()).rstrip(".")
    ).filter(lambda texts: all(" ".join(t.casefold().split()).rstrip(".") for t in texts))


@st.composite
def contents(draw: st.DrawFn) -> QuestionContent:
    item_type = draw(st.sampled_from(ItemType))
    count = draw(st.integers(5, 7))
    ids = draw(st.lists(_ids, min_size=count, max_size=count, unique=True))
    texts, rationales = draw(_distinct(count)), draw(st.lists(_texts, min_size=count, max_size=count))
    stem = "Q" + draw(_texts).replace("(", "")
    keys = {ItemType.MULTIPLE_CHOICE: 1, ItemType.MULTIPLE_RESPONSE: 2}.get(item_type, 0)
    if item_type is ItemType.MULTIPLE_RESPONSE:
        stem += "\n\n(Select TWO.)"
    options = tuple(
        Option(
            id=ids[n],
            text=texts[n],
            rationale="" if item_type is ItemType.MATCHING else rationales[n],
            is_correct=n < keys,
            position=n + 1 if item_type is ItemType.ORDERING and n < 4 else None,
        )
        for n in range(count)
    )
    prompts = tuple(
        Prompt(id=f"p{n}", text=text, match=ids[n], rationale=rationales[n])
        for n, text in enumerate(draw(_distinct(3)) if item_type is ItemType.MATCHING else [])
    )
    references = tuple(draw(st.lists(_texts, max_size=3, unique=True)))
    return QuestionContent(item_type, tidy(stem), options, prompts, references)


@st.composite
def banks(draw: st.DrawFn) -> BankFile:
    codes = draw(st.lists(_codes, min_size=1, max_size=3, unique=True))
    scenario = draw(st.none() | st.builds(ScenarioEntry, code=_codes, title=_texts, text=_texts))
    questions = tuple(
        QuestionEntry(
            code=code,
            topic=draw(_codes),
            level=draw(st.sampled_from(Level)),
            difficulty=Decimal(draw(st.integers(5, 99))).scaleb(-2),
            content=draw(contents()),
            scenario=scenario.code if scenario else None,
            keep_order=draw(st.booleans()),
            tags=tuple(draw(st.lists(_texts, max_size=2, unique=True))),
            checked=draw(st.none() | st.builds(Checked, by=_texts, agreed=st.booleans())),
        )
        for code in codes
    )
    return BankFile(blueprint=draw(_codes), questions=questions, scenarios=(scenario,) if scenario else ())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(banks())
def test_what_was_rendered_parses_to_the_same(bank: BankFile) -> None:
    text = render_bank(bank)
    again = parse(text)
    assert again == bank
    assert render_bank(again) == text


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.text(alphabet="abc:-[]{}#&*!|>'\"%@`,? \n\t", max_size=200).map(str.encode)
)
def test_nothing_but_a_format_error_comes_out_of_rubbish(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.integers(0, 12), st.text(alphabet=" :-[]{}#&*!|'\"\n\tq", max_size=6))
def test_a_damaged_file_is_read_or_refused_in_plain_words(start: int, length: int, put: str) -> None:
    for body in (CHOICE, ORDERING, MATCHING):
        text = HEAD + body
        damaged = text[:start] + put + text[start + length :]
        try:
            parse(damaged)
        except FormatError as error:
            assert error.problems
            assert all(p.line >= 1 and p.why.endswith((".", "?")) for p in error.problems)
