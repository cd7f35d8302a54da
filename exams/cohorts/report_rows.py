"""The rows of a report, in batches: what a cohort's sittings came to, as plain values.

The order depends on nothing but what is stored. No cursor stays open while a batch is written: on SQLite it
would hold an old state of the database, in which the writer can't note how far it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Cohort, Membership
from exams.models import (
    Assignment,
    AssignmentQuestion,
    Attempt,
    DomainScore,
    ItemStatistic,
    ReportRun,
    Response,
    TaskScore,
)

Cell = str | int | float | None
Batch = list[list[Cell]]

Kind = ReportRun.Kind
SITTINGS_AT_ONCE = 100
ITEMS_AT_ONCE = 500

_WHO = ("learner", "email", "assignment", "mock", "attempt_number")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    Kind.SCORES: (
        *_WHO,
        *("started_at", "ended_at", "ended_by", "minutes_used", "answered", "right", "of", "scaled_score"),
        *("scaled_low", "scaled_high", "passed", "first_exposures", "right_to_wrong", "wrong_to_right"),
        *("chance_of_passing", "attempt"),
    ),
    Kind.DOMAINS: (
        *_WHO,
        *("ended_at", "part", "code", "title", "right", "of", "share_right"),
        *("estimate", "estimate_low", "estimate_high", "target", "verdict", "attempt"),
    ),
    Kind.RESPONSES: (
        *_WHO,
        *("slot", "question", "version", "task", "counts", "answer", "is_right", "is_first_exposure"),
        *("seconds", "attempt"),
    ),
    Kind.ITEMS: (
        *("assignment", "question", "version", "type", "domain", "task", "level", "difficulty_rating"),
        *("learners", "right", "share_right", "blank", "choices"),
        *("all_learners", "all_right", "facility", "facility_low", "facility_high", "discrimination"),
        *("median_seconds", "flags"),
    ),
}
"""The header of each report. `all_…` and what follows it are over every cohort's first meetings."""


def sittings(cohort: Cohort, assignment: Assignment | None) -> QuerySet[Attempt]:
    """The scored ones of those who learn in the cohort now: of the assignment, or all their mock exams."""
    learners = Membership.objects.learners().filter(cohort=cohort).values("user")
    scored = Attempt.objects.filter(learner__in=learners, state=Attempt.State.SCORED)
    if assignment is not None:
        return scored.filter(assignment=assignment)
    return scored.filter(Q(purpose=Attempt.Purpose.MOCK) | Q(assignment__cohort=cohort))


def count(run: ReportRun) -> int:
    """How many rows the report has now, without its header."""
    found = sittings(run.cohort, run.assignment)
    match run.kind:
        case Kind.SCORES:
            return found.count()
        case Kind.DOMAINS:
            domains = DomainScore.objects.filter(result__attempt__in=found).count()
            return domains + TaskScore.objects.filter(result__attempt__in=found).count()
        case Kind.RESPONSES:
            return Response.objects.filter(attempt__in=found).count()
        case _:
            return _questions(run).count()


def batches(run: ReportRun) -> Iterator[Batch]:
    if run.kind == Kind.ITEMS:
        yield from _item_batches(run)
        return
    rows = {Kind.SCORES: _scores, Kind.DOMAINS: _parts, Kind.RESPONSES: _responses}[Kind(run.kind)]
    order = ("learner__name", "learner_id", "started_at", "id")
    found = sittings(run.cohort, run.assignment)
    ids = list(found.order_by(*order).values_list("pk", flat=True))
    for start in range(0, len(ids), SITTINGS_AT_ONCE):
        few = ids[start : start + SITTINGS_AT_ONCE]
        related = Attempt.objects.select_related("learner", "mock", "assignment", "result")
        known = related.in_bulk(few)
        # What was deleted since is left out.
        yield rows([known[pk] for pk in few if pk in known])


def _scores(attempts: Sequence[Attempt]) -> Batch:
    return [
        [
            *_who(attempt),
            _time(attempt.started_at),
            _time(attempt.ended_at),
            attempt.closed_reason,
            _minutes(attempt),
            attempt.answered_count,
            attempt.result.correct,
            attempt.result.scored_items,
            attempt.result.scaled_score,
            attempt.result.scaled_low,
            attempt.result.scaled_high,
            _yes(attempt.result.passed),
            attempt.result.first_exposures,
            attempt.result.right_to_wrong,
            attempt.result.wrong_to_right,
            _rounded(attempt.result.chance_of_passing),
            str(attempt.pk),
        ]
        for attempt in attempts
    ]


