"""What a run needs in its database: an exam of any size, learners who are signed in, sittings in any state."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Role, User
from exams import assembly, starting
from exams.models import Attempt, MockExam, Response
from questions import rendering
from questions.content import ItemType, Option, Prompt, QuestionContent, fingerprint
from questions.models import Blueprint, Domain, Question, QuestionVersion, TaskStatement, Topic

SEED = 2026
WEIGHTS = (28, 26, 24, 22)
TASKS, TOPICS = 3, 4
PROTOTYPES = 40
"""Different contents; a bank of 10,000 repeats them, for rendering Markdown is not what is measured."""
WORDS = (
    "a model",
    "the data",
    "training",
    "an endpoint",
    "drift",
    "in a bucket",
    "cost",
    "latency",
    "because",
    "must",
)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Learner:
    pk: int
    session: str


@dataclass(frozen=True)
class Sitting:
    """A learner's running attempt; `types` are those of its slots, from the first."""

    attempt_id: uuid.UUID
    learner: Learner
    types: tuple[ItemType, ...]

    @property
    def path(self) -> str:
        return f"/attempts/{self.attempt_id}/"

    def slot(self, turn: int) -> int:
        """The slots in turn."""
        return (turn - 1) % len(self.types) + 1

    def answer(self, turn: int) -> object:
        """For that slot: now right, now wrong."""
        return (RIGHT if turn // len(self.types) % 2 else WRONG)[self.types[self.slot(turn) - 1]]


def make_exam(*, questions: int, items: int, papers: int = 3) -> MockExam:
    """A published mock over a generated bank, its papers assembled ahead as in production."""
    code = f"BENCH-{next(_numbers)}"
    blueprint = Blueprint.objects.create(
        code=code, title=f"Benchmark {code}", items=items, scored_items=items - items // 5, minutes=130,
        item_types=[str(each) for each in ItemType],
    )  # fmt: skip
    topics = _make_outline(blueprint)
    _make_questions(blueprint, topics, questions)
    mock = MockExam.objects.create(
        blueprint=blueprint,
        code=code.lower(),
        title=f"Full mock {code}",
        items=items,
        unscored=items // 5,
        seconds=130 * 60,
        papers_wanted=papers,
    )
    assembly.ensure_papers(mock, now=timezone.now())
    return mock


def make_learners(count: int) -> list[Learner]:
    """Accounts with a session each, as signing in would leave them."""
    first = next(_numbers)
    users = User.objects.bulk_create(
        User(email=f"learner-{first}-{n}@example.com", name=f"Learner {n}", password="!", role=Role.LEARNER)
        for n in range(count)
    )
    with transaction.atomic():
        return [Learner(user.pk, _sign_in(user)) for user in users]


def start_all(mock: MockExam, learners: Sequence[Learner]) -> list[Sitting]:
    users = User.objects.in_bulk([learner.pk for learner in learners])
    now = timezone.now()
    attempts = [starting.start_attempt(mock, learner=users[learner.pk], now=now) for learner in learners]
    return [sitting_of(attempt.pk, learner) for attempt, learner in zip(attempts, learners, strict=True)]


def sitting_of(attempt_id: uuid.UUID, learner: Learner) -> Sitting:
    slots = Response.objects.filter(attempt=attempt_id).order_by("slot")
    return Sitting(
        attempt_id, learner, tuple(map(ItemType, slots.values_list("version__item_type", flat=True)))
    )


def answer_all(mock: MockExam) -> None:
    """Answer every blank slot of the mock's running attempts, four in five right, with the saves in the log."""
    right = " ".join(f"WHEN '{kind}' THEN '{json.dumps(answer)}'" for kind, answer in RIGHT.items())
    wrong = " ".join(f"WHEN '{kind}' THEN '{json.dumps(answer)}'" for kind, answer in WRONG.items())
    json_type = "jsonb" if connection.vendor == "postgresql" else "text"
    blank = "revision = 0 AND attempt_id IN (SELECT id FROM exams_attempt WHERE mock_id = %s AND state = 'in_progress')"
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO exams_attemptevent (attempt_id, at, kind, slot, revision, answer, detail)"
            f" SELECT r.attempt_id, %s, 'saved', r.slot, 1, CAST(CASE WHEN (r.slot + r.version_id) %% 5 > 0"
            f" THEN (CASE v.item_type {right} END) ELSE (CASE v.item_type {wrong} END) END AS {json_type}),"
            f" CAST('{{}}' AS {json_type})"
            f" FROM exams_response r JOIN questions_questionversion v ON v.id = r.version_id WHERE {blank}",
            [now, mock.pk],
        )
        cursor.execute(
            f"UPDATE exams_response SET revision = 1, saved_at = %s, answer = CAST("
            f"CASE WHEN (slot + version_id) %% 5 > 0 THEN (CASE v.item_type {right} END)"
            f" ELSE (CASE v.item_type {wrong} END) END AS {json_type})"
            f" FROM questions_questionversion v WHERE v.id = version_id AND {blank}",
            [now, mock.pk],
        )


