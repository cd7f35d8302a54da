"""Rows of questions, as CSV and XLSX share them: other people's columns and keys, and what a row can't hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import table_columns, table_writing
from questions.formats.exchange import (
    ExchangeQuestion,
    ExchangeScenario,
    Outcome,
    Picture,
    Rejection,
    UnreadableFile,
    letter_ids,
)
from questions.formats.table_cells import clean, neutralised
from questions.formats.table_rows import Memory, read_rows
from tests.questions.test_native_properties import contents

LONGEST = 32_767


def rows(*lines: str) -> list[Outcome]:
    return list(read_rows(enumerate((line.split(",") for line in lines), 1), Memory()))


def question(*lines: str) -> ExchangeQuestion:
    outcome = rows(*lines)[-1]
    assert isinstance(outcome, ExchangeQuestion), outcome
    return outcome


def refusal(*lines: str) -> Rejection:
    outcome = rows(*lines)[-1]
    assert isinstance(outcome, Rejection), outcome
    return outcome


def key(outcome: ExchangeQuestion) -> object:
    return outcome.content.key


HEAD = "Question,Option A,Option B,Option C,Correct Answer"


@pytest.mark.parametrize(
    "head",
    [
        "stem,option_a,option_b,option_c,key",
        "QUESTION TEXT,Option 1,option-2,OptionC,Answer",
        "prompt,A,B,C,correct_answer",
        "question,choice a,choice b,choice c,ans",
        "Question,Answer 1,Answer 2,Answer 3 (optional),Correct answer(s) - choose at least one",
        "question,option_0,option_1,option_2,correctOption",
        "Question,Answer Option 1,Answer Option 2,Answer Option 3,Correct Answers",
    ],
)
def test_columns_go_by_many_names(head: str) -> None:
    found = question(head, "What?,one,two,three,b")
    assert [o.text for o in found.content.options] == ["one", "two", "three"]
    assert key(found) == "b"
    assert found.losses == ()


def test_columns_stand_in_any_order_below_a_title() -> None:
    found = question("My quiz", "", "key,option b,option a,stem,rationale b", "a,two,one,What?,Because")
    assert (key(found), found.content.options[1].rationale, found.where) == ("a", "Because", "row 4")


def test_an_unknown_column_is_told_once() -> None:
    first, second = rows(HEAD + ",Time limit", "Q,1x,2x,3x,a,20", "Q,1x,2x,3x,a,20")
    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert [loss.code for loss in first.losses] == ["unknown_column"]
    assert "Time limit" in first.losses[0].why
    assert second.losses == ()


def test_missing_columns_are_named_with_those_that_come_close() -> None:
    with pytest.raises(UnreadableFile) as error:
        rows("questoin,Option A,Option B,Correct", "Q,1,2,a")
    assert error.value.code == "missing_columns"
    assert "“stem”" in str(error.value) and "Is “questoin” meant to be “question”?" in str(error.value)


def test_a_file_of_questions_and_answers_alone_has_no_options() -> None:
    with pytest.raises(UnreadableFile, match="option_a"):
        rows("Question,Answer", "Capital of France?,Paris")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("b", "b"),
        ("B)", "b"),
        ("(2)", "b"),
        ("2.0", "b"),
        ("option_b", "b"),
        ("Option 2", "b"),
        ("Amazon SQS", "b"),
        ("amazon sqs.", "b"),
        ("B. Amazon SQS", "b"),
        ("a; c", ["a", "c"]),
        ("A and C", ["a", "c"]),
        ("AC", ["a", "c"]),
        ("1|3", ["a", "c"]),
        ("Amazon S3; AWS KMS", ["a", "c"]),
        ("c > a > b", ["c", "a", "b"]),
    ],
)
def test_a_key_is_a_letter_a_number_or_the_text(written: str, expected: object) -> None:
    assert key(question(HEAD, f"Which?,Amazon S3,Amazon SQS,AWS KMS,{written}")) == expected


def test_a_text_with_the_sign_of_an_order_in_it_is_a_text() -> None:
    found = question(HEAD, "Which?,a > b,b > a,c > a,b > a")
    assert (found.content.item_type, key(found)) == (ItemType.MULTIPLE_CHOICE, "b")


def test_a_number_that_is_also_the_text_of_another_option_is_refused() -> None:
    refused = refusal(HEAD, "2 + 0?,3,1,2,2")
    assert refused.code == "ambiguous_key"
    assert "option b or option c" in refused.why


def test_what_other_rows_do_decides_what_a_number_means() -> None:
    numbers = rows(HEAD, "Q,x,y,z,3", "2 + 0?,3,1,2,2")
    texts = rows(HEAD, "Q,x,y,z,z", "2 + 0?,3,1,2,2")
    assert [key(o) for o in (numbers[1], texts[1]) if isinstance(o, ExchangeQuestion)] == ["b", "c"]


def test_a_file_that_counts_from_zero_is_read_so_and_says_it() -> None:
    first, second = rows(HEAD, "Q,x,y,z,2", "Q,x,y,z,0")
    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert (key(first), key(second)) == ("c", "a")
    assert [loss.code for loss in first.losses] == ["key_from_zero"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Q,x,y,z,", "no_key"),
        ("Q,x,y,z,d", "unknown_key"),
        ("Q,x,y,z,BAD", "unknown_key"),
        ("Q,x,,,a", "too_few_options"),
        (",x,y,z,a", "empty_stem"),
    ],
)
def test_one_bad_row_is_rejected_and_the_next_comes_in(line: str, code: str) -> None:
    bad, good = rows(HEAD, line, "Q,x,y,z,a")
    assert isinstance(bad, Rejection)
    assert (bad.code, bad.where) == (code, "row 2")
    assert bad.why.endswith(".")
    assert isinstance(good, ExchangeQuestion)


def test_types_go_by_many_names_and_others_are_rejected_by_name() -> None:
    head = f"type,{HEAD}"
    assert question(head, "Multiple Select,Q,x,y,z,a").content.item_type is ItemType.MULTIPLE_RESPONSE
    assert question(head, "true/false,Q,,,,False").content.options[1] == Option("b", "False", "", True)
    changed = question(head, "Multiple Choice,Q,x,y,z,AC")
    assert changed.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert [loss.code for loss in changed.losses] == ["type_changed"]
    refused = refusal(head, "Fill-in-the-blank,Q,x,y,z,a")
    assert refused.code == "unsupported_type" and "“Fill-in-the-blank”" in refused.why


def test_pairs_of_texts_make_a_matching() -> None:
    found = question("question,left 1,right 1,left 2,right 2,left 3,right 3", "Match.,1,one,2,two,3,one")
    assert [o.text for o in found.content.options] == ["one", "two"]
    assert key(found) == {"p1": "a", "p2": "b", "p3": "a"}
    assert refusal("question,left 1,right 1", "Match.,1,one").code == "too_few_pairs"


def test_wrong_answers_in_columns_of_their_own_and_options_in_one_cell() -> None:
    apart = question("Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2", "Q,yes,no,maybe")
    assert ([o.text for o in apart.content.options], key(apart)) == (["yes", "no", "maybe"], "a")
    listed = question("question,choices,answer", "Q,x|y|z,y")
    assert ([o.text for o in listed.content.options], key(listed)) == (["x", "y", "z"], "b")


def test_one_explanation_is_the_rationale_of_the_key() -> None:
    found = question(HEAD + ",Explanation", "Q,x,y,z,b,Because")
    assert [o.rationale for o in found.content.options] == ["", "Because", ""]
    kept = question(HEAD + ",rationale b,Explanation", "Q,x,y,z,b,Own,General")
    assert kept.content.options[1].rationale == "Own"
    assert [loss.code for loss in kept.losses] == ["general_feedback"]


def test_the_second_question_with_a_code_is_rejected() -> None:
    first, second = rows("code," + HEAD, "q-1,Q,x,y,z,a", "q-1,Q,x,y,z,b")
    assert isinstance(first, ExchangeQuestion)
    assert isinstance(second, Rejection) and second.code == "duplicate_code" and "row 2" in second.why


def test_the_bare_number_of_a_row_is_no_code() -> None:
    assert question("id," + HEAD, "17,Q,x,y,z,a").code == ""
    assert question("id," + HEAD, "net-17,Q,x,y,z,a").code == "net-17"
    assert question("code," + HEAD, "17,Q,x,y,z,a").code == "17"


def test_fields_that_are_not_understood_are_told() -> None:
    head = "code,level,difficulty,topic," + HEAD
    found = question(head, "a b,hard,easy,Storage basics,Q,x,y,z,a")
    assert [loss.code for loss in found.losses] == ["code", "level", "difficulty"]
    assert (found.code, found.level, found.difficulty, found.topic) == ("", None, None, "")
    assert found.category == ("Storage basics",)


@pytest.mark.parametrize(
    ("text", "value"), [("0.65", "0.65"), (".65", "0.65"), ("65 %", "0.65"), ("0.655", "0.66")]
)
def test_difficulty_in_several_spellings(text: str, value: str) -> None:
    assert question("difficulty," + HEAD, f"{text},Q,x,y,z,a").difficulty == Decimal(value)


def test_the_text_of_a_scenario_is_needed_once() -> None:
    head = "scenario_code,scenario_title,scenario_text," + HEAD
    first, second, third = rows(head, "s1,Case,The text,Q,x,y,z,a", "s1,,,Q,x,y,z,b", "s2,,,Q,x,y,z,b")
    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert first.scenario == second.scenario == ExchangeScenario("s1", "Case", "The text")
    assert isinstance(third, Rejection) and third.code == "no_scenario_text"


def test_control_characters_and_other_line_ends_are_cleaned() -> None:
    assert clean("a\x00b\x07\r\nc\rd\u2028e\ufeff ") == "ab\nc\nd\ne"


@given(st.text("'=+-@x\t\n ", max_size=6))
def test_neutralising_is_taken_back(text: str) -> None:
    for only_ambiguous in (False, True):
        assert clean(neutralised(text, only_ambiguous=only_ambiguous)) == text.strip()
    assert neutralised(text)[:1] not in {"=", "+", "-", "@", "\t"}


def carried(original: ExchangeQuestion) -> ExchangeQuestion:
    row = [neutralised(cell) for cell in table_writing.write_row(original)]
    outcome = next(read_rows(enumerate([table_columns.NAMES, row]), Memory()))
    assert isinstance(outcome, ExchangeQuestion), outcome
    return replace(outcome, where="")


_words = st.text("abc ;,|/>\\'=“ü1", min_size=1, max_size=12).map(str.strip).filter(bool)
_codes = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)


@st.composite
def questions(draw: st.DrawFn) -> ExchangeQuestion:
    content = letter_ids(draw(contents()))
    references = tuple(" ".join(reference.split()) for reference in content.references)
    return ExchangeQuestion(
        content=replace(content, references=references),
        code=draw(st.just("") | _codes),
        topic=draw(st.just("") | _codes),
        level=draw(st.none() | st.sampled_from(Level)),
        difficulty=draw(st.none() | st.integers(5, 99).map(lambda n: Decimal(n).scaleb(-2))),
        keep_order=draw(st.booleans()),
        tags=tuple(draw(st.lists(_words, max_size=3, unique=True))),
        category=tuple(draw(st.lists(_words, max_size=3))),
        scenario=draw(st.none() | st.builds(ExchangeScenario, code=_codes, title=_words, text=_words)),
    )


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(questions())
def test_a_row_reads_back_equal_and_loses_nothing(original: ExchangeQuestion) -> None:
    assert carried(original) == original
    assert table_writing.losses(original, longest=LONGEST) == ()


def test_options_that_read_like_letters_keep_their_key() -> None:
    options = tuple(Option(name, text, "", name == "a") for name, text in zip("abc", "cab", strict=True))
    original = ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_CHOICE, "Which note?", options))
    assert carried(original) == original
    assert table_writing.losses(original, longest=LONGEST) == ()


def test_losses_are_told_beforehand() -> None:
    options = tuple(Option(f"o{n}", f"Option {n}", "", n == 0) for n in range(3))
    plain = ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_CHOICE, "Q", options))
    many = tuple(Option(f"o{n}", f"Text {n}", "", n == 0) for n in range(11))
    prompts = tuple(Prompt(f"p{n}", f"Left {n}", "o0") for n in range(8))
    matching = QuestionContent(
        ItemType.MATCHING, "Match", tuple(replace(o, is_correct=False) for o in options), prompts
    )

    def told(changed: ExchangeQuestion) -> list[tuple[str, bool]]:
        return [(loss.code, loss.leaves_out) for loss in table_writing.losses(changed, longest=LONGEST)]

    def with_(content: QuestionContent) -> ExchangeQuestion:
        return replace(plain, content=content)

    assert told(plain) == []
    assert told(replace(plain, pictures=(Picture("a.png", b""),))) == [("image", False)]
    assert told(replace(plain, title="A title")) == [("title", False)]
    assert told(with_(replace(plain.content, options=many))) == [("too_many_options", True)]
    assert told(with_(matching)) == [("too_many_prompts", True)]
    assert told(with_(replace(plain.content, stem="x" * LONGEST))) == [("long_text", True)]
    assert told(with_(replace(plain.content, stem=""))) == [("empty_stem", True)]
    assert told(with_(replace(plain.content, options=options[1:]))) == [("no_key", True)]
    assert told(with_(replace(plain.content, references=("two\nlines",)))) == [("changed", False)]
    assert told(with_(replace(plain.content, options=(*options, Option("z", ""))))) == [("changed", False)]


def test_the_template_is_read_without_a_complaint() -> None:
    found = list(read_rows(enumerate([table_columns.NAMES, *table_writing.template_rows()]), Memory()))
    assert [type(outcome) for outcome in found] == [ExchangeQuestion, ExchangeQuestion]
    assert all(isinstance(o, ExchangeQuestion) and not o.losses for o in found)
