"""Questions → Moodle XML.  Pure.

Texts are written as Markdown, which Moodle reads and which keeps them letter by letter.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from lxml import etree

from questions.content import ItemType, Option, QuestionContent
from questions.formats.exchange import (
    IMAGE_TARGET,
    ExchangeQuestion,
    Loss,
    Picture,
    image_names,
    texts,
)
from questions.formats.html_text import is_kept
from questions.formats.moodle_reading import DIFFICULTY, LEVEL, TOPIC, category_parts

# What XML 1.0 can't hold, and the few private characters with which `xml_reading` marks guessed bytes.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U0010ff80-\U0010ffff]")


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    """Questions that `losses` leaves out are not written."""
    out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n')
    category: tuple[str, ...] = ()
    for number, question in enumerate(questions, 1):
        if any(loss.leaves_out for loss in losses(question)):
            continue
        if question.category != category:
            category = question.category
            _write(out, _category(category))
        _write(out, _question(question, number))
    out.write(b"</quiz>\n")


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    """What a round trip through Moodle XML changes."""
    return (*_left_out(question.content), *_changed(question), *_lost_details(question))


def _left_out(content: QuestionContent) -> Iterator[Loss]:
    keys = sum(option.is_correct for option in content.options)
    parts = [content.stem, *(o.text for o in content.options), *(p.text for p in content.prompts)]
    if any(not _clean(text).strip() for text in parts):
        yield Loss("empty_text", "A text is empty, which Moodle would not take. Write it.", leaves_out=True)
    elif content.item_type is ItemType.MULTIPLE_CHOICE and keys != 1:
        yield Loss("no_key", f"It has {keys} keys instead of one. Mark the right option.", leaves_out=True)
    elif content.item_type is ItemType.MULTIPLE_RESPONSE and keys < 2:
        yield Loss("no_key", "It has fewer than two right options. Mark them.", leaves_out=True)
    elif content.item_type is ItemType.MATCHING and _has_bad_pairs(content):
        yield Loss("bad_pairs", "Each of two prompts or more needs one of the options.", leaves_out=True)
    elif content.item_type is ItemType.ORDERING and len(_steps(content)) < 2:
        yield Loss("too_few_options", "It has fewer than two steps with a position.", leaves_out=True)
    elif len({_trimmed(option.text) for option in content.options}) < 2 <= len(content.prompts):
        yield Loss("too_few_options", "All its options have the same text.", leaves_out=True)
    elif len(content.options) < 2:
        yield Loss("too_few_options", "It has fewer than two options.", leaves_out=True)


def _has_bad_pairs(content: QuestionContent) -> bool:
    known = {option.id for option in content.options}
    return len(content.prompts) < 2 or any(prompt.match not in known for prompt in content.prompts)


def _changed(question: ExchangeQuestion) -> Iterator[Loss]:
    content = question.content
    if any(_FORBIDDEN.search(text) for text in _all_texts(question)):
        yield Loss("control_characters", "Invisible control characters, which XML can’t hold, are dropped.")
    if any(_trimmed(text) != _clean(text) or (text and not text.strip()) for text in texts(content)):
        yield Loss("blank_lines", "Blank lines at the beginning or end of a text are dropped.")
    missing = set(image_names(content)) - {picture.name for picture in question.pictures}
    if missing:
        why = f"Pictures that are not there: {', '.join(sorted(missing))}; their descriptions stay."
        yield Loss("image", why)
    if content.item_type is ItemType.MATCHING:
        yield from _changed_matching(content)
    if content.item_type is ItemType.ORDERING:
        steps = _steps(content)
        if len(steps) < len(content.options):
            yield Loss(
                "surplus_steps", "Steps that don’t belong are dropped: Moodle has none in an ordering."
            )
        if list(steps) != [option for option in content.options if option.position is not None]:
            yield Loss("option_order", "The steps are listed in their right order, not as they were written.")
        if question.keep_order:
            yield Loss("keep_order", "Moodle always shuffles the steps.")


def _changed_matching(content: QuestionContent) -> Iterator[Loss]:
    if any(option.rationale for option in content.options) or any(p.rationale for p in content.prompts):
        yield Loss("rationale", "Moodle has no feedback on single pairs: their rationales are dropped.")
    if not all(is_kept(option.text) for option in content.options):
        why = "Moodle shows the responses of a matching as plain text: marks in them are seen as typed."
        yield Loss("plain_responses", why)
    if [option.text for option in content.options] != list(dict.fromkeys(_responses(content))):
        yield Loss("option_order", "Moodle lists the responses in the order of their prompts.")


def _responses(content: QuestionContent) -> list[str]:
    by_id = {option.id: option.text for option in content.options}
    matched = [by_id[prompt.match] for prompt in content.prompts if prompt.match in by_id]
    return matched + [option.text for option in _surplus(content)]


def _lost_details(question: ExchangeQuestion) -> Iterator[Loss]:
    if question.content.references:
        yield Loss("references", "Moodle has no place for references.")
    if question.scenario is not None:
        yield Loss(
            "scenario", "The scenario is dropped: Moodle has no place for a text of several questions."
        )
    if question.category and category_parts(_path(question.category)) != question.category:
        yield Loss("category", "The name of a category can’t be kept exactly.")
    written = [tag for tag in question.tags if tag.startswith((TOPIC, LEVEL, DIFFICULTY))]
    untidy = [
        text
        for text in (*question.tags, question.topic, question.code, question.title)
        if _line(text) != text
    ]
    if written or untidy or len(set(question.tags)) < len(question.tags) or "" in question.tags:
        yield Loss("tags", "Tags, names and codes lose surplus blank space, doubles and reserved beginnings.")
    if not question.code and not question.title:
        yield Loss("title", "Moodle wants a name for each question: it gets a number.")


def _all_texts(question: ExchangeQuestion) -> Iterator[str]:
    yield from texts(question.content)
    yield from (question.code, question.title, question.topic, *question.tags, *question.category)


def _question(question: ExchangeQuestion, number: int) -> etree._Element:
    content = question.content
    kind = {ItemType.ORDERING: "ordering", ItemType.MATCHING: "matching"}.get(
        content.item_type, "multichoice"
    )
    element = etree.Element("question", type=kind)
    _text(_sub(element, "name"), _line(question.title or question.code or f"Question {number}"))
    writer = _Writer({picture.name: picture for picture in question.pictures})
    writer.markdown(_sub(element, "questiontext"), content.stem)
    _sub(element, "defaultgrade").text = "1"
    _sub(element, "hidden").text = "0"
    if question.code:
        _sub(element, "idnumber").text = _line(question.code)
    match content.item_type:
        case ItemType.MATCHING:
            _sub(element, "shuffleanswers").text = _flag(not question.keep_order)
            _pairs(element, content, writer)
        case ItemType.ORDERING:
            _order(element, content, writer)
        case _:
            _sub(element, "single").text = _flag(content.item_type is ItemType.MULTIPLE_CHOICE)
            _sub(element, "shuffleanswers").text = _flag(not question.keep_order)
            _sub(element, "answernumbering").text = "abc"
            _choices(element, content, writer)
    _tags(element, question)
    return element


class _Writer:
    def __init__(self, pictures: dict[str, Picture]) -> None:
        self.pictures = pictures

    def markdown(self, element: etree._Element, markdown: str) -> None:
        """The text, and beside it the pictures that it shows."""
        element.set("format", "markdown")
        used: dict[str, Picture] = {}

        def address(found: re.Match[str]) -> str:
            picture = self.pictures.get(found["name"])
            if picture is not None:
                used[picture.name] = picture
            return f"![{found['alt']}](@@PLUGINFILE@@/{found['name']})"

        _text(element, IMAGE_TARGET.sub(address, _trimmed(markdown)))
        for picture in used.values():
            file = _sub(element, "file")
            file.set("name", picture.name)
            file.set("path", "/")
            file.set("encoding", "base64")
            file.text = base64.b64encode(picture.data).decode()


def _choices(element: etree._Element, content: QuestionContent, writer: _Writer) -> None:
    keys = sum(option.is_correct for option in content.options)
    share = f"{100 / keys:.5f}".rstrip("0").rstrip(".")
    for option in content.options:
        # A wrong tick takes all: that is as near as Moodle comes to all or nothing.
        wrong = "0" if keys == 1 else "-100"
        _answer(element, option, share if option.is_correct else wrong, writer)


def _order(element: etree._Element, content: QuestionContent, writer: _Writer) -> None:
    for name, value in (("layouttype", "VERTICAL"), ("selecttype", "ALL"), ("selectcount", "0")):
        _sub(element, name).text = value
    _sub(element, "gradingtype").text = "ALL_OR_NOTHING"
    for number, option in enumerate(_steps(content), 1):
        _answer(element, option, f"{number}.0000000", writer)


def _answer(element: etree._Element, option: Option, fraction: str, writer: _Writer) -> None:
    answer = _sub(element, "answer")
    answer.set("fraction", fraction)
    writer.markdown(answer, option.text)
    if option.rationale:
        writer.markdown(_sub(answer, "feedback"), option.rationale)


def _pairs(element: etree._Element, content: QuestionContent, writer: _Writer) -> None:
    by_id = {option.id: option for option in content.options}
    pairs = [(prompt.text, by_id[prompt.match]) for prompt in content.prompts]
    for prompt, option in [*pairs, *(("", option) for option in _surplus(content))]:
        pair = _sub(element, "subquestion")
        writer.markdown(pair, prompt)
        writer.markdown(_sub(pair, "answer"), option.text)


def _surplus(content: QuestionContent) -> list[Option]:
    used = {prompt.match for prompt in content.prompts}
    return [option for option in content.options if option.id not in used]


def _steps(content: QuestionContent) -> tuple[Option, ...]:
    steps = [option for option in content.options if option.position is not None]
    return tuple(sorted(steps, key=lambda option: option.position or 0))


def _tags(element: etree._Element, question: ExchangeQuestion) -> None:
    tags = [f"{TOPIC}{question.topic}"] if question.topic else []
    tags += [f"{LEVEL}{question.level}"] if question.level is not None else []
    tags += [f"{DIFFICULTY}{question.difficulty}"] if question.difficulty is not None else []
    tags += question.tags
    if tags:
        holder = _sub(element, "tags")
        for tag in tags:
            _text(_sub(holder, "tag"), _line(tag))


def _category(category: tuple[str, ...]) -> etree._Element:
    element = etree.Element("question", type="category")
    _text(_sub(element, "category"), _clean(_path(category)))
    return element


def _path(category: tuple[str, ...]) -> str:
    return "/".join(("$course$", "top", *(_line(part).replace("/", "//") for part in category)))


def _write(out: BinaryIO, element: etree._Element) -> None:
    out.write(etree.tostring(element, encoding="unicode").encode() + b"\n")


def _sub(element: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(element, name)


def _text(element: etree._Element, value: str) -> None:
    _sub(element, "text").text = value


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text)


def _trimmed(text: str) -> str:
    return _clean(text).strip("\n")


def _line(text: str) -> str:
    return " ".join(_clean(text).split())


def _flag(value: bool) -> str:
    return "true" if value else "false"
