"""How long things took: a sitting's seconds per question, and durations in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exams import charts
from exams.models import Attempt


@dataclass(frozen=True)
class Pace:
    """Seconds by slot, as the player reported them; without JavaScript nothing is reported and all are 0.

    even_seconds: the time allowed over the number of questions; None when untimed.
    """

    seconds: dict[int, int]
    median_seconds: float
    even_seconds: float | None
    slow_above: float
    used: timedelta
    allowed: timedelta | None

    @property
    def is_known(self) -> bool:
        return any(self.seconds.values())

    def is_slow(self, slot: int) -> bool:
        """Took longer than the even pace, or, untimed, than twice the median."""
        return self.is_known and self.seconds.get(slot, 0) > self.slow_above

    def chart(self) -> charts.PaceChart:
        return charts.pace(self.seconds, median=self.median_seconds, even_pace=self.even_seconds)


def of(attempt: Attempt) -> Pace:
    """Reads `attempt.paper`. Timed, the server's clock says how long it took; else the questions together."""
    slots = attempt.paper.item_count
    seconds = {slot: int(attempt.seconds_by_slot.get(str(slot), 0)) for slot in range(1, slots + 1)}
    spent = [each for each in seconds.values() if each]
    middle = float(median(spent)) if spent else 0.0
    allowed = attempt.deadline_at - attempt.started_at if attempt.is_timed else None
    even = allowed.total_seconds() / max(slots, 1) if allowed else None
    ended_at = attempt.ended_at
    return Pace(
        seconds=seconds,
        median_seconds=middle,
        even_seconds=even,
        slow_above=2 * middle if even is None else even,
        used=ended_at - attempt.started_at if allowed and ended_at else timedelta(seconds=sum(spent)),
        allowed=allowed,
    )


def clock(seconds: float) -> str:
    """`3:34`, for one question."""
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"


def in_words(duration: timedelta) -> str:
    """`2 h 03 min`, `24 min`, `45 s`: never rounded up to time that is not there."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 60:
        return _("%(seconds)s s") % {"seconds": seconds}
    hours, minutes = divmod(seconds // 60, 60)
    if hours >= 48:
        days = hours // 24
        return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": f"{minutes:02d}"}
    return _("%(minutes)s min") % {"minutes": minutes}
