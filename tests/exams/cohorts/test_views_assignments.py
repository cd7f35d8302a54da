from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Cohort, User
from exams.cohorts import assigning, sitting
from exams.models import Assignment, Attempt, LearnerOverride, MockExam
from tests.exams.cohorts.given import assign, assign_practice
from tests.exams.conftest import Clock
from tests.factories import NOW, make_cohort, make_exam, make_user, start

HOUR = timedelta(hours=1)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


@pytest.fixture
def ben_client(clock: Clock, ben: User) -> Client:
    client = Client()
    client.force_login(ben)
    return client


@pytest.fixture
def given(cohort: Cohort, mock: MockExam, ben: User) -> Assignment:
    return assign(cohort, mock, by=ben, closes_at=NOW + 5 * HOUR)


def address(given: Assignment, rest: str) -> str:
    return f"/cohorts/{given.cohort_id}/assignments/{given.pk}/{rest}"


def fields(mock: MockExam, **changed: Any) -> dict[str, Any]:
    return {
        "mock": mock.pk,
        "attempts_allowed": "1",
        "delay_minutes": "0",
        "policy_choice": "mock",
        **changed,
    }


def test_a_mock_is_assigned(ben_client: Client, cohort: Cohort, mock: MockExam) -> None:
    assert ben_client.get(f"/cohorts/{cohort.pk}/assignments/new/").status_code == 200

    data = fields(mock, opens_at="2026-09-08T09:00", closes_at="2026-09-08T12:00", attempts_allowed="")
    response = ben_client.post(f"/cohorts/{cohort.pk}/assignments/new/", data, follow=True)

    made = Assignment.objects.get()
    assert (made.title, made.mock, made.attempts_allowed) == (mock.title, mock, None)
    assert made.closes_at == datetime(2026, 9, 8, 12, tzinfo=UTC)
    assert response.redirect_chain == [(address(made, "learners/"), 302)]
    assert b"Who starts after 8 September 2026, 11:40 gets less than 20 minutes" in response.content


def test_a_practice_is_assigned_from_a_link(ben_client: Client, cohort: Cohort, mock: MockExam) -> None:
    link = f"/cohorts/{cohort.pk}/assignments/new/?practice=1&blueprint={mock.blueprint.code}&task=1.2"
    page = ben_client.get(link)
    assert b'value="1.2" checked' in page.content and b'value="1.1" checked' not in page.content

    data = {
        "practice": "1",
        "blueprint": mock.blueprint.code,
        "tasks": ["1.2", "2.1"],
        "questions": "30",
        "title": "Kept",
    }
    refused = ben_client.post(link, data)
    assert refused.status_code == 400
    assert b"There are only 12 published questions" in refused.content and b"Kept" in refused.content

    ben_client.post(link, {**data, "questions": "12", "title": ""})
    made = Assignment.objects.get()
    assert (made.title, made.mock, made.questions) == ("Practice: 1.2, 2.1", None, 12)


def test_times_that_the_clocks_skip_or_repeat(
    ben_client: Client, ben: User, cohort: Cohort, mock: MockExam
) -> None:
    ben.time_zone = "Europe/Berlin"
    ben.save()
    new = f"/cohorts/{cohort.pk}/assignments/new/"

    skipped = ben_client.post(new, fields(mock, opens_at="2027-03-28T02:30", closes_at="2027-03-28T02:45"))
    assert skipped.status_code == 400
    assert b"02:30 doesn&#x27;t exist in Europe/Berlin. Choose 03:30." in skipped.content
    assert b"Choose 03:45." in skipped.content

    # 02:30 comes twice: it opens at the first and closes at the second, an hour later.
    ben_client.post(new, fields(mock, opens_at="2026-10-25T02:30", closes_at="2026-10-25T02:30"))
    made = Assignment.objects.get()
    assert made.opens_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert made.closes_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    # Saved again as the form shows them, they stay.
    page = ben_client.get(address(made, "edit/"))
    assert page.content.count(b'value="2026-10-25T02:30"') == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"opens_at": "2026-09-08T09:00", "closes_at": "2026-09-08T08:00"}, b"It closes before it opens."),
        ({"opens_at": "tomorrow"}, b"Enter a valid date/time."),
        ({"opens_at": "0001-01-01T00:00"}, b"Choose a year between 2000 and 2100."),
        ({"attempts_allowed": "0"}, b"greater than or equal to 1"),
        ({"mock": "99999"}, b"Select a valid choice"),
        ({"policy_choice": "own", "show-during-score": "on"}, b"the rows say why"),
    ],
)
def test_what_can_not_be_kept_is_said_at_its_field(
    ben_client: Client, cohort: Cohort, mock: MockExam, changed: dict[str, str], said: bytes
) -> None:
    response = ben_client.post(
        f"/cohorts/{cohort.pk}/assignments/new/", {**fields(mock, title="Typed"), **changed}
    )

    assert response.status_code == 400
    assert said in response.content and b"Typed" in response.content
    assert not Assignment.objects.exists()


