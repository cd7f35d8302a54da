"""Who works on a run: one worker at a time, taken over when it falls silent, given up after three.

A worker claims the run, touches it after every batch, and learns from that touch that it is no longer wanted.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from django.db import transaction
from django.utils import timezone


class Run(Protocol):
    """The columns by which a run is claimed and followed; models of several applications have them."""

    _default_manager: Any
    pk: Any
    state: Any
    claim: Any
    tries: Any
    done: Any
    error: Any
    wants_cancel: Any
    touched_at: Any
    finished_at: Any

    def save(self, *, update_fields: list[str]) -> None: ...


R = TypeVar("R", bound=Run)

STALE = timedelta(minutes=2)
QUIET = timedelta(seconds=30)
"""From here on its page says that the worker may be gone."""
MAX_TRIES = 3
GIVEN_UP = (
    "The work on this file was begun three times and ended each time before it was done. "
    "It may be too much for this server: split it and try again."
)


class RunEndedError(Exception):
    """Stop here. `code` is `lost` (another worker has it) or `cancelled`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def claim(
    model: type[R],
    run_id: uuid.UUID,
    *,
    steps: Mapping[str, str],
    now: datetime,
    given_up: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> R | None:
    """Take the run up for the step that its state stands for; None where there is nothing to do.

    `given_up` says for a step how the run ends, and why, when no worker gets through it; else it has failed.
    """
    # Two workers may be sent the same run: after a restart, or when one was only slow.
    run: R | None = model._default_manager.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None or run.state not in steps:
        return None
    if run.claim is not None and now - run.touched_at < STALE:
        return None
    if run.wants_cancel:
        _end(run, "cancelled", now=now)
        return None
    if run.tries >= MAX_TRIES:
        state, error = given_up.get(run.state, ("failed", GIVEN_UP))
        _end(run, state, now=now, error=error)
        return None
    run.state, run.claim, run.tries, run.touched_at = steps[run.state], uuid.uuid4(), run.tries + 1, now
    run.save(update_fields=["state", "claim", "tries", "touched_at"])
    return run


def touch(run: R, *, done: int, **fields: Any) -> None:
    """Say how far it is. Raises `RunEndedError` where the work is not wanted any more."""
    run.done = done
    mine = type(run)._default_manager.filter(pk=run.pk, claim=run.claim)
    if not mine.update(done=done, touched_at=timezone.now(), **fields):
        raise RunEndedError("lost")
    if mine.filter(wants_cancel=True).exists():
        raise RunEndedError("cancelled")


def is_quiet(run: Run, *, now: datetime) -> bool:
    return run.claim is not None and now - run.touched_at >= QUIET


@transaction.atomic
def release(run: R, *, state: str, now: datetime, **fields: Any) -> bool:
    """This worker's step is done; False where the run is no longer its own."""
    held = (
        type(run)._default_manager.select_for_update(of=("self",)).filter(pk=run.pk, claim=run.claim).first()
    )
    if held is None:
        return False
    is_over = state in ("applied", "failed", "cancelled")
    finished_at = now if is_over else None
    changes = {"state": state, "claim": None, "tries": 0, "touched_at": now, "finished_at": finished_at}
    changes |= fields
    for name, value in changes.items():
        setattr(run, name, value)
    run.save(update_fields=list(changes))
    return True


@transaction.atomic
def cancel(run: R, *, now: datetime) -> bool:
    """Ask for its end; at once where nobody works on it. False where it is too late."""
    run = type(run)._default_manager.select_for_update(of=("self",)).get(pk=run.pk)
    if run.state in ("listing", "applied", "failed", "cancelled"):
        return False
    if run.claim is None or now - run.touched_at >= STALE:
        _end(run, "cancelled", now=now)
    else:
        run.wants_cancel = True
        run.save(update_fields=["wants_cancel"])
    return True


def _end(run: R, state: str, *, now: datetime, error: str = "") -> None:
    run.state, run.error, run.claim, run.touched_at, run.finished_at = state, error, None, now, now
    run.save(update_fields=["state", "error", "claim", "touched_at", "finished_at"])
