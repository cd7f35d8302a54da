from __future__ import annotations

import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from questions.content import ItemType, Level, Option
from questions.formats.blueprint import parse_blueprint
from questions.formats.native import (
    BankFile,
    Checked,
    FormatError,
    ScenarioEntry,
    parse_bank,
    render_bank,
)

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "mla-c01"

HEAD = "format: cutscore-bank/1\nblueprint: MLA-C01\n"
CHOICE = """\
questions:
  - code: q-1
    type: multiple_choice
    topic: 1.1.1
    level: apply
    difficulty: 0.65
    scenario: null
    stem: |
      Which format suits the queries?
    options:
      - id: a
        text: Parquet
        correct: true
        rationale: It is columnar.
      - id: b
        text: CSV
        rationale: It is row-oriented.
      - id: c
        text: JSON
        rationale: It repeats every name.
    references: [note:1.1.1]
"""
RESPONSE = """\
questions:
  - code: q-2
    type: multiple_response
    topic: 1.1.1
    level: apply
    difficulty: 0.5
    stem: Which two formats are columnar? (Select TWO.)
    options:
      - {id: a, text: Parquet, correct: true, rationale: Columnar.}
      - {id: b, text: ORC, correct: true, rationale: Columnar.}
      - {id: c, text: CSV, rationale: Rows.}
      - {id: d, text: Avro, rationale: Rows.}
      - {id: e, text: JSON, rationale: Objects.}
"""
ORDERING = """\
questions:
  - code: q-3
    type: ordering
    topic: 1.1.1
    level: apply
    difficulty: 0.5
    stem: Put the steps in order. Not every step is used.
    options:
      - {id: a, text: Second, position: 2, rationale: After the first.}
      - {id: b, text: First, position: 1, rationale: Before all.}
      - {id: c, text: Third, position: 3, rationale: At the end.}
      - {id: d, text: Never, rationale: Not used.}
"""
MATCHING = """\
questions:
  - code: q-4
    type: matching
    topic: 1.1.1
    level: analyse
    difficulty: 0.5
    stem: Match each need to a service. One is not used.
    prompts:
      - {id: p1, text: Files, match: efs, rationale: Shared files.}
      - {id: p2, text: Blocks, match: ebs, rationale: Volumes.}
      - {id: p3, text: Objects, match: s3, rationale: Buckets.}
    options:
      - {id: efs, text: Amazon EFS}
      - {id: ebs, text: Amazon EBS}
      - {id: s3, text: Amazon S3}
      - {id: fsx, text: Amazon FSx}
"""


def parse(text: str | bytes, **known: Any) -> BankFile:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_bank(data, filename="bank.yaml", **known)


def problems(text: str | bytes, **known: Any) -> list[str]:
    """What is wrong, as `line code: why`."""
    with pytest.raises(FormatError) as caught:
        parse(text, **known)
    return [f"{p.line} {p.code}: {p.why}" for p in caught.value.problems]


def only_problem(text: str | bytes, **known: Any) -> str:
    found = problems(text, **known)
    assert len(found) == 1, found
    return found[0]


def with_question(old: str, new: str, base: str = CHOICE) -> str:
    assert old in base
    return HEAD + base.replace(old, new)


# Good files


@pytest.mark.parametrize("body", [CHOICE, RESPONSE, ORDERING, MATCHING])
def test_each_type_parses_and_comes_back(body: str) -> None:
    bank = parse(HEAD + body)
    assert parse(render_bank(bank)) == bank
    assert render_bank(parse(render_bank(bank))) == render_bank(bank)


def test_a_multiple_choice_is_read_with_its_line() -> None:
    (question,) = parse(HEAD + CHOICE).questions
    assert question.line == 4
    assert question.difficulty == Decimal("0.65")
    assert question.level is Level.APPLY
    assert question.scenario is None
    assert question.content.item_type is ItemType.MULTIPLE_CHOICE
    assert question.content.stem == "Which format suits the queries?"
    assert question.content.key == "a"
    assert question.content.references == ("note:1.1.1",)
    assert question.content.options[1] == Option(id="b", text="CSV", rationale="It is row-oriented.")


def test_keys_of_the_other_types() -> None:
    assert parse(HEAD + RESPONSE).questions[0].content.key == ["a", "b"]
    assert parse(HEAD + ORDERING).questions[0].content.key == ["b", "a", "c"]
    assert parse(HEAD + MATCHING).questions[0].content.key == {"p1": "efs", "p2": "ebs", "p3": "s3"}


def test_the_optional_fields_are_read() -> None:
    extra = "level: apply\n    keep_order: true\n    tags: [cost, storage]"
    extra += "\n    checked: {by: expert, agreed: false}"
    (question,) = parse(with_question("level: apply", extra)).questions
    assert question.keep_order
    assert question.tags == ("cost", "storage")
    assert question.checked == Checked(by="expert", agreed=False)


