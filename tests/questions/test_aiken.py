from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Option, QuestionContent
from questions.formats import aiken
from questions.formats.exchange import (
    ExchangeQuestion,
    Outcome,
    Rejection,
    UnreadableFile,
    letter_ids,
)
from tests.questions.text_format_makers import exchanged, nasty


def read(text: str | bytes) -> list[Outcome]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(aiken.parse(io.BytesIO(data), "bank.txt"))


def question(text: str | bytes) -> ExchangeQuestion:
    (outcome,) = read(text)
    assert isinstance(outcome, ExchangeQuestion), outcome
    return outcome


def written(*questions: ExchangeQuestion) -> bytes:
    out = io.BytesIO()
    aiken.render(questions, out)
    return out.getvalue()


CHOICE = QuestionContent(
    ItemType.MULTIPLE_CHOICE,
    "Which service?",
    (Option("a", "Amazon S3"), Option("b", "Amazon EBS", is_correct=True), Option("c", "Amazon EFS")),
)


@pytest.mark.parametrize(
    "text",
    [
        "Which service?\nA. Amazon S3\nB. Amazon EBS\nC. Amazon EFS\nANSWER: B\n",
        "Which service?\nA) Amazon S3\nB) Amazon EBS\nC) Amazon EFS\nANSWER: B",
        "\n\nWhich service?\n\n  a) Amazon S3\n\n  b) Amazon EBS\n\n  c) Amazon EFS\n\nans : b\n\n",
        "\ufeffWhich service?\r\nA.Amazon S3\r\nB.Amazon EBS\r\nC.Amazon EFS\r\nAnswer: B) Amazon EBS\r\n",
        "Which service?\nA.) Amazon S3\nB.) Amazon EBS\nC.) Amazon EFS\nANSWERS: B\n",
        "Which service?\r(A) Amazon S3\r(B) Amazon EBS\r(C) Amazon EFS\rANSWER: (B).\r",
    ],
)
def test_a_question_as_people_write_it(text: str) -> None:
    found = question(text)
    assert found.content == CHOICE
    assert found.losses == ()


@pytest.mark.parametrize("answer", ["A, C", "A C", "C;A", "a and c", "A & C", "AC", "A, C."])
def test_several_answers_make_a_multiple_response(answer: str) -> None:
    found = question(f"Q\nA. a\nB. b\nC. c\nANSWER: {answer}\n")
    assert found.content.item_type is ItemType.MULTIPLE_RESPONSE
    assert found.content.key == ["a", "c"]


def test_stems_and_options_over_several_lines() -> None:
    found = question("1. What is\nprinted?\n\nx = *y*\n\nA. one\n  and more\nB. two\nANSWER: A\n")
    assert found.content.stem == "1\\. What is\\\nprinted?\n\nx = \\*y\\*"
    assert [option.text for option in found.content.options] == ["one\\\nand more", "two"]


def test_a_stem_that_begins_like_an_option() -> None:
    found = question("A. Einstein wrote what?\nA.I. is no option\nA. a\nB. b\nANSWER: A\n")
    assert found.content.stem == "A. Einstein wrote what?\\\nA.I. is no option"


def test_an_explanation_right_after_the_answer_is_the_keys_rationale() -> None:
    first, second = read("Q\nA. a\nB. b\nANSWER: B\nExplanation: So\nit is.\n\nQ2\nA. a\nB. b\nANSWER: A\n")
    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert [option.rationale for option in first.content.options] == ["", "So\\\nit is."]
    assert (second.content.stem, second.where) == ("Q2", "line 8")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("Q\nA. a\nB. b\n", "no_answer", 1),
        ("Q\nA. a\nB. b\nANSWER: C", "unknown_answer", 1),
        ("Q\nA. a\nB. b\nANSWER: the first", "unknown_answer", 1),
        ("Q\nA. a\nB. b\nANSWER:", "unknown_answer", 1),
        ("\n\nQ\nA. a\nANSWER: A", "too_few_options", 3),
        ("Q\nANSWER: A", "no_options", 1),
        ("The sun rises.\nAnswer: True", "no_options", 1),
        ("A. a\nB. b\nANSWER: A", "empty_stem", 1),
        ("ANSWER: A", "empty_stem", 1),
        ("Q\nA.\nB. b\nANSWER: A", "empty_option", 1),
        (f"{'x ' * 20_000}\nA. a\nB. b\nANSWER: A", "long_stem", 1),
        (f"Q\nA. {'x ' * 5_000}\nB. b\nANSWER: A", "long_text", 1),
        ("Some prose.\n\nMore of it.", "no_options", 1),
    ],
)
def test_rejections_take_no_other_question_with_them(text: str, code: str, line: int) -> None:
    fine = "Fine\nA. a\nB. b\nANSWER: A\n"
    before, refused = read(f"{fine}\n{text}")
    assert isinstance(before, ExchangeQuestion) and isinstance(refused, Rejection)
    assert (refused.code, refused.where) == (code, f"line {line + 5}")
    assert refused.why.endswith(".")
    if code != "no_options":
        _, _, after = read(f"{fine}\n{text}\n\n{fine}")
        assert isinstance(after, ExchangeQuestion) and after.content.stem == "Fine"