def test_an_own_matrix_is_kept(ben_client: Client, given: Assignment, mock: MockExam) -> None:
    data = fields(mock, title="M", closes_at="2026-09-08T12:00", policy_choice="own")
    ben_client.post(address(given, "edit/"), {**data, "show-after_window-score": "on"})

    given.refresh_from_db()
    assert given.review_policy == {"during": [], "right_after": [], "after_window": ["score"]}
    ben_client.post(address(given, "edit/"), data | {"policy_choice": "mock"})
    given.refresh_from_db()
    assert given.review_policy is None


def test_what_somebody_has_sat_stays(
    ben_client: Client, cohort: Cohort, mock: MockExam, ana: User, ben: User
) -> None:
    practice = assign_practice(cohort, mock, by=ben)
    sitting.start_assigned(practice, learner=ana, now=NOW)

    data = {"tasks": ["2.1"], "questions": "2", "title": "Renamed", "practice": "1"}
    response = ben_client.post(address(practice, "edit/"), data)

    assert response.status_code == 302
    practice.refresh_from_db()
    assert (practice.title, practice.questions) == ("Renamed", 5)
    assert [task.code for task in practice.tasks.all()] == ["1.1"]


def test_an_exception_is_set_and_explained(
    ben_client: Client, ana_client: Client, given: Assignment, ana: User
) -> None:
    page = address(given, f"learners/{ana.pk}/")
    response = ben_client.post(page, {"extra_minutes": "10", "note": "Broken chair"}, follow=True)

    assert b"+10 min: exception" in response.content and b"Broken chair" in response.content
    assert LearnerOverride.objects.get().extra_minutes == 10
    assert b"made an exception for you: Broken chair" in ana_client.get(address(given, "sit/")).content
    refused = ben_client.post(page, {"opens_at": "2026-09-09T09:00"})
    assert refused.status_code == 400
    assert b"It closes before it opens." in refused.content


def test_withdraw_and_restore(ben_client: Client, ana_client: Client, given: Assignment) -> None:
    assert ben_client.get(address(given, "withdraw/")).status_code == 405
    ben_client.post(address(given, "withdraw/"))
    assert ana_client.get(address(given, "sit/")).status_code == 404
    assert ana_client.post(address(given, "start/")).status_code == 404
    ben_client.post(address(given, "restore/"))
    assert ana_client.get(address(given, "sit/")).status_code == 200


def test_a_stranger_sees_nothing(
    clock: Clock, ana_client: Client, cleo_client: Client, given: Assignment, ana: User
) -> None:
    stranger = Client()
    stranger.force_login(make_user("Dan", role="instructor"))  # type: ignore[arg-type]
    for client in (ana_client, cleo_client, stranger):
        assert client.get(f"/cohorts/{given.cohort_id}/assignments/new/").status_code == 404
        for rest in ("edit/", "learners/", f"learners/{ana.pk}/"):
            assert client.get(address(given, rest)).status_code == 404
        for rest in ("withdraw/", "restore/"):
            assert client.post(address(given, rest)).status_code == 404
    for client in (cleo_client, stranger):
        assert client.get(address(given, "sit/")).status_code == 404
        assert client.post(address(given, "start/")).status_code == 404
    given.refresh_from_db()
    assert given.withdrawn_at is None and not Attempt.objects.exists()


