"""The player's form without JavaScript: field names and how they make an answer.  Pure but for QueryDict."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from questions.content import ItemType, QuestionContent


class FormAnswers:
    """Reads `answer-<slot>`, `answer-<slot>-<part>`, `revision-<slot>` and `flag-<slot>`."""

    def __init__(self, data: QueryDict) -> None:
        self._data = data

    def revision(self, slot: int) -> int | None:
        """The revision that the page was made of; None where the form has no such slot."""
        value = self._data.get(f"revision-{slot}", "")
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None

    def is_flagged(self, slot: int) -> bool:
        return f"flag-{slot}" in self._data

    def answer(self, slot: int, item_type: ItemType, content: QuestionContent) -> Any:
        """The raw answer, for `delivery.save_response` to judge."""
        name = f"answer-{slot}"
        match item_type:
            case ItemType.MULTIPLE_CHOICE:
                return self._data.get(name) or None
            case ItemType.MULTIPLE_RESPONSE:
                return sorted(self._data.getlist(name)) or None
            case ItemType.ORDERING:
                places = {o.id: self._data.get(f"{name}-{o.id}", "") for o in content.options}
                used = [
                    (int(place[:3]), o) for o, place in places.items() if place.isascii() and place.isdigit()
                ]
                return [option for _, option in sorted(used)] or None
            case ItemType.MATCHING:
                pairs = {p.id: self._data.get(f"{name}-{p.id}", "") for p in content.prompts}
                return {prompt: option for prompt, option in pairs.items() if option} or None
