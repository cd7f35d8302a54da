"""Starting: which paper a learner gets, how long they have for it, and the attempt that holds both.

Every function takes one `now`, the server's; the browser's clock decides nothing.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import IntegrityError, models, transaction

from accounts.models import Accommodation, Role, User
from exams import assembly, closing, delivery
from exams.models import Assignment, Attempt, AttemptEvent, Exposure, MockExam, Paper, PaperItem, Response


@dataclass(frozen=True)
class Allowance:
    """How long a learner has, in seconds, and where it comes from."""

    base: int
    factor: Decimal
    extra: int

    @property
    def total(self) -> int:
        return int((self.base * self.factor).quantize(Decimal(1), ROUND_HALF_UP)) + self.extra

    @property
    def minutes(self) -> int:
        return round(self.total / 60)


def allowance(seconds: int, accommodation: Accommodation | None) -> Allowance:
    if accommodation is None:
        return Allowance(seconds, Decimal(1), 0)
    return Allowance(seconds, accommodation.time_factor, accommodation.extra_minutes * 60)


def accommodation_of(learner: User) -> Accommodation | None:
    return Accommodation.objects.filter(learner=learner).first()


def effective_deadline(attempt: Attempt) -> datetime:
    """min(start + seconds × factor + extra + credits, end of the window); stored as `deadline_at`."""
    allowed = Allowance(attempt.seconds_allowed, attempt.time_factor, attempt.extra_seconds)
    own = attempt.started_at + timedelta(seconds=allowed.total + attempt.credit_seconds)
    return min(own, attempt.window_ends_at) if attempt.window_ends_at else own


def start_attempt(mock: MockExam, *, learner: User, now: datetime) -> Attempt:
    """The learner's running attempt of this mock, or a new one: a repeated start gives the same attempt.

    A running attempt whose time is over is closed and returned, so that a late click starts nothing.
    """
    sat = Attempt.objects.sat_by(learner).filter(mock=mock).exclude(purpose=Attempt.Purpose.PREVIEW)
    running = sat.filter(state=Attempt.State.IN_PROGRESS).first()
    if running is not None:
        return closing.close_if_overdue(running, now=now)
    if mock.opens_at and now < mock.opens_at:
        raise delivery.DeliveryError("not_open_yet")
    if mock.closes_at and now >= mock.closes_at:
        raise delivery.DeliveryError("window_over")
    try:
        return begin(
            mock,
            learner,
            number=sat.count() + 1,
            allowed=allowance(mock.seconds, accommodation_of(learner)),
            window_ends_at=mock.closes_at,
            now=now,
        )
    except IntegrityError:
        # A second tab was a moment faster: the database lets one running attempt of a mock exist.
        return sat.get(state=Attempt.State.IN_PROGRESS)


def start_preview(mock: MockExam, *, by: User, now: datetime) -> Attempt:
    """The mock as a learner would meet it, published or not, whatever its window; it counts for nothing.

    One at a time: repeated, it gives the one that runs.
    """
    previews = Attempt.objects.sat_by(by).filter(mock=mock, purpose=Attempt.Purpose.PREVIEW)
    running = previews.filter(state=Attempt.State.IN_PROGRESS).first()
    if running is not None and closing.close_if_overdue(running, now=now).is_open:
        return running
    try:
        return begin(
            mock, by, purpose=Attempt.Purpose.PREVIEW, allowed=allowance(mock.seconds, None), now=now
        )
    except IntegrityError:
        return previews.get(state=Attempt.State.IN_PROGRESS)


def begin(mock: MockExam, learner: User, *, now: datetime, **fields: Any) -> Attempt:
    """A new attempt of this mock, with its paper. Raises `IntegrityError` where one is running."""
    if not mock.is_per_learner:
        paper = _pick_paper(mock, learner) or _assemble_now(mock, learner, now=now)
        return create_attempt(paper, learner=learner, mock=mock, now=now, **fields)
    seed = random.getrandbits(62)
    slots = _choose_own(mock, learner, seed=seed)
    # Both or neither: a start that comes second leaves no paper of its own behind.
    with transaction.atomic():
        paper = assembly.create_own_paper(mock, slots, seed=seed, now=now)
        return create_attempt(paper, learner=learner, mock=mock, now=now, **fields)


@transaction.atomic
def create_attempt(
    paper: Paper,
    *,
    learner: User,
    now: datetime,
    allowed: Allowance,
    mock: MockExam | None = None,
    assignment: Assignment | None = None,
    number: int = 1,
    purpose: Attempt.Purpose | None = None,
    is_timed: bool = True,
    window_ends_at: datetime | None = None,
    start_key: uuid.UUID | None = None,
) -> Attempt:
    """Store an attempt with one empty response per slot. Raises `IntegrityError` for a repeated start."""
    if purpose is None:
        purpose = Attempt.Purpose.MOCK if learner.role == Role.LEARNER else Attempt.Purpose.STAFF
    attempt = Attempt(
        learner=learner,
        paper=paper,
        mock=mock,
        assignment=assignment,
        purpose=purpose,
        number=number,
        start_key=start_key or uuid.uuid4(),
        option_seed=random.getrandbits(62),
        started_at=now,
        last_seen_at=now,
        is_timed=is_timed,
        seconds_allowed=allowed.base,
        time_factor=allowed.factor,
        extra_seconds=allowed.extra,
        window_ends_at=window_ends_at,
    )
    attempt.deadline_at = effective_deadline(attempt)
    attempt.save(force_insert=True)
    slots = (
        PaperItem.objects.filter(paper=paper).order_by("slot").values_list("slot", "version_id", "is_scored")
    )
    Response.objects.bulk_create(
        Response(attempt=attempt, slot=slot, version_id=version_id, is_scored=is_scored)
        for slot, version_id, is_scored in slots
    )
    delivery.record(
        attempt, AttemptEvent.Kind.STARTED, at=now, detail={"deadline_at": attempt.deadline_at.isoformat()}
    )
    return attempt


def _pick_paper(mock: MockExam, learner: User) -> Paper | None:
    """The ready paper with the fewest questions that this learner has met; its cost is that of the papers."""
    met = Exposure.objects.filter(learner=learner).values("question")
    return (
        mock.papers.filter(withdrawn_at=None)
        .annotate(met=models.Count("items", filter=models.Q(items__version__question__in=met)))
        .order_by("met", "number")
        .first()
    )


def _assemble_now(mock: MockExam, learner: User, *, now: datetime) -> Paper:
    try:
        assembly.ensure_papers(mock, now=now)
    except assembly.AssemblyError as error:
        raise delivery.DeliveryError("no_paper") from error
    paper = _pick_paper(mock, learner)
    if paper is None:
        raise delivery.DeliveryError("no_paper")
    return paper


def _choose_own(mock: MockExam, learner: User, *, seed: int) -> list[assembly.Slot]:
    met = Exposure.objects.filter(learner=learner, question__blueprint=mock.blueprint_id)
    try:
        return assembly.choose_for(mock, met=set(met.values_list("question", flat=True)), seed=seed)
    except assembly.AssemblyError as error:
        raise delivery.DeliveryError("no_paper") from error
