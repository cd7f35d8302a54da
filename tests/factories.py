"""Plain makers, built through the domain functions, so that a test can't start from an impossible state."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Cohort, Membership, Role, User
from exams import delivery, results, starting
from exams.models import Attempt, MockExam
from questions.content import ItemType, Option, Prompt, QuestionContent, fingerprint
from questions.models import Blueprint, Domain, Question, QuestionVersion, StudyNote, TaskStatement, Topic

NOW = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)

_numbers = itertools.count(1)


def count_anew() -> None:
    """Begin again at 1: a mock's code seeds its papers, and they must not depend on which tests ran before."""
    global _numbers
    _numbers = itertools.count(1)


def make_user(name: str = "Ana", *, role: Role = Role.LEARNER, **fields: Any) -> User:
    """An account with the password `secret`."""
    email = fields.pop("email", f"{name.lower()}-{next(_numbers)}@example.com")
    return User.objects.create_user(email, "secret", name=name, role=role, **fields)


def make_cohort(*, learners: tuple[User, ...] = (), instructors: tuple[User, ...] = ()) -> Cohort:
    cohort = Cohort.objects.create(title=f"Cohort {next(_numbers)}")
    for user in learners:
        Membership.objects.create(cohort=cohort, user=user, part=Membership.Part.LEARNER)
    for user in instructors:
        Membership.objects.create(cohort=cohort, user=user, part=Membership.Part.INSTRUCTOR)
    return cohort


def make_blueprint(*, weights: tuple[int, ...] = (60, 40), tasks: int = 2, **fields: Any) -> Blueprint:
    """A small exam: domains "1", "2" …, tasks "1.1", "1.2" …, one topic "1.1.1" in each."""
    code = fields.pop("code", f"TEST-{next(_numbers)}")
    values = {"title": f"Test exam {code}", "items": 10, "scored_items": 8, "minutes": 20, **fields}
    blueprint = Blueprint.objects.create(code=code, item_types=[str(t) for t in ItemType], **values)
    for d, weight in enumerate(weights, start=1):
        domain = Domain.objects.create(
            blueprint=blueprint, code=str(d), title=f"Domain {d}", weight=Decimal(weight), position=d
        )
        for t in range(1, tasks + 1):
            task = TaskStatement.objects.create(
                domain=domain, code=f"{d}.{t}", title=f"Task {d}.{t}", position=t
            )
            Topic.objects.create(task=task, code=f"{d}.{t}.1", title=f"Topic {d}.{t}.1", position=1)
    return blueprint


def make_content(
    item_type: ItemType = ItemType.MULTIPLE_CHOICE, *, stem: str = "Which option is right?"
) -> QuestionContent:
    """Keys: "a"; ["a", "b"]; ["a", "b", "c"] with "d" to spare; {"p1": "a", "p2": "b", "p3": "c"}."""
    ids = "abcde" if item_type is ItemType.MULTIPLE_RESPONSE else "abcd"
    keys = {ItemType.MULTIPLE_CHOICE: "a", ItemType.MULTIPLE_RESPONSE: "ab"}.get(item_type, "")
    options = tuple(
        Option(
            id=option_id,
            text=f"Option {option_id}",
            rationale=f"Rationale {option_id}",
            is_correct=option_id in keys,
            position=i if item_type is ItemType.ORDERING and i <= 3 else None,
        )
        for i, option_id in enumerate(ids, start=1)
    )
    prompts = tuple(
        Prompt(id=f"p{i}", text=f"Prompt {i}", match=option_id, rationale=f"Pair {i}")
        for i, option_id in enumerate("abc" if item_type is ItemType.MATCHING else "", start=1)
    )
    return QuestionContent(item_type, stem, options, prompts)


