"""The page of a question's statistics: who sees it, and that it says what the figures mean."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from exams import delivery, population, results
from exams.models import Attempt, MockExam
from exams.statistics import mock_page
from questions.models import Question
from tests.factories import NOW, key_of, make_exam, make_mock, make_user, save, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8)


def url_of(question: Question) -> str:
    return reverse("exams:item_statistics", args=[question.code])


def sit_all(mock: MockExam, *, learners: int) -> Attempt:
    """Good and bad learners in turn; the first multiple-choice slot is keyed wrongly, so to speak."""
    for n in range(learners):
        attempt = start(mock, make_user())
        odd = attempt.responses.filter(version__item_type="multiple_choice").order_by("slot")[0]
        for slot in range(1, 9):
            if slot == odd.slot:
                save(attempt, slot, "b" if n % 2 else "a")
            elif n % 2 or slot > 5:
                save(attempt, slot, key_of(attempt, slot))
        delivery.submit_attempt(
            attempt.pk, learner=attempt.learner, now=NOW + timedelta(minutes=5), seconds={str(odd.slot): 42}
        )
        results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)
    return attempt


def odd_question(attempt: Attempt) -> Question:
    row = attempt.responses.filter(version__item_type="multiple_choice").order_by("slot")[0]
    return row.version.question


def test_learners_and_strangers_see_nothing(mock: MockExam, client: Client, ana: User) -> None:
    question = odd_question(sit_all(mock, learners=1))
    assert client.get(url_of(question)).status_code == 302

    client.force_login(ana)

    assert client.get(url_of(question)).status_code == 404


def test_figures_come_with_counts_and_flags_with_what_to_do(
    mock: MockExam, client: Client, ben: User
) -> None:
    question = odd_question(sit_all(mock, learners=32))
    client.force_login(ben)

    page = client.get(url_of(question)).content.decode()

    assert "Look at the key first" in page
    assert "Option B correlates better with the rest of the sitting than the key does." in page
    assert "16 of 32" in page
    assert "provisional" not in page
    assert "-1.00" in page
    assert "42 s" in page
    assert page.count("<figure") == 4
    assert "100% (16/16)" in page  # the top fifth's choice, in the picture's description
    assert mock.title in page


def test_few_learners_are_called_provisional(mock: MockExam, client: Client, ben: User) -> None:
    question = odd_question(sit_all(mock, learners=2))
    client.force_login(ben)

    page = client.get(url_of(question)).content.decode()

    assert "Fewer than 30 learners" in page
    assert "Look at the key first" not in page


def test_each_mock_has_its_own_line(mock: MockExam, client: Client, ben: User) -> None:
    other = make_mock(mock.blueprint, items=20)  # with all that domain 1 has
    sit(mock, make_user())
    first = sit(mock, make_user())
    question = first.responses.filter(version__topic__code="1.1.1").order_by("slot")[0].version.question
    attempt = start(other, make_user())
    slot = attempt.responses.get(version__question=question).slot
    delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW, seconds={str(slot): 9})
    results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)
    client.force_login(ben)

    response = client.get(url_of(question))

    lines = {row.title: (row.figures.correct, row.figures.n) for row in response.context["page"].mocks}
    assert lines == {mock.title: (2, 2), other.title: (0, 1)}
    assert response.context["page"].summary.n == 3


def test_no_answers_yet_another_version_and_none_at_all(mock: MockExam, client: Client, ben: User) -> None:
    question = Question.objects.filter(blueprint=mock.blueprint)[0]
    client.force_login(ben)

    assert "Nobody has met version 1" in client.get(url_of(question)).content.decode()
    assert client.get(url_of(question), {"version": "1"}).status_code == 200
    assert client.get(url_of(question), {"version": "9"}).status_code == 404
    assert client.get(url_of(question), {"version": "x"}).status_code == 200
    assert client.get(reverse("exams:item_statistics", args=["no-such"])).status_code == 404


def test_it_takes_few_statements_however_many_answered(
    mock: MockExam, client: Client, ben: User, django_assert_max_num_queries: Any
) -> None:
    question = odd_question(sit_all(mock, learners=12))
    client.force_login(ben)
    client.get(url_of(question))

    with django_assert_max_num_queries(10):
        client.get(url_of(question))


def test_the_question_page_links_it(mock: MockExam, client: Client, ben: User) -> None:
    question = Question.objects.filter(blueprint=mock.blueprint)[0]
    client.force_login(ben)

    page = client.get(reverse("questions:question", args=[question.code])).content.decode()

    assert url_of(question) in page


def test_the_page_of_a_mock_shows_what_its_first_attempts_say(
    mock: MockExam, ben: User, client: Client
) -> None:
    address = reverse("exams:bank_mock", args=[mock.code])
    client.force_login(ben)
    assert "No learner's first attempt is counted yet." in html.unescape(client.get(address).content.decode())

    sit_all(mock, learners=4)
    figures = mock_page.figures_of(mock)
    page = html.unescape(client.get(address).content.decode())

    # Good ones get 7 of the 8, odd slot aside; the others 3 and the odd slot.
    assert figures is not None and (figures.n, figures.items, figures.mean, figures.median) == (
        4,
        8,
        5.5,
        5.5,
    )
    assert figures.reliability is not None and figures.sem is not None
    assert "From 4 first attempts, in right answers of 8 scored questions. Provisional" in page
    assert f"<dt>Alpha</dt><dd>{figures.reliability:.2f}</dd>" in page
