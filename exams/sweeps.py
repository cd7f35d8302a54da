"""The periodic jobs: find what nobody is waiting for, and leave a mark that they ran."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from exams import delivery, results
from exams.models import Attempt, Sweep

log = logging.getLogger(__name__)

CLOSE_OVERDUE = "close-overdue"
SCORE_FORGOTTEN = "score-forgotten"

FORGOTTEN_AFTER = timedelta(seconds=10)
"""A closed attempt of this age has lost its message: its worker died or the broker was emptied."""
BATCH = 200


def lock(name: str, *, now: datetime) -> None:
    """Hold a job's row until the transaction ends: one process at a time."""
    Sweep.objects.get_or_create(name=name, defaults={"finished_at": now})
    Sweep.objects.select_for_update().get(name=name)


def finish(name: str, *, now: datetime, handled: int) -> None:
    """Leave the mark that readiness reads."""
    Sweep.objects.update_or_create(name=name, defaults={"finished_at": now, "handled": handled})


def close_overdue(*, now: datetime) -> int:
    closed = delivery.close_overdue(now=now)
    finish(CLOSE_OVERDUE, now=now, handled=closed)
    return closed


def score_forgotten(*, now: datetime, forgotten_after: timedelta = FORGOTTEN_AFTER) -> int:
    """Score closed attempts that no message will bring: idempotent, so a late message does no harm."""
    ids = Attempt.objects.unscored().filter(closed_at__lte=now - forgotten_after).order_by("closed_at")
    scored = 0
    for attempt_id in list(ids.values_list("pk", flat=True)):
        try:
            scored += results.score_attempt(attempt_id, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One that can't be scored must not stand before all the others.
            log.exception("attempt %s can't be scored", attempt_id)
        if scored >= BATCH:
            break
    finish(SCORE_FORGOTTEN, now=now, handled=scored)
    return scored


def reconcile(*, now: datetime) -> tuple[int, int]:
    """At start-up: close and score all that ended while nothing ran."""
    closed = close_overdue(now=now)
    return closed, score_forgotten(now=now, forgotten_after=timedelta(0))