def make_published_question(
    blueprint: Blueprint,
    *,
    topic: str = "1.1.1",
    content: QuestionContent | None = None,
    difficulty: str = "0.60",
    code: str = "",
    **fields: Any,
) -> QuestionVersion:
    """A published question and its only version."""
    from questions import rendering

    content = content or make_content(stem=f"Which option of question {next(_numbers)} is right?")
    question = Question.objects.create(
        blueprint=blueprint, code=code or f"q-{next(_numbers):04}", state=Question.State.PUBLISHED
    )
    version = QuestionVersion.objects.create(
        question=question,
        number=1,
        topic=Topic.objects.get(code=topic, task__domain__blueprint=blueprint),
        item_type=str(content.item_type),
        level="apply",
        difficulty=Decimal(difficulty),
        content=content.to_json(),
        rendered=rendering.render_content(content),
        fingerprint=fingerprint(content.to_json()),
        published_at=NOW - timedelta(days=30),
        **fields,
    )
    question.current = version
    question.save()
    return version


def make_bank(blueprint: Blueprint, *, per_task: int = 6) -> list[QuestionVersion]:
    """`per_task` questions for each task: mostly multiple choice, one of each other type in every four."""
    types = (
        ItemType.MULTIPLE_CHOICE,
        ItemType.MULTIPLE_RESPONSE,
        ItemType.ORDERING,
        ItemType.MATCHING,
    )
    topics = (
        Topic.objects.filter(task__domain__blueprint=blueprint)
        .order_by("code")
        .values_list("code", flat=True)
    )
    return [
        make_published_question(
            blueprint,
            topic=topic,
            content=make_content(types[n % 4], stem=f"Question {n} of {topic}: which?"),
        )
        for topic in topics
        for n in range(per_task)
    ]


def make_note(
    blueprint: Blueprint, *, topic: str = "1.1.1", title: str = "", text: str = "What to *know*."
) -> StudyNote:
    """A study note without a file."""
    from questions import rendering

    row = Topic.objects.get(code=topic, task__domain__blueprint=blueprint)
    return StudyNote.objects.create(
        topic=row,
        title=title or row.title,
        text=text,
        rendered=rendering.render_note(text),
        fingerprint=fingerprint({"title": title or row.title, "text": text}),
        updated_at=NOW,
    )


def make_mock(
    blueprint: Blueprint, *, items: int = 8, unscored: int = 0, seconds: int = 1200, **fields: Any
) -> MockExam:
    """A mock of a bank made by `make_bank`."""
    number = next(_numbers)
    values = {"code": f"mock-{number}", "title": f"Mock {number}", **fields}
    return MockExam.objects.create(
        blueprint=blueprint, items=items, unscored=unscored, seconds=seconds, **values
    )


def make_exam(*, items: int = 8, **mock_fields: Any) -> MockExam:
    """Blueprint, bank and mock in one."""
    blueprint = make_blueprint()
    make_bank(blueprint)
    return make_mock(blueprint, items=items, **mock_fields)


def start(mock: MockExam, learner: User, *, now: datetime = NOW) -> Attempt:
    return starting.start_attempt(mock, learner=learner, now=now)


def save(
    attempt: Attempt, slot: int, answer: Any, *, revision: int = 1, now: datetime = NOW, **change: Any
) -> delivery.Saved:
    return delivery.save_response(
        attempt.pk,
        learner_id=attempt.learner_id,
        slot=slot,
        change=delivery.Change(answer=answer, revision=revision, **change),
        now=now,
    )


def key_of(attempt: Attempt, slot: int) -> Any:
    return attempt.responses.select_related("version").get(slot=slot).version.parsed.key


def sit(
    mock: MockExam,
    learner: User,
    *,
    right: int | None = None,
    answers: Mapping[int, Any] | None = None,
    now: datetime = NOW,
    score: bool = True,
) -> Attempt:
    """A whole sitting: the first `right` slots answered with their key (all when None), `answers` as given."""
    attempt = start(mock, learner, now=now)
    slots = range(1, attempt.paper.item_count + 1)
    given = dict(answers or {})
    for slot in slots if right is None else slots[:right]:
        given.setdefault(slot, key_of(attempt, slot))
    for slot, answer in given.items():
        save(attempt, slot, answer, now=now + timedelta(seconds=slot))
    attempt = delivery.submit_attempt(attempt.pk, learner=learner, now=now + timedelta(minutes=10))
    if score:
        results.score_attempt(attempt.pk, now=now + timedelta(minutes=10, seconds=1))
        attempt.refresh_from_db()
    return attempt
