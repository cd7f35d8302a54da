"""Two people at one question or one case at the same moment, on real threads."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection  # noqa: F401 what skipif reads

from accounts.models import Role, User
from questions import authoring, reviewing, scenarios
from questions.authoring import AuthoringError
from questions.models import Blueprint, Draft, Question, QuestionVersion, Review
from tests.factories import make_blueprint, make_user
from tests.questions.test_authoring import LATER, STEM, fields, publish, reviewed, write
from tests.test_concurrency import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs DATABASE_URL of a PostgreSQL"),
]


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="MLA-T1")


@pytest.fixture
def people() -> tuple[User, User, User]:
    ben, iris, cleo = (make_user(name, role=Role.INSTRUCTOR) for name in ("Ben", "Iris", "Cleo"))
    return ben, iris, cleo


def approve(review: Review, by: User) -> QuestionVersion:
    return reviewing.publish(Review.objects.get(pk=review.pk), words="", by=by, now=LATER)


def test_two_reviewers_publish_one_draft_once(blueprint: Blueprint, people: tuple[User, User, User]) -> None:
    ben, iris, cleo = people
    draft = write(blueprint, ben)
    one = reviewed(draft, by=ben, reviewer=iris)
    two = reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=cleo, now=LATER)
    ended = at_once(partial(approve, one, iris), partial(approve, two, cleo))
    assert sorted(type(each).__name__ for each in ended) == ["AuthoringError", "QuestionVersion"]
    assert QuestionVersion.objects.count() == 1


def test_a_draft_is_published_or_taken_back(blueprint: Blueprint, people: tuple[User, User, User]) -> None:
    ben, iris, _cleo = people
    draft = write(blueprint, ben)
    review = reviewed(draft, by=ben, reviewer=iris)

    def mend() -> Draft:
        back = reviewing.withdraw(draft, by=ben, now=LATER)
        changed = fields(blueprint, stem=STEM + " Mended.")
        return authoring.save_draft(back, fields=changed, revision=back.revision, by=ben, now=LATER)

    ended = at_once(partial(approve, review, iris), mend)
    assert sum(isinstance(each, AuthoringError) for each in ended) == 1, ended
    is_published = QuestionVersion.objects.exists()
    assert is_published is not Draft.objects.exists()


def test_two_questions_of_one_case_are_published_at_once(
    blueprint: Blueprint, people: tuple[User, User, User]
) -> None:
    """Each gives the other a next version that shows the new text: they must not wait for each other."""
    ben, iris, cleo = people
    case = scenarios.create_scenario(blueprint, code="halden", title="Halden", text="An insurer.")
    first = [
        publish(write(blueprint, ben, scenario=case, stem=f"{STEM} {n}"), by=ben, reviewer=iris).question
        for n in range(2)
    ]
    for n in range(4):
        shown = scenarios.latest(case)
        assert shown is not None
        scenarios.save_text(case, title="Halden", text=f"A bank {n}.", base=scenarios.stamp(shown))
        reviews = [
            reviewed(
                authoring.open_draft(Question.objects.get(pk=each.pk), by=ben, now=LATER),
                by=ben,
                reviewer=who,
            )
            for each, who in zip(first, (iris, cleo), strict=True)
        ]
        ended = at_once(partial(approve, reviews[0], iris), partial(approve, reviews[1], cleo))
        assert all(isinstance(each, QuestionVersion) for each in ended), ended
    texts = {Question.objects.get(pk=each.pk).current.scenario_version.text for each in first}  # type: ignore[union-attr]
    assert texts == {"A bank 3."}
