"""LSAT section 6 (Bock & Lieberman 1970, Psychometrika 35, 179–197): 1,000 people, five items, right or wrong."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

from accounts.models import User
from exams import assembly
from exams.models import Attempt, MockExam, PaperItem, Response, Result
from tests.factories import NOW, make_blueprint, make_mock, make_published_question

PATTERNS = {
    pattern: int(n)
    for pattern, n in (
        each.split(":")
        for each in [
            "00000:3",
            "00001:6",
            "00010:2",
            "00011:11",
            "00100:1",
            "00101:1",
            "00110:3",
            "00111:4",
            "01000:1",
            "01001:8",
            "01011:16",
            "01101:3",
            "01110:2",
            "01111:15",
            "10000:10",
            "10001:29",
            "10010:14",
            "10011:81",
            "10100:3",
            "10101:28",
            "10110:15",
            "10111:80",
            "11000:16",
            "11001:56",
            "11010:21",
            "11011:173",
            "11100:11",
            "11101:61",
            "11110:28",
            "11111:298",
        ]
    )
}
FACILITY = (0.924, 0.709, 0.553, 0.763, 0.870)
ITEM_REST = (0.1128, 0.1532, 0.1728, 0.1444, 0.1216)
ALPHA = 0.2950
IF_DELETED = (0.2754, 0.2376, 0.2168, 0.2459, 0.2663)
MEAN, SD = 3.819, 1.035041


def people() -> list[str]:
    return [pattern for pattern, n in PATTERNS.items() for _ in range(n)]


def scores() -> Counter[float]:
    return Counter(float(pattern.count("1")) for pattern in people())


def rest_scores(item: int) -> tuple[Counter[float], Counter[float]]:
    """Of who had it right, and of the others."""
    right, wrong = Counter[float](), Counter[float]()
    for pattern in people():
        is_right = pattern[item] == "1"
        (right if is_right else wrong)[pattern.count("1") - is_right] += 1
    return right, wrong


def sit() -> tuple[MockExam, list[int]]:
    """The 1,000 as scored first attempts in the database; the mock, and the versions in the items' order."""
    blueprint = make_blueprint(weights=(100,), tasks=1)
    for _ in range(5):
        make_published_question(blueprint)
    mock = make_mock(blueprint, items=5)
    assembly.ensure_papers(mock, now=NOW)
    paper = mock.papers.get()
    versions = list(PaperItem.objects.filter(paper=paper).order_by("slot").values_list("version", flat=True))
    patterns = people()
    learners = User.objects.bulk_create(User(email=f"p{n}@example.com") for n in range(len(patterns)))
    attempts = Attempt.objects.bulk_create(
        Attempt(
            learner=learner,
            paper=paper,
            mock=mock,
            purpose="mock",
            state="scored",
            option_seed=1,
            started_at=NOW,
            seconds_allowed=1200,
            deadline_at=NOW + timedelta(minutes=20),
            closed_at=NOW + timedelta(minutes=10),
            scored_at=NOW + timedelta(minutes=10),
            start_key=uuid.uuid4(),
        )
        for learner in learners
    )
    Response.objects.bulk_create(
        Response(
            attempt=attempt,
            slot=slot,
            version_id=version,
            is_scored=True,
            revision=1,
            answer="a" if pattern[slot - 1] == "1" else "b",
            is_correct=pattern[slot - 1] == "1",
            is_first_exposure=True,
        )
        for attempt, pattern in zip(attempts, patterns, strict=True)
        for slot, version in enumerate(versions, start=1)
    )
    Result.objects.bulk_create(
        Result(
            attempt=attempt,
            method="piecewise",
            correct=pattern.count("1"),
            scored_items=5,
            cut_numerator=3,
            cut_denominator=5,
            scaled_score=100 + 180 * pattern.count("1"),
            scaled_low=100,
            scaled_high=1000,
            passed=pattern.count("1") >= 3,
            first_exposures=5,
        )
        for attempt, pattern in zip(attempts, patterns, strict=True)
    )
    return mock, versions