def test_an_assignment_belongs_to_its_cohort(
    ben_client: Client, ben: User, given: Assignment, cleo: User
) -> None:
    other = make_cohort(instructors=(ben,))

    assert ben_client.get(f"/cohorts/{other.pk}/assignments/{given.pk}/learners/").status_code == 404
    assert ben_client.get(address(given, f"learners/{cleo.pk}/")).status_code == 404


def test_the_learner_finds_it_and_starts(ana_client: Client, given: Assignment) -> None:
    for page in ("/", "/mocks/"):
        assert f'href="{address(given, "sit/")}"'.encode() in ana_client.get(page).content
    assert f'action="{address(given, "start/")}"'.encode() in ana_client.get(address(given, "sit/")).content

    response = ana_client.post(address(given, "start/"))

    attempt = Attempt.objects.get()
    assert (attempt.assignment, response["Location"]) == (given, f"/attempts/{attempt.pk}/")
    assert b"Continue" in ana_client.get(address(given, "sit/")).content


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("not_open_yet", "It is not open yet: it opens on 7 September 2026, 15:00."),
        ("window_over", "It is over: it closed on 7 September 2026, 13:00."),
        ("no_attempts_left", "You have used all your attempts."),
        ("too_soon", "you can start again on 7 September 2026, 14:30."),
        ("running_elsewhere", "You are sitting this mock exam already."),
    ],
)
def test_why_nothing_starts_is_said(
    ana_client: Client, given: Assignment, ana: User, ben: User, code: str, said: str
) -> None:
    attempts = {"no_attempts_left": 1, "too_soon": 2}.get(code, 0)
    if attempts:
        begun = sitting.start_assigned(given, learner=ana, now=NOW - HOUR)
        Attempt.objects.filter(pk=begun.pk).update(
            state="scored", closed_at=NOW - HOUR / 2, deadline_at=NOW, closed_reason="submitted"
        )
        Assignment.objects.update(attempts_allowed=attempts, delay_minutes=60)
    if code == "not_open_yet":
        Assignment.objects.update(opens_at=NOW + HOUR)
    if code == "window_over":
        Assignment.objects.update(closes_at=NOW - HOUR)
    given.refresh_from_db()
    if code == "running_elsewhere":
        assert given.mock
        start(given.mock, ana)

    answer = ana_client.post(address(given, "start/"), headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert said in answer.json()["message"]
    page = ana_client.post(address(given, "start/"), follow=True)
    assert said in page.content.decode()
    assert f'action="{address(given, "start/")}"' not in page.content.decode()


def test_a_practice_has_a_page_of_its_own(
    ana_client: Client, cohort: Cohort, mock: MockExam, ben: User
) -> None:
    practice = assign_practice(cohort, mock, by=ben, title="Warm up")

    assert b"Warm up" in ana_client.get(address(practice, "sit/")).content
    response = ana_client.post(address(practice, "start/"))

    attempt = Attempt.objects.get()
    assert response["Location"] == f"/attempts/{attempt.pk}/"
    assert (attempt.assignment, attempt.purpose) == (practice, "practice")


def test_pages_cost_the_same_for_two_and_twenty(
    ana_client: Client,
    ben_client: Client,
    cohort: Cohort,
    mock: MockExam,
    ben: User,
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(20):
        cohort.memberships.create(user=make_user(f"L{n}"))
        given = assign(cohort, mock, by=ben, title=f"A{n}")

    with django_assert_max_num_queries(15):
        assert b"A19" in ana_client.get("/mocks/").content
    with django_assert_max_num_queries(15):
        assert b"L19" in ben_client.get(address(given, "learners/")).content
    with django_assert_max_num_queries(15):
        ben_client.get(address(given, "edit/"))


def test_an_edit_without_a_change_is_no_event(given: Assignment, ben: User) -> None:
    assigning.edit(given, assigning.spec_of(given), by=ben, now=NOW)

    assert [event.kind for event in given.events.all()] == ["created"]