def test_a_scenario_is_read_and_named_by_its_question() -> None:
    scenario = "scenarios:\n  - {code: sc-1, title: A case, text: What happened.}\n"
    bank = parse(HEAD + scenario + CHOICE.replace("scenario: null", "scenario: sc-1"))
    assert bank.scenarios == (ScenarioEntry(code="sc-1", title="A case", text="What happened."),)
    assert bank.questions[0].scenario == "sc-1"


def test_text_that_looks_like_a_number_or_a_boolean_stays_text() -> None:
    body = CHOICE.replace("text: CSV", "text: 0.50").replace("text: JSON", "text: no")
    options = parse(HEAD + body).questions[0].content.options
    assert [o.text for o in options] == ["Parquet", "0.50", "no"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault() -> None:
    plain = parse(HEAD + CHOICE)
    assert parse(b"\xef\xbb\xbf" + (HEAD + CHOICE).replace("\n", "\r\n").encode()) == plain


def test_the_bank_that_ships_parses_and_comes_back() -> None:
    spec = parse_blueprint((FIXTURES / "blueprint.yaml").read_bytes(), filename="blueprint.yaml")
    paths = sorted((FIXTURES / "questions").glob("*.yaml"))
    assert paths
    for path in paths:
        bank = parse_bank(path.read_bytes(), filename=path.name, topics=spec.topic_codes)
        assert parse(render_bank(bank)) == bank


# Fields


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("level: apply", "levle: apply", "7 q-1: The field “levle” is not known here. Did you mean “level”?"),
        ("level: apply", "level: easy", "7 q-1: “level” is “easy”. Use one of: recall, apply, analyse."),
        ("level: apply", "level: [apply]", "7 q-1: “level” must be a text. Put it in quotes or behind “|”."),
        ("type: multiple_choice", "type: essay", "5 q-1: “type” is “essay”. Use one of: multiple_choice,"),
        (
            "difficulty: 0.65",
            "difficulty: 0.04",
            "8 q-1: The difficulty is “0.04”. Write a share from 0.05 to",
        ),
        ("difficulty: 0.65", "difficulty: 1.0", "8 q-1: The difficulty is “1.0”."),
        ("difficulty: 0.65", "difficulty: 0.655", "8 q-1: The difficulty is “0.655”."),
        ("difficulty: 0.65", "difficulty: hard", "8 q-1: The difficulty is “hard”."),
        ("scenario: null", "scenario: sc-9", "9 q-1: The scenario “sc-9” is not in this file."),
        ("scenario: null", "keep_order: maybe", "9 q-1: “keep_order” is “maybe”. Write true or false."),
        ("correct: true", "correct: yes", "15 q-1: “correct” is “yes”. Write true or false."),
        ("text: CSV", "text: ''", "18 q-1: “text” is empty. Write it."),
        ("text: CSV", "text: parquet", "18 q-1: Options a and b have the same text. Change one of them."),
        ("rationale: It is row-oriented.", "rationale: ''", "19 q-1: “rationale” is empty. Write it."),
        ("id: b", "id: a", "17 q-1: The option id “a” stands twice (entries 1 and 2)."),
        ("id: b", "id: b b", "17 q-1: “id” is “b b”: use letters, digits"),
        ("code: q-1", "code: q 1", "4 : “code” is “q 1”: use letters, digits"),
        ("        correct: true\n", "", "12 q-1: No option is marked correct. Mark the right one"),
        ("text: CSV", "text: CSV\n        correct: true", "12 q-1: 2 options are marked correct (a, b)"),
        (
            "text: CSV",
            "text: CSV\n        position: 2",
            "19 q-1: “position” does not belong to a question of the",
        ),
        ("[note:1.1.1]", "[note:1.1.1, note:1.1.1]", "23 q-1: “note:1.1.1” stands twice in “references”."),
        ("references: [note:1.1.1]", "references: note:1.1.1", "23 q-1: “references” must be a list"),
        ("scenario: null", "tags: [[a]]", "9 q-1: Each entry of “tags” must be a text"),
        ("scenario: null", "checked: yes", "9 q-1: “checked” must have fields of its own"),
        ("scenario: null", "checked: {by: expert}", "9 q-1: “checked” does not say “agreed: true”"),
        ("the queries?", "the queries? (Select TWO.)", "10 q-1: The stem says to select 2, but the type is"),
    ],
)
def test_one_wrong_field_gives_one_sentence_with_its_line(old: str, new: str, why: str) -> None:
    assert only_problem(with_question(old, new)).startswith(why)


@pytest.mark.parametrize("name", ["topic", "level", "difficulty", "type", "code"])
def test_a_missing_field(name: str) -> None:
    line = next(line for line in CHOICE.splitlines() if f" {name}:" in line)
    text = (
        CHOICE.replace(f"{line}\n", "")
        if name != "code"
        else CHOICE.replace("- code: q-1\n    type", "- type")
    )
    assert f"The field “{name}” is missing. Add it." in only_problem(HEAD + text)


def test_a_rationale_that_is_missing() -> None:
    text = CHOICE.replace("        rationale: It is row-oriented.\n", "")
    assert only_problem(HEAD + text) == "17 q-1: The field “rationale” is missing. Add it."


