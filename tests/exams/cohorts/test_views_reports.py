"""The pages of a report: choosing, following, cancelling, downloading, and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Cohort, Membership, Role, User
from exams import tasks
from exams.cohorts import reports
from exams.models import Assignment, MockExam, ReportRun
from tests.exams.conftest import Clock
from tests.factories import NOW, make_cohort, make_exam, make_user, sit

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana,), instructors=(ben,))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that would have gone to the queue."""
    ids: list[str] = []
    monkeypatch.setattr(tasks.write_report, "delay", ids.append)
    return ids


@pytest.fixture
def ben_client(clock: Clock, ben: User) -> Client:
    client = Client()
    client.force_login(ben)
    return client


def address(cohort: Cohort) -> str:
    return reverse("cohorts:reports", args=(cohort.pk,))


def ask(ben_client: Client, cohort: Cohort, **fields: Any) -> ReportRun:
    reply = ben_client.post(address(cohort), {"kind": "scores", "format": "csv", "assignment": "", **fields})
    assert reply.status_code == 302, reply.content.decode()
    run = ReportRun.objects.latest("created_at")
    assert reply["Location"] == reverse("cohorts:report", args=(cohort.pk, run.pk))
    return run


def pages(run: ReportRun) -> list[str]:
    return [
        reverse(f"cohorts:{name}", args=(run.cohort_id, run.pk)) for name in ("report", "download_report")
    ]


def test_from_choosing_to_the_file(
    ben_client: Client,
    cohort: Cohort,
    mock: MockExam,
    ana: User,
    sent: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    sit(mock, ana)
    with django_capture_on_commit_callbacks(execute=True):
        run = ask(ben_client, cohort)
    assert sent == [str(run.pk)]
    page, download = pages(run)
    assert b'id="progress"' in ben_client.get(page).content
    assert ben_client.get(download).status_code == 404

    tasks.write_report(sent[0])

    shown = ben_client.get(page).content.decode()
    assert download in shown and "1 row is in" in shown
    reply = ben_client.get(download)
    data = b"".join(reply.streaming_content)  # type: ignore[attr-defined]
    assert data.startswith(b"\xef\xbb\xbflearner,") and b"Ana" in data
    assert reply["Content-Length"] == str(len(data))
    assert reply["Content-Disposition"].startswith("attachment") and ".csv" in reply["Content-Disposition"]


def test_the_progress_is_a_fragment_that_ends_in_the_whole_page(
    ben_client: Client, cohort: Cohort, sent: list[str]
) -> None:
    run = ask(ben_client, cohort)
    ReportRun.objects.filter(pk=run.pk).update(state="writing", done=300, total=1200)
    page = pages(run)[0]

    fragment = ben_client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "300 of 1200 rows" in fragment and "<html" not in fragment
    assert 'max="1200" value="300"' in ben_client.get(page).content.decode()

    ReportRun.objects.filter(pk=run.pk).update(state="failed", error="Too bad.")
    assert ben_client.get(page, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "Too bad." in ben_client.get(page).content.decode()


def test_it_can_be_cancelled_once(ben_client: Client, cohort: Cohort, sent: list[str]) -> None:
    run = ask(ben_client, cohort)
    cancel = reverse("cohorts:cancel_report", args=(cohort.pk, run.pk))

    assert "was cancelled" in ben_client.post(cancel, follow=True).content.decode()
    assert "too late to cancel" in ben_client.post(cancel, follow=True).content.decode()
    assert ben_client.get(cancel).status_code == 405


def test_what_was_chosen_stays_where_it_is_wrong(ben_client: Client, cohort: Cohort, mock: MockExam) -> None:
    foreign = Assignment.objects.create(
        cohort=make_cohort(), mock=mock, blueprint=mock.blueprint, title="Not ours", created_at=NOW
    )

    reply = ben_client.post(address(cohort), {"kind": "items", "format": "xlsx", "assignment": foreign.pk})

    shown = reply.content.decode()
    assert reply.status_code == 400 and "Choose one of the list." in shown and "Not ours" not in shown
    assert 'value="items" checked' in shown and 'value="xlsx" checked' in shown
    assert ben_client.post(address(cohort), {}).status_code == 400
    assert not ReportRun.objects.exists()


def test_an_assignment_can_be_chosen_beforehand(ben_client: Client, cohort: Cohort, mock: MockExam) -> None:
    given = Assignment.objects.create(
        cohort=cohort, mock=mock, blueprint=mock.blueprint, title="Week 3", created_at=NOW
    )

    shown = ben_client.get(f"{address(cohort)}?assignment={given.pk}&kind=domains").content.decode()

    assert f'value="{given.pk}" selected' in shown and 'value="domains" checked' in shown


def test_another_cohorts_figures_are_not_there(ben_client: Client, cohort: Cohort, sent: list[str]) -> None:
    other = make_cohort(learners=(make_user("Dora"),), instructors=(make_user("Eve", role=Role.INSTRUCTOR),))
    run = ask(ben_client, cohort)

    assert ben_client.get(address(other)).status_code == 404
    assert ben_client.post(address(other), {"kind": "scores", "format": "csv"}).status_code == 404
    assert ben_client.get(reverse("cohorts:report", args=(other.pk, run.pk))).status_code == 404
    assert ReportRun.objects.count() == 1


def test_learners_and_colleagues_get_nothing(
    clock: Clock, ben_client: Client, cohort: Cohort, ana: User, sent: list[str]
) -> None:
    run = ask(ben_client, cohort)
    reports.write(run.pk, now=NOW)
    colleague = make_user("Finn", role=Role.INSTRUCTOR)
    Membership.objects.create(cohort=cohort, user=colleague, part=Membership.Part.INSTRUCTOR)
    for user in (ana, make_user("Gus", role=Role.INSTRUCTOR), colleague):
        client = Client()
        client.force_login(user)
        assert {client.get(page).status_code for page in pages(run)} == {404}, user
    # Who teaches the cohort writes a report of their own.
    assert client.get(address(cohort)).status_code == 200
    assert Client().get(address(cohort)).status_code == 302


def test_after_losing_the_cohort_the_file_is_gone(
    ben_client: Client, cohort: Cohort, mock: MockExam, ana: User, ben: User, sent: list[str]
) -> None:
    sit(mock, ana)
    run = ask(ben_client, cohort)
    reports.write(run.pk, now=NOW)
    assert ben_client.get(pages(run)[1]).status_code == 200

    Membership.objects.filter(cohort=cohort, user=ben).update(left_at=NOW)

    assert [ben_client.get(page).status_code for page in pages(run)] == [404, 404]


def test_a_worker_that_fell_silent_is_told(
    ben_client: Client, cohort: Cohort, clock: Clock, sent: list[str]
) -> None:
    run = ask(ben_client, cohort)
    ReportRun.objects.filter(pk=run.pk).update(state="writing", claim=run.pk)
    clock.advance(seconds=timedelta(minutes=1).total_seconds())

    assert "Nothing has been heard" in ben_client.get(pages(run)[0]).content.decode()


def test_the_sweeps_take_up_and_forget(
    ben_client: Client, cohort: Cohort, clock: Clock, sent: list[str]
) -> None:
    run = ask(ben_client, cohort)
    sent.clear()
    clock.advance(seconds=180)
    tasks.resume_reports()
    assert sent == [str(run.pk)]
    tasks.write_report(sent[0])
    clock.advance(seconds=15 * 86_400)
    tasks.forget_reports()
    assert ben_client.get(pages(run)[0]).status_code == 404
