"""What a learner sees when: the matrix *phase × part* of a mock exam.  Pure but for the validator's error."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class Phase(StrEnum):
    DURING = "during"
    RIGHT_AFTER = "right_after"
    AFTER_WINDOW = "after_window"


class Part(StrEnum):
    SCORE = "score"
    """The scaled score, pass or fail, domains and tasks."""
    MARKS = "marks"
    """Which questions were right, with the learner's own answers."""
    KEYS = "keys"
    """The keys, with every option's rationale."""


Policy = dict[str, list[str]]


def default() -> Policy:
    """Nothing during the exam, everything right after it."""
    return {
        Phase.DURING: [],
        Phase.RIGHT_AFTER: [Part.SCORE, Part.MARKS, Part.KEYS],
        Phase.AFTER_WINDOW: [Part.SCORE, Part.MARKS, Part.KEYS],
    }


def practice() -> Policy:
    """Feedback at once, as practice gives it."""
    return {phase: [Part.SCORE, Part.MARKS, Part.KEYS] for phase in map(str, Phase)}


def phase_at(now: datetime, *, is_open: bool, window_ends_at: datetime | None) -> Phase:
    """The phase of one sitting; without a window the time after it is the time right after the sitting."""
    if is_open:
        return Phase.DURING
    if window_ends_at is not None and now < window_ends_at:
        return Phase.RIGHT_AFTER
    return Phase.AFTER_WINDOW


def allows(policy: Policy, phase: Phase, part: Part) -> bool:
    return part in policy.get(phase, [])


def validate(policy: Any) -> None:
    """Raise `ValidationError` unless `policy` maps each phase to a list of parts."""
    phases, parts = set(map(str, Phase)), set(map(str, Part))
    if not isinstance(policy, dict) or set(policy) != phases:
        raise ValidationError(_("Give each of these phases: %s.") % ", ".join(sorted(phases)))
    for phase, shown in policy.items():
        if not isinstance(shown, list) or not set(shown) <= parts:
            raise ValidationError(
                _("“%(phase)s” takes a list of: %(parts)s.")
                % {"phase": phase, "parts": ", ".join(sorted(parts))}
            )
