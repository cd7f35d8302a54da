"""CPU time of the application and of its database, in seconds.

SQLite works inside the application's process. A PostgreSQL backend is a process of its own, and /proc says what it
used, where it runs on this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.db import connection
from django.test.utils import CaptureQueriesContext

PROC = Path("/proc")
TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True)
class Cost:
    """Of one call: seconds of CPU, and SQL statements without BEGIN and COMMIT."""

    application: float
    database: float

    @property
    def total(self) -> float:
        return self.application + self.database

    @property
    def ms(self) -> float:
        return 1000 * self.total


def cost_of(work: Callable[[], object], *, calls: int = 1) -> Cost:
    """The CPU of `work`, done in this process, divided by `calls`."""
    backends = database_processes()
    application, database = time.process_time(), used_by(backends)
    work()
    return Cost((time.process_time() - application) / calls, (used_by(backends) - database) / calls)


T = TypeVar("T")


def cost_of_each(work: Callable[[T], object], things: Sequence[T]) -> Cost:
    def all_of_them() -> None:
        for thing in things:
            work(thing)

    return cost_of(all_of_them, calls=len(things))


def statements_of(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return sum(not query["sql"].startswith(TRANSACTION) for query in captured.captured_queries)


def database_processes() -> list[int]:
    """The PostgreSQL backends that work for this database; none for SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [pid for (pid,) in cursor.fetchall()]


def used_by(pids: Iterable[int]) -> float:
    return sum(_used(pid) for pid in pids)


def _used(pid: int) -> float:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mean(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(cost.application for cost in costs) / len(costs),
        sum(cost.database for cost in costs) / len(costs),
    )
