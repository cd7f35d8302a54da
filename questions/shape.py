"""What a question of each type must have before it can be sat at all.  Pure.

A finding of this module stops a question from being loaded or published; matters of style are `linting`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from questions.content import ItemType, Option, QuestionContent

MAX_STEM = 20_000
MAX_TEXT = 5_000

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_NUMBER = "(" + "|".join(_NUMBERS) + r"|\d)"
# “(Select TWO.)” in any spelling, or “Select TWO” with the number in capitals outside brackets. A plain
# “select two features” in a sentence is no instruction.
_SELECT = (
    re.compile(rf"\(\s*\**(?:select|choose|pick)\s+\**{_NUMBER}\b", re.IGNORECASE),
    re.compile(r"\b(?:Select|Choose|Pick)\s+\**(ONE|TWO|THREE|FOUR|FIVE|SIX)\b"),
)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(image:")


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    HINT = "hint"


@dataclass(frozen=True)
class Finding:
    """`where` is `stem`, `options`, `options.2`, `options.2.rationale`, `prompts.1.match`, … (from 1)."""

    severity: Severity
    code: str
    message: str
    how_to_mend: str
    where: str


def stated_count(stem: str) -> int | None:
    """The number in “(Select TWO.)”, or None where the stem doesn't say one."""
    for pattern in _SELECT:
        found = pattern.search(stem)
        if found:
            word = found.group(1).lower()
            return _NUMBERS.get(word) or int(word)
    return None


def faults(content: QuestionContent) -> list[Finding]:
    """Everything that makes the question unfit to be sat, in reading order."""
    found = [*_stem(content), *_options(content), *_pictures(content)]
    match content.item_type:
        case ItemType.MULTIPLE_CHOICE:
            found += _multiple_choice(content)
        case ItemType.MULTIPLE_RESPONSE:
            found += _multiple_response(content)
        case ItemType.ORDERING:
            found += _ordering(content)
        case ItemType.MATCHING:
            found += _matching(content)
    return found


def _pictures(content: QuestionContent) -> Iterator[Finding]:
    for where, text in [("stem", content.stem), *_part_texts(content)]:
        for alt in _IMAGE.findall(text):
            if not alt.strip():
                message = "A picture has no words for those who can't see it."
                mend = "Say between the brackets what it shows: ![a bar chart of …](image:…)."
                yield _block("image_without_alt", message, mend, where)


def _part_texts(content: QuestionContent) -> Iterator[tuple[str, str]]:
    for number, option in enumerate(content.options, 1):
        yield f"options.{number}.text", option.text
        yield f"options.{number}.rationale", option.rationale
    for number, prompt in enumerate(content.prompts, 1):
        yield f"prompts.{number}.text", prompt.text
        yield f"prompts.{number}.rationale", prompt.rationale


def _block(code: str, message: str, how_to_mend: str, where: str) -> Finding:
    return Finding(Severity.BLOCK, code, message, how_to_mend, where)


def _stem(content: QuestionContent) -> Iterator[Finding]:
    if not content.stem.strip():
        yield _block("empty_stem", "The stem is empty.", "Write the question.", "stem")
    if len(content.stem) > MAX_STEM:
        message = f"The stem has {len(content.stem):,} characters; at most {MAX_STEM:,} are allowed."
        yield _block("long_stem", message, "Shorten it, or move the situation to a scenario.", "stem")
    stated = stated_count(content.stem)
    if content.item_type is ItemType.MULTIPLE_RESPONSE:
        keys = content.select_count
        if stated is None:
            message = f"The stem does not say how many options to select ({keys} are right)."
            yield _block("select_count_missing", message, "End it with “(Select TWO.)” or the like.", "stem")
        elif stated != keys:
            message = f"The stem says to select {stated}, but {keys} options are marked correct."
            yield _block("select_count", message, "Make the number and the key agree.", "stem")
    elif stated is not None and not (content.item_type is ItemType.MULTIPLE_CHOICE and stated == 1):
        message = f"The stem says to select {stated}, but the type is {content.item_type}."
        yield _block("select_count", message, "Use the type multiple_response, or drop the words.", "stem")


def _options(content: QuestionContent) -> Iterator[Finding]:
    ids: dict[str, int] = {}
    texts: dict[str, str] = {}
    needs_rationale = content.item_type is not ItemType.MATCHING
    for number, option in enumerate(content.options, 1):
        where = f"options.{number}"
        if option.id in ids:
            message = f"The option id “{option.id}” stands twice (entries {ids[option.id]} and {number})."
            yield _block("option_id_twice", message, "Give each option an id of its own.", f"{where}.id")
        ids.setdefault(option.id, number)
        text = " ".join(option.text.casefold().split()).rstrip(".")
        if not text:
            yield _block("empty_option", f"Option {option.id} is empty.", "Write its text.", f"{where}.text")
        elif text in texts:
            message = f"Options {texts[text]} and {option.id} have the same text."
            yield _block("option_text_twice", message, "Change one of them.", f"{where}.text")
        texts.setdefault(text, option.id)
        if needs_rationale and not option.rationale.strip():
            message = f"Option {option.id} has no rationale."
            mend = "Say in a sentence or two which constraint it meets or breaks."
            yield _block("empty_rationale", message, mend, f"{where}.rationale")
        yield from _foreign_fields(content.item_type, option, where)
        yield from _too_long(option.text, f"{where}.text")
        yield from _too_long(option.rationale, f"{where}.rationale")
    if content.prompts and content.item_type is not ItemType.MATCHING:
        message = f"Prompts belong to matching questions, not to {content.item_type}."
        yield _block("foreign_field", message, "Remove them, or change the type.", "prompts")


