"""Which topic of a blueprint the folders of another system's file stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from questions import likeness, wording
from questions.formats.exchange import ExchangeQuestion
from questions.models import Blueprint, CategoryMapping, Topic


@dataclass
class Outline:
    by_code: dict[str, Topic]
    remembered: dict[str, int]

    def __post_init__(self) -> None:
        self._guessed: dict[str, int | None] = {}

    def guess(self, parts: Sequence[str], category: str) -> int | None:
        """What was chosen for the folder before; else the topic whose code or title its name is."""
        if category in self.remembered:
            return self.remembered[category]
        if category not in self._guessed:
            self._guessed[category] = self._guess_last(parts[-1]) if parts else None
        return self._guessed[category]

    def _guess_last(self, name: str) -> int | None:
        first = name.split(maxsplit=1)[0] if name.strip() else ""
        for code in (name.strip(), first):
            if code in self.by_code:
                return self.by_code[code].pk
        scores = ((wording.similarity(topic.title, name), topic.pk) for topic in self.by_code.values())
        best, pk = max(scores, default=(0.0, 0))
        return pk if best >= likeness.ALIKE else None


def outline(blueprint: Blueprint) -> Outline:
    topics = Topic.objects.filter(task__domain__blueprint=blueprint).order_by("-pk")
    mappings = CategoryMapping.objects.filter(blueprint=blueprint).values_list("category", "topic")
    return Outline({topic.code: topic for topic in topics}, dict(mappings))


def folder_of(question: ExchangeQuestion) -> tuple[ExchangeQuestion, str]:
    """A topic that isn't one here is the innermost folder: it can be mapped like any other."""
    parts = question.category
    if question.topic and (not parts or parts[-1] != question.topic):
        parts = (*parts, question.topic)
    # Single spaces, as a form sends the name back.
    name = " ".join(" / ".join(parts).split())
    # The end of a path says more than its beginning.
    shown = name if len(name) <= 400 else f"…{name[-399:]}"
    return replace(question, topic="", category=parts), shown
