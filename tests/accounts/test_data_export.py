from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import accommodations, cohorts
from accounts.models import User
from exams import data_export
from exams.models import Attempt, AttemptEvent, ExamPlan, MockExam, Response
from exams.review_policy import Part, Phase
from tests.factories import (
    NOW,
    make_bank,
    make_blueprint,
    make_cohort,
    make_exam,
    make_mock,
    save,
    sit,
    start,
)

DATA = "/profile/data/"


def export(user: User, **when: Any) -> dict[str, Any]:
    """As it reaches the learner."""
    from django.core.serializers.json import DjangoJSONEncoder

    data = data_export.everything_about(user, now=NOW + timedelta(**(when or {"days": 1})))
    exported: dict[str, Any] = json.loads(json.dumps(data, cls=DjangoJSONEncoder))
    return exported


def keys_of(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set(data) | {key for value in data.values() for key in keys_of(value)}
    if isinstance(data, list):
        return {key for value in data for key in keys_of(value)}
    return set()


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=4)


def test_the_account_is_in_it(ana: User, ben: User, mock: MockExam) -> None:
    cohort = make_cohort(learners=(ana,), instructors=(ben,))
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    accommodations.set_accommodation(ana, by=ben, time_factor=Decimal("1.25"), extra_minutes=10, now=NOW)
    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint, exam_on=NOW.date())
    data = export(ana)
    assert data["format"] == "cutscore-data/1"
    assert data["account"]["email"] == ana.email and data["account"]["name"] == "Ana"
    assert data["email_addresses"] == [{"email": ana.email, "verified": True, "primary": True}]
    assert (data["accommodation"]["time_factor"], data["accommodation"]["extra_minutes"]) == ("1.25", 10)
    (change,) = data["accommodation_changes"]
    assert change["after"] == {"time_factor": "1.25", "extra_minutes": 10}
    (membership,) = data["memberships"]
    assert (membership["cohort_title"], membership["part"]) == (cohort.title, "learner")
    assert data["exam_plan"] == {"blueprint": mock.blueprint.code, "exam_on": "2026-09-07"}


def test_a_new_account_has_little(ana: User) -> None:
    data = export(ana)
    assert data["accommodation"] is data["exam_plan"] is None
    for part in (
        "attempts",
        "evidence",
        "questions_met",
        "memberships",
        "accommodation_changes",
        "sign_in_methods",
    ):
        assert data[part] == []


def test_of_the_second_step_only_the_types(ana: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    codes = RecoveryCodes.activate(ana)
    data = export(ana)
    assert [method["type"] for method in data["sign_in_methods"]] == ["totp", "recovery_codes"]
    text = json.dumps(data)
    for hidden in (secret, codes.instance.data["seed"], ana.password, *codes.get_unused_codes()):
        assert hidden not in text
    assert "password" not in keys_of(data)


def test_a_sitting_is_in_it_whole(ana: User, mock: MockExam) -> None:
    attempt = sit(mock, ana, right=3)
    data = export(ana)
    (told,) = data["attempts"]
    assert (told["id"], told["state"], told["mock"]) == (str(attempt.pk), "scored", mock.title)
    assert (told["digest"], told["answered_count"]) == (attempt.digest, 3)
    stored = list(attempt.responses.select_related("version__question"))
    assert [
        (r["slot"], r["question"], r["answer"], r["revision"], r["is_correct"]) for r in told["responses"]
    ] == [(r.slot, r.version.question.code, r.answer, r.revision, r.is_correct) for r in stored]
    assert [e["kind"] for e in told["events"]] == [str(e.kind) for e in attempt.events.all()]
    assert [e["answer"] for e in told["events"] if e["kind"] == "saved"] == [r.answer for r in stored[:3]]
    assert (told["result"]["scaled_score"], told["result"]["correct"]) == (attempt.result.scaled_score, 3)
    assert len(told["result"]["domains"]) == attempt.result.domain_scores.count() > 0
    assert len(told["result"]["tasks"]) == attempt.result.task_scores.count() > 0
    # The fourth question was never looked at.
    assert sum(row["seen"] for row in data["evidence"]) == len(data["questions_met"]) == 3


def test_nothing_of_anybody_else(ana: User, cleo: User, mock: MockExam) -> None:
    theirs = sit(mock, cleo)
    mine = sit(mock, ana)
    data = export(ana)
    assert [told["id"] for told in data["attempts"]] == [str(mine.pk)]
    text = json.dumps(data)
    assert str(theirs.pk) not in text and cleo.email not in text and "Cleo" not in text


def test_no_key_and_no_rationale(ana: User, mock: MockExam) -> None:
    attempt = sit(mock, ana)
    text = json.dumps(export(ana))
    for response in attempt.responses.select_related("version"):
        for option in response.version.parsed.options:
            assert option.rationale not in text


def test_a_running_sitting_tells_no_marks_and_no_unscored_slots(ana: User, db: None) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint)
    mock = make_mock(blueprint, items=6, unscored=2)
    attempt = start(mock, ana)
    save(attempt, 1, None)
    (told,) = export(ana, minutes=1)["attempts"]
    assert (told["state"], told["result"], len(told["responses"])) == ("in_progress", None, 6)
    assert not {"is_correct", "is_scored", "is_first_exposure"} & keys_of(told)