def _parts(attempts: Sequence[Attempt]) -> Batch:
    """Each sitting's domains, then its tasks, in the outline's order."""
    ids = [attempt.pk for attempt in attempts]
    parts: dict[UUID, list[tuple[str, Any, DomainScore | TaskScore]]] = defaultdict(list)
    domains = DomainScore.objects.filter(result__in=ids).select_related("domain")
    for domain in domains.order_by("domain__position", "domain_id"):
        parts[domain.result_id].append(("domain", domain.domain, domain))
    tasks = TaskScore.objects.filter(result__in=ids).select_related("task__domain")
    for task in tasks.order_by("task__domain__position", "task__position", "task_id"):
        parts[task.result_id].append(("task", task.task, task))
    return [
        [
            *_who(attempt),
            _time(attempt.ended_at),
            kind,
            part.code,
            part.title,
            score.correct,
            score.seen,
            _share(score.correct, score.seen),
            _rounded(score.mean),
            _rounded(score.low),
            _rounded(score.high),
            _rounded(score.target),
            score.verdict,
            str(attempt.pk),
        ]
        for attempt in attempts
        for kind, part, score in parts[attempt.pk]
    ]


def _responses(attempts: Sequence[Attempt]) -> Batch:
    fields = ("slot", "answer", "is_scored", "is_correct", "is_first_exposure", "attempt_id")
    named = ("version__question__code", "version__number", "version__topic__task__code", "version__item_type")
    rows = Response.objects.filter(attempt__in=[attempt.pk for attempt in attempts]).order_by("slot")
    by_attempt: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows.values_list(*fields, *named, named=True):
        by_attempt[row.attempt_id].append(row)
    return [
        [
            *who,
            row.slot,
            row.version__question__code,
            row.version__number,
            row.version__topic__task__code,
            _yes(row.is_scored),
            answer_text(row.answer, ordered=row.version__item_type == "ordering"),
            _yes(row.is_correct),
            _yes(row.is_first_exposure),
            attempt.seconds_by_slot.get(str(row.slot)),
            str(attempt.pk),
        ]
        for attempt in attempts
        for who in [_who(attempt)]
        for row in by_attempt[attempt.pk]
    ]


def answer_text(answer: Any, *, ordered: bool = False) -> str:
    """The options by their letters in the bank: “a, c”, in order “c > a”, matched “p1: a; p2: c”; blank is ""."""
    match answer:
        case None:
            return ""
        case dict():
            return "; ".join(f"{prompt}: {option}" for prompt, option in sorted(answer.items()))
        case list():
            return (" > " if ordered else ", ").join(map(str, answer))
        case _:
            return str(answer)


def _questions(run: ReportRun) -> QuerySet[AssignmentQuestion]:
    found = AssignmentQuestion.objects.filter(assignment__cohort=run.cohort)
    return found.filter(assignment=run.assignment) if run.assignment else found


def _item_batches(run: ReportRun) -> Iterator[Batch]:
    order = ("assignment__created_at", "assignment_id", "version__question__code", "version__number")
    ids = list(_questions(run).order_by(*order).values_list("pk", flat=True))
    related = AssignmentQuestion.objects.select_related(
        "assignment", "version__question", "version__topic__task__domain", "version__statistic"
    ).defer("version__content", "version__rendered")
    for start in range(0, len(ids), ITEMS_AT_ONCE):
        few = ids[start : start + ITEMS_AT_ONCE]
        known = related.in_bulk(few)
        yield [_item(known[pk]) for pk in few if pk in known]


def _item(row: AssignmentQuestion) -> list[Cell]:
    version, task = row.version, row.version.topic.task
    return [
        row.assignment.title,
        version.question.code,
        version.number,
        version.item_type,
        task.domain.code,
        task.code,
        version.level,
        None if version.difficulty is None else float(version.difficulty),
        row.n,
        row.correct,
        _share(row.correct, row.n),
        row.blank,
        "; ".join(f"{option}: {n}" for option, n in sorted(row.choices.items())),
        *_everywhere(getattr(version, "statistic", None)),
    ]


def _everywhere(known: ItemStatistic | None) -> list[Cell]:
    if known is None:
        return [0, 0, None, None, None, None, None, ""]
    return [
        known.n,
        known.correct,
        _share(known.correct, known.n),
        _rounded(known.facility_low),
        _rounded(known.facility_high),
        _rounded(known.discrimination),
        known.median_seconds,
        ", ".join(map(str, known.flags)),
    ]


def _who(attempt: Attempt) -> list[Cell]:
    assignment, mock = attempt.assignment, attempt.mock
    return [
        attempt.learner.name,
        attempt.learner.email,
        assignment.title if assignment else "",
        mock.title if mock else "",
        attempt.number,
    ]


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _minutes(attempt: Attempt) -> Cell:
    ended_at = attempt.ended_at
    return round((ended_at - attempt.started_at).total_seconds() / 60, 1) if ended_at else None


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _share(right: int, of: int) -> Cell:
    return round(right / of, 4) if of else None


def _rounded(value: float | None) -> Cell:
    return None if value is None else round(value, 4)
