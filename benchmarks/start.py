"""Starting a full mock: as many statements with 10,000 questions as with 100, and 200 learners at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.core.cache import cache

from benchmarks import bank, cpu, processes
from benchmarks.clients import Inside, Outside, crowd
from benchmarks.reporting import Row, percentile
from benchmarks.save import floor
from benchmarks.sizes import Size
from exams.models import Attempt, MockExam

MAX_STATEMENTS = 12
MEASURED = 30


def run(size: Size) -> Iterator[Row]:
    small = bank.make_exam(questions=size.small_bank, items=size.items)
    large = bank.make_exam(questions=size.bank, items=size.items)
    bare = floor(small, size.saves // 5)
    for mock, questions in ((small, size.small_bank), (large, size.bank)):
        yield from _alone(mock, questions, min(MEASURED, size.starts), bare)
    yield from _together(large, size.starts)


def start_path(mock: MockExam) -> str:
    return f"/mocks/{mock.pk}/start/"


def _alone(mock: MockExam, questions: int, learners: int, bare: cpu.Cost) -> Iterator[Row]:
    first, *others = bank.make_learners(learners + 1)
    cache.clear()
    statements = cpu.statements_of(lambda: _start(mock, first))
    yield Row(f"SQL statements of a start, bank of {questions:,}", statements, at_most=MAX_STATEMENTS)
    cost = cpu.cost_of_each(partial(_start, mock), others)
    yield Row(f"CPU of a start, bank of {questions:,}", cost.ms, "ms", floor=bare.ms)


def _start(mock: MockExam, learner: bank.Learner) -> None:
    reply = Inside(learner.session).post(start_path(mock))
    assert reply.status == 302, str(reply)


def _together(mock: MockExam, count: int) -> Iterator[Row]:
    learners = bank.make_learners(count)
    with processes.web() as port:
        browsers = [Outside(port, learner.session) for learner in learners]
        load = crowd(browsers, lambda browser, number, turn: browser.post(start_path(mock)))
    started = Attempt.objects.filter(learner__in=[learner.pk for learner in learners]).count()
    yield Row(f"Errors, {count} starts at once", len(load.errors), at_most=0, note=" ".join(load.errors[:1]))
    yield Row("Attempts started by them", started, at_least=count)
    yield Row("p50", percentile(load.ms, 50), "ms")
    yield Row("p99", percentile(load.ms, 99), "ms")
    yield Row("Starts a second", load.per_second)
