"""Where a question is used: papers by name, sittings by number, nobody's name."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import assembly, challenges, population, usage
from exams.models import MockExam, PaperItem
from questions import listing
from questions.models import Listing, Question
from tests.factories import NOW, make_exam, make_user, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam() -> MockExam:
    mock = make_exam(title="Full mock")
    assembly.ensure_papers(mock, now=NOW)
    listing.refresh_all()
    return mock


def a_question(mock: MockExam) -> Question:
    item = PaperItem.objects.filter(paper__mock=mock).select_related("version__question").earliest("slot")
    question: Question = item.version.question
    return question


def test_papers_and_sittings_are_counted_by_version(exam: MockExam, ana: User, cleo: User) -> None:
    question = a_question(exam)
    sit(exam, ana)
    start(exam, cleo, now=NOW + timedelta(hours=1))

    page = usage.usage_page(question)

    [version] = page.versions
    assert [(p.mock_title, p.number, p.slot) for p in version.papers] == [("Full mock", 1, 1)]
    assert version.attempts == (("mock exam", 2),)
    assert (version.number, version.is_current, version.sittings, version.running) == (1, True, 2, 1)
    assert (version.more_papers, version.own_papers, page.running) == (0, 0, 1)


def test_what_nothing_holds_is_used_nowhere(exam: MockExam) -> None:
    unused = Question.objects.exclude(versions__paper_items__isnull=False).first()
    assert unused is not None

    page = usage.usage_page(unused)

    assert not page.is_used and page.versions[0].sittings == 0


def test_papers_past_the_bound_are_counted(exam: MockExam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MAX_PAPERS", 0)

    [version] = usage.usage_page(a_question(exam)).versions

    assert (version.papers, version.more_papers) == ((), 1)


def test_the_page_and_its_fragment(
    exam: MockExam,
    client: Client,
    ben: User,
    ana: User,
) -> None:
    client.force_login(ben)
    question = a_question(exam)
    path = f"/bank/questions/{question.code}/usage/"
    page = client.get(path).content.decode()
    with CaptureQueriesContext(connection) as few:
        client.get(path, headers={"HX-Request": "true"})
    for n in range(3):
        sit(exam, make_user(f"Learner {n}"), now=NOW + timedelta(hours=n))
    with CaptureQueriesContext(connection) as many:
        part = client.get(path, headers={"HX-Request": "true"}).content.decode()

    assert len(few) == len(many)
    assert "Full mock" in page and "<html" in page
    assert "<html" not in part and "mock exam: <b>3</b>" in part
    assert "Learner 1" not in part


@pytest.mark.parametrize("code", ["nope", "a%00b", "x" * 300])
def test_an_unknown_question_is_not_found(client: Client, ben: User, code: str) -> None:
    client.force_login(ben)

    assert client.get(f"/bank/questions/{code}/usage/").status_code == 404


def test_a_learner_may_not_look(exam: MockExam, client: Client, cleo: User) -> None:
    client.force_login(cleo)

    assert client.get(f"/bank/questions/{a_question(exam).code}/usage/").status_code == 404


def test_the_list_is_written_anew_with_what_learners_said(exam: MockExam, ana: User) -> None:
    """After an upgrade from a version that had no list."""
    attempt = sit(exam, ana)
    population.fold(now=NOW + timedelta(hours=1))
    slot = attempt.responses.earliest("slot")
    challenges.raise_challenge(
        attempt,
        slot=slot.slot,
        learner=ana,
        text="B is right, too: the text says so.",
        now=NOW + timedelta(hours=1),
    )
    Listing.objects.all().delete()

    call_command("relist_bank", stdout=StringIO())

    line = Listing.objects.get(question=slot.version.question)
    assert (line.seen, line.facility, line.open_challenges) == (1, 1.0, 1)
    assert Listing.objects.count() == Question.objects.count()
