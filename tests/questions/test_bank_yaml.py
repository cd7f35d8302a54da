from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from questions.content import Level
from questions.formats import bank_yaml, lined_yaml
from questions.formats.exchange import (
    ExchangeQuestion,
    ExchangeScenario,
    Outcome,
    Picture,
    Rejection,
    UnreadableFile,
)
from questions.formats.native import BankFile, render_bank
from tests.questions.test_native import CHOICE, HEAD, MATCHING, ORDERING
from tests.questions.test_native_properties import banks


def parse(data: str | bytes) -> list[Outcome]:
    return list(bank_yaml.parse(io.BytesIO(data.encode() if isinstance(data, str) else data), "1.1.yaml"))


def bank(*bodies: str) -> str:
    return HEAD + "questions:\n" + "".join(body.removeprefix("questions:\n") for body in bodies)


def rendered(*given: ExchangeQuestion) -> str:
    out = io.BytesIO()
    bank_yaml.render(given, out)
    return out.getvalue().decode()


def taken(data: str) -> list[ExchangeQuestion]:
    return [replace(outcome, where="") for outcome in parse(data) if isinstance(outcome, ExchangeQuestion)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(banks())
def test_what_was_written_reads_back_equal(bank: BankFile) -> None:
    originals = taken(render_bank(bank))
    assert len(originals) == len(bank.questions)
    assert [loss for question in originals for loss in bank_yaml.losses(question)] == []
    assert taken(rendered(*originals)) == originals


def test_all_fields_come_along() -> None:
    found = parse(HEAD + CHOICE)[0]
    assert isinstance(found, ExchangeQuestion)
    question = found
    assert question.category[0] in HEAD and question.category[-1] == question.topic
    assert question.code in CHOICE and question.where.endswith(question.code)
    assert question.level is not None and question.difficulty is not None


def test_a_question_with_a_problem_is_rejected_by_itself() -> None:
    broken = CHOICE.replace("correct: true", "correct: maybe")
    outcomes = parse(bank(ORDERING, broken, MATCHING))
    assert [type(outcome) for outcome in outcomes] == [ExchangeQuestion, Rejection, ExchangeQuestion]
    rejection = outcomes[1]
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.why) == ("not_native", "“correct” is “maybe”. Write true or false.")


def test_what_is_missing_is_said() -> None:
    lines = [line for line in CHOICE.splitlines(keepends=True) if "level:" not in line]
    rejection = parse(HEAD + "".join(lines))[0]
    assert isinstance(rejection, Rejection)
    assert "“level” is missing" in rejection.why


def test_the_second_of_two_equal_codes_is_rejected() -> None:
    first, second = parse(bank(CHOICE, CHOICE))
    assert isinstance(first, ExchangeQuestion)
    assert isinstance(second, Rejection) and "already used" in second.why


def test_a_question_without_a_code_is_told_by_its_line() -> None:
    lines = CHOICE.splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if "- code:" in line)
    lines[number] = "  - code: two words\n"
    bad, good = parse(bank("".join(lines), ORDERING))
    assert isinstance(bad, Rejection) and "“code” is “two words”" in bad.why and bad.where.startswith("line ")
    assert isinstance(good, ExchangeQuestion)


def test_a_scenario_with_a_problem_takes_its_questions_along_and_no_others() -> None:
    choice, ordering = taken(HEAD + CHOICE)[0], taken(HEAD + ORDERING)[0]
    choice = replace(choice, scenario=ExchangeScenario("case-1", "Case", "The text."))
    text = rendered(choice, ordering).replace("title: Case", "titel: Case")
    outcomes = parse(text)
    assert [type(outcome) for outcome in outcomes] == [Rejection, Rejection, ExchangeQuestion]
    assert isinstance(outcomes[1], Rejection) and outcomes[1].code == "spoilt_scenario"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "just a text",
        "format: cutscore-bank/1\nblueprint: x\nquestions: [",
        (HEAD + CHOICE).replace("cutscore-bank/1", "cutscore-bank/9"),
        HEAD + CHOICE + "more: fields\n",
        (HEAD + CHOICE).encode("utf-16"),
    ],
)
def test_a_problem_of_the_whole_file_is_told_once(data: str | bytes) -> None:
    with pytest.raises(UnreadableFile) as error:
        parse(data)
    assert error.value.code == "not_native"
    assert error.value.where.startswith("line ")


def test_a_file_that_is_too_large_says_how_to_split_it() -> None:
    with pytest.raises(UnreadableFile, match="5 MB. Split it") as error:
        parse(b"#" * (lined_yaml.MAX_BYTES + 1))
    assert error.value.code == "too_large"


def test_incomplete_questions_are_left_out_with_the_reason() -> None:
    complete = taken(HEAD + CHOICE)[0]
    option = replace(complete.content.options[0], rationale="")
    silent = replace(complete.content, options=(option, *complete.content.options[1:]))

    def told(question: ExchangeQuestion) -> list[tuple[str, bool]]:
        return [(loss.code, loss.leaves_out) for loss in bank_yaml.losses(question)]

    assert told(complete) == []
    assert told(replace(complete, level=None)) == [("not_native", True)]
    assert "level" in bank_yaml.losses(replace(complete, level=None))[0].why
    assert told(replace(complete, content=silent)) == [("not_native", True)]
    assert told(replace(complete, difficulty=Decimal("1.5"))) == [("not_native", True)]
    assert told(replace(complete, title="T", pictures=(Picture("a.png", b""),))) == [
        ("image", False),
        ("title", False),
    ]
    assert taken(rendered(replace(complete, level=None), complete)) == [complete]


def test_questions_of_two_blueprints_name_neither() -> None:
    one = taken(HEAD + CHOICE)[0]
    other = replace(one, code="other-1", category=("OTHER", one.topic), level=Level.RECALL)
    assert "blueprint: unassigned" in rendered(one, other)


def test_looks_like() -> None:
    assert bank_yaml.looks_like(HEAD.encode(), "questions.txt")
    assert bank_yaml.looks_like(b"", "a.YML")
    assert not bank_yaml.looks_like(b"question,answer", "a.csv")
