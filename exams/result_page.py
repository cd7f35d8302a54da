"""What the result page shows, read from what scoring wrote: no score is computed here.

A part that the review policy doesn't allow yet is not read at all, so that no template can show it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q, Sum

from accounts.models import User
from exams import charts, closing, disclosure, earlier, figures, pace, psychometrics, results, review
from exams.disclosure import Disclosure
from exams.earlier import PartRow
from exams.models import Attempt, AttemptEvent, MockScoreCount, Result

MIN_FIRST_ATTEMPTS = 20
"""A percentile among fewer says more about chance than about the learner."""
PAST_MARKS = 5
LATE_SHOWN = 20


@dataclass(frozen=True)
class Percentile:
    """`percent` is None below `MIN_FIRST_ATTEMPTS` first attempts of the mock."""

    percent: int | None
    first_attempts: int


@dataclass(frozen=True)
class ScoreView:
    """The practice score of a mock; practice has none."""

    scaled_score: int
    scaled_low: int
    scaled_high: int
    passed: bool
    margin: int
    """Right answers above what was needed; negative below."""
    needed: int
    cut: Fraction
    scale_low: int
    scale_high: int
    passing_score: int
    chart: charts.ScaleChart
    past: tuple[int, ...]
    """Scaled scores of the mocks before this one, latest first."""
    percentile: Percentile
    chance_percent: int | None
    chance_questions: int
    chance_sittings: int
    exam_items: int
    method: str

    @property
    def cut_percent(self) -> str:
        return f"{float(100 * self.cut):.1f}"

    @property
    def missing(self) -> int:
        return max(0, -self.margin)

    @property
    def crosses_cut(self) -> bool:
        return self.scaled_low < self.passing_score <= self.scaled_high


@dataclass(frozen=True)
class LateAnswer:
    slot: int
    at: datetime
    seconds_late: int


@dataclass(frozen=True)
class Receipt:
    answered: int
    slots: int
    closed_at: datetime
    ended_at: datetime
    time_ran_out: bool
    digest: str
    digest_matches: bool
    """Worked out again from the stored answers when the page was read."""
    last_saved_at: datetime | None
    in_grace: int
    late: tuple[LateAnswer, ...]
    has_more_late: bool


@dataclass(frozen=True)
class TimedSlot:
    """A row of the table under the pace chart; `mark` is empty before marks may be shown."""

    slot: int
    clock: str
    is_slow: bool
    task_code: str
    mark: str


@dataclass(frozen=True)
class PaceView:
    used: str
    allowed: str
    median: str
    even: str
    longest_slot: int
    longest: str
    slow_count: int
    chart: charts.PaceChart
    rows: tuple[TimedSlot, ...]


@dataclass(frozen=True)
class WeakTask:
    """`start_key` makes a double click on its button start one practice."""

    row: PartRow
    start_key: UUID


@dataclass(frozen=True)
class ResultPage:
    attempt_id: UUID
    title: str
    blueprint_code: str
    blueprint_title: str
    learner: str
    is_own: bool
    purpose: str
    is_scaled: bool
    number: int
    started_at: datetime
    shows: Disclosure
    receipt: Receipt
    pace: PaceView | None
    correct: int
    scored_items: int
    score: ScoreView | None
    domains: tuple[PartRow, ...]
    tasks: tuple[PartRow, ...]
    weakest: tuple[WeakTask, ...]
    is_default_prior: bool
    unscored_items: int
    first_exposures: int
    never_opened: int
    right_to_wrong: int
    wrong_to_right: int
    wrong_count: int

    @property
    def met_before(self) -> int:
        return self.scored_items - self.first_exposures - self.never_opened

    @property
    def gained_by_changes(self) -> int:
        return self.wrong_to_right - self.right_to_wrong

    @property
    def lost_by_changes(self) -> int:
        return -self.gained_by_changes


def result_page(attempt: Attempt, *, viewer: User, now: datetime) -> ResultPage:
    """The page of a closed attempt, selected with its learner, mock, paper, blueprint and result."""
    shows = disclosure.of(attempt, now=now)
    result = attempt.result if attempt.state == Attempt.State.SCORED and shows.score else None
    rows = list(
        attempt.responses.order_by("slot").values_list(
            *("slot", "revision", "answer", "saved_at", "is_in_grace", "is_scored", "is_correct"),
            "version__topic__task__code",
            named=True,
        )
    )
    is_scaled = attempt.mock_id is not None
    before = earlier.scores_before(attempt, now=now) if result and is_scaled else {}
    domains = earlier.domain_rows(result, before) if result else ()
    tasks = _tasks(result) if result else ()
    has_marks = shows.marks and attempt.state == Attempt.State.SCORED
    return ResultPage(
        attempt_id=attempt.pk,
        title=earlier.title_of(attempt),
        blueprint_code=attempt.paper.blueprint.code,
        blueprint_title=attempt.paper.blueprint.title,
        learner=str(attempt.learner),
        is_own=attempt.learner_id == viewer.pk,
        purpose=attempt.purpose,
        is_scaled=is_scaled,
        number=attempt.number,
        started_at=attempt.started_at,
        shows=shows,
        receipt=_receipt(attempt, rows),
        pace=_pace_view(attempt, rows, has_marks=has_marks),
        correct=result.correct if result else 0,
        scored_items=result.scored_items if result else 0,
        score=_score_view(attempt, result, list(before)) if result and is_scaled else None,
        domains=domains,
        tasks=tasks,
        weakest=_weakest(tasks),
        is_default_prior=any(row.figure.is_default_prior for row in domains),
        unscored_items=sum(not row.is_scored for row in rows) if has_marks else 0,
        first_exposures=result.first_exposures if result else 0,
        never_opened=sum(row.is_scored and not _was_opened(attempt, row) for row in rows) if result else 0,
        right_to_wrong=result.right_to_wrong if result and has_marks else 0,
        wrong_to_right=result.wrong_to_right if result and has_marks else 0,
        wrong_count=sum(not row.is_correct for row in rows) if has_marks else 0,
    )


def _was_opened(attempt: Attempt, row: Any) -> bool:
    return row.revision > 0 or str(row.slot) in attempt.seconds_by_slot


def _tasks(result: Result) -> tuple[PartRow, ...]:
    scores = result.task_scores.select_related("task").order_by("task__domain__position", "task__position")
    return tuple(PartRow(s.task.code, s.task.title, figures.from_score(s), None) for s in scores)


def _weakest(tasks: Sequence[PartRow]) -> tuple[WeakTask, ...]:
    """Three to practise: those below the target, needs work first; a task answered all right is never one."""
    missed = [
        row for row in tasks if row.figure.correct < row.figure.seen and row.figure.mean < row.figure.target
    ]
    missed.sort(key=lambda row: (row.figure.verdict is not psychometrics.Verdict.NEEDS_WORK, row.figure.mean))
    return tuple(WeakTask(row, uuid4()) for row in missed[:3])


def _score_view(attempt: Attempt, result: Result, before: Sequence[Attempt]) -> ScoreView:
    scale = results.scale_of(attempt.paper.blueprint)
    past = tuple(each.result.scaled_score for each in before[:PAST_MARKS])
    chance = result.chance_of_passing
    needed = math.ceil(result.cut * result.scored_items)
    return ScoreView(
        scaled_score=result.scaled_score,
        scaled_low=result.scaled_low,
        scaled_high=result.scaled_high,
        passed=result.passed,
        margin=result.correct - needed,
        needed=needed,
        cut=result.cut,
        scale_low=scale.low,
        scale_high=scale.high,
        passing_score=scale.passing,
        chart=charts.score_scale(
            scale,
            point=result.scaled_score,
            low=result.scaled_low,
            high=result.scaled_high,
            past=past,
        ),
        past=past,
        percentile=_percentile(attempt, result.scaled_score),
        chance_percent=None if chance is None else figures.whole_percent(chance),
        chance_questions=result.chance_questions,
        chance_sittings=result.chance_sittings,
        exam_items=attempt.paper.blueprint.scored_items,
        method=result.method,
    )


def _percentile(attempt: Attempt, scaled_score: int) -> Percentile:
    counts = MockScoreCount.objects.filter(mock=attempt.mock_id).aggregate(
        below=Sum("n", filter=Q(scaled_score__lt=scaled_score)),
        equal=Sum("n", filter=Q(scaled_score=scaled_score)),
        n=Sum("n"),
    )
    below, equal, n = (counts[name] or 0 for name in ("below", "equal", "n"))
    if attempt.number == 1 and attempt.purpose == Attempt.Purpose.MOCK and attempt.folded_at is None:
        # Its own score enters the counts some seconds later: the page must not change by that.
        equal, n = equal + 1, n + 1
    if n < MIN_FIRST_ATTEMPTS:
        return Percentile(None, n)
    return Percentile(math.floor(psychometrics.percentile_rank(below, equal, n) + 0.5), n)


def _receipt(attempt: Attempt, rows: Sequence[Any]) -> Receipt:
    assert attempt.closed_at is not None and attempt.ended_at is not None
    late = list(
        attempt.events.filter(kind=AttemptEvent.Kind.CAME_LATE, slot__isnull=False)
        .order_by("id")
        .values_list("slot", "at")[: LATE_SHOWN + 1]
    )
    digest = closing.receipt_digest((row.slot, row.revision, row.answer) for row in rows)
    return Receipt(
        answered=attempt.answered_count or 0,
        slots=len(rows),
        closed_at=attempt.closed_at,
        ended_at=attempt.ended_at,
        time_ran_out=attempt.closed_reason == Attempt.ClosedReason.TIME_RAN_OUT,
        digest=attempt.digest,
        digest_matches=digest == attempt.digest,
        last_saved_at=max((row.saved_at for row in rows if row.saved_at), default=None),
        in_grace=sum(row.is_in_grace for row in rows),
        late=tuple(
            LateAnswer(slot or 0, at, max(0, math.ceil((at - attempt.ended_at).total_seconds())))
            for slot, at in late[:LATE_SHOWN]
        ),
        has_more_late=len(late) > LATE_SHOWN,
    )


def _pace_view(attempt: Attempt, rows: Sequence[Any], *, has_marks: bool) -> PaceView | None:
    times = pace.of(attempt)
    if not times.is_known:
        return None
    longest = max(times.seconds, key=lambda slot: times.seconds[slot])
    return PaceView(
        used=pace.in_words(times.used),
        allowed=pace.in_words(times.allowed) if times.allowed else "",
        median=pace.clock(times.median_seconds),
        even=pace.clock(times.even_seconds) if times.even_seconds else "",
        longest_slot=longest,
        longest=pace.clock(times.seconds[longest]),
        slow_count=sum(times.is_slow(slot) for slot in times.seconds),
        chart=times.chart(),
        rows=tuple(
            TimedSlot(
                slot=row.slot,
                clock=pace.clock(times.seconds.get(row.slot, 0)),
                is_slow=times.is_slow(row.slot),
                task_code=row.version__topic__task__code,
                mark=review.mark_of(is_correct=row.is_correct, answer=row.answer) if has_marks else "",
            )
            for row in rows
        ),
    )
