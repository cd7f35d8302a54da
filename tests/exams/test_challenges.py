"""Challenges: who may raise one and when, and that each is answered once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import challenges, delivery, practice, results
from exams.challenges import MAX_TEXT, MIN_TEXT, ChallengeError
from exams.models import Attempt, Challenge, ItemStatistic, MockExam
from exams.review_policy import Part, Phase
from questions.content import ItemType
from tests.factories import (
    NOW,
    make_blueprint,
    make_content,
    make_exam,
    make_mock,
    make_published_question,
    make_user,
    sit,
    start,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
TEXT = "Two of the options say the same thing."


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def attempt(mock: MockExam, ana: User) -> Attempt:
    return sit(mock, ana)


def challenge(attempt: Attempt, slot: int = 1, **given: Any) -> Challenge:
    values = {"learner": attempt.learner, "text": TEXT, "now": LATER, **given}
    return challenges.raise_challenge(attempt, slot=slot, **values)


def answer(raised: Challenge, by: User, **given: Any) -> Challenge:
    values = {"accept": False, "words": "They don't: read B again.", "now": LATER, **given}
    return challenges.answer_challenge(raised.pk, by=by, **values)


# Raising


def test_a_challenge_is_tied_to_the_version_that_was_sat(attempt: Attempt, ana: User) -> None:
    raised = challenge(attempt, slot=3)
    assert raised.version == attempt.responses.get(slot=3).version
    assert (raised.attempt, raised.learner, raised.state) == (attempt, ana, "open")
    assert (raised.text, raised.created_at, raised.answer, raised.answered_at) == (TEXT, LATER, "", None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "too_short"),
        ("x" * (MIN_TEXT - 1), "too_short"),
        (" " * 50 + "short" + "\n" * 50, "too_short"),
        ("x" * (MAX_TEXT + 1), "too_long"),
    ],
)
def test_a_text_needs_substance_and_an_end(attempt: Attempt, text: str, code: str) -> None:
    with pytest.raises(ChallengeError, match=code):
        challenge(attempt, text=text)
    assert not Challenge.objects.exists()


@pytest.mark.parametrize("text", ["x" * MIN_TEXT, "x" * MAX_TEXT, "\r\n" * 999 + "x" * 20])
def test_the_bounds_belong_to_what_is_allowed(attempt: Attempt, text: str) -> None:
    assert challenge(attempt, text=text).text == challenges.plain(text)


def test_a_line_end_counts_once(attempt: Attempt) -> None:
    assert (
        challenge(attempt, text="one line\r\nand another, longer\r").text == "one line\nand another, longer"
    )


def test_nobody_challenges_from_somebody_elses_attempt(attempt: Attempt, cleo: User, ben: User) -> None:
    for other in (cleo, ben, make_user("Mia", role=Role.ADMIN)):
        with pytest.raises(ChallengeError, match="not_found"):
            challenge(attempt, learner=other)


@pytest.mark.parametrize("slot", [0, 9, -1, 2**70])
def test_a_slot_that_is_not_there(attempt: Attempt, slot: int) -> None:
    with pytest.raises(ChallengeError, match="not_found"):
        challenge(attempt, slot=slot)


def test_not_while_sitting_and_not_before_scoring(mock: MockExam, ana: User) -> None:
    running = start(mock, ana)
    with pytest.raises(ChallengeError, match="keys_not_shown"):
        challenge(running)
    closed = sit(make_mock(mock.blueprint), ana, score=False)
    with pytest.raises(ChallengeError, match="keys_not_shown"):
        challenge(closed)


@pytest.mark.parametrize("shown", [[], [Part.SCORE], [Part.SCORE, Part.MARKS]])
def test_not_before_the_review_shows_the_keys(ana: User, shown: list[str]) -> None:
    policy = {Phase.DURING: [], Phase.RIGHT_AFTER: shown, Phase.AFTER_WINDOW: list(Part)}
    mock = make_exam(items=4, closes_at=NOW + timedelta(days=7), review_policy=policy)
    attempt = sit(mock, ana)
    with pytest.raises(ChallengeError, match="keys_not_shown"):
        challenge(attempt)
    assert challenge(attempt, now=NOW + timedelta(days=8)).state == "open"


def test_a_practice_can_be_challenged_too(mock: MockExam, ana: User) -> None:
    task = mock.blueprint.domains.get(code="1").tasks.get(code="1.1")
    attempt = practice.start_practice(
        mock.blueprint, learner=ana, task_ids=[task.pk], questions=5, start_key=uuid.uuid4(), now=NOW
    )
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)
    attempt.refresh_from_db()
    assert challenge(attempt).state == "open"


def test_one_open_challenge_a_version(attempt: Attempt, mock: MockExam, ben: User) -> None:
    first = challenge(attempt)
    with pytest.raises(ChallengeError, match="already_open"):
        challenge(attempt, text="Another reason, just as long.")
    assert challenge(attempt, slot=2).pk
    answer(first, ben)
    assert challenge(attempt).pk != first.pk


def test_the_same_version_from_another_sitting_is_the_same_question(
    attempt: Attempt, mock: MockExam, ana: User
) -> None:
    challenge(attempt)
    again = sit(mock, ana, now=NOW + timedelta(minutes=20))
    slot = again.responses.get(version=attempt.responses.get(slot=1).version_id).slot
    with pytest.raises(ChallengeError, match="already_open"):
        challenge(again, slot=slot)


def test_two_learners_may_challenge_the_same(attempt: Attempt, mock: MockExam, cleo: User) -> None:
    challenge(attempt)
    hers = sit(mock, cleo)
    slot = hers.responses.get(version=attempt.responses.get(slot=1).version_id).slot
    assert challenge(hers, slot=slot).state == "open"


def test_the_database_knows_the_rules_too(attempt: Attempt) -> None:
    raised = challenge(attempt)
    copy = Challenge(
        version=raised.version, attempt=attempt, learner=attempt.learner, text=TEXT, created_at=LATER
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Challenge.objects.filter(pk=raised.pk).update(answered_at=LATER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Challenge.objects.filter(pk=raised.pk).update(state="accepted")


# Answering


@pytest.mark.parametrize(("accept", "state"), [(True, "accepted"), (False, "declined")])
def test_an_answer_says_who_and_when(attempt: Attempt, ben: User, accept: bool, state: str) -> None:
    answered = answer(challenge(attempt), ben, accept=accept, words=" Because.\r\n", now=NOW)
    answered.refresh_from_db()
    assert (answered.state, answered.answer) == (state, "Because.")
    assert (answered.answered_by, answered.answered_at) == (ben, NOW)


def test_accepting_changes_no_score(attempt: Attempt, ben: User) -> None:
    before = list(attempt.responses.values()), attempt.result.scaled_score
    answer(challenge(attempt), ben, accept=True)
    attempt.result.refresh_from_db()
    assert (list(attempt.responses.values()), attempt.result.scaled_score) == before


def test_the_first_answer_stands(attempt: Attempt, ben: User) -> None:
    raised = challenge(attempt)
    answer(raised, ben, words="The first.")
    with pytest.raises(ChallengeError, match="already_answered"):
        answer(raised, make_user("Mia", role=Role.ADMIN), accept=True, words="The second.")
    raised.refresh_from_db()
    assert (raised.state, raised.answer, raised.answered_by) == ("declined", "The first.", ben)


@pytest.mark.parametrize(("words", "code"), [(" \n", "no_words"), ("x" * 2001, "too_long")])
def test_an_answer_has_words(attempt: Attempt, ben: User, words: str, code: str) -> None:
    raised = challenge(attempt)
    with pytest.raises(ChallengeError, match=code):
        answer(raised, ben, words=words)
    raised.refresh_from_db()
    assert raised.is_open


def test_a_challenge_that_is_not_there(ben: User) -> None:
    with pytest.raises(ChallengeError, match="not_found"):
        challenges.answer_challenge(7, by=ben, accept=True, words="Yes.", now=NOW)


# Reading


def test_who_sees_which(attempt: Attempt, ana: User, ben: User, cleo: User) -> None:
    challenge(attempt)
    mia = make_user("Mia", role=Role.ADMIN)
    seen = {user.name: Challenge.objects.visible_to(user).count() for user in (ana, ben, cleo, mia)}
    assert seen == {"Ana": 1, "Ben": 1, "Cleo": 0, "Mia": 1}
    assert Challenge.objects.raised_by(ben).count() == 0


def test_the_learner_is_led_back_to_the_slot(attempt: Attempt, ana: User, cleo: User) -> None:
    raised = challenge(attempt, slot=3)
    _, (row,) = challenges.own_page(ana, page_number=None)
    assert (row.attempt_id, row.slot, row.version, row.current_version) == (attempt.pk, 3, 1, 1)
    assert row.stem_html == raised.version.rendered["stem"]
    assert challenges.of_question(ana, raised.version_id) == (row,)
    assert challenges.of_question(cleo, raised.version_id) == ()
    assert challenges.own_page(cleo, page_number="x")[1] == ()


def test_the_queue_begins_with_who_waits_longest_and_ends_with_what_is_done(
    attempt: Attempt, ben: User
) -> None:
    raised = [challenge(attempt, slot=n, now=NOW + timedelta(minutes=10 - n)) for n in range(1, 6)]
    answer(raised[4], ben, now=LATER)
    answer(raised[0], ben, now=LATER + timedelta(minutes=1))
    page = challenges.queue_page(page_number=None)
    assert [row.id for row in page.rows] == [raised[n].pk for n in (3, 2, 1, 0, 4)]
    assert page.waiting == challenges.waiting_count() == 3


def test_the_statistics_stand_beside_it(attempt: Attempt) -> None:
    raised = challenge(attempt)
    (row,) = challenges.queue_page(page_number=None).rows
    assert row.facility is None
    ItemStatistic.objects.create(version=raised.version, n=0, correct=0)
    (row,) = challenges.queue_page(page_number=None).rows
    assert row.facility is None
    ItemStatistic.objects.update(n=40, correct=25)
    (row,) = challenges.queue_page(page_number=None).rows
    assert row.facility is not None
    assert (row.facility.percent, row.facility.low_percent, row.facility.high_percent) == (63, 47, 76)
    assert row.question.expected_percent == 60


@pytest.mark.parametrize(
    ("item_type", "keys"),
    [
        (ItemType.MULTIPLE_CHOICE, [("A", True, None), ("B", False, None)]),
        (ItemType.MULTIPLE_RESPONSE, [("A", True, None), ("B", True, None)]),
        (ItemType.ORDERING, [("A", True, 1), ("B", True, 2)]),
        (ItemType.MATCHING, [("A", False, None), ("B", False, None)]),
    ],
)
def test_the_author_sees_the_key_of_every_type(
    db: None, item_type: ItemType, keys: list[tuple[str, bool, int | None]]
) -> None:
    version = make_published_question(make_blueprint(), content=make_content(item_type))
    question = challenges.keyed_question(version, current_version=2)
    assert [(o.letter, o.is_key, o.position) for o in question.options[:2]] == keys
    assert question.options[0].rationale_html == "Rationale a"
    pairs = [(p.html, p.match_html, p.rationale_html) for p in question.prompts]
    assert pairs[:1] == ([("Prompt 1", "Option a", "Pair 1")] if item_type is ItemType.MATCHING else [])


def test_twenty_challenges_take_as_many_queries_as_two(attempt: Attempt, mock: MockExam, ana: User) -> None:
    def queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queue:
            challenges.queue_page(page_number=None)
        with CaptureQueriesContext(connection) as own:
            challenges.own_page(ana, page_number=None)
        return len(queue), len(own)

    challenge(attempt, slot=1)
    challenge(attempt, slot=2)
    with_two = queries()
    for slot in range(3, 9):
        challenge(attempt, slot=slot)
    for number in range(12):
        learner = make_user(f"L{number}")
        challenge(sit(mock, learner))
    assert Challenge.objects.count() == 20
    assert queries() == with_two == (3, 2)
