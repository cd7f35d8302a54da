"""The home page: what to do next and why, what is running, and where the learner stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from exams import closing, delivery, earlier, history, pace, standing
from exams.cohorts import assigned
from exams.cohorts.assigned import Given
from exams.history import HistoryRow
from exams.models import Attempt, ExamPlan, MockExam, Response
from exams.psychometrics import Verdict
from exams.standing import Standing, StandingTask
from questions.models import Blueprint

RECENT = 5
PRACTICES_BEFORE_MOCK = 3
"""After so many practices since the last mock, a mock tells more than the next practice."""

FINAL_DAYS = 7

Odds = Literal["", "unlikely", "against", "even", "for", "likely"]


@dataclass(frozen=True)
class Running:
    attempt: Attempt
    title: str
    answered: int
    slots: int
    left: str


@dataclass(frozen=True)
class NextStep:
    """One thing to do. `kind` is why, and chooses the words."""

    kind: Literal["continue", "first_mock", "practise", "mock", "confirm", "final", "nothing"]
    mock: MockExam | None = None
    task: StandingTask | None = None
    practices: int = 0


@dataclass(frozen=True)
class HomePage:
    name: str
    blueprint: Blueprint | None
    plan: ExamPlan | None
    days_left: int | None
    is_after_last_day: bool
    """The planned date lies after the last day of this version of the exam."""
    odds: Odds
    running: tuple[Running, ...]
    next: NextStep
    standing: Standing | None
    recent: tuple[HistoryRow, ...]
    mocks: tuple[MockExam, ...]
    given: tuple[Given, ...]
    """What was assigned and is still to do."""

    @property
    def is_new(self) -> bool:
        """Nothing finished yet: an invitation instead of empty charts."""
        return not self.recent

    @property
    def tasks_seen(self) -> int:
        return sum(bool(task.figure.seen) for task in self.standing.tasks) if self.standing else 0


def home_page(learner: User, *, now: datetime) -> HomePage:
    running = _running(learner, now=now)
    plan = ExamPlan.objects.select_related("blueprint").filter(learner=learner).first()
    blueprint = plan.blueprint if plan else standing.blueprint_of(learner)
    stands = standing.standing(learner, blueprint, now=now) if blueprint else None
    recent = history.recent(learner, now=now, limit=RECENT)
    mocks = _mocks(learner, blueprint, now=now)
    exam_on = plan.exam_on if plan else None
    days_left = (exam_on - timezone.localdate(now)).days if exam_on else None
    return HomePage(
        name=learner.get_short_name(),
        blueprint=blueprint,
        plan=plan,
        days_left=days_left,
        is_after_last_day=_is_after(exam_on, blueprint.valid_until if blueprint else None),
        odds=_odds(stands),
        running=running,
        next=_next(
            running,
            stands,
            mocks,
            recent,
            practices=_practices_since_mock(learner),
            days_left=days_left,
        ),
        standing=stands,
        recent=recent,
        mocks=mocks,
        given=tuple(each for each in assigned.given_to(learner, now=now) if each.is_to_do),
    )


def _is_after(exam_on: date | None, last_day: date | None) -> bool:
    return exam_on is not None and last_day is not None and exam_on > last_day


def _running(learner: User, *, now: datetime) -> tuple[Running, ...]:
    """Open sittings, mocks first; what is overdue is closed on the way and left to the history."""
    attempts = (
        Attempt.objects.sat_by(learner)
        .filter(state=Attempt.State.IN_PROGRESS)
        .select_related("paper", "mock")
        .order_by("-is_timed", "deadline_at")
    )
    open_now = [attempt for attempt in attempts if closing.close_if_overdue(attempt, now=now).is_open]
    answered = dict(
        Response.objects.filter(attempt__in=open_now, answer__isnull=False)
        .values_list("attempt")
        .annotate(n=Count("id"))
        .values_list("attempt", "n")
    )
    return tuple(
        Running(
            attempt=attempt,
            title=earlier.title_of(attempt),
            answered=answered.get(attempt.pk, 0),
            slots=attempt.paper.item_count,
            left=pace.in_words(timedelta(seconds=delivery.seconds_left(attempt, now=now))),
        )
        for attempt in open_now
    )


def _mocks(learner: User, blueprint: Blueprint | None, *, now: datetime) -> tuple[MockExam, ...]:
    """Those that can be started now, shortest first."""
    if blueprint is None:
        return ()
    open_now = Q(opens_at=None) | Q(opens_at__lte=now), Q(closes_at=None) | Q(closes_at__gt=now)
    mocks = MockExam.objects.visible_to(learner).filter(*open_now, blueprint=blueprint, is_published=True)
    return tuple(mocks.order_by("items", "seconds", "position"))


def _odds(stands: Standing | None) -> Odds:
    if stands is None or stands.readiness is None:
        return ""
    chance = stands.readiness.chance_percent
    steps: tuple[tuple[int, Odds], ...] = ((15, "unlikely"), (40, "against"), (60, "even"), (85, "for"))
    return next((word for below, word in steps if chance < below), "likely")


def _practices_since_mock(learner: User) -> int:
    finished = Attempt.objects.sat_by(learner).exclude(state=Attempt.State.IN_PROGRESS)
    later_mocks = finished.filter(mock__isnull=False, started_at__gt=OuterRef("started_at"))
    return finished.filter(~Exists(later_mocks), purpose=Attempt.Purpose.PRACTICE).count()


def _next(
    running: Sequence[Running],
    stands: Standing | None,
    mocks: Sequence[MockExam],
    recent: Sequence[HistoryRow],
    *,
    practices: int,
    days_left: int | None,
) -> NextStep:
    """The clock first, then a first measurement, then the weakest task, until a mock would say more.

    A final check works once: it is kept for the last days before the exam.
    """
    if any(each.attempt.is_timed for each in running):
        return NextStep("continue")
    if stands is None:
        return NextStep("nothing")
    sat = {attempt.mock_id for attempt in stands.sittings}
    final = next((mock for mock in mocks if mock.is_held_back and mock.pk not in sat), None)
    mocks = [mock for mock in mocks if not mock.is_held_back]
    if final and days_left is not None and 0 <= days_left <= FINAL_DAYS:
        return NextStep("final", mock=final)
    if not mocks:
        task = next(iter(stands.weakest), None) or next((t for t in stands.tasks if t.questions), None)
        return NextStep("practise", task=task) if task else NextStep("nothing")
    if not stands.mock.seen and not any(row.is_mock for row in recent):
        return NextStep("first_mock", mock=mocks[0])
    weakest = next((t for t in stands.weakest if t.figure.verdict is Verdict.NEEDS_WORK), None)
    if weakest and practices < PRACTICES_BEFORE_MOCK:
        return NextStep("practise", task=weakest)
    is_settled = all(domain.figure.verdict is Verdict.ON_TRACK for domain in stands.domains)
    return NextStep("confirm" if is_settled else "mock", mock=mocks[-1], practices=practices)