@pytest.mark.parametrize(
    ("shown", "has_marks", "has_score"),
    [([], False, False), ([Part.SCORE], False, True), ([Part.MARKS], True, False), (list(Part), True, True)],
)
def test_the_review_policy_holds_here_too(
    ana: User, db: None, shown: list[str], has_marks: bool, has_score: bool
) -> None:
    policy = {Phase.DURING: [], Phase.RIGHT_AFTER: shown, Phase.AFTER_WINDOW: list(Part)}
    mock = make_exam(items=4, closes_at=NOW + timedelta(days=7), review_policy=policy)
    sit(mock, ana, right=3)
    (told,) = export(ana, days=1)["attempts"]
    assert all(("is_correct" in response) is has_marks for response in told["responses"])
    assert (told["result"] is not None) is has_score
    (scored,) = (event for event in told["events"] if event["kind"] == "scored")
    assert bool(scored["detail"]) is has_score
    (later,) = export(ana, days=8)["attempts"]
    assert later["result"]["correct"] == 3
    assert all("is_correct" in response for response in later["responses"])


def test_two_hundred_sittings_take_as_many_queries_as_one(ana: User, mock: MockExam) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            data_export.everything_about(ana, now=NOW)
        return len(captured)

    first = sit(mock, ana)
    with_one = queries()
    assert with_one <= 14
    copies = Attempt.objects.bulk_create(
        Attempt(
            learner=ana,
            paper=first.paper,
            mock=mock,
            purpose=first.purpose,
            option_seed=number,
            state=first.state,
            started_at=NOW,
            seconds_allowed=1200,
            deadline_at=NOW,
            closed_at=NOW,
        )
        for number in range(199)
    )
    Response.objects.bulk_create(
        Response(attempt=copy, slot=r.slot, version=r.version, is_scored=True)
        for copy in copies
        for r in first.responses.select_related("version")
    )
    AttemptEvent.objects.bulk_create(AttemptEvent(attempt=copy, at=NOW, kind="started") for copy in copies)
    assert queries() == with_one
    data = export(ana)
    assert len(data["attempts"]) == 200
    assert all(len(told["responses"]) == 4 and told["events"] for told in data["attempts"])


# ── the page ──


def test_it_comes_as_a_file(client: Client, ana: User, mock: MockExam) -> None:
    sit(mock, ana)
    client.force_login(ana)
    response = client.get(DATA)
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].startswith('attachment; filename="cutscore-data-')
    assert "no-store" in response["Cache-Control"]
    data = json.loads(response.content)
    assert (data["account"]["email"], len(data["attempts"])) == (ana.email, 1)


def test_strangers_sign_in_first(client: Client, db: None) -> None:
    assert client.get(DATA)["Location"] == f"/accounts/login/?next={DATA}"


def test_it_is_only_read(client: Client, ana: User) -> None:
    client.force_login(ana)
    assert client.post(DATA).status_code == 405


def test_a_left_cohort_and_its_log_are_in_it(ana: User, ben: User) -> None:
    cohort = make_cohort(learners=(ana,), instructors=(ben,))
    cohorts.leave(cohort, ana, now=NOW)
    data = export(ana)
    assert data["memberships"][0]["left_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert [event["kind"] for event in data["cohort_events"]] == ["left"]
