"""How a question gets its next frozen version, whoever publishes it: a bank file or a reviewer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max

from accounts.models import User
from questions import content as contents
from questions import rendering
from questions.content import QuestionContent
from questions.models import Question, QuestionVersion, ScenarioVersion, Topic


def next_number(question: Question) -> int:
    """Of the version that a draft of it will become."""
    return (question.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def fingerprint(
    content: QuestionContent,
    *,
    topic: str,
    level: str,
    difficulty: Decimal,
    keeps_order: bool,
    tags: Sequence[str],
    checked: dict[str, Any] | None,
    scenario: tuple[str, str, str] | None,
) -> str:
    """SHA-256 of everything that a version fixes; `scenario` is its code, title and text."""
    return contents.fingerprint(
        {
            "content": content.to_json(),
            "topic": topic,
            "level": level,
            "difficulty": f"{difficulty:.2f}",
            "keeps_order": keeps_order,
            "tags": list(tags),
            "checked": checked,
            "scenario": list(scenario) if scenario else None,
        }
    )


def publish_next(
    question: Question,
    content: QuestionContent,
    *,
    topic: Topic,
    level: str,
    difficulty: Decimal,
    keeps_order: bool,
    tags: Sequence[str],
    checked: dict[str, Any] | None,
    scenario_version: ScenarioVersion | None,
    by: User | None,
    now: datetime,
) -> QuestionVersion:
    """Write the version and make it the current one. The caller holds the question's row and saves nothing."""
    scenario = scenario_version
    version = QuestionVersion.objects.create(
        question=question,
        number=next_number(question),
        topic=topic,
        scenario_version=scenario,
        item_type=str(content.item_type),
        level=level,
        difficulty=difficulty,
        keeps_order=keeps_order,
        content=content.to_json(),
        rendered=rendering.render_content(content),
        fingerprint=fingerprint(
            content,
            topic=topic.code,
            level=level,
            difficulty=difficulty,
            keeps_order=keeps_order,
            tags=tags,
            checked=checked,
            scenario=(scenario.scenario.code, scenario.title, scenario.text) if scenario else None,
        ),
        tags=list(tags),
        checked=checked,
        published_at=now,
        published_by=by,
    )
    question.current = version
    question.state = Question.State.PUBLISHED
    question.retired_at, question.retired_because = None, ""
    question.save(update_fields=["current", "state", "retired_at", "retired_because"])
    return version
