"""What of one sitting may be shown now, and when the rest follows: the review policy, asked once a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exams import player, review_policy
from exams.models import Attempt
from exams.review_policy import Part, Phase


@dataclass(frozen=True)
class Disclosure:
    """`…_from` is when a part will be shown: None when it already is, or never will be."""

    score: bool
    marks: bool
    """Which questions were right; whoever sees the keys sees that too."""
    keys: bool
    score_from: datetime | None
    marks_from: datetime | None
    keys_from: datetime | None

    @property
    def is_all(self) -> bool:
        return self.score and self.marks and self.keys


def of(attempt: Attempt, *, now: datetime) -> Disclosure:
    """Reads `attempt.mock` and `attempt.assignment`: select them with the attempt."""
    policy = player.policy_of(attempt)
    phase = review_policy.phase_at(now, is_open=attempt.is_open, window_ends_at=attempt.window_ends_at)

    def shows(at: Phase, part: Part) -> bool:
        parts = {part, Part.KEYS} if part is Part.MARKS else {part}
        return any(review_policy.allows(policy, at, each) for each in parts)

    def shown_from(part: Part) -> datetime | None:
        is_later = (
            not shows(phase, part) and phase is not Phase.AFTER_WINDOW and shows(Phase.AFTER_WINDOW, part)
        )
        return attempt.window_ends_at if is_later else None

    return Disclosure(
        score=shows(phase, Part.SCORE),
        marks=shows(phase, Part.MARKS),
        keys=shows(phase, Part.KEYS),
        score_from=shown_from(Part.SCORE),
        marks_from=shown_from(Part.MARKS),
        keys_from=shown_from(Part.KEYS),
    )
