"""The study section over HTTP."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams.models import Attempt, ExamPlan, MockExam
from questions.models import Blueprint, Topic
from tests.exams.test_study import make_whole_exam
from tests.exams.test_views_practice import text_of
from tests.factories import make_blueprint, make_note, sit

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock(db: None) -> MockExam:
    mock = make_whole_exam()
    make_note(
        mock.blueprint, topic="1.1.1", title="Reading & writing", text="Read *this*.\n\n<script>x</script>"
    )
    return mock


def html(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


@pytest.mark.parametrize("address", ["/study/", "/study/1.1.1/"])
def test_one_signs_in_first(mock: MockExam, client: Client, address: str) -> None:
    response = client.get(address)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}")
    assert client.post(address).status_code == 405


def test_the_outline_leads_to_each_topic(mock: MockExam, ana: User, ana_client: Client) -> None:
    sit(mock, ana, right=24)
    page, text = html(ana_client, "/study/"), text_of(ana_client, "/study/")

    for code in Topic.objects.values_list("code", flat=True):
        assert f'href="/study/{code}/?blueprint={mock.blueprint.code}"' in page
    assert "1 short note" in text and "6 of 6 right" in text and "6 questions, 0 new" in text
    assert "no note yet" in text
    assert 'id="task-1.1"' in page
    assert '<a href="/study/" aria-current="page">Study</a>' in page


def test_a_newcomers_study_section_is_all_new(mock: MockExam, ana_client: Client) -> None:
    text = text_of(ana_client, "/study/")
    assert "nothing seen yet" in text and "6 questions, 6 new" in text


def test_nobody_elses_record_is_in_it(
    mock: MockExam, ana: User, cleo_client: Client, ana_client: Client
) -> None:
    sit(mock, ana)
    assert "6 of 6 right" in text_of(ana_client, "/study/")
    assert "right" not in text_of(cleo_client, "/study/").partition("What these figures rest on")[0]
    assert "You haven't met a question of this topic yet." in text_of(cleo_client, "/study/1.1.1/").replace(
        "&#x27;", "'"
    )


def test_the_note_is_shown_with_the_record_and_its_practice(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    sit(mock, ana, right=0)
    page, text = html(ana_client, "/study/1.1.1/"), text_of(ana_client, "/study/1.1.1/")

    assert "<em>this</em>" in page and "<script>x" not in page
    assert "Reading &amp; writing" in page
    assert 'rel="next" href="/study/1.2.1/' in page and 'rel="prev"' not in page
    assert '<input type="hidden" name="topic" value="1.1.1">' in page
    assert "6 questions on it" in text


def test_the_button_starts_a_practice_of_the_topic(mock: MockExam, ana: User, ana_client: Client) -> None:
    fields = {"topic": "1.2.1", "questions": "10", "blueprint": mock.blueprint.code}
    response = ana_client.post("/practice/", {**fields, "start_key": str(uuid.uuid4())})

    attempt = Attempt.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/attempts/{attempt.pk}/")
    assert set(attempt.responses.values_list("version__topic__code", flat=True)) == {"1.2.1"}


def test_the_chooser_shows_the_topic_that_was_asked_for(mock: MockExam, ana_client: Client) -> None:
    page = html(ana_client, "/practice/?topic=1.2.1&topic=%00&topic=9.9.9")
    assert page.count('name="topic"') == 1
    assert '<input type="checkbox" name="topic" value="1.2.1" checked>' in page
    assert 'name="topic"' not in html(ana_client, "/practice/")
    assert ana_client.post("/practice/", {"topic": "9.9.9", "questions": "10"}).status_code == 400


def test_a_topic_without_a_note_has_a_page(mock: MockExam, ana_client: Client) -> None:
    assert "No note yet" in text_of(ana_client, "/study/1.2.1/")


@pytest.mark.parametrize(
    "address",
    [
        *("/study/9.9.9/", "/study/%00/", "/study/1.1.1%27/", f"/study/{'x' * 300}/"),
        *("/study/1.1.1/?blueprint=NONE", "/study/1.1.1/?blueprint=%00", "/study/1.1.1/?blueprint="),
    ],
)
def test_what_is_not_there_is_not_found(mock: MockExam, ana_client: Client, address: str) -> None:
    assert ana_client.get(address).status_code == 404


def test_the_exam_is_the_learners_unless_another_is_asked_for(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    other = make_blueprint(code="ZZ-9")
    make_note(other, topic="1.1.1", title="Of the other exam")
    assert "Reading" in html(ana_client, "/study/1.1.1/")
    assert "Of the other exam" in html(ana_client, "/study/1.1.1/?blueprint=ZZ-9")
    ExamPlan.objects.create(learner=ana, blueprint=other)
    assert "Of the other exam" in html(ana_client, "/study/1.1.1/")
    assert "ZZ-9" in text_of(ana_client, "/study/").partition("Study</h1>")[0]
    # A code that no exam can have falls back to the learner's.
    assert "All that the exam asks" not in text_of(ana_client, "/study/?blueprint=%00")


def test_a_topic_of_another_exam_alone_is_found_without_asking(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    ExamPlan.objects.create(learner=ana, blueprint=mock.blueprint)
    make_blueprint(weights=(50, 30, 20), code="ZZ-9")
    assert "ZZ-9" in html(ana_client, "/study/3.1.1/")


def test_without_any_exam(ana_client: Client) -> None:
    assert "No exam has been set up here" in html(ana_client, "/study/")
    assert ana_client.get("/study/1.1.1/").status_code == 404


def test_the_same_queries_for_2_topics_and_for_20(ana_client: Client) -> None:
    small = make_blueprint(weights=(100,), tasks=2)
    large = make_blueprint(weights=(25, 25, 25, 25), tasks=5)
    for blueprint in (small, large):
        for code in Topic.objects.filter(task__domain__blueprint=blueprint).values_list("code", flat=True):
            make_note(blueprint, topic=code)

    def queries(path: str, blueprint: Blueprint) -> int:
        with CaptureQueriesContext(connection) as captured:
            html(ana_client, f"{path}?blueprint={blueprint.code}")
        return len(captured)

    for path in ("/study/", "/study/1.1.1/", "/weak-spots/"):
        assert queries(path, small) == queries(path, large) <= 22, path


# Links from elsewhere


def test_results_review_and_weak_spots_lead_to_the_note(
    mock: MockExam, ana: User, ana_client: Client
) -> None:
    attempt = sit(mock, ana, answers={n: None for n in range(1, 25)})
    link = f'href="/study/1.1.1/?blueprint={mock.blueprint.code}"'
    none = f'href="/study/1.2.1/?blueprint={mock.blueprint.code}"'

    def slot(topic: str) -> int:
        row = attempt.responses.filter(version__topic__code=topic).first()
        assert row is not None
        return row.slot

    for address in (f"/attempts/{attempt.pk}/results/domains/1/", "/weak-spots/"):
        assert link in html(ana_client, address), address
        assert none not in html(ana_client, address), address
    review = f"/attempts/{attempt.pk}/review/"
    assert link in html(ana_client, f"{review}?question={slot('1.1.1')}")
    assert "/study/1." not in html(ana_client, f"{review}?question={slot('1.2.1')}")
    assert f'href="/study/?blueprint={mock.blueprint.code}#task-' in html(
        ana_client, f"/attempts/{attempt.pk}/results/"
    )
