"""The pauses of attempts, read from their logs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from exams.models import AttemptEvent

Kind = AttemptEvent.Kind


def within(
    attempt_ids: Sequence[uuid.UUID], *, begun_at: datetime, ended_at: datetime
) -> dict[uuid.UUID, timedelta]:
    """How much of the time between two moments each attempt was paused; one without a pause is left out."""
    paused: dict[uuid.UUID, timedelta] = defaultdict(timedelta)
    since: dict[uuid.UUID, datetime] = {}
    events = (
        AttemptEvent.objects.filter(
            attempt__in=attempt_ids, kind__in=(Kind.PAUSED, Kind.RESUMED, Kind.CLOSED)
        )
        .order_by("id")
        .values_list("attempt_id", "kind", "at")
    )
    for attempt_id, kind, at in events:
        if kind == Kind.PAUSED:
            since[attempt_id] = at
        elif attempt_id in since:
            paused[attempt_id] += _shared(since.pop(attempt_id), at, begun_at, ended_at)
    for attempt_id, at in since.items():
        paused[attempt_id] += _shared(at, ended_at, begun_at, ended_at)
    return dict(paused)


def _shared(a: datetime, b: datetime, begun_at: datetime, ended_at: datetime) -> timedelta:
    return max(timedelta(0), min(b, ended_at) - max(a, begun_at))
