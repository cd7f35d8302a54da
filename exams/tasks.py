"""Celery's part: ids in, at most five lines each, safe to run twice."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from celery import shared_task
from django.db import transaction
from django.utils import timezone

CHUNK = 25


def enqueue_scoring(attempt_ids: Sequence[uuid.UUID]) -> None:
    """Score after the commit. A broker that is down costs seconds, not answers: a sweep finds them again."""
    for start in range(0, len(attempt_ids), CHUNK):
        chunk = [str(attempt_id) for attempt_id in attempt_ids[start : start + CHUNK]]

        # Not a partial: Django logs the name of a robust function that failed, and a partial has none.
        def send(chunk: list[str] = chunk) -> None:
            score_attempts.delay(chunk)

        transaction.on_commit(send, robust=True)


@shared_task
def score_attempts(attempt_ids: list[str]) -> None:
    from exams import results

    for attempt_id in attempt_ids:
        results.score_attempt(uuid.UUID(attempt_id), now=timezone.now())


@shared_task
def close_overdue() -> None:
    from exams import sweeps

    sweeps.close_overdue(now=timezone.now())


@shared_task
def score_forgotten() -> None:
    from exams import sweeps

    sweeps.score_forgotten(now=timezone.now())


@shared_task
def fold_statistics() -> None:
    from exams import population

    population.fold(now=timezone.now())


@shared_task
def renew_papers() -> None:
    from exams import renewal

    renewal.renew_papers(now=timezone.now())


def enqueue_report(run_id: uuid.UUID) -> None:
    """After the commit. Where the broker is down, the sweep over silent reports finds it."""

    def send() -> None:
        write_report.delay(str(run_id))

    transaction.on_commit(send, robust=True)


@shared_task
def write_report(run_id: str) -> None:
    from exams.cohorts import reports

    reports.write(uuid.UUID(run_id), now=timezone.now())


@shared_task
def resume_reports() -> None:
    from exams.cohorts import reports

    for run_id in reports.lost_runs(now=timezone.now()):
        write_report.delay(str(run_id))


@shared_task
def forget_reports() -> None:
    from exams.cohorts import reports

    reports.forget_old(now=timezone.now())


@shared_task
def remind_of_assignments() -> None:
    from exams.cohorts import reminders

    reminders.send_due(now=timezone.now())
