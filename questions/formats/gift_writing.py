"""Moodle's GIFT: questions out, in Moodle's own spelling of it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from questions.content import ItemType, Option, QuestionContent
from questions.formats import plain_text
from questions.formats.exchange import ExchangeQuestion, Loss, texts
from questions.formats.gift_reading import MARKER, TAG_FIELDS
from questions.formats.text_files import tidied

_SPECIAL = re.compile(r"[\\~=#{}:]")

_ORDERING = Loss("unsupported_type", "GIFT has no ordering questions.", leaves_out=True)
_INCOMPLETE = Loss(
    "incomplete", "It lacks a stem, a key or options, and no other system could read it.", leaves_out=True
)
_LEFT_BEHIND = {
    "references": "GIFT has no place for references.",
    "scenario_left_out": "GIFT has no scenarios; the case text is left out.",
    "keep_order": "GIFT can't say that the options keep their order.",
    "rationales": "GIFT has no rationales in matching questions.",
    "response_order": "The responses of a matching question come in the order in which they are used, the "
    "same text only once.",
    "spacing": "Blank space around texts, control characters and line breaks in names are not kept.",
}


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    """All questions that GIFT can hold, under their categories."""
    category: tuple[str, ...] = ()
    for question in questions:
        if any(loss.leaves_out for loss in losses(question)):
            continue
        if _parts(question.category) != category:
            category = _parts(question.category)
            out.write(f"$CATEGORY: $course$/top{''.join(map(_folder, category))}\n\n".encode())
        out.write(("\n".join(_lines(question)) + "\n\n").encode())


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    content = question.content
    if content.item_type is ItemType.ORDERING:
        return (_ORDERING,)
    if not _is_complete(content):
        return (_INCOMPLETE,)
    matching = content.item_type is ItemType.MATCHING
    left_behind = {
        "references": bool(content.references),
        "scenario_left_out": question.scenario is not None,
        "keep_order": question.keep_order,
        "rationales": matching
        and (any(o.rationale for o in content.options) or any(p.rationale for p in content.prompts)),
        "response_order": matching and _responses(content) != [_carried(o.text) for o in content.options],
        "spacing": _is_respaced(question),
    }
    pictures = any(plain_text.without_pictures(text)[1] for text in texts(content))
    told = [Loss(code, _LEFT_BEHIND[code]) for code, is_lost in left_behind.items() if is_lost]
    return (*([plain_text.PICTURES] if pictures else []), *told)


def _is_complete(content: QuestionContent) -> bool:
    """Whether `gift_reading` takes it."""
    known = {o.id for o in content.options}
    keys = sum(o.is_correct for o in content.options)
    is_right = {
        ItemType.MULTIPLE_CHOICE: len(content.options) >= 2 and keys == 1,
        ItemType.MULTIPLE_RESPONSE: len(content.options) >= 2 and keys >= 2,
        ItemType.MATCHING: len(content.prompts) >= 2 and all(p.match in known for p in content.prompts),
    }
    parts = [content.stem, *(o.text for o in content.options), *(p.text for p in content.prompts)]
    return is_right[content.item_type] and all(_carried(text) for text in parts)


def _is_respaced(question: ExchangeQuestion) -> bool:
    labels = (question.code, question.title, question.topic, *question.tags, *question.category)
    return (
        any(text != tidied(text) for text in texts(question.content))
        or any(label != _label(label) for label in labels)
        or not all((*question.tags, *question.category))
        or len(set(question.tags)) < len(question.tags)
    )


def _lines(question: ExchangeQuestion) -> Iterator[str]:
    fields = [f"[id:{_bracketed(question.code)}]"] if _label(question.code) else []
    fields += [f"[tag:{_bracketed(tag)}]" for tag in _tags(question)]
    if fields:
        yield f"// {' '.join(fields)}"
    title = _label(question.title) or _label(question.code)
    name = f"::{_escaped(title)}::" if title else ""
    yield f"{name}[markdown]{_escaped(_carried(question.content.stem))}{{"
    yield from _answers(question.content)
    yield "}"


def _tags(question: ExchangeQuestion) -> Iterator[str]:
    if _label(question.topic):
        yield f"topic:{question.topic}"
    if question.level is not None:
        yield f"level:{question.level}"
    if question.difficulty is not None:
        yield f"difficulty:{question.difficulty:f}"
    for tag in filter(None, map(_label, question.tags)):
        yield f"tag:{tag}" if tag.partition(":")[0].strip() in TAG_FIELDS else tag


def _answers(content: QuestionContent) -> Iterator[str]:
    match content.item_type:
        case ItemType.MATCHING:
            by_id = {o.id: _marked(o.text) for o in content.options}
            for prompt in content.prompts:
                left = _marked(prompt.text).replace("->", "-\\>")
                yield f"\t={left} -> {by_id[prompt.match]}"
            used = {_carried(o.text) for o in content.options if o.id in {p.match for p in content.prompts}}
            for response in _responses(content)[len(used) :]:
                yield f"\t= -> {_marked(response)}"
        case ItemType.MULTIPLE_CHOICE:
            for option in content.options:
                yield f"\t{'=' if option.is_correct else '~'}{_answer(option)}"
        case _:
            share = _weight(sum(o.is_correct for o in content.options))
            for option in content.options:
                yield f"\t~%{share if option.is_correct else '-100'}%{_answer(option)}"


def _answer(option: Option) -> str:
    rationale = _carried(option.rationale)
    return _marked(option.text) + (f"#{_marked(rationale)}" if rationale else "")


def _responses(content: QuestionContent) -> list[str]:
    """The responses in the order in which reading the file finds them."""
    by_id = {o.id: _carried(o.text) for o in content.options}
    matched = [by_id[p.match] for p in content.prompts if p.match in by_id]
    return list(dict.fromkeys([*matched, *by_id.values()]))


def _weight(keys: int) -> str:
    """100 / n as Moodle wants it: five decimals at most, 33.33333 and 50."""
    return f"{100 / keys:.5f}".rstrip("0").rstrip(".")


def _marked(text: str) -> str:
    """The text escaped, with its format named where its beginning would be taken for a weight or format."""
    text = _carried(text)
    return ("[markdown]" if text.startswith("%") or MARKER.match(text) else "") + _escaped(text)


def _carried(text: str) -> str:
    return tidied(plain_text.without_pictures(tidied(text))[0])


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text).replace("\n", "\\n")


def _label(text: str) -> str:
    return " ".join(tidied(text).split())


def _bracketed(text: str) -> str:
    return re.sub(r"[]\\]", r"\\\g<0>", _label(text))


def _parts(category: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(_label, category)))


def _folder(name: str) -> str:
    # A blank keeps a slash of the name apart from the one between two names.
    name = name.replace("/", "//")
    return f"/{' ' if name.startswith('/') else ''}{name}{' ' if name.endswith('/') else ''}"
