from __future__ import annotations

import pytest

from tests.questions.test_native import CHOICE, HEAD, only_problem, problems, with_question

# Files that can't be read at all


def test_not_utf_8() -> None:
    assert only_problem(b"format: x\nblueprint: \xff\n") == (
        "2 : The file is not UTF-8 (byte 22). Save it with the encoding UTF-8."
    )


def test_a_tab_in_the_indentation() -> None:
    text = HEAD + CHOICE.replace("    topic:", "\ttopic:")
    assert only_problem(text) == "6 : The line is indented with a tab. Indent with spaces."


def test_a_colon_in_an_unquoted_text() -> None:
    found = only_problem(with_question("text: CSV", "text: CSV: rows"))
    assert found.startswith("18 : This is not YAML: mapping values are not allowed")
    assert "in quotes" in found


def test_an_unclosed_quotation_mark() -> None:
    assert "not closed" in only_problem(with_question("text: CSV", 'text: "CSV'))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1 : The file is empty."),
        ("# nothing\n", "1 : The file is empty."),
        (HEAD + CHOICE + "---\n" + HEAD, "24 : A second document starts here. Write one document to a file."),
        ("- a\n", "1 : The file must start with fields such as “format: …”, not with a list or text."),
        ("a: [1, {b: c}\n", "2 : This is not YAML"),
        ("a: \x07\n", "1 : The control character U+0007 does not belong in a text. Delete it."),
    ],
)
def test_a_file_of_which_nothing_can_be_made(text: str, why: str) -> None:
    assert only_problem(text).startswith(why)


def test_a_file_over_five_megabytes() -> None:
    text = HEAD + CHOICE + "# " + "x" * 5_000_000
    assert only_problem(text) == "1 : The file has 5.0 MB; at most 5 MB are read. Split it."


def test_nesting_stops_at_a_depth_that_no_parser_minds() -> None:
    assert "nested more than 12 deep" in only_problem(HEAD + "questions: " + "[" * 50_000)


def test_more_values_than_a_bank_can_have() -> None:
    assert "more than 400,000 values" in only_problem("a: [" + "1," * 400_001 + "]")


# YAML that is refused


def test_tags_are_refused() -> None:
    found = problems(with_question("text: CSV", "text: !!python/object/apply:os.system [ls]"))
    assert "The tag “tag:yaml.org,2002:python/object/apply:os.system” is refused." in found[0]


def test_an_expansion_bomb_is_refused_and_not_expanded() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, other in zip("bcdefgh", "abcdefg", strict=True):
        bomb += f"{one}: &{one} [{', '.join(['*' + other] * 9)}]\n"
    found = problems(bomb)
    assert any("The anchor &a is refused" in why for why in found)
    assert any("The alias *a is refused" in why for why in found)


def test_a_field_given_twice() -> None:
    found = only_problem(with_question("level: apply", "level: apply\n    level: recall"))
    assert found == "8 q-1: The field “level” is already given in line 7. Remove one." or (
        found == "8 : The field “level” is already given in line 7. Remove one."
    )


def test_a_control_character_by_its_escape() -> None:
    assert "U+0000" in only_problem(with_question("text: CSV", 'text: "CS\\0V"'))
