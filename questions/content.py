"""The one shape of a question that editor, formats, linter and player share.

Pure: no Django here. A `QuestionContent` is what a `QuestionVersion` stores as JSON, what the
formats parse into and render from, and what scoring reads the key of.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Answer = str | list[str] | dict[str, str] | None
"""An answer to one item: `"a"`, `["a", "c"]`, `["c", "a", "b"]` in order, `{"p1": "b"}`, or None for blank."""


class ItemType(StrEnum):
    MULTIPLE_CHOICE = "multiple_choice"
    MULTIPLE_RESPONSE = "multiple_response"
    ORDERING = "ordering"
    MATCHING = "matching"


class Level(StrEnum):
    RECALL = "recall"
    APPLY = "apply"
    ANALYSE = "analyse"


@dataclass(frozen=True)
class Option:
    """One option, step or response. `is_correct` is for choice items, `position` (from 1) for ordering."""

    id: str
    text: str
    rationale: str = ""
    is_correct: bool = False
    position: int | None = None


@dataclass(frozen=True)
class Prompt:
    """The left-hand side of a matching item; `match` is the id of the option that belongs to it."""

    id: str
    text: str
    match: str
    rationale: str = ""


@dataclass(frozen=True)
class QuestionContent:
    item_type: ItemType
    stem: str
    options: tuple[Option, ...]
    prompts: tuple[Prompt, ...] = ()
    references: tuple[str, ...] = field(default=())

    @property
    def key(self) -> Answer:
        """The right answer, in the shape a learner's answer has."""
        match self.item_type:
            case ItemType.MULTIPLE_CHOICE:
                return next((o.id for o in self.options if o.is_correct), None)
            case ItemType.MULTIPLE_RESPONSE:
                return sorted(o.id for o in self.options if o.is_correct)
            case ItemType.ORDERING:
                steps = [o for o in self.options if o.position is not None]
                return [o.id for o in sorted(steps, key=lambda o: o.position or 0)]
            case ItemType.MATCHING:
                return {p.id: p.match for p in self.prompts}

    @property
    def select_count(self) -> int | None:
        """How many options a multiple-response item asks for; None for other types."""
        if self.item_type is not ItemType.MULTIPLE_RESPONSE:
            return None
        return sum(o.is_correct for o in self.options)

    def to_json(self) -> dict[str, Any]:
        """A plain structure without defaults, equal for equal contents."""
        data: dict[str, Any] = {
            "type": str(self.item_type),
            "stem": self.stem,
            "options": [_without_defaults(o) for o in self.options],
        }
        if self.prompts:
            data["prompts"] = [_without_defaults(p) for p in self.prompts]
        if self.references:
            data["references"] = list(self.references)
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> QuestionContent:
        return cls(
            item_type=ItemType(data["type"]),
            stem=data["stem"],
            options=tuple(
                Option(
                    id=o["id"],
                    text=o["text"],
                    rationale=o.get("rationale", ""),
                    is_correct=o.get("correct", False),
                    position=o.get("position"),
                )
                for o in data["options"]
            ),
            prompts=tuple(
                Prompt(id=p["id"], text=p["text"], match=p["match"], rationale=p.get("rationale", ""))
                for p in data.get("prompts", ())
            ),
            references=tuple(data.get("references", ())),
        )


def fingerprint(data: Any) -> str:
    """SHA-256 (hex) of a JSON structure, independent of the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_defaults(part: Option | Prompt) -> dict[str, Any]:
    data: dict[str, Any] = {"id": part.id, "text": part.text}
    if isinstance(part, Prompt):
        data["match"] = part.match
    else:
        if part.is_correct:
            data["correct"] = True
        if part.position is not None:
            data["position"] = part.position
    if part.rationale:
        data["rationale"] = part.rationale
    return data