def _foreign_fields(item_type: ItemType, option: Option, where: str) -> Iterator[Finding]:
    is_choice = item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
    if option.position is not None and item_type is not ItemType.ORDERING:
        message = f"Option {option.id} has a position, which belongs to ordering questions."
        yield _block("foreign_field", message, "Remove it, or change the type.", f"{where}.position")
    if option.is_correct and not is_choice:
        message = f"Option {option.id} is marked correct, which belongs to choice questions."
        yield _block("foreign_field", message, "Remove the mark, or change the type.", f"{where}.correct")


def _too_long(text: str, where: str) -> Iterator[Finding]:
    if len(text) > MAX_TEXT:
        message = f"The text has {len(text):,} characters; at most {MAX_TEXT:,} are allowed."
        yield _block("long_text", message, "Shorten it.", where)


def _count(content: QuestionContent, part: str, least: int, most: int) -> Iterator[Finding]:
    count = len(content.prompts if part == "prompts" else content.options)
    if not least <= count <= most:
        kind = str(content.item_type).replace("_", "-")
        message = f"A {kind} question has {least} to {most} {part}; this has {count}."
        yield _block(f"{part}_count", message, f"Add or remove {part}.", part)


def _multiple_choice(content: QuestionContent) -> Iterator[Finding]:
    yield from _count(content, "options", 3, 8)
    keys = [o.id for o in content.options if o.is_correct]
    if not keys:
        message = "No option is marked correct."
        yield _block("no_key", message, "Mark the right one with “correct: true”.", "options")
    elif len(keys) > 1:
        message = (
            f"{len(keys)} options are marked correct ({', '.join(keys)}); a multiple choice has one key."
        )
        yield _block("two_keys", message, "Leave one mark, or use the type multiple_response.", "options")


def _multiple_response(content: QuestionContent) -> Iterator[Finding]:
    yield from _count(content, "options", 5, 10)
    keys = sum(o.is_correct for o in content.options)
    if keys < 2:
        count = "One option is" if keys else "No option is"
        message = f"{count} marked correct; a multiple response has two or more."
        yield _block("no_key", message, "Mark the right ones with “correct: true”.", "options")
    elif keys >= len(content.options):
        yield _block("all_keys", "Every option is marked correct.", "Unmark the wrong ones.", "options")


def _ordering(content: QuestionContent) -> Iterator[Finding]:
    positions = sorted(o.position for o in content.options if o.position is not None)
    if not 3 <= len(positions) <= 6:
        message = f"An ordering has 3 to 6 steps with a position; this has {len(positions)}."
        yield _block(
            "steps_count", message, "Give the right steps “position: 1”, “position: 2”, ….", "options"
        )
    elif positions != list(range(1, len(positions) + 1)):
        listed = ", ".join(map(str, positions))
        message = f"The positions are {listed}; they must be 1 to {len(positions)}, each once."
        yield _block(
            "positions", message, "Number the steps anew; surplus steps have no position.", "options"
        )
    if len(content.options) > 10:
        yield from _count(content, "options", 3, 10)


def _matching(content: QuestionContent) -> Iterator[Finding]:
    yield from _count(content, "prompts", 3, 7)
    yield from _count(content, "options", 2, 10)
    known = {o.id for o in content.options}
    ids: set[str] = set()
    texts: set[str] = set()
    for number, prompt in enumerate(content.prompts, 1):
        where = f"prompts.{number}"
        if prompt.id in ids:
            message = f"The prompt id “{prompt.id}” stands twice."
            yield _block("prompt_id_twice", message, "Give each prompt an id of its own.", f"{where}.id")
        ids.add(prompt.id)
        text = " ".join(prompt.text.casefold().split()).rstrip(".")
        if not text:
            yield _block("empty_prompt", f"Prompt {prompt.id} is empty.", "Write its text.", f"{where}.text")
        elif text in texts:
            message = f"Prompt {prompt.id} has the same text as another."
            yield _block("prompt_text_twice", message, "Change one of them.", f"{where}.text")
        texts.add(text)
        if prompt.match not in known:
            message = f"Prompt {prompt.id} is matched to “{prompt.match}”, which is not an option."
            mend = f"Use one of: {', '.join(sorted(known))}."
            yield _block("unknown_match", message, mend, f"{where}.match")
        if not prompt.rationale.strip():
            message = f"Prompt {prompt.id} has no rationale."
            mend = "Say in a sentence or two why its match is right."
            yield _block("empty_rationale", message, mend, f"{where}.rationale")
        yield from _too_long(prompt.text, f"{where}.text")
        yield from _too_long(prompt.rationale, f"{where}.rationale")