def make_overdue(mock: MockExam, count: int, *, batch: int = 500) -> None:
    """So many sittings, all answered, whose time was over a minute ago: they appear to the sweeps at once."""
    paper = mock.papers.first()
    assert paper is not None
    started_at = timezone.now() - timedelta(seconds=mock.seconds + 60)
    is_postgres = connection.vendor == "postgresql"
    false, struck = ("false", "CAST('[]' AS jsonb)") if is_postgres else ("0", "'[]'")
    for first in range(0, count, batch):
        with transaction.atomic():
            Attempt.objects.bulk_create(
                Attempt(
                    learner_id=learner.pk,
                    paper=paper,
                    mock=mock,
                    purpose=Attempt.Purpose.MOCK,
                    option_seed=learner.pk,
                    started_at=started_at,
                    seconds_allowed=mock.seconds,
                    deadline_at=started_at + timedelta(days=1),
                )
                for learner in make_learners(min(batch, count - first))
            )
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO exams_response (attempt_id, slot, version_id, is_scored, revision, is_flagged,"
                    f" struck, is_in_grace) SELECT a.id, i.slot, i.version_id, i.is_scored, 0, {false}, {struck},"
                    f" {false} FROM exams_attempt a JOIN exams_paperitem i ON i.paper_id = a.paper_id"
                    f" WHERE a.mock_id = %s AND NOT EXISTS (SELECT 1 FROM exams_response r WHERE r.attempt_id = a.id)",
                    [mock.pk],
                )
            answer_all(mock)
    if is_postgres:
        # What autovacuum does within a minute, where rows come in one by one.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    Attempt.objects.filter(mock=mock).update(deadline_at=started_at + timedelta(seconds=mock.seconds))


def _sign_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key


def _make_outline(blueprint: Blueprint) -> list[Topic]:
    """Domains with tasks with topics; the topics come back with the domains in turn."""
    by_domain = []
    for d, weight in enumerate(WEIGHTS, start=1):
        domain = Domain.objects.create(
            blueprint=blueprint, code=str(d), title=f"Domain {d}", weight=Decimal(weight), position=d
        )
        tasks = TaskStatement.objects.bulk_create(
            TaskStatement(domain=domain, code=f"{d}.{t}", title=f"Task {d}.{t}", position=t)
            for t in range(1, TASKS + 1)
        )
        by_domain.append(
            Topic.objects.bulk_create(
                Topic(task=task, code=f"{task.code}.{n}", title=f"Topic {task.code}.{n}", position=n)
                for task in tasks
                for n in range(1, TOPICS + 1)
            )
        )
    return [topic for abreast in zip(*by_domain, strict=True) for topic in abreast]


def _make_questions(blueprint: Blueprint, topics: Sequence[Topic], count: int) -> None:
    prototypes = [(content, rendering.render_content(content)) for content in _contents()]
    rng = random.Random(SEED)
    now = timezone.now()
    with transaction.atomic():
        questions = Question.objects.bulk_create(
            (
                Question(
                    blueprint=blueprint,
                    code=f"{blueprint.code.lower()}-{n:05}",
                    state=Question.State.PUBLISHED,
                )
                for n in range(count)
            ),
            batch_size=1_000,
        )
        QuestionVersion.objects.bulk_create(
            (
                QuestionVersion(
                    question=question,
                    number=1,
                    topic=topics[n % len(topics)],
                    item_type=str(content.item_type),
                    level="apply",
                    difficulty=Decimal(rng.randint(45, 85)) / 100,
                    content=content.to_json(),
                    rendered=rendered,
                    fingerprint=fingerprint([n]),
                    published_at=now,
                )
                for n, question in enumerate(questions)
                for content, rendered in [prototypes[n % len(prototypes)]]
            ),
            batch_size=1_000,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE questions_question SET current_id = (SELECT v.id FROM questions_questionversion v"
                " WHERE v.question_id = questions_question.id) WHERE blueprint_id = %s",
                [blueprint.pk],
            )


def _contents() -> list[QuestionContent]:
    """Of the lengths of a real bank: a scenario stem, options of a line or two, a rationale for each."""
    rng = random.Random(SEED)
    return [_content(_type_of(n), rng) for n in range(PROTOTYPES)]


def _type_of(n: int) -> ItemType:
    """Seven in ten are multiple choice."""
    rare = {7: ItemType.MULTIPLE_RESPONSE, 8: ItemType.ORDERING, 9: ItemType.MATCHING}
    return rare.get(n % 10, ItemType.MULTIPLE_CHOICE)


def _content(item_type: ItemType, rng: random.Random) -> QuestionContent:
    key = {ItemType.MULTIPLE_CHOICE: "a", ItemType.MULTIPLE_RESPONSE: "ab"}.get(item_type, "")
    options = tuple(
        Option(
            id=each,
            text=_text(rng, 12),
            rationale=_text(rng, 24),
            is_correct=each in key,
            position=i if item_type is ItemType.ORDERING and i <= 3 else None,
        )
        for i, each in enumerate("abcde" if item_type is ItemType.MULTIPLE_RESPONSE else "abcd", start=1)
    )
    prompts = tuple(
        Prompt(id=f"p{i}", text=_text(rng, 8), match=each, rationale=_text(rng, 14))
        for i, each in enumerate("abc" if item_type is ItemType.MATCHING else "", start=1)
    )
    return QuestionContent(item_type, f"{_text(rng, 34)}\n\n{_text(rng, 17)}", options, prompts)


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)).capitalize() + "."


RIGHT: dict[ItemType, object] = {
    ItemType.MULTIPLE_CHOICE: "a",
    ItemType.MULTIPLE_RESPONSE: ["a", "b"],
    ItemType.ORDERING: ["a", "b", "c"],
    ItemType.MATCHING: {"p1": "a", "p2": "b", "p3": "c"},
}
WRONG: dict[ItemType, object] = {
    ItemType.MULTIPLE_CHOICE: "b",
    ItemType.MULTIPLE_RESPONSE: ["a", "c"],
    ItemType.ORDERING: ["b", "a", "c"],
    ItemType.MATCHING: {"p1": "b", "p2": "a", "p3": "c"},
}
