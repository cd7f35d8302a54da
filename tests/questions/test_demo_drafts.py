from __future__ import annotations

import pytest

from accounts.models import Role, User
from questions import authoring, demo_drafts, reviewing
from questions.formats import bank_yaml
from questions.formats.exchange import ExchangeQuestion
from questions.linting import Severity, lint
from questions.models import Draft, Question, Topic
from tests.factories import NOW, make_blueprint, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def iris(db: None) -> User:
    return make_user("Iris", role=Role.INSTRUCTOR)


@pytest.fixture
def blueprint_of_the_demo(db: None) -> None:
    blueprint = make_blueprint(code="MLA-C01", weights=(25, 25, 25, 25), tasks=4)
    for code in ("4.1.2", "3.1.3", "4.1.4"):
        task = Topic.objects.get(code=f"{code[:3]}.1", task__domain__blueprint=blueprint).task
        Topic.objects.create(task=task, code=code, title=code)


def test_what_the_demo_shows_would_pass_the_linter() -> None:
    with demo_drafts.FILE.open("rb") as file:
        listed = list(bank_yaml.parse(file, "drafts.yaml"))
    assert len(listed) == 3
    for found in listed:
        assert isinstance(found, ExchangeQuestion)
        assert [f for f in lint(found.content) if f.severity is not Severity.HINT] == []


def test_drafts_stand_in_each_state_and_come_once(blueprint_of_the_demo: None, ben: User, iris: User) -> None:
    assert demo_drafts.load(author=ben, colleague=iris, now=NOW) == 3
    assert demo_drafts.load(author=ben, colleague=iris, now=NOW) == 0
    assert sorted(Draft.objects.values_list("state", flat=True)) == [
        "changes_requested",
        "draft",
        "in_review",
    ]
    waiting = Draft.objects.get(state="in_review")
    assert reviewing.may_review(waiting, ben) and not reviewing.may_review(waiting, iris)


def test_without_their_exam_there_are_none(ben: User, iris: User) -> None:
    assert demo_drafts.load(author=ben, colleague=iris, now=NOW) == 0


def test_they_can_be_taken_away_again(blueprint_of_the_demo: None, ben: User, iris: User) -> None:
    demo_drafts.load(author=ben, colleague=iris, now=NOW)
    waiting = Draft.objects.get(state="in_review")
    review = reviewing.answer_blind(
        waiting, answer=waiting.parsed.key, revision=waiting.revision, by=ben, now=NOW
    )
    version = reviewing.publish(review, words="", by=ben, now=NOW)
    authoring.open_draft(version.question, by=ben, now=NOW)
    demo_drafts.remove()
    assert list(Question.objects.values_list("code", "state")) == [(version.question.code, "retired")]
    assert not Draft.objects.exists()
