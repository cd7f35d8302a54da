"""The commands for rehearsals and disputes: create_mock, simulate and attempt_log."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Accommodation, User
from exams import delivery
from exams.models import Assignment, Attempt, MockExam
from questions.models import Blueprint
from tests.factories import NOW, make_bank, make_blueprint, make_cohort, make_exam, save, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    blueprint = make_blueprint(code="MLA-C01")
    make_bank(blueprint)
    return blueprint


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def create_mock(*arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(run("create_mock", *arguments))
    return made


# ── create_mock ──


def test_it_makes_a_mock_with_its_paper_and_prints_it_as_json(blueprint: Blueprint, ana: User) -> None:
    made = create_mock("--blueprint", "MLA-C01", "--items", "10", "--seconds", "60")

    mock = MockExam.objects.get(pk=made["id"])
    assert set(made) == {"id", "title"} and made["title"] == mock.title
    assert (mock.items, mock.seconds, mock.unscored, mock.minutes) == (10, 60, 0, 1)
    assert start(mock, ana).deadline_at == NOW + timedelta(seconds=60)


def test_title_unscored_and_papers_are_taken(blueprint: Blueprint) -> None:
    made = create_mock(
        *("--blueprint", "MLA-C01", "--items", "8", "--seconds", "90"),
        *("--unscored", "3", "--papers", "2", "--title", "Rehearsal in room 4"),
    )

    mock = MockExam.objects.get(pk=made["id"])
    assert made["title"] == "Rehearsal in room 4"
    assert [paper.items.filter(is_scored=True).count() for paper in mock.papers.all()] == [5, 5]


def test_it_may_be_called_again_and_again(blueprint: Blueprint) -> None:
    arguments = ("--blueprint", "MLA-C01", "--items", "4", "--seconds", "60")

    assert create_mock(*arguments)["id"] != create_mock(*arguments)["id"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--blueprint", "XYZ", "--items", "5", "--seconds", "60"),
            "There is no blueprint XYZ. Known: MLA-C01.",
        ),
        (("--blueprint", "MLA-C01", "--items", "500", "--seconds", "60"), "too small.*1: 12 of 300"),
        (("--blueprint", "MLA-C01", "--items", "0", "--seconds", "60"), "greater than or equal to 1"),
        (("--blueprint", "MLA-C01", "--items", "5", "--seconds", "0"), "greater than or equal to 1"),
        (
            ("--blueprint", "MLA-C01", "--items", "5", "--seconds", "60", "--unscored", "5"),
            "mock_has_scored_items",
        ),
        (
            ("--blueprint", "MLA-C01", "--items", "5", "--seconds", "60", "--unscored", "-1"),
            "greater than or equal",
        ),
    ],
)
def test_what_cannot_be_made_is_named_and_leaves_nothing(
    blueprint: Blueprint, arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        create_mock(*arguments)

    assert not MockExam.objects.exists()


# ── simulate ──


def test_simulated_learners_sit_in_a_cohort_and_go_with_the_demo(ana: User) -> None:
    mock, cohort = make_exam(), make_cohort(learners=(ana,))

    said = run("simulate", "--learners", "3", "--mock", mock.code, "--cohort", str(cohort.pk))

    made = User.objects.filter(is_demo=True)
    assert said.splitlines()[:3] == ["1 of 3", "2 of 3", "3 of 3"]
    assert made.count() == Attempt.objects.filter(state="scored", mock=mock, learner__in=made).count() == 3
    assert cohort.memberships.count() == 4 and not any(user.has_usable_password() for user in made)
    run("remove_demo")
    assert list(User.objects.all()) == [ana] and not Attempt.objects.exists()
    assert [row.user for row in cohort.memberships.all()] == [ana]


def test_simulated_learners_sit_what_is_assigned() -> None:
    mock = make_exam()
    given = assignment(mock, opens_at=timezone.now() - timedelta(days=2))

    run("simulate", "--learners", "2", "--assignment", str(given.pk), "--seed", "5")

    sat = Attempt.objects.filter(assignment=given, state="scored")
    assert sat.count() == 2 == given.cohort.memberships.count()
    assert given.opens_at is not None
    assert all(given.opens_at <= each.started_at < timezone.now() for each in sat)
    run("simulate", "--learners", "2", "--mock", mock.code, "--seed", "5")
    assert MockExam.objects.get().attempts.count() == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--learners", "0", "--mock", "x"), "from 1 to 5000"),
        (("--learners", "1"), "Mock exams: mock-"),
        (("--learners", "1", "--mock", "nothing"), "Mock exams: mock-"),
        (("--learners", "1", "--mock", "{mock}", "--cohort", "999999"), "no cohort 999999"),
        (("--learners", "1", "--assignment", "999999"), "no assignment 999999"),
        (("--learners", "1", "--assignment", "{coming}"), "nobody can sit it yet"),
        (("--learners", "1", "--assignment", "{open}", "--mock", "{mock}"), "leave --mock and --cohort out"),
    ],
)
def test_what_cannot_be_simulated_is_named_and_leaves_nobody(arguments: tuple[str, ...], says: str) -> None:
    mock = make_exam()
    coming, now_open = (assignment(mock, opens_at=timezone.now() + timedelta(days=n)) for n in (1, -1))
    filled = [a.format(mock=mock.code, coming=coming.pk, open=now_open.pk) for a in arguments]

    with pytest.raises(CommandError, match=says):
        run("simulate", *filled)

    assert not User.objects.exists()


def assignment(mock: MockExam, **fields: Any) -> Assignment:
    values = {"title": "Week 3", "created_at": NOW, "blueprint": mock.blueprint, **fields}
    return Assignment.objects.create(cohort=make_cohort(), mock=mock, **values)


# ── attempt_log ──


def log_of(attempt_id: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("attempt_log", str(attempt_id), "--json").splitlines()]


def test_everything_about_a_sitting_in_time_order(ana: User) -> None:
    Accommodation.objects.create(learner=ana, extra_minutes=5)
    mock = make_exam()
    attempt = start(mock, ana)
    slot = attempt.responses.filter(version__item_type="multiple_choice").values_list("slot", flat=True)[0]
    end = attempt.deadline_at
    save(attempt, slot, "b", revision=2, now=NOW + timedelta(seconds=5), is_flagged=True)
    with pytest.raises(delivery.DeliveryError):
        save(attempt, slot, "c", revision=1, now=NOW + timedelta(seconds=6))
    save(attempt, slot, "d", revision=3, now=end + timedelta(seconds=4))
    with pytest.raises(delivery.DeliveryError):
        save(attempt, slot, "a", revision=4, now=end + timedelta(seconds=30))
    from exams import results

    results.score_attempt(attempt.pk, now=end + timedelta(seconds=31))

    head, *events, tail = log_of(attempt.pk)

    assert [event["event"] for event in events] == [
        *("started", "saved", "stale", "saved_in_grace", "came_late", "closed", "scored")
    ]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert [(e["revision"], e["answer"]) for e in events if "revision" in e] == [
        (2, "b"),
        (1, "c"),
        (3, "d"),
        (4, "a"),
    ]
    assert events[1]["flagged"] is True
    assert events[5]["reason"] == "time_ran_out"
    assert (head["id"], head["learner"], head["extra_seconds"]) == (str(attempt.pk), ana.email, 300)
    assert tail["state"] == "scored"
    assert tail["answers"] == {str(slot): "d"}
    assert tail["digest"] == tail["digest_of_what_is_stored"] == events[5]["digest"]


def test_an_answer_touched_after_closing_shows_in_the_digest(ana: User) -> None:
    attempt = sit(make_exam(), ana)
    attempt.responses.filter(slot=1).update(answer=None)

    tail = log_of(attempt.pk)[-1]

    assert tail["digest"] != tail["digest_of_what_is_stored"]


def test_the_plain_form_has_a_line_for_each_event(ana: User) -> None:
    attempt = sit(make_exam(), ana, right=2)

    lines = run("attempt_log", str(attempt.pk)).splitlines()

    assert len(lines) == 2 + attempt.events.count()
    assert ana.email in lines[0]
    assert [line.split()[1] for line in lines[1:-1]] == ["started", "saved", "saved", "closed", "scored"]


@pytest.mark.parametrize(
    ("given", "says"),
    [("nonsense", "not an attempt's id"), ("00000000-0000-4000-8000-000000000000", "no attempt")],
)
def test_an_id_that_is_none(given: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run("attempt_log", given)
