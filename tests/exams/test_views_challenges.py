"""Challenges over HTTP: from the review to the queue and back, and who may do what."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import challenges, data_export
from exams.models import Attempt, Challenge, ItemStatistic, MockExam
from exams.review_policy import Part, Phase
from tests.exams.conftest import Clock
from tests.exams.test_challenges import TEXT
from tests.factories import NOW, make_cohort, make_exam, make_user, sit, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def attempt(mock: MockExam, ana: User) -> Attempt:
    return sit(mock, ana)


@pytest.fixture
def ben_client(clock: Clock, ben: User) -> Client:
    client = Client()
    client.force_login(ben)
    return client


def address(attempt: Attempt, slot: int = 1) -> str:
    return f"/attempts/{attempt.pk}/review/{slot}/challenge/"


def review(attempt: Attempt, slot: int = 1) -> str:
    return f"/attempts/{attempt.pk}/review/?question={slot}"


def raise_(attempt: Attempt, slot: int = 1, **given: Any) -> Challenge:
    values = {"learner": attempt.learner, "text": TEXT, "now": NOW, **given}
    return challenges.raise_challenge(attempt, slot=slot, **values)


def html(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


# Who may


def test_the_matrix_of_roles(attempt: Attempt, clock: Clock, ana: User, ben: User, cleo: User) -> None:
    raised = raise_(attempt)
    answered = f"/challenges/{raised.pk}/answer/"
    # address, method: anonymous, Ana, Ben (her instructor), Cleo, Mia (admin)
    expected = {
        ("GET", "/challenges/"): (302, 200, 200, 200, 200),
        ("GET", "/challenges/queue/"): (302, 404, 200, 404, 200),
        ("POST", "/challenges/queue/"): (405, 405, 405, 405, 405),
        ("POST", "/challenges/"): (405, 405, 405, 405, 405),
        ("GET", answered): (405, 405, 405, 405, 405),
        ("POST", answered): (302, 404, 400, 404, 400),
        ("GET", address(attempt, 2)): (405, 405, 405, 405, 405),
        ("POST", address(attempt, 2)): (302, 400, 404, 404, 404),
    }
    make_cohort(learners=(ana,), instructors=(ben,))
    for (method, path), codes in expected.items():
        for user, code in zip((None, ana, ben, cleo, make_user("Mia", role=Role.ADMIN)), codes, strict=True):
            client = Client()
            if user:
                client.force_login(user)
            response = client.get(path) if method == "GET" else client.post(path)
            assert response.status_code == code, (method, path, user)
            if code == 302:
                assert response["Location"].startswith("/accounts/login/?next=")
    assert Challenge.objects.get().is_open


def test_a_queue_that_is_forbidden_looks_like_a_page_that_is_missing(ana_client: Client) -> None:
    forbidden, missing = ana_client.get("/challenges/queue/"), ana_client.get("/challenges/nothing/")
    assert forbidden.status_code == missing.status_code == 404
    assert len(forbidden.content) == len(missing.content)


def test_cleo_sees_nothing_of_anas(attempt: Attempt, cleo_client: Client) -> None:
    raise_(attempt)
    assert "Nothing challenged yet" in html(cleo_client, "/challenges/")
    assert cleo_client.post(address(attempt), {"text": TEXT}).status_code == 404
    assert Challenge.objects.count() == 1


# From the review


def test_from_the_review_and_back_to_it(attempt: Attempt, ana_client: Client) -> None:
    page = html(ana_client, review(attempt, 3))
    assert f'action="{address(attempt, 3)}"' in page and "I think this is wrong because" in page

    response = ana_client.post(address(attempt, 3), {"text": f"  {TEXT}\r\n"})
    assert (response.status_code, response["Location"]) == (302, f"{review(attempt, 3)}#challenge")
    raised = Challenge.objects.get()
    assert (raised.text, raised.version) == (TEXT, attempt.responses.get(slot=3).version)

    page = html(ana_client, review(attempt, 3))
    assert TEXT in page and f'action="{address(attempt, 3)}"' not in page
    assert TEXT not in html(ana_client, review(attempt, 4))
    assert TEXT in html(ana_client, "/challenges/")


def test_a_second_click_stores_nothing_more(attempt: Attempt, ana_client: Client) -> None:
    for _ in range(2):
        response = ana_client.post(address(attempt), {"text": TEXT}, follow=True)
    assert Challenge.objects.count() == 1
    assert "that one is still open" in response.content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Say what is wrong and why."),
        ("too short", "at least 20 characters"),
        ("x" * 2001, "at most 2000 characters"),
        ("x" * 30 + "\x00", "Null characters are not allowed."),
    ],
)
def test_a_bad_text_is_handed_back(attempt: Attempt, ana_client: Client, text: str, said: str) -> None:
    response = ana_client.post(address(attempt, 2), {"text": text})
    page = response.content.decode()
    assert response.status_code == 400
    assert said in page and "Question 2" in page and 'aria-invalid="true"' in page
    assert not text or text.replace("\x00", "") in page.replace("\x00", "")
    assert not Challenge.objects.exists()


def test_2000_characters_on_lines_of_their_own_are_2000(attempt: Attempt, ana_client: Client) -> None:
    ana_client.post(address(attempt), {"text": "\r\n".join(["x"] * 1000) + "y"})
    assert len(Challenge.objects.get().text) == 2000


def test_markup_in_a_challenge_is_text(
    attempt: Attempt, ana_client: Client, ben_client: Client, ben: User
) -> None:
    text = "<script>alert(1)</script> **bold** [link](https://example.com)"
    ana_client.post(address(attempt), {"text": text})
    raised = Challenge.objects.get()
    pages = [(ana_client, review(attempt)), (ana_client, "/challenges/"), (ben_client, "/challenges/queue/")]
    for client, path in pages:
        page = html(client, path)
        assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; **bold** [link]" in page
    ben_client.post(f"/challenges/{raised.pk}/answer/", {"words": text, "verdict": "decline"})
    for client, path in pages:
        assert "<script>alert" not in html(client, path)


def test_before_keys_are_shown_there_is_nothing_to_challenge(
    ana: User, ana_client: Client, clock: Clock
) -> None:
    policy = {
        Phase.DURING: [],
        Phase.RIGHT_AFTER: [Part.SCORE, Part.MARKS],
        Phase.AFTER_WINDOW: list(Part),
    }
    mock = make_exam(items=4, closes_at=NOW + timedelta(days=7), review_policy=policy)
    attempt = sit(mock, ana)
    clock.advance(3600)
    assert "I think this is wrong" not in html(ana_client, review(attempt))
    for text in (TEXT, ""):
        response = ana_client.post(address(attempt), {"text": text})
        assert response.status_code == 404
        assert b"Rationale" not in response.content
    clock.advance(8 * 86_400)
    assert "I think this is wrong" in html(ana_client, review(attempt))
    assert ana_client.post(address(attempt), {"text": TEXT}).status_code == 302


def test_a_running_attempt_and_a_slot_that_is_not_there(
    mock: MockExam, ana: User, attempt: Attempt, ana_client: Client
) -> None:
    running = start(mock, ana)
    for path in (
        address(running),
        address(attempt, 99),
        address(attempt, 2**70),
        address(Attempt(pk=uuid.uuid4())),
    ):
        for text in (TEXT, "x"):
            assert ana_client.post(path, {"text": text}).status_code == 404, path
    assert not Challenge.objects.exists()


def test_an_instructor_reading_a_learners_review_is_asked_nothing(
    attempt: Attempt, ana: User, ben: User, ben_client: Client
) -> None:
    make_cohort(learners=(ana,), instructors=(ben,))
    raise_(attempt)
    page = html(ben_client, review(attempt))
    assert "I think this is wrong" not in page and TEXT not in page


# The queue


def answer(client: Client, raised: Challenge, **fields: str) -> Any:
    return client.post(f"/challenges/{raised.pk}/answer/", fields)


def test_the_queue_shows_the_question_with_key_and_statistics(
    attempt: Attempt, ana: User, ben_client: Client
) -> None:
    raised = raise_(attempt)
    page = html(ben_client, "/challenges/queue/")
    for said in (
        TEXT,
        raised.version.rendered["stem"],
        "no statistics yet",
        "Accepting changes no score yet",
    ):
        assert said in page, said
    assert "Rationale a" in page or "Pair 1" in page
    # Who says it must not weigh.
    assert ana.name not in page and ana.email not in page
    ItemStatistic.objects.create(version=raised.version, n=40, correct=25)
    page = html(ben_client, "/challenges/queue/")
    assert "<b>63%</b> (47–76)" in page and "25 of 40" in page


@pytest.mark.parametrize(("verdict", "state"), [("accept", "accepted"), ("decline", "declined")])
def test_the_learner_reads_the_answer(
    attempt: Attempt, ana_client: Client, ben_client: Client, ben: User, verdict: str, state: str
) -> None:
    raised = raise_(attempt)
    response = answer(ben_client, raised, words="Read option B\r\nonce more.", verdict=verdict)
    assert (response.status_code, response["Location"]) == (302, "/challenges/queue/")
    raised.refresh_from_db()
    assert (raised.state, raised.answered_by) == (state, ben)
    for path in ("/challenges/", review(attempt)):
        page = html(ana_client, path)
        assert "Read option B\nonce more." in page and state in page
        assert ("score hasn&#x27;t changed" in page or "score hasn't changed" in page) is (
            verdict == "accept"
        )
    # Answered, it may be challenged again, with a better reason.
    assert "Challenge it again" in html(ana_client, review(attempt))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"words": "", "verdict": "accept"}, "Give the learner a reason."),
        ({"words": "  \r\n ", "verdict": "accept"}, "Give the learner a reason."),
        ({"words": "x" * 2001, "verdict": "decline"}, "at most 2000 characters"),
        ({"words": "Kept words"}, "Accept or decline."),
        ({"words": "Kept words", "verdict": "perhaps"}, "Accept or decline."),
        ({"words": "Kept\x00 words", "verdict": "accept"}, "Null characters are not allowed."),
    ],
)
def test_a_bad_answer_is_handed_back(
    attempt: Attempt, ben_client: Client, fields: dict[str, str], said: str
) -> None:
    raised = raise_(attempt)
    response = answer(ben_client, raised, **fields)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert fields["words"].strip() in response.content.decode()
    raised.refresh_from_db()
    assert raised.is_open


def test_the_second_answer_is_not_stored(attempt: Attempt, ben: User, ben_client: Client) -> None:
    raised = raise_(attempt)
    challenges.answer_challenge(raised.pk, by=ben, accept=True, words="The first.", now=NOW)
    response = ben_client.post(
        f"/challenges/{raised.pk}/answer/", {"words": "The second.", "verdict": "decline"}, follow=True
    )
    assert "already answered" in response.content.decode()
    raised.refresh_from_db()
    assert raised.answer == "The first."


@pytest.mark.parametrize("challenge_id", [0, 999, 2**63, 2**80])
def test_a_challenge_that_is_not_there_cannot_be_answered(ben_client: Client, challenge_id: int) -> None:
    for fields in ({"words": "Yes.", "verdict": "accept"}, {}):
        assert ben_client.post(f"/challenges/{challenge_id}/answer/", fields).status_code == 404


def test_pages_of_ten_with_the_open_ones_first(
    mock: MockExam, attempt: Attempt, ben: User, ben_client: Client
) -> None:
    done = raise_(attempt, text="The one that is answered already.")
    challenges.answer_challenge(done.pk, by=ben, accept=False, words="No.", now=NOW)
    for number in range(10):
        raise_(sit(mock, make_user(f"L{number}")))
    first, second = html(ben_client, "/challenges/queue/"), html(ben_client, "/challenges/queue/?page=2")
    assert first.count(TEXT) == 10 and done.text not in first
    assert second.count(TEXT) == 0 and done.text in second
    for odd in ("0", "-1", "x", "99", "\x00"):
        assert ben_client.get("/challenges/queue/", {"page": odd}).status_code == 200


# The number in the navigation


def test_who_answers_sees_how_many_wait(
    attempt: Attempt, ana_client: Client, ben: User, ben_client: Client
) -> None:
    assert 'class="count"' not in html(ben_client, "/mocks/")
    first = raise_(attempt)
    raise_(attempt, 2)
    assert '<span class="count">2<' in html(ben_client, "/mocks/")
    challenges.answer_challenge(first.pk, by=ben, accept=True, words="Yes.", now=NOW)
    assert '<span class="count">1<' in html(ben_client, "/mocks/")
    page = html(ana_client, "/mocks/")
    assert 'class="count"' not in page and "/challenges/queue/" not in page


def test_the_number_costs_one_query_and_learners_none(
    attempt: Attempt, ana_client: Client, ben_client: Client
) -> None:
    def counts(client: Client) -> int:
        with CaptureQueriesContext(connection) as captured:
            html(client, "/mocks/")
        return sum('FROM "exams_challenge"' in query["sql"] for query in captured)

    assert (counts(ana_client), counts(ben_client)) == (0, 1)


def test_lists_take_as_many_queries_for_20_as_for_2(
    mock: MockExam, attempt: Attempt, ana_client: Client, ben_client: Client
) -> None:
    def queries() -> list[int]:
        counted = []
        for client, path in (
            (ana_client, "/challenges/"),
            (ana_client, review(attempt)),
            (ben_client, "/challenges/queue/"),
        ):
            with CaptureQueriesContext(connection) as captured:
                html(client, path)
            counted.append(len(captured))
        return counted

    raise_(attempt, 1)
    raise_(attempt, 2)
    with_two = queries()
    for slot in range(3, 9):
        raise_(attempt, slot)
    for number in range(12):
        raise_(sit(mock, make_user(f"L{number}")))
    assert queries() == with_two


def test_the_learners_data_hold_them(attempt: Attempt, ana: User, ben: User, cleo: User) -> None:
    raised = raise_(attempt)
    challenges.answer_challenge(raised.pk, by=ben, accept=True, words="Yes.", now=NOW)
    (row,) = data_export.everything_about(ana, now=NOW)["challenges"]
    assert (row["text"], row["state"], row["answer"]) == (TEXT, "accepted", "Yes.")
    assert row["question_code"] == raised.version.question.code
    assert data_export.everything_about(cleo, now=NOW)["challenges"] == []
