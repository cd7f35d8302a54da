"""A whole sitting, from the start to the review: what a learner costs, part by part."""

from __future__ import annotations

import random
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks import bank, cpu, start
from benchmarks.clients import Inside, Reply
from benchmarks.reporting import Row
from benchmarks.save import floor
from benchmarks.sizes import Size
from exams import results
from exams.models import MockExam, Result

MAX_SECONDS = 0.5
CHANGED = 15 / 65
"""Share of the answers given twice: 65 questions make 80 saves."""
PLAYER = settings.BASE_DIR / "static/js/player/main.js"


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items)
    learners = bank.make_learners(size.sittings + 1)
    _Sitter(mock, learners[0]).sit()
    costs: dict[str, list[cpu.Cost]] = defaultdict(list)
    requests: dict[str, int] = {}
    for learner in learners[1:]:
        sitter = _Sitter(mock, learner)
        sitter.sit()
        requests = sitter.requests
        for part, cost in sitter.costs.items():
            costs[part].append(cost)
    assert Result.objects.filter(attempt__mock=mock).count() == len(learners)

    parts = {part: cpu.mean(each) for part, each in costs.items()}
    bare = floor(mock, size.saves // 5)
    total = sum(cost.total for cost in parts.values())
    yield Row(
        "CPU of a sitting", total, "s", floor=bare.total * sum(requests.values()), at_most=MAX_SECONDS,
        note=f"{size.sittings} learners; the floor is as many bare saves as it has requests",
    )  # fmt: skip
    if connection.vendor == "postgresql":
        yield Row("… of it the database", sum(cost.database for cost in parts.values()), "s")
    for part, cost in parts.items():
        count = requests.get(part, 1)
        yield Row(
            f"… {part}", cost.ms, "ms", floor=count * bare.ms, note=f"{count} requests" if count > 1 else ""
        )


def pulse_seconds() -> int:
    """How often the player reports; read from itself, so that this can't fall behind."""
    found = re.search(r"const PULSE = ([\d_]+)", PLAYER.read_text())
    assert found, "the player has another name for it"
    return int(found[1].replace("_", "")) // 1000


class _Sitter:
    """A simulated learner; `costs` and `requests` say what each part of the sitting took."""

    def __init__(self, mock: MockExam, learner: bank.Learner) -> None:
        self.mock = mock
        self.learner = learner
        self.browser = Inside(learner.session)
        self.rng = random.Random(learner.pk)
        self.costs: dict[str, cpu.Cost] = {}
        self.requests: dict[str, int] = {}

    def sit(self) -> None:
        replies = self._ask("start", lambda: [self.browser.post(start.start_path(self.mock))])
        path = replies[0].location
        sitting = bank.sitting_of(uuid.UUID(path.split("/")[2]), self.learner)
        self._ask("paper", lambda: [self.browser.get(path)])
        self._ask("saves", lambda: self._save(sitting))
        self._ask("pulses", lambda: self._pulse(sitting))
        self._ask("submit", lambda: [self.browser.post(f"{path}submit/", {"seconds": {}})])
        self._ask("waiting page", lambda: [self.browser.get(f"{path}results/")])
        self.costs["scoring"] = cpu.cost_of(
            lambda: results.score_attempt(sitting.attempt_id, now=timezone.now())
        )
        self._ask("result page", lambda: [self.browser.get(f"{path}results/")])
        self._ask("review page", lambda: [self.browser.get(f"{path}review/")])

    def _ask(self, part: str, work: Callable[[], list[Reply]]) -> list[Reply]:
        replies: list[Reply] = []
        self.costs[part] = cpu.cost_of(lambda: replies.extend(work()))
        self.requests[part] = len(replies)
        assert all(reply.status in (200, 302) for reply in replies), list(map(str, replies))
        return replies

    def _save(self, sitting: bank.Sitting) -> list[Reply]:
        """Every question once, some twice; one in ten flagged."""
        replies = []
        for slot in range(1, len(sitting.types) + 1):
            for revision in range(1, 3 if self.rng.random() < CHANGED else 2):
                answers = bank.RIGHT if self.rng.random() < 0.7 else bank.WRONG
                body = {
                    "answer": answers[sitting.types[slot - 1]],
                    "revision": revision,
                    "flagged": self.rng.random() < 0.1,
                    "struck": ["d"],
                }
                replies.append(self.browser.post(f"{sitting.path}responses/{slot}/", body))
        return replies

    def _pulse(self, sitting: bank.Sitting) -> list[Reply]:
        """The whole time, and as many seconds on each question."""
        pulses = self.mock.seconds // pulse_seconds()
        replies = []
        for n in range(1, pulses + 1):
            reached = max(1, len(sitting.types) * n // pulses)
            seconds = {str(slot): 120 for slot in range(1, reached + 1)}
            replies.append(
                self.browser.post(f"{sitting.path}pulse/", {"position": reached, "seconds": seconds})
            )
        return replies
