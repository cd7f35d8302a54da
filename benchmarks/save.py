"""Saving an answer: what one costs beside the floor, and what a class of learners meets at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from django.core.cache import cache

from benchmarks import bank, cpu, processes
from benchmarks.clients import Browser, Inside, Load, Outside, Reply, crowd
from benchmarks.reporting import Row, percentile
from benchmarks.sizes import Size
from exams.models import MockExam

MAX_RATIO = 1.5
MAX_STATEMENTS = 4
BLOCKS = 10
"""Ours and the floor take turns: what else the machine does meets both."""

Save = Callable[[Browser, bank.Sitting, int], Reply]


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    ours, bare = bank.start_all(mock, bank.make_learners(2))
    yield from _alone(ours, bare, size.saves)
    yield from _together(
        bank.start_all(mock, bank.make_learners(size.learners)),
        bank.start_all(mock, bank.make_learners(size.learners)),
        size.seconds,
    )


def save(browser: Browser, sitting: bank.Sitting, turn: int) -> Reply:
    slot = sitting.slot(turn)
    return browser.post(
        f"{sitting.path}responses/{slot}/", {"answer": sitting.answer(turn), "revision": turn}
    )


def save_floor(browser: Browser, sitting: bank.Sitting, turn: int) -> Reply:
    slot = sitting.slot(turn)
    return browser.post(
        f"/floor/{sitting.attempt_id}/responses/{slot}/", {"answer": sitting.answer(turn), "revision": turn}
    )


def floor(mock: MockExam, saves: int) -> cpu.Cost:
    """What one bare save costs in this run, for other figures to stand beside."""
    (sitting,) = bank.start_all(mock, bank.make_learners(1))
    _saves(save_floor, sitting, 1, min(saves, len(sitting.types)))
    return cpu.cost_of(lambda: _saves(save_floor, sitting, 1_000, saves), calls=saves)


def _alone(ours: bank.Sitting, bare: bank.Sitting, saves: int) -> Iterator[Row]:
    warm = 2 * len(ours.types)
    _saves(save, ours, 1, warm)
    _saves(save_floor, bare, 1, warm)
    block = max(1, saves // BLOCKS)
    costs: list[cpu.Cost] = []
    floors: list[cpu.Cost] = []
    for first in range(warm + 1, warm + 1 + saves, block):
        costs.append(cpu.cost_of(partial(_saves, save, ours, first, block), calls=block))
        floors.append(cpu.cost_of(partial(_saves, save_floor, bare, first, block), calls=block))
    cost, least = cpu.mean(costs), cpu.mean(floors)
    yield Row("CPU of a save", cost.ms, "ms", floor=least.ms, at_most=MAX_RATIO * least.ms)
    yield Row("… of it the application", 1000 * cost.application, "ms", floor=1000 * least.application)
    yield Row("… of it the database", 1000 * cost.database, "ms", floor=1000 * least.database)
    turn = warm + saves + block + 1
    yield Row(
        "SQL statements of a save",
        cpu.statements_of(lambda: _saves(save, ours, turn, 1)),
        floor=cpu.statements_of(lambda: _saves(save_floor, bare, turn, 1)),
        at_most=MAX_STATEMENTS,
    )
    cache.clear()
    yield Row(
        "… of the first in a process, whose session is read",
        cpu.statements_of(lambda: _saves(save, ours, turn + 1, 1)),
        floor=cpu.statements_of(lambda: _saves(save_floor, bare, turn + 1, 1)),
    )


def _saves(how: Save, sitting: bank.Sitting, first: int, count: int) -> None:
    browser = Inside(sitting.learner.session)
    for turn in range(first, first + count):
        reply = how(browser, sitting, turn)
        assert reply.status == 200, str(reply)


def _together(sittings: list[bank.Sitting], others: list[bank.Sitting], seconds: float) -> Iterator[Row]:
    with processes.web() as port:
        bare = load(port, others, save_floor, seconds=seconds)
        ours = load(port, sittings, save, seconds=seconds)
    crowd_of = f"{len(sittings)} learners"
    yield Row(
        f"Errors, {crowd_of} saving at once", len(ours.errors), floor=len(bare.errors), at_most=0,
        note=" ".join(ours.errors[:1]),
    )  # fmt: skip
    for percent in (50, 95, 99):
        yield Row(f"p{percent}", percentile(ours.ms, percent), "ms", floor=percentile(bare.ms, percent))
    yield Row("Saves a second", ours.per_second, floor=bare.per_second)


def load(
    port: int,
    sittings: list[bank.Sitting],
    how: Save,
    *,
    seconds: float,
    first: int = 1,
    pause: float = 0.0,
    until: Callable[[], bool] = lambda: False,
) -> Load:
    """Let each sitting save, again and again, from its turn `first` on."""
    browsers = [Outside(port, sitting.learner.session) for sitting in sittings]
    return crowd(
        browsers,
        lambda browser, number, turn: how(browser, sittings[number], first + turn - 1),
        seconds=seconds,
        pause=pause,
        until=until,
    )
