"""Taking a scored sitting back, for reopening it: as if it had never been scored or counted."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from accounts.models import User
from exams import evidence, items, sweeps
from exams.evidence import Tally
from exams.models import Attempt, AttemptEvent, Evidence, Result
from exams.statistics import standings, tallies, worked_out


def undo_scoring(attempt: Attempt, *, now: datetime) -> None:
    """Take away its result, its evidence and what it added to every tally; it is closed and unscored then.

    The caller holds the attempt's lock and a transaction. Nothing happens to a sitting without a result.
    Its exposures stay: the learner has met these questions, and scoring the sitting again finds that it was
    here. Otherwise another sitting, scored meanwhile, would become the first meeting of what was met before.
    """
    result = Result.objects.filter(attempt=attempt).first()
    if result is None:
        return
    # In this order everywhere: the attempt, the statistics, the learner. The fold skips locked attempts.
    sweeps.lock(tallies.LOCK, now=now)
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=attempt.learner_id)
    attempt.refresh_from_db(fields=("folded_at",))
    if attempt.folded_at is not None:
        gone = tallies.of_attempts(Attempt.objects.filter(pk=attempt.pk).select_related("result", "mock"))
        tallies.apply(gone, sign=-1)
        worked_out.refresh(gone, now=now)
    _take_evidence(attempt)
    result.delete()
    attempt.responses.update(is_correct=None, is_first_exposure=None)
    attempt.state = Attempt.State.CLOSED
    attempt.scored_at = attempt.folded_at = None
    attempt.save(update_fields=("state", "scored_at", "folded_at"))
    attempt._state.fields_cache.pop("result", None)
    if attempt.purpose == Attempt.Purpose.MOCK:
        standings.refresh(attempt.learner_id, attempt.paper.blueprint)


def _take_evidence(attempt: Attempt) -> None:
    """Its first exposures, and the shift that scoring noted for them."""
    kind = evidence.kind_of(attempt.purpose)
    if kind is None:
        return
    rows = list(
        attempt.responses.filter(is_scored=True, is_first_exposure=True).values_list(
            "version_id", "is_correct"
        )
    )
    facts = items.facts([version_id for version_id, _ in rows])
    own: dict[int, Tally] = defaultdict(Tally)
    for version_id, is_correct in rows:
        own[facts[version_id].task_id] += Tally(int(bool(is_correct)), 1)
    scored = attempt.events.filter(kind=AttemptEvent.Kind.SCORED).order_by("pk").last()
    shifts = scored.detail.get("shifts") if scored else None
    for row in Evidence.objects.filter(learner=attempt.learner_id, kind=kind, task__in=list(own)):
        tally = own[row.task_id]
        if row.seen <= tally.seen:
            row.delete()
            continue
        # Before shifts were noted: its part of what stands there.
        part = (
            row.facility_shift * tally.seen / row.seen
            if shifts is None
            else shifts.get(str(row.task_id), 0.0)
        )
        row.facility_shift -= part
        row.correct -= tally.correct
        row.seen -= tally.seen
        row.save(update_fields=("correct", "seen", "facility_shift"))
