"""The native bank file as a format of exchange.  Pure.

`native` reads strictly: nothing of a question may be missing. Here a question with problems is rejected by
itself, and the others come in.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import BinaryIO

from questions.formats import exchange, lined_yaml, native
from questions.formats.exchange import (
    ExchangeQuestion,
    ExchangeScenario,
    Format,
    Loss,
    Rejection,
    UnreadableFile,
)
from questions.formats.native import BankFile, QuestionEntry, ScenarioEntry
from questions.formats.reading import FormatError, Problem

_NO_BLUEPRINT = "unassigned"
_MOST_TOLD = 5


def parse(file: BinaryIO, filename: str) -> Iterator[exchange.Outcome]:
    file.seek(0)
    data = file.read(lined_yaml.MAX_BYTES + 1)
    if len(data) > lined_yaml.MAX_BYTES:
        why = (
            f"A bank file may have {lined_yaml.MAX_BYTES // 1_000_000} MB. Split it: each part needs the lines "
            "“format”, “blueprint” and “questions” at its top, and the scenarios that its questions use."
        )
        raise UnreadableFile("too_large", why)
    try:
        reading = native.read_bank(data, filename=filename)
    except FormatError as error:
        raise _unreadable(error.problems) from error
    by_line, of_the_file = _sorted_out(reading)
    if of_the_file:
        raise _unreadable(of_the_file)
    scenarios = {scenario.code: scenario for scenario in reading.bank.scenarios}
    spoilt = {code for line, code in reading.lines if by_line.get(line) and code in scenarios}
    questions = {question.line: question for question in reading.bank.questions}
    for line, code in reading.lines:
        where = f"line {line}, {code}" if code else f"line {line}"
        question = questions.get(line)
        if problems := by_line.get(line):
            yield Rejection(where, "not_native", _told(problems), title=code)
        elif question is not None and question.scenario in spoilt:
            why = f"Its scenario “{question.scenario}” has a problem. Mend the scenario."
            yield Rejection(where, "spoilt_scenario", why, title=code)
        elif question is not None:
            yield _exchanged(question, scenarios, reading.bank.blueprint, where)


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    carried = [question for question in questions if not any(loss.leaves_out for loss in losses(question))]
    out.write(native.render_bank(_bank(carried)).encode())


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    found = []
    if question.pictures:
        names = ", ".join(picture.name for picture in question.pictures)
        why = f"A bank file holds no pictures ({names}); their places in the texts stay."
        found.append(Loss("image", why))
    if question.title:
        found.append(Loss("title", "A bank file has no field for the title."))
    if reason := _unfit(question):
        found.append(Loss("not_native", reason, leaves_out=True))
    return tuple(found)


def looks_like(head: bytes, filename: str) -> bool:
    has_format = re.search(rb"^(?:\xef\xbb\xbf)?format:\s*[\"']?cutscore-bank/", head, re.MULTILINE)
    return has_format is not None or filename.lower().endswith((".yaml", ".yml"))


def _sorted_out(reading: native.Reading) -> tuple[dict[int, list[Problem]], list[Problem]]:
    """The problems of each entry by the line in which it begins, and those of the file itself."""
    starts = [line for line, _ in reading.lines]
    by_line: dict[int, list[Problem]] = defaultdict(list)
    of_the_file = []
    for problem in reading.problems:
        at = bisect_right(starts, problem.line) - 1
        if at < 0 or (problem.line in reading.own_lines and not problem.code):
            of_the_file.append(problem)
        else:
            by_line[starts[at]].append(problem)
    return by_line, of_the_file


def _unreadable(problems: Iterable[Problem]) -> UnreadableFile:
    listed = sorted(problems)
    return UnreadableFile("not_native", _told(listed), where=f"line {listed[0].line}")


def _told(problems: Iterable[Problem]) -> str:
    reasons = list(dict.fromkeys(problem.why for problem in problems))
    rest = len(reasons) - _MOST_TOLD
    return " ".join(reasons[:_MOST_TOLD]) + (f" And {rest} more." if rest > 0 else "")


def _exchanged(
    question: QuestionEntry, scenarios: dict[str, ScenarioEntry], blueprint: str, where: str
) -> ExchangeQuestion:
    used = scenarios.get(question.scenario or "")
    return ExchangeQuestion(
        content=question.content,
        where=where,
        code=question.code,
        topic=question.topic,
        level=question.level,
        difficulty=question.difficulty,
        keep_order=question.keep_order,
        tags=question.tags,
        category=(blueprint, question.topic),
        scenario=ExchangeScenario(used.code, used.title, used.text) if used else None,
    )


def _unfit(question: ExchangeQuestion) -> str:
    """Why the native reader would refuse it; it is asked, so that the two can't disagree."""
    missing = [name for name in ("code", "topic", "level", "difficulty") if not getattr(question, name)]
    if missing:
        return f"A bank file holds complete questions; missing here: {', '.join(missing)}. Fill it in."
    try:
        native.parse_bank(native.render_bank(_bank([question])).encode(), filename="")
    except FormatError as error:
        return f"A bank file holds complete questions. {_told(error.problems)}"
    return ""


def _bank(questions: list[ExchangeQuestion]) -> BankFile:
    blueprints = {question.category[0] for question in questions if question.category}
    found = {q.scenario.code: q.scenario for q in questions if q.scenario}
    return BankFile(
        blueprint=blueprints.pop() if len(blueprints) == 1 else _NO_BLUEPRINT,
        questions=tuple(_entry(question) for question in questions),
        scenarios=tuple(ScenarioEntry(s.code, s.title, s.text) for s in found.values()),
    )


def _entry(question: ExchangeQuestion) -> QuestionEntry:
    assert question.level is not None
    return QuestionEntry(
        code=question.code,
        topic=question.topic,
        level=question.level,
        difficulty=Decimal(question.difficulty or 0),
        content=question.content,
        scenario=question.scenario.code if question.scenario else None,
        keep_order=question.keep_order,
        tags=question.tags,
    )


FORMAT = Format(
    name="yaml",
    label="Cutscore YAML",
    extension=".yaml",
    media_type="application/yaml",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
