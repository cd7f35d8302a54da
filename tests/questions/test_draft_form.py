"""The editor's form: posted → fields → posted, and nothing typed is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions import draft_form, draft_rows
from questions.authoring import DraftFields
from questions.content import ItemType, QuestionContent
from questions.draft_form import DraftForm, OptionRow, PromptRow
from questions.models import Blueprint, Scenario
from questions.shape import MAX_STEM, MAX_TEXT
from tests.factories import make_blueprint, make_content
from tests.questions.editor_makers import make_fields, query

CHOICE, RESPONSE = ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE
ORDERING, MATCHING = ItemType.ORDERING, ItemType.MATCHING
EVERY_TYPE = pytest.mark.parametrize("kind", list(ItemType))


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


def stored(
    blueprint: Blueprint, form: DraftForm, before: DraftFields | None = None
) -> tuple[DraftFields, Any]:
    return draft_form.to_fields(form, blueprint=blueprint, stored=before or make_fields(blueprint))


def form_of(kind: ItemType = CHOICE) -> DraftForm:
    return draft_form.of_fields(DraftFields(make_content(kind)))


# in and out


@EVERY_TYPE
def test_fields_survive_the_form(blueprint: Blueprint, kind: ItemType) -> None:
    scenario = Scenario.objects.create(blueprint=blueprint, code="case-1")
    content = replace(make_content(kind, stem="One?\n\nTwo?\n"), references=("note:1.1.1", "A title"))
    fields = make_fields(blueprint, content=content, scenario=scenario, keeps_order=True, tags=("a", "b c"))
    form = draft_form.read(query(draft_form.pairs(draft_form.of_fields(fields))))
    assert form == draft_form.of_fields(fields)
    assert stored(blueprint, form) == (fields, {})


ROWS = st.builds(
    OptionRow,
    number=st.integers(1, 99_999),
    id=st.text(max_size=5),
    text=st.text(max_size=20),
    rationale=st.text(max_size=20),
    is_key=st.booleans(),
    position=st.text(max_size=3),
)


@given(st.lists(ROWS, max_size=6, unique_by=lambda row: row.number), st.sampled_from(list(ItemType)))
@settings(max_examples=60)
def test_whatever_is_typed_can_be_read_and_stored(rows: list[OptionRow], kind: ItemType) -> None:
    form = draft_form.read(query(draft_form.pairs(DraftForm(kind, options=tuple(rows)))))
    assert [row.number for row in form.options] == [row.number for row in rows]
    before = DraftFields(QuestionContent(kind, "", ()))
    fields, _ = draft_form.to_fields(form, blueprint=Blueprint(), stored=before)
    ids = [option.id for option in fields.content.options]
    assert len(ids) == len(set(ids)) == len(rows) and all(ids)


def test_rows_come_in_the_order_in_which_they_are_posted() -> None:
    names = [("option-7-text", "first"), ("option-2-text", "second"), ("option-7-id", "x")]
    assert [(row.number, row.text, row.id) for row in draft_form.read(query(names)).options] == [
        (7, "first", "x"),
        (2, "second", ""),
    ]


def test_control_characters_are_left_out_and_line_ends_are_one() -> None:
    form = draft_form.read(query([("stem", "a\0b\r\nc\x0bd\re\tf"), ("option-1-text", "\ud800x")]))
    assert (form.stem, form.options[0].text) == ("ab\ncd\ne\tf", "x")


def test_nothing_posted_is_an_empty_form() -> None:
    assert draft_form.read(query([])) == DraftForm(CHOICE)
    assert draft_form.read(query([("rendered_type", "cloze")])).item_type is CHOICE


# what can't be stored


def test_a_long_text_keeps_what_was_stored(blueprint: Blueprint) -> None:
    form = form_of()
    form = replace(form, stem="x" * (MAX_STEM + 1), level="apply")
    form = replace(form, options=(replace(form.options[0], text="y" * (MAX_TEXT + 1)), *form.options[1:]))
    fields, problems = stored(blueprint, form)
    assert set(problems) == {"stem", "option-1-text"}
    assert "20,001" in problems["stem"]
    assert fields.content.stem == make_fields(blueprint).content.stem
    assert fields.content.options[0].text == "Option a"
    assert fields.content.options[1].rationale == "Rationale b", "the rest is stored all the same"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0.62", "0.62"),
        (".6", "0.60"),
        ("0,625", "0.63"),
        ("62 %", "0.62"),
        ("62%", "0.62"),
        ("1", "1.00"),
        ("0", "0.00"),
    ],
)
def test_a_difficulty_is_read_as_it_is_meant(blueprint: Blueprint, typed: str, meant: str) -> None:
    fields, problems = stored(blueprint, replace(form_of(), difficulty=typed))
    assert (fields.difficulty, problems) == (Decimal(meant), {})


@pytest.mark.parametrize("typed", ["62", "-1", "1.01", "abc", "NaN", "1e-2", ".", "%", "٠.٥", "9" * 400])
def test_what_is_no_share_keeps_the_stored_one(blueprint: Blueprint, typed: str) -> None:
    fields, problems = stored(blueprint, replace(form_of(), difficulty=typed))
    assert (fields.difficulty, set(problems)) == (Decimal("0.60"), {"difficulty"})


@pytest.mark.parametrize("typed", ["0", "-1", "99999999999999999999", "1.1.1", "²", "1" * 30])
def test_an_unknown_topic_keeps_the_stored_one(blueprint: Blueprint, typed: str) -> None:
    fields, problems = stored(blueprint, replace(form_of(), topic=typed))
    assert (str(fields.topic), set(problems)) == ("1.1.1 Topic 1.1.1", {"topic"})


def test_topic_and_case_of_another_exam_are_refused(blueprint: Blueprint) -> None:
    other = make_blueprint()
    Scenario.objects.create(blueprint=other, code="theirs")
    topic = make_fields(other).topic
    assert topic is not None
    form = replace(form_of(), topic=str(topic.pk), scenario="theirs", level="guess")
    assert set(stored(blueprint, form)[1]) == {"topic", "scenario", "level"}


def test_tags_are_tidied_and_bounded(blueprint: Blueprint) -> None:
    form = form_of()
    assert stored(blueprint, replace(form, tags=" Drift,,drift ,\n Cost  cut"))[0].tags == (
        "cost cut",
        "drift",
    )
    many = ", ".join(f"t{n}" for n in range(21))
    assert "at most 20" in stored(blueprint, replace(form, tags=many))[1]["tags"]
    assert "tags" in stored(blueprint, replace(form, tags="x" * 61))[1]


def test_sixty_options_are_too_many_and_none_is_stored(blueprint: Blueprint) -> None:
    rows = tuple(OptionRow(n, text=f"Option {n}") for n in range(1, 61))
    fields, problems = stored(blueprint, replace(form_of(), options=rows, stem="New?"))
    assert "60" in problems["options"]
    assert len(fields.content.options) == 4
    assert fields.content.stem == "New?"


def test_references_are_lines_and_bounded(blueprint: Blueprint) -> None:
    form = form_of()
    fields, _ = stored(blueprint, replace(form, references="note:1.1.1\n\n  A title \n"))
    assert fields.content.references == ("note:1.1.1", "A title")
    assert "references" in stored(blueprint, replace(form, references="x\n" * 51))[1]


def test_a_position_is_a_place(blueprint: Blueprint) -> None:
    form = form_of(ORDERING)
    rows = tuple(replace(row, position="3rd") for row in form.options)
    _fields, problems = stored(blueprint, replace(form, options=rows))
    assert set(problems) == {f"option-{n}-position" for n in (1, 2, 3, 4)}


def test_second_rows_of_an_id_get_one_of_their_own(blueprint: Blueprint) -> None:
    rows = (OptionRow(1, "b"), OptionRow(2, "b"), OptionRow(3, ""), OptionRow(4, "x\ny"))
    fields, _ = stored(blueprint, replace(form_of(), options=rows))
    assert [o.id for o in fields.content.options] == ["b", "a", "c", "d"]


def test_a_match_names_a_row(blueprint: Blueprint) -> None:
    form = DraftForm(
        MATCHING,
        options=(OptionRow(4, "x", "X"), OptionRow(9, "", "new")),
        prompts=(PromptRow(1, "", "P", "", "9"), PromptRow(2, "", "Q", "", "77")),
    )
    prompts = stored(blueprint, form)[0].content.prompts
    assert [(p.id, p.match) for p in prompts] == [("p1", "a"), ("p2", "")]


# buttons


def texts(form: DraftForm) -> list[str]:
    return [row.text for row in form.options]


@pytest.mark.parametrize(
    ("action", "expected", "anchor"),
    [
        ("add-option", "abcd+", "option-5-text"),
        ("remove-option-2", "acd", "option-2-text"),
        ("remove-option-4", "abc", "option-3-text"),
        ("up-option-2", "bacd", "option-1-text"),
        ("up-option-1", "abcd", "option-1-text"),
        ("down-option-4", "abcd", "option-4-text"),
        ("down-option-1", "bacd", "option-2-text"),
        ("remove-option-99", "abcd", ""),
        ("up-option", "abcd", ""),
    ],
)
def test_row_buttons(action: str, expected: str, anchor: str) -> None:
    acted = draft_rows.act(form_of(), action)
    assert acted is not None
    form, at = acted
    assert "".join(text[-1:] or "+" for text in texts(form)) == expected
    assert at == anchor


def test_other_buttons_are_not_row_buttons() -> None:
    assert draft_rows.act(form_of(), "save") is None
    assert draft_rows.act(form_of(), "remove-option-2\n") is None


def test_the_last_row_can_go() -> None:
    form = DraftForm(MATCHING, prompts=(PromptRow(3),))
    assert draft_rows.act(form, "remove-prompt-3") == (DraftForm(MATCHING), "prompts")


@EVERY_TYPE
@pytest.mark.parametrize("to", list(ItemType))
def test_options_keep_texts_and_rationales_when_the_type_changes(
    blueprint: Blueprint, kind: ItemType, to: ItemType
) -> None:
    form = draft_rows.change_type(form_of(kind), to)
    assert texts(form) == texts(form_of(kind))
    assert [row.rationale for row in form.options] == [row.rationale for row in form_of(kind).options]
    content = stored(blueprint, form)[0].content
    assert content.item_type is to
    assert bool(content.prompts) is (to is MATCHING)


@pytest.mark.parametrize(
    ("kind", "to", "lost"),
    [
        (CHOICE, RESPONSE, []),
        (RESPONSE, CHOICE, ["1 mark of a right option"]),
        (RESPONSE, ORDERING, ["2 marks of right options"]),
        (CHOICE, MATCHING, ["1 mark of a right option"]),
        (ORDERING, CHOICE, ["the positions of the steps"]),
        (MATCHING, CHOICE, ["3 prompts with their matches and rationales"]),
        (CHOICE, CHOICE, []),
    ],
)
def test_losses_are_said_before_they_happen(kind: ItemType, to: ItemType, lost: list[str]) -> None:
    assert draft_rows.losses(form_of(kind), to) == lost


def test_the_same_type_drops_nothing() -> None:
    form = form_of()
    form = replace(form, options=tuple(replace(row, is_key=True) for row in form.options))
    assert (draft_rows.losses(form, CHOICE), draft_rows.change_type(form, CHOICE)) == ([], form)


def test_a_new_ordering_has_the_steps_as_they_stand() -> None:
    form = draft_rows.change_type(form_of(), ORDERING)
    assert [row.position for row in form.options] == ["1", "2", "3", "4"]


def test_a_text_is_found_by_its_field() -> None:
    changed = draft_rows.with_text(form_of(), "option-2-rationale", str.upper)
    assert changed is not None and changed.options[1].rationale == "RATIONALE B"
    assert draft_rows.with_text(form_of(), "option-2-id", str.upper) is None
    assert draft_rows.with_text(form_of(), "prompt-1-text", str.upper) is None