def test_a_stem_over_twenty_thousand_characters() -> None:
    long = with_question("Which format suits the queries?", "Which? " + "x" * 20_000)
    assert (
        only_problem(long) == "10 q-1: “stem” has 20,007 characters; at most 20,000 are allowed. Shorten it."
    )


def test_the_wrong_format_and_no_questions() -> None:
    found = problems("format: cutscore-bank/2\nblueprint: X\n")
    assert found == [
        "1 : The list “questions” is missing. Add it.",
        "1 : “format” is “cutscore-bank/2”. Use one of: cutscore-bank/1.",
    ]


def test_a_topic_that_the_blueprint_does_not_have() -> None:
    found = only_problem(HEAD + CHOICE, topics={"1.1.2"})
    assert found == "6 q-1: The topic “1.1.1” is not in the blueprint. Use a topic code of its outline."


def test_a_code_used_twice() -> None:
    twice = HEAD + CHOICE + CHOICE.replace("questions:\n", "")
    assert only_problem(twice) == "24 q-1: The code is already used in line 4. Give each its own."


def test_a_scenario_that_no_question_uses() -> None:
    scenario = "scenarios:\n  - {code: sc-1, title: A case, text: What happened.}\n"
    assert only_problem(HEAD + scenario + CHOICE).startswith("4 sc-1: No question of this file uses")


# Shape by type


@pytest.mark.parametrize(
    ("body", "old", "new", "why"),
    [
        (RESPONSE, "(Select TWO.)", "(Select THREE.)", "The stem says to select 3, but 2 options are marked"),
        (RESPONSE, " (Select TWO.)", "", "The stem does not say how many options to select (2 are right)."),
        (
            RESPONSE,
            "text: ORC, correct: true",
            "text: ORC",
            "One option is marked correct; a multiple response",
        ),
        (
            RESPONSE,
            "      - {id: e, text: JSON, rationale: Objects.}\n",
            "",
            "A multiple-response question has 5",
        ),
        (
            ORDERING,
            "position: 3",
            "position: 4",
            "The positions are 1, 2, 4; they must be 1 to 3, each once.",
        ),
        (ORDERING, "position: 2, ", "", "An ordering has 3 to 6 steps with a position; this has 2."),
        (ORDERING, "position: 1", "position: 0", "“position” is “0”. Write a whole number from 1 to 99."),
        (ORDERING, "position: 1", "correct: true, position: 1", "“correct” does not belong to a question of"),
        (MATCHING, "match: s3", "match: s4", "Prompt p3 is matched to “s4”, which is not an option."),
        (MATCHING, "rationale: Volumes.", "rationale: ''", "“rationale” is empty. Write it."),
        (MATCHING, "id: p2", "id: p1", "The prompt id “p1” stands twice."),
        (MATCHING, "text: Blocks", "text: files", "Prompt p2 has the same text as another."),
        (MATCHING, "text: Amazon EBS", "text: amazon efs", "Options efs and ebs have the same text."),
        (
            CHOICE,
            "      - id: c\n        text: JSON\n        rationale: It repeats every name.\n",
            "",
            "A multiple-",
        ),
    ],
)
def test_the_shape_of_each_type(body: str, old: str, new: str, why: str) -> None:
    found = problems(with_question(old, new, body))
    assert any(why in line for line in found), found
    assert all(" q-" in line for line in found)


def test_every_problem_of_a_file_is_told_at_once() -> None:
    text = HEAD + textwrap.dedent("""\
        colour: blue
        questions:
          - code: q-1
            type: multiple_choice
            topic: 1.1.1
            level: easy
            difficulty: 2
            stem: Which?
            options:
              - {id: a, text: One, correct: true, rationale: Because.}
              - {id: b, text: one, correct: true}
          - code: q-2
            type: ordering
            topic: 1.1.1
            level: apply
            difficulty: 0.5
            stem: Put in order.
            options: []
        """)
    assert problems(text) == [
        "3 : The field “colour” is not known here. Known here: blueprint, format, questions, scenarios.",
        "8 q-1: “level” is “easy”. Use one of: recall, apply, analyse.",
        "9 q-1: The difficulty is “2”. Write a share from 0.05 to 0.99 with at most two decimals.",
        (
            "11 q-1: 2 options are marked correct (a, b); a multiple choice has one key. "
            "Leave one mark, or use the type multiple_response."
        ),
        "11 q-1: A multiple-choice question has 3 to 8 options; this has 2. Add or remove options.",
        "13 q-1: Options a and b have the same text. Change one of them.",
        "13 q-1: The field “rationale” is missing. Add it.",
        "20 q-2: The list “options” is empty. Fill it.",
    ]


def test_a_problem_reads_as_file_line_code_and_sentence() -> None:
    with pytest.raises(FormatError) as caught:
        parse(with_question("level: apply", "level: easy"))
    assert str(caught.value) == "bank.yaml:7: q-1: “level” is “easy”. Use one of: recall, apply, analyse."
