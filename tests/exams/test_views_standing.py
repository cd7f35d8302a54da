from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams.models import Attempt, Evidence, ExamPlan, MockExam
from questions.models import TaskStatement
from tests.exams.conftest import Clock
from tests.factories import NOW, make_bank, make_blueprint, make_exam, make_mock, sit, start


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return response.content.decode()


def statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        text(client, address)
    return len(queries)


def test_a_visitor_is_told_what_this_is(mock: MockExam) -> None:
    page = text(Client(), "/")

    assert "Sign in" in page and "Sign up" in page and mock.title in page


def test_the_door_is_not_offered_when_it_is_shut(db: None, settings: object) -> None:
    settings.SIGN_UP_OPEN = False  # type: ignore[attr-defined]

    assert "Sign up" not in text(Client(), "/")


def test_a_newcomer_is_invited_and_sees_no_empty_chart(mock: MockExam, ana_client: Client) -> None:
    page = text(ana_client, "/")

    assert "sit your first mock" in page and f"/mocks/{mock.pk}/" in page
    assert 'class="chart' not in page and "needs work" not in page


def test_home_names_the_days_and_the_running_exam(
    mock: MockExam, ana: User, ana_client: Client, clock: Clock
) -> None:
    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint, exam_on=date(2026, 9, 26))
    sit(mock, ana, right=4)
    clock.advance(3600)
    attempt = start(mock, ana, now=clock.now)

    page = text(ana_client, "/")

    assert "19 days to go" in page
    assert "is running" in page and f"/attempts/{attempt.pk}/" in page
    assert "20 min" in page
    assert "You are here" in page


def test_the_blueprints_notice_is_shown(mock: MockExam, ana_client: Client) -> None:
    mock.blueprint.notice = "This version ends soon."
    mock.blueprint.save()

    assert "This version ends soon." in text(ana_client, "/")


def test_weak_spots_invite_before_there_is_evidence(mock: MockExam, ana_client: Client) -> None:
    assert "No evidence yet" in text(ana_client, "/weak-spots/")


def test_a_weak_spots_button_starts_a_practice_of_exactly_that(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    sit(mock, ana, right=0, answers={slot: None for slot in range(1, 9)})
    page = text(ana_client, "/weak-spots/")
    assert page.count('name="start_key"') == 4 + 2
    key = page.split('name="start_key" value="')[1].split('"')[0]
    form = {"blueprint": mock.blueprint.code, "task": "2.1", "questions": "10", "start_key": key}

    first, second = ana_client.post("/practice/", form), ana_client.post("/practice/", form)

    attempt = Attempt.objects.get(purpose="practice")
    assert first["Location"] == second["Location"] == f"/attempts/{attempt.pk}/"
    tasks = attempt.responses.values_list("version__topic__task__code", flat=True)
    assert set(tasks) == {"2.1"}


def test_weak_spots_by_source(mock: MockExam, ana: User, ana_client: Client) -> None:
    task = TaskStatement.objects.get(code="1.1", domain__blueprint=mock.blueprint)
    for kind, seen in (("mock", 9), ("practice", 7)):
        Evidence.objects.create(learner=ana, task=task, kind=kind, correct=1, seen=seen)

    both, mocks = text(ana_client, "/weak-spots/"), text(ana_client, "/weak-spots/?from=mock")

    assert "mocks 1 of 9" in both and "practice 1 of 7" in both
    assert "mocks 1 of 9" in mocks and "practice 1 of 7" not in mocks
    assert text(ana_client, "/weak-spots/?from=nonsense").count("practice 1 of 7") == 1


def test_another_exams_weak_spots_can_be_chosen(mock: MockExam, ana: User, ana_client: Client) -> None:
    other = make_blueprint()
    make_bank(other)
    sit(mock, ana)
    sit(make_mock(other), ana, now=NOW + timedelta(days=1))

    assert f'value="{other.code}"' in text(ana_client, "/weak-spots/")
    assert f'value="{mock.blueprint.code}"' in text(
        ana_client, f"/weak-spots/?blueprint={mock.blueprint.code}"
    )
    assert f'value="{other.code}"' in text(ana_client, "/weak-spots/?blueprint=nonsense")


@pytest.mark.parametrize("address", ["/", "/weak-spots/"])
def test_two_and_twenty_sittings_take_the_same_statements(
    mock: MockExam, ana: User, ana_client: Client, clock: Clock, address: str
) -> None:
    for hour in range(2):
        sit(mock, ana, right=4, now=NOW + timedelta(hours=hour))
    clock.advance(2 * 86_400)
    text(ana_client, address)
    few = statements(ana_client, address)
    for hour in range(2, 20):
        sit(mock, ana, right=4, now=NOW + timedelta(hours=hour))

    assert statements(ana_client, address) == few


def test_figures_in_charts_have_a_point_in_every_language(
    mock: MockExam, ana: User, ana_client: Client, settings: object
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # type: ignore[attr-defined]
    sit(mock, ana, right=5)

    page = ana_client.get("/weak-spots/", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="de"' in page
    bars = [part.split('"')[0] for part in page.split('class="interval-range" x="')[1:]]
    assert bars and all(bar.endswith("%") and "," not in bar for bar in bars)
