"""Word by word, field by field, and one text of two."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from questions import differences
from questions.authoring import DraftFields
from questions.content import ItemType, Option
from tests.factories import make_content

CONTENT = make_content()
BASE = DraftFields(CONTENT, level="apply", difficulty=Decimal("0.60"), tags=("drift",))


def changed(**fields: Any) -> DraftFields:
    return replace(BASE, content=replace(CONTENT, **fields))


def with_option(place: int, **fields: Any) -> DraftFields:
    options = list(CONTENT.options)
    options[place] = replace(options[place], **fields)
    return changed(options=tuple(options))


def names(before: DraftFields, after: DraftFields) -> list[str]:
    return [each.field for each in differences.compare(before, after)]


TEXTS = st.text(alphabet="ab \n.", max_size=60)


@given(TEXTS, TEXTS)
@settings(max_examples=60)
def test_words_give_back_both_texts(old: str, new: str) -> None:
    parts = differences.word_diff(old, new)
    assert "".join(text for kind, text in parts if kind != "insert") == old
    assert "".join(text for kind, text in parts if kind != "delete") == new


def test_words_mark_what_changed() -> None:
    assert differences.word_diff("scores churn each night", "scores risk each night") == [
        ("equal", "scores "),
        ("delete", "churn "),
        ("insert", "risk "),
        ("equal", "each night"),
    ]


def test_very_long_texts_are_replaced_as_a_whole() -> None:
    """Matching them word by word would take minutes."""
    old, new = "a b " * 5_000, "c d " * 5_000
    assert [kind for kind, _ in differences.word_diff(old, new)] == ["delete", "insert"]


def test_equal_fields_have_no_difference() -> None:
    assert differences.compare(BASE, replace(BASE)) == []


def test_each_field_is_named() -> None:
    after = replace(BASE, level="recall", difficulty=None, tags=("drift", "cost"), keeps_order=True)
    assert names(BASE, after) == ["level", "difficulty", "keeps_order", "tags"]
    assert names(BASE, changed(stem="Another one?")) == ["stem"]
    assert names(BASE, changed(references=("note:1.1.1",))) == ["references"]


def test_options_are_compared_by_id() -> None:
    assert names(BASE, with_option(1, text="New")) == ["options.b.text"]
    assert names(BASE, with_option(1, is_correct=True, rationale="New")) == [
        "options.b.key",
        "options.b.rationale",
    ]
    (moved,) = differences.compare(BASE, changed(options=(CONTENT.options[1], CONTENT.options[0])))[-1:]
    assert names(BASE, changed(options=CONTENT.options[::-1])) == ["order"]
    assert moved.field == "order"


def test_an_option_of_one_side_stands_whole() -> None:
    (gone,) = differences.compare(BASE, changed(options=CONTENT.options[:3]))
    assert (gone.field, gone.after) == ("options.d", "")
    assert "Option d" in gone.before and "Rationale d" in gone.before


def test_a_reworded_response_is_no_other_match() -> None:
    matching = make_content(ItemType.MATCHING)
    before = replace(BASE, content=matching)
    options = (replace(matching.options[0], text="Reworded"), *matching.options[1:])
    assert names(before, replace(BASE, content=replace(matching, options=options))) == ["options.a.text"]
    prompts = (replace(matching.prompts[0], match="d"), *matching.prompts[1:])
    assert names(before, replace(BASE, content=replace(matching, prompts=prompts))) == ["prompts.p1.match"]


def test_merging_takes_each_unit_from_its_side() -> None:
    mine = replace(with_option(0, text="Mine"), level="recall")
    theirs = replace(with_option(1, text="Theirs"), level="analyse", tags=("cost",))
    merged = DraftFields(**differences.merge(mine, theirs, take={"options.b", "tags"}))
    assert [o.text for o in merged.content.options[:2]] == ["Mine", "Theirs"]
    assert (merged.level, merged.tags) == ("recall", ("cost",))


def test_merging_everything_gives_one_side() -> None:
    mine = changed(options=(*CONTENT.options[:2], Option("e", "Five")), stem="Mine?")
    theirs = changed(options=CONTENT.options[::-1], references=("note:1",))
    units = {unit.name for unit in differences.units(differences.compare(theirs, mine))}
    assert DraftFields(**differences.merge(mine, theirs, take=units)).content == theirs.content
    assert DraftFields(**differences.merge(mine, theirs, take=set())).content == mine.content


def test_with_the_type_come_its_options_and_prompts() -> None:
    mine, theirs = BASE, replace(BASE, content=make_content(ItemType.MATCHING, stem="Match each."))
    taken = DraftFields(**differences.merge(mine, theirs, take={"type"}))
    assert taken.content == replace(theirs.content, stem=CONTENT.stem)
    assert DraftFields(**differences.merge(mine, theirs, take={"stem"})).content == replace(
        CONTENT, stem="Match each."
    )
