"""Choosing what to practise, and the feedback of each question."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams.models import Attempt, ExamPlan, MockExam
from questions.models import Question
from tests.exams import api
from tests.factories import make_bank, make_blueprint, make_exam

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


# ── practice ──


def practise(client: Client, **fields: Any) -> Any:
    return client.post("/practice/", {"questions": "5", "start_key": str(uuid.uuid4()), **fields})


def test_a_practice_of_a_domain_asks_from_all_its_tasks(ana_client: Client, mock: MockExam) -> None:
    response = practise(ana_client, domain="1", questions="30")

    attempt = Attempt.objects.get()
    assert (response.status_code, response["Location"]) == (302, api.of(attempt))
    assert set(attempt.responses.values_list("version__topic__task__code", flat=True)) == {"1.1", "1.2"}


def test_a_practice_of_a_task_from_a_weak_spots_button(ana_client: Client, mock: MockExam) -> None:
    response = practise(ana_client, task="2.1", questions="10", blueprint=mock.blueprint.code)

    assert response.status_code == 302
    assert set(Attempt.objects.get().responses.values_list("version__topic__task__code", flat=True)) == {
        "2.1"
    }


def test_a_form_sent_twice_starts_one_practice(ana_client: Client, mock: MockExam) -> None:
    key = str(uuid.uuid4())

    first, second = (practise(ana_client, task="1.1", start_key=key) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Attempt.objects.count() == 1


def test_each_visit_of_the_chooser_has_a_key_of_its_own(ana_client: Client, mock: MockExam) -> None:
    keys = {
        re.findall(
            r'name="start_key" value="([0-9a-f-]{36})"', ana_client.get("/practice/").content.decode()
        )[0]
        for _ in range(2)
    }

    assert len(keys) == 2


def test_a_link_may_choose_beforehand(ana_client: Client, mock: MockExam) -> None:
    html = ana_client.get("/practice/?task=1.2&domain=2").content.decode()

    assert re.findall(r'name="(\w+)" value="([\d.]+)" checked', html) == [
        ("task", "1.2"),
        ("domain", "2"),
        ("questions", "10"),
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Choose at least one domain or task."),
        ({"task": "9.9"}, "Choose at least one domain or task."),
        ({"task": "1.1", "questions": "7"}, "Select a valid choice"),
        ({"task": "1.1", "questions": "x"}, "Select a valid choice"),
    ],
)
def test_a_practice_that_cannot_start_says_why(
    ana_client: Client, mock: MockExam, fields: dict[str, str], says: str
) -> None:
    response = practise(ana_client, **fields)

    assert (response.status_code, Attempt.objects.count()) == (400, 0)
    assert says in response.content.decode()


def test_a_key_that_is_none_starts_nothing(ana_client: Client, mock: MockExam) -> None:
    response = practise(ana_client, task="1.1", start_key="nonsense")

    assert (response.status_code, Attempt.objects.count()) == (400, 0)


def test_nothing_published_in_what_was_chosen(ana_client: Client, mock: MockExam) -> None:
    Question.objects.update(state=Question.State.RETIRED)

    response = practise(ana_client, task="1.1")

    assert response.status_code == 400
    assert "no published questions" in response.content.decode()


def test_without_any_exam_the_chooser_says_so(ana_client: Client) -> None:
    assert "Nothing to practise yet" in text_of(ana_client, "/practice/")
    assert practise(ana_client, task="1.1").status_code == 200


def test_the_chooser_opens_with_the_exam_one_prepares_for(
    ana_client: Client, ana: User, mock: MockExam
) -> None:
    other = make_blueprint()
    ExamPlan.objects.create(learner=ana, blueprint=other)

    assert f'name="blueprint" value="{other.code}"' in ana_client.get("/practice/").content.decode()
    asked = ana_client.get(f"/practice/?blueprint={mock.blueprint.code}").content.decode()
    assert f'name="blueprint" value="{mock.blueprint.code}"' in asked


def test_the_chooser_takes_as_many_queries_for_many_tasks_as_for_few(ana_client: Client) -> None:
    counts = []
    for tasks in (2, 12):
        blueprint = make_blueprint(tasks=tasks)
        make_bank(blueprint, per_task=1)
        with CaptureQueriesContext(connection) as captured:
            assert ana_client.get(f"/practice/?blueprint={blueprint.code}").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_practice_shows_its_feedback_as_fragment_and_as_page(ana_client: Client, mock: MockExam) -> None:
    practise(ana_client, task="1.1")
    attempt = Attempt.objects.get()
    slot = attempt.responses.filter(version__item_type="multiple_choice").values_list("slot", flat=True)[0]
    api.save(ana_client, attempt, slot, "b")
    before = ana_client.get(api.of(attempt)).content.decode()
    address = api.of(attempt, f"responses/{slot}/feedback/")

    fragment = ana_client.post(address, headers={"HX-Request": "true"}).content.decode()
    after = ana_client.get(api.of(attempt)).content.decode()

    assert "Rationale" not in before
    assert 'data-correct="false"' in fragment and fragment.count("Rationale") == 4 and "<html" not in fragment
    assert after.count("Rationale") == 4
    changed = api.save(ana_client, attempt, slot, "a", revision=2)
    assert (changed.status_code, changed.json()["code"], changed.json()["answer"]) == (409, "checked", "b")


def test_without_javascript_checking_saves_the_form_first(ana_client: Client, mock: MockExam) -> None:
    practise(ana_client, task="1.1")
    attempt = Attempt.objects.get()
    slot = attempt.responses.filter(version__item_type="multiple_choice").values_list("slot", flat=True)[0]
    fields = {f"revision-{n}": "0" for n in range(1, attempt.paper.item_count + 1)} | {f"answer-{slot}": "a"}

    response = ana_client.post(
        api.of(attempt, f"responses/{slot}/feedback/"), fields, headers={"Accept": "text/html,*/*"}
    )

    assert (response.status_code, response["Location"]) == (302, f"{api.of(attempt)}#question-{slot}")
    assert 'data-correct="true"' in ana_client.get(api.of(attempt)).content.decode()


def test_feedback_of_a_finished_practice_leads_to_its_result(ana_client: Client, mock: MockExam) -> None:
    practise(ana_client, task="1.1")
    attempt = Attempt.objects.get()
    api.submit(ana_client, attempt)

    response = ana_client.post(api.of(attempt, "responses/1/feedback/"))

    assert response["Location"] == api.of(attempt, "results/")
