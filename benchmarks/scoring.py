"""From submitting to the score: what it costs, and how long 200 learners at once wait for a real worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from benchmarks import bank, cpu, processes
from benchmarks.clients import Inside, Outside, Reply, crowd
from benchmarks.reporting import Row, percentile
from benchmarks.save import floor
from benchmarks.sizes import Size
from exams import results
from exams.models import Attempt, MockExam

MAX_STATEMENTS = 12
MAX_MS = 15.0
"""For submitting and scoring together (design, "What to beat")."""
MEASURED = 30
WAIT_SECONDS = 120
LOOK_SECONDS = 0.02


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    yield from _alone(mock, min(MEASURED, size.submissions), floor(mock, size.saves // 5))
    yield from _together(mock, size.submissions)


def _alone(mock: MockExam, count: int, bare: cpu.Cost) -> Iterator[Row]:
    first, *others = bank.start_all(mock, bank.make_learners(count + 1))
    bank.answer_all(mock)
    _submit(first)
    _score(first)
    submit = cpu.cost_of_each(_submit, others)
    score = cpu.cost_of_each(_score, others)
    yield Row("CPU of submitting and scoring", submit.ms + score.ms, "ms", floor=bare.ms, at_most=MAX_MS)
    yield Row("… submitting", submit.ms, "ms", floor=bare.ms)
    yield Row("… scoring", score.ms, "ms", floor=bare.ms)
    scored = others[-1]
    cache.clear()
    yield Row(
        "SQL statements of the result page", cpu.statements_of(lambda: _read(scored)), at_most=MAX_STATEMENTS
    )
    yield Row("CPU of the result page", cpu.cost_of_each(_read, others).ms, "ms", floor=bare.ms)


def _submit(sitting: bank.Sitting) -> None:
    reply = Inside(sitting.learner.session).post(f"{sitting.path}submit/", {"seconds": {}})
    assert reply.status == 200, str(reply)


def _score(sitting: bank.Sitting) -> None:
    assert results.score_attempt(sitting.attempt_id, now=timezone.now())


def _read(sitting: bank.Sitting) -> None:
    reply = Inside(sitting.learner.session).get(f"{sitting.path}results/")
    assert reply.status == 200, str(reply)


def _together(mock: MockExam, count: int) -> Iterator[Row]:
    """The clock of each learner runs from their click until their score is in the database."""
    sittings = bank.start_all(mock, bank.make_learners(count))
    bank.answer_all(mock)
    processes.forget_messages()
    clicked: dict[UUID, float] = {}
    scored: dict[UUID, float] = {}
    watch = threading.Thread(
        target=_watch, args=([each.attempt_id for each in sittings], scored), daemon=True
    )
    with processes.web(celery=True) as port, processes.workers():
        browsers = [Outside(port, sitting.learner.session) for sitting in sittings]
        for browser in browsers:
            browser.get("/healthz")
        watch.start()

        def submit(browser: Outside, number: int, turn: int) -> Reply:
            clicked[sittings[number].attempt_id] = time.monotonic()
            return browser.post(f"{sittings[number].path}submit/", {"seconds": {}})

        load = crowd(browsers, submit)
        watch.join()
    seconds = [scored[each] - clicked[each] for each in scored]
    yield Row(
        f"Errors, {count} submissions at once", len(load.errors), at_most=0, note=" ".join(load.errors[:1])
    )
    yield Row("Attempts scored", len(scored), at_least=count)
    yield Row("Reply p50", percentile(load.ms, 50), "ms")
    yield Row("Reply p99", percentile(load.ms, 99), "ms")
    yield Row("Submit → scored p50", percentile(seconds, 50), "s")
    yield Row("Submit → scored p99", percentile(seconds, 99), "s")
    yield Row(
        "Scored a second", len(seconds) / (max(scored.values()) - min(clicked.values())) if seconds else 0.0
    )


def _watch(attempt_ids: list[UUID], scored: dict[UUID, float]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    attempts = Attempt.objects.filter(pk__in=attempt_ids, state=Attempt.State.SCORED)
    while len(scored) < len(attempt_ids) and time.monotonic() < end:
        for pk in attempts.values_list("pk", flat=True):
            scored.setdefault(pk, time.monotonic())
        time.sleep(LOOK_SECONDS)
    connection.close()
