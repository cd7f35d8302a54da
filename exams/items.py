"""What never changes about a published version, kept in the process: a save or a scoring reads no content."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from questions.answers import AnswerShape
from questions.content import Answer
from questions.models import QuestionVersion

MAX_KEPT = 50_000


@dataclass(frozen=True)
class ItemFacts:
    """`shape` may meet a learner's request; `key` never leaves the server before the review policy allows."""

    question_id: int
    shape: AnswerShape
    key: Answer
    difficulty: Decimal
    task_id: int
    task_code: str
    domain_id: int
    domain_code: str


_kept: dict[int, ItemFacts] = {}


def facts(version_ids: Collection[int]) -> dict[int, ItemFacts]:
    """The facts of these versions, by id; one query for those not met before, none else."""
    missing = [version_id for version_id in version_ids if version_id not in _kept]
    if missing:
        if len(_kept) + len(missing) > MAX_KEPT:
            _kept.clear()
            missing = list(version_ids)
        versions = QuestionVersion.objects.filter(pk__in=missing).select_related("topic__task__domain")
        for version in versions:
            task = version.topic.task
            _kept[version.pk] = ItemFacts(
                question_id=version.question_id,
                shape=AnswerShape.of(version.parsed),
                key=version.parsed.key,
                difficulty=version.difficulty,
                task_id=task.pk,
                task_code=task.code,
                domain_id=task.domain_id,
                domain_code=task.domain.code,
            )
    return {version_id: _kept[version_id] for version_id in version_ids}


def forget() -> None:
    """Empty the store: for tests, whose databases use the same ids for different versions."""
    _kept.clear()
