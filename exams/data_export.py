"""All that is stored about a learner, as plain data: fourteen statements, however many attempts."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import F

from accounts.models import AccommodationChange, CohortEvent, Membership, User
from exams import disclosure
from exams.models import (
    Attempt,
    AttemptEvent,
    Challenge,
    DomainScore,
    Evidence,
    Exposure,
    Response,
    TaskScore,
)

FORMAT = "cutscore-data/1"

Row = dict[str, Any]
RowsOfAttempt = dict[uuid.UUID, list[Row]]

ACCOUNT = (
    *("email", "name", "role", "time_zone", "theme", "date_joined", "last_login", "is_demo"),
    "anonymised_at",
)
ATTEMPT = (
    *("id", "purpose", "number", "state", "is_timed", "started_at", "seconds_allowed", "time_factor"),
    *("extra_seconds", "credit_seconds", "window_ends_at", "deadline_at", "position", "last_seen_at"),
    *("seconds_by_slot", "closed_at", "closed_reason", "answered_count", "digest", "scored_at"),
)
RESPONSE = (
    *("slot", "answer", "revision", "is_flagged", "struck", "saved_at", "is_in_grace", "checked_at"),
    *("is_correct", "is_first_exposure", "is_scored"),
)
RESULT = (
    *("method", "correct", "scored_items", "cut_numerator", "cut_denominator", "scaled_score", "scaled_low"),
    *("scaled_high", "passed", "first_exposures", "right_to_wrong", "wrong_to_right", "chance_before"),
    *("chance_of_passing", "chance_questions", "chance_sittings"),
)
PART_SCORE = ("correct", "seen", "mean", "low", "high", "target", "verdict", "prior_learners")
TELLS_MARKS = ("is_correct", "is_first_exposure", "is_scored")


def everything_about(learner: User, *, now: datetime) -> Row:
    """What the learner may keep: values are datetimes, decimals and UUIDs, for Django's JSON encoder.

    A mock's review policy holds here too: no mark and no score before it is shown on the pages.
    """
    account = User.objects.select_related("accommodation", "plan__blueprint").get(pk=learner.pk)
    return {
        "format": FORMAT,
        "made_at": now,
        "account": _fields(account, ACCOUNT),
        **_account_rows(account),
        "exam_plan": _exam_plan(account),
        "attempts": _attempts(account, now=now),
        "evidence": list(
            Evidence.objects.filter(learner=account)
            .order_by("task__domain__position", "task__position", "kind")
            .values("kind", "correct", "seen", "facility_shift", task_code=F("task__code"))
        ),
        "questions_met": list(
            Exposure.objects.filter(learner=account)
            .order_by("question__code")
            .values("attempt_id", question_code=F("question__code"))
        ),
        "challenges": list(
            Challenge.objects.raised_by(account)
            .order_by("created_at")
            .values(
                *("attempt_id", "text", "state", "created_at", "answer", "answered_at"),
                question_code=F("version__question__code"),
                version_number=F("version__number"),
            )
        ),
    }


def _account_rows(account: User) -> Row:
    accommodation = getattr(account, "accommodation", None)
    return {
        "email_addresses": list(
            EmailAddress.objects.filter(user=account).order_by("email").values("email", "verified", "primary")
        ),
        # The types alone: a secret in a downloaded file would be a way in.
        "sign_in_methods": list(
            Authenticator.objects.filter(user=account)
            .order_by("pk")
            .values("type", "created_at", "last_used_at")
        ),
        "accommodation": _fields(accommodation, ("time_factor", "extra_minutes", "updated_at"))
        if accommodation
        else None,
        "accommodation_changes": list(
            AccommodationChange.objects.filter(learner=account).order_by("at").values("at", "before", "after")
        ),
        "memberships": list(
            Membership.objects.filter(user=account)
            .order_by("joined_at")
            .values("part", "joined_at", "left_at", cohort_title=F("cohort__title"))
        ),
        "cohort_events": list(
            CohortEvent.objects.filter(subject=account)
            .order_by("at", "pk")
            .values("at", "kind", cohort_title=F("cohort__title"))
        ),
    }


def _exam_plan(account: User) -> Row | None:
    plan = getattr(account, "plan", None)
    return {"blueprint": plan.blueprint.code, "exam_on": plan.exam_on} if plan else None


def _attempts(account: User, *, now: datetime) -> list[Row]:
    of_account = {"attempt__learner": account}
    responses = _by_attempt(
        Response.objects.filter(**of_account)
        .order_by("slot")
        .values(
            "attempt_id",
            *RESPONSE,
            question=F("version__question__code"),
            version_number=F("version__number"),
        )
    )
    events = _by_attempt(
        AttemptEvent.objects.filter(**of_account)
        .order_by("id")
        .values("attempt_id", "at", "kind", "slot", "revision", "answer", "detail")
    )
    domain_scores = _by_attempt(
        DomainScore.objects.filter(result__attempt__learner=account)
        .order_by("domain__position")
        .values(*PART_SCORE, attempt_id=F("result_id"), code=F("domain__code"))
    )
    task_scores = _by_attempt(
        TaskScore.objects.filter(result__attempt__learner=account)
        .order_by("task__domain__position", "task__position")
        .values(*PART_SCORE, attempt_id=F("result_id"), code=F("task__code"))
    )
    attempts = (
        Attempt.objects.sat_by(account)
        .select_related("mock", "assignment", "paper__blueprint", "result")
        .order_by("started_at")
    )
    return [
        _attempt(
            attempt,
            shown=disclosure.of(attempt, now=now),
            responses=responses[attempt.pk],
            events=events[attempt.pk],
            domain_scores=domain_scores[attempt.pk],
            task_scores=task_scores[attempt.pk],
        )
        for attempt in attempts
    ]


def _attempt(
    attempt: Attempt,
    *,
    shown: disclosure.Disclosure,
    responses: list[Row],
    events: list[Row],
    domain_scores: list[Row],
    task_scores: list[Row],
) -> Row:
    # A running attempt has no marks, but its unscored slots must not be told from the others.
    if attempt.is_open or not shown.marks:
        responses = [{k: v for k, v in row.items() if k not in TELLS_MARKS} for row in responses]
    if not shown.score:
        events = [row if row["kind"] != AttemptEvent.Kind.SCORED else {**row, "detail": {}} for row in events]
    result = getattr(attempt, "result", None) if shown.score else None
    return {
        **_fields(attempt, ATTEMPT),
        "blueprint": attempt.paper.blueprint.code,
        "mock": attempt.mock.title if attempt.mock else None,
        "paper": attempt.paper.title,
        "responses": responses,
        "events": events,
        "result": {**_fields(result, RESULT), "domains": domain_scores, "tasks": task_scores}
        if result
        else None,
    }


def _by_attempt(rows: Iterable[Mapping[str, Any]]) -> RowsOfAttempt:
    grouped: RowsOfAttempt = defaultdict(list)
    for row in rows:
        grouped[row["attempt_id"]].append(
            {name: value for name, value in row.items() if name != "attempt_id"}
        )
    return grouped


def _fields(row: object, names: tuple[str, ...]) -> Row:
    return {name: getattr(row, name) for name in names}
