"""Nobody came back: 10,000 overdue attempts are closed and scored, while a class goes on saving."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Count

from benchmarks import bank, processes
from benchmarks.reporting import Row, percentile
from benchmarks.save import load, save
from benchmarks.sizes import Size
from exams.models import Attempt, MockExam

MIN_CLOSED = 200.0
MAX_SLOWER = 2.0
PAUSE_SECONDS = 1.0
"""Between two saves of one learner: busier than any real class, and no more than the server can take."""
WAIT_SECONDS = 75
LOOK_SECONDS = 0.1


@dataclass
class Course:
    """When how many of the overdue attempts were closed and scored."""

    closed: list[tuple[float, int]] = field(default_factory=list)
    scored: list[tuple[float, int]] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    sittings = bank.start_all(mock, bank.make_learners(size.learners))
    abandoned = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    processes.forget_messages()
    with processes.web(celery=True) as port, processes.workers():
        load(port, sittings, save, seconds=size.seconds / 4, pause=PAUSE_SECONDS)
        usual = load(port, sittings, save, seconds=size.seconds, pause=PAUSE_SECONDS, first=1_000)
        bank.make_overdue(abandoned, size.overdue)
        course = Course()
        watch = threading.Thread(target=_watch, args=(abandoned, size, course), daemon=True)
        watch.start()
        meanwhile = load(
            port,
            sittings,
            save,
            seconds=WAIT_SECONDS,
            pause=PAUSE_SECONDS,
            first=10_000,
            until=course.is_over.is_set,
        )
        watch.join()
    yield Row(f"Closed a second, {size.overdue:,} overdue", _rate(course.closed), at_least=MIN_CLOSED)
    yield Row("Closed", course.closed[-1][1], at_least=size.overdue)
    yield Row("Scored a second", _rate(course.scored), note=f"{course.scored[-1][1]:,} while it was watched")
    yield Row(
        "Errors of the saves meanwhile", len(meanwhile.errors), at_most=0, note=" ".join(meanwhile.errors[:1])
    )
    for percent, goal in ((50, None), (95, MAX_SLOWER), (99, None)):
        before = percentile(usual.ms, percent)
        yield Row(
            f"p{percent} of a save meanwhile; as floor: usually", percentile(meanwhile.ms, percent), "ms", floor=before,
            at_most=goal and goal * before, note=f"{len(meanwhile.ms):,} saves",
        )  # fmt: skip


def _rate(course: list[tuple[float, int]]) -> float:
    """A second, between the last look before anything happened and the first that saw the last of it."""
    last = course[-1][1]
    begun = max((at for at, count in course if count == 0), default=course[0][0])
    ended = min(at for at, count in course if count == last)
    return last / (ended - begun) if ended > begun else 0.0


def _watch(mock: MockExam, size: Size, course: Course) -> None:
    """Look until all are closed and scoring was seen for long enough."""
    states = Attempt.objects.filter(mock=mock).order_by().values_list("state").annotate(Count("pk"))
    end = time.monotonic() + WAIT_SECONDS
    closed_at = None
    while time.monotonic() < end:
        count, now = dict(states.all()), time.monotonic()
        scored = count.get(Attempt.State.SCORED, 0)
        closed = scored + count.get(Attempt.State.CLOSED, 0)
        course.closed.append((now, closed))
        course.scored.append((now, scored))
        if closed == size.overdue:
            closed_at = closed_at or now
            if scored == size.overdue or now > closed_at + size.scoring_seconds:
                break
        time.sleep(LOOK_SECONDS)
    course.is_over.set()
    connection.close()
