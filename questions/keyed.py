"""A question as its author sees it: in the file's order, with key and rationales. For who may write questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from questions.content import ItemType, QuestionContent
from questions.models import ScenarioVersion

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class KeyedScenario:
    code: str
    title: str
    html: SafeString


@dataclass(frozen=True)
class KeyedOption:
    letter: str
    html: SafeString
    rationale_html: SafeString
    is_key: bool
    position: int | None


@dataclass(frozen=True)
class KeyedPrompt:
    html: SafeString
    rationale_html: SafeString
    match_html: SafeString


@dataclass(frozen=True)
class Keyed:
    """What `questions/_keyed.html` shows."""

    scenario: KeyedScenario | None
    stem_html: SafeString
    options: tuple[KeyedOption, ...]
    prompts: tuple[KeyedPrompt, ...]


def keyed(content: QuestionContent, rendered: Mapping[str, Any], scenario: ScenarioVersion | None) -> Keyed:
    """`rendered` as a version stores it. A draft may have prompts that belong to nothing yet."""
    key = content.key
    keys: Sequence[str] = list(key) if isinstance(key, list) else [key] if isinstance(key, str) else []
    is_ordering = content.item_type is ItemType.ORDERING
    return Keyed(
        scenario=KeyedScenario(scenario.scenario.code, scenario.title, html(scenario.rendered))
        if scenario
        else None,
        stem_html=html(rendered["stem"]),
        options=tuple(
            KeyedOption(
                letter=LETTERS[index % len(LETTERS)],
                html=html(rendered["options"][option.id]["text"]),
                rationale_html=html(rendered["options"][option.id]["rationale"]),
                is_key=option.id in keys,
                position=keys.index(option.id) + 1 if is_ordering and option.id in keys else None,
            )
            for index, option in enumerate(content.options)
        ),
        prompts=tuple(
            KeyedPrompt(
                html=html(rendered["prompts"][prompt.id]["text"]),
                rationale_html=html(rendered["prompts"][prompt.id]["rationale"]),
                match_html=html(rendered["options"].get(prompt.match, {"text": "–"})["text"]),
            )
            for prompt in content.prompts
        ),
    )


def html(rendered: str) -> SafeString:
    """Rendered and cleaned by `questions.rendering`."""
    return mark_safe(rendered)
