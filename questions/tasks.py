"""Celery's part: ids in, at most five lines each, safe to run twice."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from celery.app.task import Task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

_LISTED_BY_ONE_TASK = 1_000


def enqueue(task: Task[Any, Any], run_id: uuid.UUID) -> None:
    """After the commit. Where the broker is down, the sweep over silent runs finds it."""

    def send() -> None:
        task.delay(str(run_id))

    transaction.on_commit(send, robust=True)


def enqueue_listings(question_ids: Sequence[int]) -> None:
    """After the commit. No sweep looks for stale lines: where the broker is down, they are written at once."""

    def send() -> None:
        from questions import listing

        for start in range(0, len(question_ids), _LISTED_BY_ONE_TASK):
            ids = list(question_ids[start : start + _LISTED_BY_ONE_TASK])
            try:
                refresh_listings.delay(ids)
            except OperationalError:
                listing.refresh(ids)

    transaction.on_commit(send, robust=True)


@shared_task
def read_import(run_id: str) -> None:
    from questions import importing

    importing.read(uuid.UUID(run_id), now=timezone.now())


@shared_task
def apply_import(run_id: str) -> None:
    from questions import applying

    applying.apply(uuid.UUID(run_id), now=timezone.now())


@shared_task
def check_export(run_id: str) -> None:
    from questions import exporting

    exporting.check(uuid.UUID(run_id), now=timezone.now())


@shared_task
def write_export(run_id: str) -> None:
    from questions import exporting

    exporting.write_file(uuid.UUID(run_id), now=timezone.now())


@shared_task
def resume_runs() -> None:
    from questions import exporting, importing

    lost = (*importing.lost_runs(now=timezone.now()), *exporting.lost_runs(now=timezone.now()))
    for task, ids in zip((read_import, apply_import, check_export, write_export), lost, strict=True):
        _send(task, ids)


@shared_task
def forget_runs() -> None:
    from questions import exporting, importing

    importing.forget_old(now=timezone.now())
    exporting.forget_old(now=timezone.now())


@shared_task
def refresh_listings(question_ids: list[int]) -> None:
    from questions import listing

    listing.refresh(question_ids)


def _send(task: Task[Any, Any], run_ids: Sequence[uuid.UUID]) -> None:
    for run_id in run_ids:
        task.delay(str(run_id))