def test_a_missing_answer_without_a_blank_line() -> None:
    first, second = read("Q1\nA. a\nB. b\nQ2 is\nlong\nA. c\nB. d\nANSWER: B\n")
    assert isinstance(first, Rejection) and isinstance(second, ExchangeQuestion)
    assert (first.code, first.where) == ("no_answer", "line 1")
    assert (second.content.stem, second.where) == ("Q2 is\\\nlong", "line 4")
    assert [option.text for option in second.content.options] == ["c", "d"]


def test_other_encodings_are_told() -> None:
    found = question("Où ?\nA. là\nB. ici\nANSWER: A\n".encode("latin-1"))
    assert found.content.stem == "Où ?"
    assert [loss.code for loss in found.losses] == ["encoding_guessed"]


def test_a_file_that_is_no_text() -> None:
    with pytest.raises(UnreadableFile, match="UTF-8") as caught:
        read("Q\nA. a\nB. b\nANSWER: A\n".encode("utf-16-le"))
    assert caught.value.code == "not_text"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["A. a", "B) b", "C. c", "a. x", "ANSWER: A", "ans: b, a", "ANSWER:", "", "Q", "(A"])
        | nasty,
        max_size=14,
    )
)
def test_nothing_but_outcomes_comes_out_of_rubbish(lines: list[str]) -> None:
    for outcome in read("\n".join(lines).replace("\0", "").encode()):
        assert outcome.where.startswith("line ")


@pytest.mark.parametrize(
    ("head", "is_aiken"),
    [
        (b"Q\nA. a\nB. b\nANSWER: A\n", True),
        ("Q\r\na) a\r\nb) b\r\nanswer: A\r\n".encode("utf-16"), True),
        (b"Q {=a ~b}", False),
        (b"<p>\nA. a\nANSWER: A\n", False),
        (b"prose", False),
        (b"", False),
    ],
)
def test_what_looks_like_aiken(head: bytes, is_aiken: bool) -> None:
    assert aiken.looks_like(head, "x.txt") is is_aiken


def test_what_is_written() -> None:
    content = QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "Which **one**?\n\n- `a`\n- b",
        (Option("x", "2 \\* 3", "why", True), Option("y", "![a chart](image:c.png)")),
    )
    assert written(ExchangeQuestion(content)).decode() == (
        "Which one? a b\nA. 2 * 3\nB. a chart\nANSWER: A\n\n"
    )
    assert [loss.code for loss in aiken.losses(ExchangeQuestion(content))] == ["formatting", "rationales"]
    assert aiken.losses(ExchangeQuestion(CHOICE)) == ()


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(exchanged(), min_size=1, max_size=3))
def test_a_round_trip_changes_what_was_announced_and_nothing_else(told: list[ExchangeQuestion]) -> None:
    kept = [q for q in told if not any(loss.leaves_out for loss in aiken.losses(q))]
    assert all(q.content.item_type is ItemType.MULTIPLE_CHOICE for q in kept)
    found = read(written(*told))
    assert len(found) == len(kept)
    for before, after in zip(kept, found, strict=True):
        assert isinstance(after, ExchangeQuestion), after
        lost = {loss.code for loss in aiken.losses(before)}
        content = letter_ids(before.content)
        options = tuple(
            replace(
                option,
                rationale="" if "rationales" in lost else option.rationale,
                text=again.text if "formatting" in lost else option.text,
            )
            for option, again in zip(content.options, after.content.options, strict=True)
        )
        stem = after.content.stem if "formatting" in lost else content.stem
        references = () if "references" in lost else content.references
        assert after.content == replace(content, stem=stem, options=options, references=references)
        if "details" not in lost:
            assert (before.code, before.title, before.tags, before.category) == ("", "", (), ())
        assert before.keep_order == ("keep_order" in lost)
        assert (before.scenario is not None) == ("scenario_left_out" in lost)
