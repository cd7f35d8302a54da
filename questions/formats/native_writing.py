"""The native bank file as text: a stable order, multi-line texts as blocks.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from questions.formats.native import BankFile, QuestionEntry

FORMAT = "cutscore-bank/1"


def render_bank(bank: BankFile) -> str:
    """The file, in a stable order, multi-line texts as blocks, everything else on one line."""
    lines = [f"format: {FORMAT}", f"blueprint: {scalar(bank.blueprint)}"]
    if bank.scenarios:
        lines.append("scenarios:")
        for scenario in bank.scenarios:
            lines += [
                f"  - code: {scalar(scenario.code)}",
                f"    title: {scalar(scenario.title)}",
                *_field("text", scenario.text, 4),
            ]
    lines.append("questions:")
    for number, question in enumerate(bank.questions):
        lines += ([""] if number else []) + _question_lines(question)
    return "\n".join(lines) + "\n"


def _question_lines(question: QuestionEntry) -> list[str]:
    content = question.content
    lines = [
        f"  - code: {scalar(question.code)}",
        f"    type: {content.item_type}",
        f"    topic: {scalar(question.topic)}",
        f"    level: {question.level}",
        f"    difficulty: {question.difficulty:.2f}",
        f"    scenario: {scalar(question.scenario) if question.scenario else 'null'}",
    ]
    if question.keep_order:
        lines.append("    keep_order: true")
    if question.tags:
        lines.append(f"    tags: {_flow(question.tags)}")
    if question.checked:
        agreed = "true" if question.checked.agreed else "false"
        lines.append(f"    checked: {{by: {_flow_scalar(question.checked.by)}, agreed: {agreed}}}")
    lines += _block("stem", content.stem, 4) or _field("stem", content.stem, 4)
    if content.prompts:
        lines.append("    prompts:")
        for prompt in content.prompts:
            lines += [f"      - id: {scalar(prompt.id)}", *_field("text", prompt.text, 8)]
            lines += [f"        match: {scalar(prompt.match)}", *_field("rationale", prompt.rationale, 8)]
    lines.append("    options:")
    for option in content.options:
        lines += [f"      - id: {scalar(option.id)}", *_field("text", option.text, 8)]
        if option.is_correct:
            lines.append("        correct: true")
        if option.position is not None:
            lines.append(f"        position: {option.position}")
        if option.rationale:
            lines += _field("rationale", option.rationale, 8)
    if content.references:
        lines.append(f"    references: {_flow(content.references)}")
    return lines


def _field(name: str, text: str, indent: int) -> list[str]:
    if "\n" in text:
        block = _block(name, text, indent)
        if block:
            return block
    return [f"{' ' * indent}{name}: {scalar(text)}"]


def _block(name: str, text: str, indent: int) -> list[str]:
    """The text as a literal block; [] when a block can't hold it."""
    if not all(character.isprintable() or character in "\n\t" for character in text):
        return []
    margin = " " * indent
    return [f"{margin}{name}: |", *(f"{margin}  {line}" if line else "" for line in text.split("\n"))]


def scalar(text: str) -> str:
    """The text bare where every YAML reader takes it for a text, else in double quotes."""
    is_bare = (
        re.match(r"[^\W\d_]|\d+(?:\.\d+){2,}$", text) is not None
        and text.isprintable()
        and ": " not in text
        and " #" not in text
        and not text.endswith(":")
        and text.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    )
    return text if is_bare else _quoted(text)


def _flow(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_flow_scalar, texts)) + "]"


def _flow_scalar(text: str) -> str:
    return scalar(text) if not re.search(r"[][{},]|:(?!\w)", text) else _quoted(text)


def _quoted(text: str) -> str:
    # JSON's strings are YAML's, but for the characters that YAML wants escaped and JSON doesn't.
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(c if c.isprintable() else _escape(c) for c in quoted)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
