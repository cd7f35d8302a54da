"""The periodic jobs: find what nobody is waiting for, and leave a mark that they ran."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from exams import closing, results
from exams.models import Attempt, Sweep

log = logging.getLogger(__name__)

CLOSE_OVERDUE = "close-overdue"
SCORE_FORGOTTEN = "score-forgotten"

FORGOTTEN_AFTER = timedelta(seconds=10)
"""A closed attempt of this age has lost its message: its worker died or the broker was emptied."""
BATCH = 200
SECONDS = 8
"""How long one run may take: the next comes ten seconds after it began, and two at once slow the learners down."""


def lock(name: str, *, now: datetime) -> None:
    """Hold a job's row until the transaction ends: one process at a time."""
    Sweep.objects.get_or_create(name=name, defaults={"finished_at": now})
    Sweep.objects.select_for_update().get(name=name)


def finish(name: str, *, now: datetime, handled: int) -> None:
    """Leave the mark that readiness reads."""
    Sweep.objects.update_or_create(name=name, defaults={"finished_at": now, "handled": handled})


def close_overdue(*, now: datetime) -> int:
    closed = closing.close_overdue(now=now, seconds=SECONDS)
    finish(CLOSE_OVERDUE, now=now, handled=closed)
    return closed


def score_forgotten(*, now: datetime, forgotten_after: timedelta = FORGOTTEN_AFTER) -> int:
    """Score closed attempts that no message will bring: idempotent, so a late message does no harm."""
    ids = Attempt.objects.unscored().filter(closed_at__lte=now - forgotten_after).order_by("closed_at")
    scored, begun = 0, time.monotonic()
    for attempt_id in list(ids.values_list("pk", flat=True)):
        before = time.monotonic()
        try:
            scored += results.score_attempt(attempt_id, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One that can't be scored must not stand before all the others.
            log.exception("attempt %s can't be scored", attempt_id)
        after = time.monotonic()
        if scored >= BATCH or after - begun > SECONDS:
            break
        # Nobody waits for these, but learners wait for their saves: the machine is theirs for as long again.
        time.sleep(after - before)
    finish(SCORE_FORGOTTEN, now=now, handled=scored)
    return scored


def reconcile(*, now: datetime) -> tuple[int, int]:
    """At start-up: close and score all that ended while nothing ran."""
    closed = close_overdue(now=now)
    return closed, score_forgotten(now=now, forgotten_after=timedelta(0))
