"""Choosing what to sit: the mocks, the page before the clock starts, practice, and the plan."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Accommodation, Role, User
from exams import assembly, delivery
from exams.models import Attempt, ExamPlan, MockExam
from questions.models import Blueprint
from tests.exams import api
from tests.exams.conftest import Clock
from tests.factories import NOW, make_bank, make_blueprint, make_exam, make_mock, make_user, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock(db: None) -> MockExam:
    """Like a full mock of MLA-C01: 130 minutes."""
    return make_exam(items=8, unscored=2, seconds=130 * 60, title="Full mock")


def text_of(client: Client, address: str) -> str:
    """What a reader sees, in one line."""
    response = client.get(address)
    assert response.status_code == 200
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def labels_of(client: Client, address: str) -> list[str]:
    return re.findall(r'aria-label="([^"]+)"', client.get(address).content.decode())


# ── the list ──


def test_the_mocks_as_json(ana_client: Client, mock: MockExam) -> None:
    odd = make_mock(mock.blueprint, items=4, seconds=61, position=5)

    body = api.get(ana_client, "/mocks/")

    code = mock.blueprint.code
    assert body == {
        "mocks": [
            {
                "id": mock.pk,
                "title": "Full mock",
                "blueprint": code,
                "items": 8,
                "minutes": 130,
                "start": f"/mocks/{mock.pk}/start/",
            },
            {
                "id": odd.pk,
                "title": odd.title,
                "blueprint": code,
                "items": 4,
                "minutes": 2,
                "start": f"/mocks/{odd.pk}/start/",
            },
        ]
    }


def test_the_list_says_what_runs_and_what_was_sat(ana_client: Client, mock: MockExam, ana: User) -> None:
    other = make_mock(mock.blueprint, title="Sat before")
    delivery.submit_attempt(start(other, ana).pk, learner=ana, now=NOW)
    running = start(mock, ana)

    html = ana_client.get("/mocks/").content.decode()

    assert api.of(running) in html
    assert "sat once" in html


def test_a_draft_is_seen_by_staff_alone(ana_client: Client, mock: MockExam, clock: Clock) -> None:
    MockExam.objects.update(is_published=False)
    admins = Client()
    admins.force_login(make_user("Mia", role=Role.ADMIN))

    assert api.get(ana_client, "/mocks/") == {"mocks": []}
    assert ana_client.get(f"/mocks/{mock.pk}/").status_code == 404
    assert ana_client.post(f"/mocks/{mock.pk}/start/").status_code == 404
    assert [row["id"] for row in api.get(admins, "/mocks/")["mocks"]] == [mock.pk]
    assert not Attempt.objects.exists()


def test_no_mock_yet(ana_client: Client) -> None:
    assert "No mock exam yet" in text_of(ana_client, "/mocks/")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_the_list_takes_as_many_queries_for_20_mocks_as_for_2(
    ana_client: Client, ana: User, mock: MockExam, accept: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ana_client.get("/mocks/", headers={"Accept": accept}).status_code == 200
        return len(captured)

    start(make_mock(mock.blueprint, items=4), ana)
    with_two = queries()
    for _ in range(18):
        start(make_mock(mock.blueprint, items=4), ana)

    assert MockExam.objects.count() == 20
    assert queries() == with_two <= 6


# ── before the clock starts ──


def test_the_page_names_what_will_be_sat(ana_client: Client, mock: MockExam) -> None:
    assembly.ensure_papers(mock, now=NOW)

    text = text_of(ana_client, f"/mocks/{mock.pk}/")

    for said in (
        f"Imitates {mock.blueprint.title}",
        "practice score, not the vendor's",
        "8: 6 count , 2 are on trial",
        "720 on a scale from 100 to 1000",
        "That is 4 of 6 right.",
        "Start now and you end at 16:10.",
        "That is your full 130 minutes.",
        "This is your first.",
    ):
        assert said in text, said


def test_the_time_of_an_accommodation_is_spelled_out(ana_client: Client, ana: User, mock: MockExam) -> None:
    Accommodation.objects.create(learner=ana, time_factor=Decimal("1.2"))

    assert "156 min = 130 + your 26" in labels_of(ana_client, f"/mocks/{mock.pk}/")
    text = text_of(ana_client, f"/mocks/{mock.pk}/")
    assert "Start now and you end at 16:36." in text
    assert start(mock, ana).deadline_at == NOW + timedelta(minutes=156)


def test_factor_and_extra_minutes_are_told_apart(ana_client: Client, ana: User, mock: MockExam) -> None:
    Accommodation.objects.create(learner=ana, time_factor=Decimal("1.5"), extra_minutes=10)

    assert "205 min = 130 + your 75" in labels_of(ana_client, f"/mocks/{mock.pk}/")
    text = text_of(ana_client, f"/mocks/{mock.pk}/")
    assert "65 yours (time factor 1.50)" in text
    assert "10 yours (extra minutes)" in text


def test_without_an_accommodation_no_sum_is_shown(ana_client: Client, mock: MockExam) -> None:
    assert not [label for label in labels_of(ana_client, f"/mocks/{mock.pk}/") if "your" in label]


def test_a_window_that_cuts_the_time_is_said(ana_client: Client, ana: User, mock: MockExam) -> None:
    mock.closes_at = NOW + timedelta(minutes=90)
    mock.save()

    text = text_of(ana_client, f"/mocks/{mock.pk}/")

    assert "Start now and you end at 15:30." in text
    assert "before your 130 minutes are over" in text
    assert start(mock, ana).deadline_at == mock.closes_at


def test_the_last_full_start_is_named(ana_client: Client, mock: MockExam) -> None:
    mock.closes_at = NOW + timedelta(hours=5)
    mock.save()

    assert re.search(
        r"a start after [^:]* 16:50 would end with it", text_of(ana_client, f"/mocks/{mock.pk}/")
    )


def test_times_are_the_readers_own(clock: Clock, mock: MockExam) -> None:
    client = Client()
    client.force_login(make_user(time_zone="Asia/Tokyo"))

    assert "you end at 01:10" in text_of(client, f"/mocks/{mock.pk}/")


@pytest.mark.parametrize(
    ("opens", "closes", "heading", "message"),
    [(1, None, "Not open yet", "is not open yet"), (None, -1, "Over", "is over")],
)
def test_outside_of_the_window_there_is_nothing_to_press(
    ana_client: Client, mock: MockExam, opens: int | None, closes: int | None, heading: str, message: str
) -> None:
    mock.opens_at = NOW + timedelta(hours=opens) if opens else None
    mock.closes_at = NOW + timedelta(hours=closes) if closes else None
    mock.save()

    html = ana_client.get(f"/mocks/{mock.pk}/").content.decode()
    as_page = ana_client.post(f"/mocks/{mock.pk}/start/", follow=True)
    as_json = api.post(ana_client, f"/mocks/{mock.pk}/start/", {})

    assert heading in html and f'action="/mocks/{mock.pk}/start/"' not in html
    assert as_page.redirect_chain == [(f"/mocks/{mock.pk}/", 302)]
    assert message in as_page.content.decode()
    assert (as_json.status_code, set(as_json.json())) == (409, {"code", "message"})
    assert not Attempt.objects.exists()


def test_the_page_leads_back_to_a_running_attempt(ana_client: Client, ana: User, mock: MockExam) -> None:
    attempt = start(mock, ana)

    html = ana_client.get(f"/mocks/{mock.pk}/").content.decode()

    assert f'href="{api.of(attempt)}"' in html
    assert f'action="/mocks/{mock.pk}/start/"' not in html


# ── starting ──


def test_a_start_leads_to_the_attempt_and_so_does_the_next(
    ana_client: Client, ana: User, mock: MockExam
) -> None:
    first = ana_client.post(f"/mocks/{mock.pk}/start/")
    again = api.post(ana_client, f"/mocks/{mock.pk}/start/", {})

    attempt = Attempt.objects.get()
    assert (first.status_code, first["Location"]) == (302, api.of(attempt))
    assert (again.status_code, again["Location"]) == (302, api.of(attempt))
    assert (attempt.learner, attempt.purpose) == (ana, "mock")


def test_a_start_is_a_post(ana_client: Client, mock: MockExam) -> None:
    assert ana_client.get(f"/mocks/{mock.pk}/start/").status_code == 405


def test_a_start_takes_as_many_statements_for_a_large_bank_as_for_a_small_one(
    ana_client: Client, mock: MockExam
) -> None:
    larger = make_blueprint()
    make_bank(larger, per_task=40)
    other = make_mock(larger, items=8, unscored=2)
    counts = []
    for each in (mock, other):
        assembly.ensure_papers(each, now=NOW)
        with CaptureQueriesContext(connection) as captured:
            assert ana_client.post(f"/mocks/{each.pk}/start/").status_code == 302
        counts.append(len([q for q in captured if "SAVEPOINT" not in q["sql"]]))

    assert counts[0] == counts[1] <= 12


def test_a_bank_that_is_too_small_is_said_plainly(ana_client: Client) -> None:
    mock = make_mock(make_blueprint(), items=8)

    page = ana_client.post(f"/mocks/{mock.pk}/start/", follow=True)

    assert "too small" in page.content.decode()
    assert api.post(ana_client, f"/mocks/{mock.pk}/start/", {}).json()["code"] == "no_paper"


@pytest.mark.parametrize("mock_id", ["999", "0", "9" * 30])
def test_a_mock_that_is_not_there(ana_client: Client, mock: MockExam, mock_id: str) -> None:
    assert ana_client.get(f"/mocks/{mock_id}/").status_code == 404
    assert ana_client.post(f"/mocks/{mock_id}/start/").status_code == 404


# ── the plan ──


def test_the_plan_is_kept_one_per_learner(ana_client: Client, ana: User, mock: MockExam) -> None:
    for day in ("2026-10-01", "2026-11-02"):
        response = ana_client.post("/plan/", {"blueprint": mock.blueprint_id, "exam_on": day})
        assert (response.status_code, response["Location"]) == (302, "/")

    plan = ExamPlan.objects.get()
    assert (plan.learner, plan.blueprint, plan.exam_on) == (ana, mock.blueprint, date(2026, 11, 2))
    assert 'value="2026-11-02"' in ana_client.get("/plan/").content.decode()


def test_a_plan_needs_no_date(ana_client: Client, mock: MockExam) -> None:
    ana_client.post("/plan/", {"blueprint": mock.blueprint_id, "exam_on": ""})

    assert ExamPlan.objects.get().exam_on is None


@pytest.mark.parametrize(
    "fields", [{"blueprint": "999"}, {"exam_on": "2026-10-01"}, {"blueprint": "", "exam_on": "x"}]
)
def test_a_plan_that_makes_no_sense_is_refused(
    ana_client: Client, mock: MockExam, fields: dict[str, str]
) -> None:
    assert ana_client.post("/plan/", fields).status_code == 400
    assert not ExamPlan.objects.exists()


def test_a_learners_plan_is_their_own(ana_client: Client, cleo: User, mock: MockExam) -> None:
    other = Blueprint.objects.create(
        code="OTHER", title="Other", items=10, scored_items=8, minutes=20, item_types=[]
    )
    ExamPlan.objects.create(learner=cleo, blueprint=other, exam_on=date(2026, 12, 24))

    assert "2026-12-24" not in ana_client.get("/plan/").content.decode()
    ana_client.post("/plan/", {"blueprint": mock.blueprint_id, "exam_on": ""})
    assert ExamPlan.objects.get(learner=cleo).blueprint == other


@pytest.mark.parametrize("address", ["/mocks/1/", "/practice/", "/plan/", "/mocks/"])
def test_signed_out_one_is_sent_to_sign_in(db: None, address: str) -> None:
    response = Client().get(address)

    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}")
