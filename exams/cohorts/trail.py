"""What staff did to an attempt, as its learner may read it: in the player, with the result, in the reply to a pulse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from accounts.models import User
from exams.models import Attempt, AttemptEvent

Kind = AttemptEvent.Kind
KINDS = (Kind.DEADLINE_CHANGED, Kind.PAUSED, Kind.RESUMED, Kind.REOPENED, Kind.MESSAGE, Kind.CLOSED)


@dataclass(frozen=True)
class TrailRow:
    """One thing that staff did."""

    revision: int
    """The attempt's `control_revision` that came of it."""
    at: datetime
    kind: str
    by: str
    """The name of whoever did it; empty when that account is gone."""
    reason: str
    text: str
    """Of a message."""
    minutes: int | None
    ends_at: datetime | None
    """The end that followed from it."""


def visible_to_learner(attempt: Attempt, *, since: int = 0) -> tuple[TrailRow, ...]:
    """Oldest first; no query at all for an attempt that nobody has touched."""
    if attempt.control_revision <= since:
        return ()
    events = list(
        AttemptEvent.objects.filter(attempt=attempt, kind__in=KINDS, revision__gt=since, slot=None)
        .order_by("id")
        .values_list("revision", "at", "kind", "detail")
    )
    names = _names(detail.get("by") for *_, detail in events)
    return tuple(_row(revision or 0, at, kind, detail, names) for revision, at, kind, detail in events)


def news(attempt: Attempt, *, since: int) -> list[dict[str, Any]]:
    """The rows above revision `since`, as JSON for the player."""
    return [
        {
            "revision": row.revision,
            "kind": row.kind,
            "by": row.by,
            "reason": row.reason,
            "text": row.text,
            "minutes": row.minutes,
            "ends_at": row.ends_at and row.ends_at.isoformat(),
        }
        for row in visible_to_learner(attempt, since=since)
    ]


def _names(ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {pk for pk in ids if pk is not None}
    users = User.objects.filter(pk__in=wanted) if wanted else ()
    return {user.pk: user.get_short_name() for user in users}


def _row(
    revision: int, at: datetime, kind: str, detail: Mapping[str, Any], names: Mapping[int, str]
) -> TrailRow:
    ends_at = detail.get("deadline_at")
    return TrailRow(
        revision=revision,
        at=at,
        kind=kind,
        by=names.get(detail.get("by", 0), ""),
        reason=detail.get("why", ""),
        text=detail.get("text", ""),
        minutes=detail.get("minutes"),
        ends_at=parse_datetime(ends_at) if ends_at else None,
    )
