"""What the right answer of a QTI item is: its correct response, its mapping, or what its processing says.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from questions.content import Option
from questions.formats import xml_reading
from questions.formats.exchange import Loss
from questions.formats.qti_feedback import Processing
from questions.formats.qti_markup import Element, Material, child, children, get

TOOL = "Cutscore"
"""Who wrote the item. What only we write is only believed where this stands."""

_PARTIAL_CREDIT = Loss(
    "partial_credit", "Parts of the answer earn marks of their own; here only the whole answer counts."
)


class Unfit(Exception):
    """Why an item can't come in."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass
class Item:
    root: Element
    body: Element
    interaction: Element
    declaration: Element | None
    material: Material
    processing: Processing


def right(item: Item, known: set[str]) -> list[str]:
    right = list(dict.fromkeys(values(item)))
    if not right and len(item.processing.likely_keys) > 1:
        why = "Several answers bring the same marks. Leave one of them, and say that it is the correct response."
        raise Unfit("two_keys", why)
    if not right:
        why = "It does not say which answer is right. Mark the key and export it anew."
        raise Unfit("no_key", why)
    for value in right:
        if value not in known:
            why = f"Its key is “{value[:80]}”, which none of its choices is called. Mend the key."
            raise Unfit("unknown_key", why)
    return right


def filled(item: Item, options: list[Option]) -> list[Option]:
    """Without the choices that show nothing, unless one of them is right: then there is no question."""
    if get(item.root, "toolName") == TOOL or all(one.text for one in options):
        return options
    keys = right(item, {one.id for one in options})
    refuse_empty(item, [one for one in options if one.id in keys])
    item.material.lose(Loss("empty_option", "A choice without text is left out."))
    return [one for one in options if one.text]


def refuse_empty(item: Item, options: list[Option]) -> None:
    if get(item.root, "toolName") != TOOL and not all(one.text for one in options):
        why = (
            "A choice that belongs to the right answer has no text, and no picture came with it. "
            "Write it, or upload the whole package."
        )
        raise Unfit("empty_option", why)


def values(item: Item) -> list[str]:
    """Identifiers, or pairs of them, in the order given; none where nothing says what is right."""
    declaration = item.declaration
    if declaration is None:
        return _likely(item)
    correct = child(declaration, "correctResponse")
    stated = [] if correct is None else [_joined(part) for part in children(correct, "value")]
    stated = [value for value in stated if value]
    if len(stated) == 1 and get(declaration, "cardinality") != "single":
        stated = _split(stated[0], declaration)
    mapped = _mapped(declaration)
    if mapped and (item.processing.is_mapped or not stated):
        _partial_credit(item, mapped, stated)
    if stated:
        _check_against_scoring(item, stated, mapped)
        return stated
    positive = {key: value for key, value in mapped.items() if value > 0}
    if positive and get(declaration, "cardinality") == "single":
        best = max(positive.values())
        return [key for key, value in positive.items() if value == best]
    return list(positive) or _likely(item)


def _check_against_scoring(item: Item, stated: list[str], mapped: dict[str, float]) -> None:
    """Where the scoring gives more for another answer than for the stated one, nobody knows which is right."""
    rewards = dict(item.processing.rewards)
    is_single = item.declaration is not None and get(item.declaration, "cardinality") == "single"
    if item.processing.is_mapped and is_single:
        rewards |= {(value,): score for value, score in mapped.items() if score > 0}
    others = {answer: score for answer, score in rewards.items() if answer and set(answer) - set(stated)}
    ordered = {answer: score for answer, score in rewards.items() if len(answer) == len(stated) > 1}
    if item.declaration is not None and get(item.declaration, "cardinality") == "ordered":
        others |= {answer: score for answer, score in ordered.items() if list(answer) != stated}
    if not others or not item.processing.is_plain:
        return
    best = max(others, key=lambda answer: others[answer])
    if others[best] > max(rewards.get((), 0.0), rewards.get(tuple(stated), 0.0)):
        why = (
            f"Its key is “{', '.join(stated)[:80]}”, but its scoring gives more marks for "
            f"“{', '.join(best)[:80]}”. Mend one of them."
        )
        raise Unfit("contradictory_key", why)
    item.material.lose(_PARTIAL_CREDIT)


def _likely(item: Item) -> list[str]:
    keys = item.processing.likely_keys
    if len(keys) == 1 and item.processing.adds_up:
        item.material.lose(_PARTIAL_CREDIT)
    return list(keys[0]) if len(keys) == 1 else []


def _partial_credit(item: Item, mapped: dict[str, float], stated: list[str]) -> None:
    positive = [key for key, value in mapped.items() if value > 0]
    if len(positive) > 1 or (stated and set(positive) - set(stated)):
        item.material.lose(_PARTIAL_CREDIT)


def _mapped(declaration: Element) -> dict[str, float]:
    mapping = child(declaration, "mapping")
    found: dict[str, float] = {}
    for entry in () if mapping is None else children(mapping, "mapEntry"):
        try:
            found[" ".join(get(entry, "mapKey").split())] = float(get(entry, "mappedValue") or 0)
        except ValueError:
            continue
    return found


def _joined(value: Element) -> str:
    return " ".join(xml_reading.text(value).split())


def _split(value: str, declaration: Element) -> list[str]:
    """Some systems write all identifiers into one value, with commas between."""
    if get(declaration, "baseType").lower().endswith("pair"):
        return [" ".join(part.split()) for part in value.split(",")] if "," in value else [value]
    return [part for part in re.split(r"[\s,]+", value) if part]
