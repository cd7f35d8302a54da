"""How sittings follow when what holds for their learner changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from accounts.models import Accommodation, User
from exams import delivery, starting
from exams.cohorts import terms
from exams.cohorts.terms import Terms
from exams.models import Assignment, Attempt, AttemptEvent, LearnerOverride


def terms_by_learner(assignment: Assignment, learner_ids: Collection[int] | None = None) -> dict[int, Terms]:
    """What holds for those asked for, else for all who have sat it, in three queries."""
    if learner_ids is None:
        learner_ids = set(Attempt.objects.filter(assignment=assignment).values_list("learner", flat=True))
    overrides = {
        each.learner_id: each
        for each in LearnerOverride.objects.filter(assignment=assignment, learner__in=learner_ids)
    }
    profiles = {each.learner_id: each for each in Accommodation.objects.filter(learner__in=learner_ids)}
    return {
        each: terms.of(assignment, override=overrides.get(each), accommodation=profiles.get(each))
        for each in learner_ids
    }


def follow(assignment: Assignment, *, before: Mapping[int, Terms], by: User, now: datetime) -> int:
    """Move the windows of the sittings of these learners, and the deadlines of those that run; return how many
    deadlines moved. The caller holds the assignment.

    What an instructor gave one sitting beyond its window stays given: windows move by the difference. A closed
    sitting's window moves too, because what is shown after the window depends on it.
    """
    after = terms_by_learner(assignment, before.keys())
    changed = [each for each in before if _parts(before[each]) != _parts(after[each])]
    attempts = (
        Attempt.objects.select_for_update(of=("self",), no_key=True)
        .filter(assignment=assignment, learner__in=changed)
        .order_by("pk")
    )
    return sum(
        _move(each, before[each.learner_id], after[each.learner_id], by=by, now=now) for each in attempts
    )


def _parts(held: Terms) -> tuple[datetime | None, int]:
    return held.closes_at, held.exception_seconds


def _move(attempt: Attempt, before: Terms, after: Terms, *, by: User, now: datetime) -> bool:
    if attempt.window_ends_at and before.closes_at and after.closes_at:
        attempt.window_ends_at += after.closes_at - before.closes_at
    else:
        attempt.window_ends_at = after.closes_at
    if not attempt.is_open:
        attempt.save(update_fields=("window_ends_at",))
        return False
    if attempt.is_timed:
        extra = attempt.extra_seconds + after.exception_seconds - before.exception_seconds
        attempt.extra_seconds = max(0, extra)
    old = attempt.deadline_at
    if attempt.paused_at is None:  # a paused clock is set when it goes on
        # A window that closes before now ends the sitting now, with the grace of any deadline.
        attempt.deadline_at = max(starting.effective_deadline(attempt), min(now, old))
    attempt.control_revision += 1
    attempt.save(update_fields=("window_ends_at", "extra_seconds", "deadline_at", "control_revision"))
    if attempt.deadline_at == old:
        return False
    delivery.record(
        attempt,
        AttemptEvent.Kind.DEADLINE_CHANGED,
        at=now,
        detail={
            "before": old.isoformat(),
            "deadline_at": attempt.deadline_at.isoformat(),
            "by": by.pk,
            "why": "assignment",
        },
    )
    return True
