"""Moodle's GIFT: from a block of text to a question.  Pure.

Lenient where Moodle is, and where exporters commonly forget an escape; what has a meaning of its own in
Moodle (partial marks, several full answers) is told as a loss, never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from questions import shape
from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import gift_answers, gift_blocks, plain_text
from questions.formats.exchange import ExchangeQuestion, Loss, Outcome, Rejection, option_id, texts
from questions.formats.gift_answers import Refused
from questions.formats.gift_blocks import Block, mask, unmask
from questions.formats.text_files import ENCODING_GUESSED, read_lines, tidied

MARKER = re.compile(r"\s*\[(html|moodle|plain|markdown)\]", re.IGNORECASE)
TAG_FIELDS = ("topic", "level", "difficulty", "tag")
"""`[tag:topic:1.1.2]` is our topic; `[tag:tag:topic:x]` is a tag that only looks like one."""

_TRUE_FALSE = re.compile(r"\s*(T|TRUE|F|FALSE)\s*(?=#|$)", re.IGNORECASE)
_ANSWER_START = re.compile(r"\s*(?:[=~#%]|(?:T|TRUE|F|FALSE)\s*(?:#|$))", re.IGNORECASE)
_EMBEDDED = re.compile(r"\{\s*\d{0,3}\s*:\s*[A-Z_]{2,30}\s*:", re.IGNORECASE)
_DATA = re.compile(r"data:[\w/+.;=-]{0,100},[A-Za-z0-9+/=\s]*")
_INVISIBLE = re.compile(r"</?[A-Za-z][^<>]*>|&nbsp;")
_ONE_TAG = re.compile(r"</?(?!img\b)[a-z][a-z0-9]*[^<>]*>", re.IGNORECASE)
_COMMENT_BEHIND = re.compile(r"^\s*//[^\n]*")
_GAP = "\uf8f5"
_MOST_RAW = 10 * shape.MAX_STEM
_MOST_BRACES = 1_000

_CAN_BE_SCORED = "Make it a multiple choice, or leave it out."
_FAULTS = {
    "unclosed_brace": "The answers begin with { but no } ends them. Add the }, or write \\{ if a brace is meant.",
    "too_long": "The question is longer than 4 MB or has tens of thousands of lines. Take out pictures that are "
    "written into its text.",
}
_UNSUPPORTED = {
    "description": "This is a description: it has no answers in braces. Put the text into the stem of a "
    "question or into a scenario, or leave it out.",
    "cloze": "This is a question with embedded answers (cloze), which can't be imported. Make each of its gaps a "
    "multiple choice, or leave it out.",
    "essay": f"This is an essay question, which no program can score. {_CAN_BE_SCORED}",
    "numerical": f"This is a numerical question; there is no such type here. {_CAN_BE_SCORED}",
    "short answer": f"This is a short answer question; there is no such type here. {_CAN_BE_SCORED}",
}
_NO_ANSWERS = (
    "The braces hold no answers. Begin each right one with = and each wrong one with ~; write \\{ and \\} for "
    "braces that belong to the text."
)


@dataclass
class _Reader:
    """Turns pieces of the file into Markdown, in the question's own text format unless they name one."""

    default: str
    losses: dict[str, Loss]

    def markdown(self, masked: str, *, is_answer: bool = False) -> str:
        found = MARKER.match(masked)
        kind = found[1].lower() if found else self.default
        raw = tidied(_DATA.sub("data:,", unmask(masked[found.end() :] if found else masked)))
        if len(raw) > _MOST_RAW:
            why = f"One of its texts has {len(raw):,} characters, far more than a question can hold. Shorten it."
            raise Refused("long_text", why)
        match kind:
            case "markdown":
                text, lost = plain_text.without_pictures(raw)
            case "html":
                text, lost = plain_text.from_html(raw)
            case "plain":
                text, lost = plain_text.to_markdown(raw), ()
            case _:
                text, lost = plain_text.from_loose_html(raw)
        if is_answer and not text.strip() and _is_literal(raw, kind):
            text, lost = plain_text.to_markdown(raw), ()
        self.losses.update({loss.code: loss for loss in lost})
        return tidied(text)


def _is_literal(raw: str, kind: str) -> bool:
    """Whether an answer that shows nothing as HTML means its tags. Editors write `<br>` for nothing at all."""
    return plain_text.is_about_tags(raw) or (kind == "moodle" and _ONE_TAG.fullmatch(raw) is not None)


def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    """Each question of the file, or why it can't come in."""
    for block in gift_blocks.blocks(read_lines(file)):
        where = f"line {block.line}"
        masked = mask(block.text)
        title, rest = _title(masked)
        try:
            if block.fault:
                raise Refused(block.fault, _FAULTS[block.fault])
            if rest.startswith("::"):
                why = "The title begins with :: but no second :: ends it. Add the ::."
                raise Refused("unclosed_title", why)
            yield _question(block, title, rest)
        except Refused as refused:
            found = MARKER.match(rest)
            begun = rest[found.end() if found else 0 :].partition("{")[0][:400]
            named = title or " ".join(tidied(unmask(begun)).split())
            yield Rejection(where, refused.code, refused.why, title=named[:80])


def _title(masked: str) -> tuple[str, str]:
    """The name between the first two `::` and what follows; without them, no name and all of it."""
    if not masked.startswith("::"):
        return "", masked
    title, colons, rest = masked[2:].partition("::")
    if not colons:
        return "", masked
    return " ".join(tidied(unmask(title)).split()), rest.lstrip()


def _question(block: Block, title: str, masked: str) -> ExchangeQuestion:
    before, answers, after = _parts(masked)
    after = _COMMENT_BEHIND.sub("", after)
    if _TRUE_FALSE.match(answers) and not re.search(r"\w", after):
        after = ""
    found = MARKER.match(before)
    reader = _Reader(found[1].lower() if found else "moodle", {})
    if _INVISIBLE.sub("", after).strip():
        stem = reader.markdown(f"{before}{_GAP}{after}").replace(_GAP, "_____")
    else:
        stem = reader.markdown(before + after)
    if not stem and title:
        stem = plain_text.to_markdown(title)
        reader.losses["stem_from_title"] = Loss(
            "stem_from_title", "It has a title but no text, so the title became the stem."
        )
    if not stem:
        raise Refused("empty_stem", "There is no text before the answers. Write the question there.")
    answers, _, general = answers.partition("####")
    content = _content(stem, answers.strip(), reader)
    _refuse_overlong(content)
    content = _with_general_feedback(content, reader.markdown(general), reader.losses)
    if block.is_joined:
        reader.losses["joined_paragraphs"] = Loss(
            "joined_paragraphs", "A blank line stood inside its text; both parts were taken as one stem."
        )
    if block.is_guessed:
        reader.losses[ENCODING_GUESSED.code] = ENCODING_GUESSED
    ids = block.fields("id")
    code = ids[0] if ids else ""
    question = ExchangeQuestion(
        content=content,
        where=f"line {block.line}",
        code=code,
        title="" if title == code else title,
        category=block.category,
        losses=tuple(reader.losses.values()),
    )
    return _with_tags(question, block.fields("tag"))


def _parts(masked: str) -> tuple[str, str, str]:
    """What stands before, in and after the braces that hold the answers."""
    if _EMBEDDED.search(masked):
        raise Refused("unsupported_type", _UNSUPPORTED["cloze"])
    groups = _groups(masked)
    if not groups:
        raise Refused("unsupported_type", _UNSUPPORTED["description"])
    likely = [g for g in groups if _ANSWER_START.match(masked[g[0] + 1 : g[1]])]
    if len(likely) > 1:
        why = (
            "Answers in braces stand there twice. Put a blank line between two questions, and write \\{ and "
        )
        raise Refused("two_answer_blocks", why + "\\} for braces that belong to the text.")
    start, end = (likely or groups[-1:])[0]
    return masked[:start], masked[start + 1 : end], masked[end + 1 :]


def _groups(masked: str) -> list[tuple[int, int]]:
    """Where the outer braces open and close; a stray { inside counts as text."""
    groups, depth, start = [], 0, 0
    for brace in re.finditer(r"[{}]", masked):
        if brace[0] == "{":
            start = start if depth else brace.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                groups.append((start, brace.start()))
        if len(groups) > _MOST_BRACES:
            raise Refused("no_answers", _NO_ANSWERS)
    if depth:
        end = masked.rfind("}")
        if end > start:
            groups.append((start, end))
    return groups


def _content(stem: str, answers: str, reader: _Reader) -> QuestionContent:
    if not answers:
        raise Refused("unsupported_type", _UNSUPPORTED["essay"])
    if answers.startswith("#"):
        raise Refused("unsupported_type", _UNSUPPORTED["numerical"])
    true_false = _TRUE_FALSE.match(answers)
    if true_false:
        return _true_false(stem, true_false[1], answers[true_false.end() :], reader)
    if "~" in answers or (answers.startswith("%") and "=" not in answers):
        return _choice(stem, answers, reader)
    if "=" in answers and "->" in answers:
        return _matching(stem, answers, reader)
    if answers.startswith(("=", "%")):
        raise Refused("unsupported_type", _UNSUPPORTED["short answer"])
    raise Refused("no_answers", _NO_ANSWERS)


def _true_false(stem: str, word: str, feedback: str, reader: _Reader) -> QuestionContent:
    is_true = word.upper().startswith("T")
    if_wrong, _, if_right = feedback.removeprefix("#").partition("#")
    wrong, right = reader.markdown(if_wrong), reader.markdown(if_right)
    options = (
        Option("a", "True", rationale=right if is_true else wrong, is_correct=is_true),
        Option("b", "False", rationale=wrong if is_true else right, is_correct=not is_true),
    )
    return QuestionContent(ItemType.MULTIPLE_CHOICE, stem, options)


def _choice(stem: str, answers: str, reader: _Reader) -> QuestionContent:
    found = gift_answers.of_choice(answers)
    parts = [(a, reader.markdown(a.text, is_answer=True), reader.markdown(a.feedback)) for a in found]
    if any(not text and not a.text.strip() for a, text, _ in parts):
        # `{~ ~a =b}`: Moodle's own exporter leaves such a mark behind.
        parts = [part for part in parts if part[1] or part[0].weight > 0 or part[0].text.strip()]
        reader.losses["empty_option"] = Loss("empty_option", "An answer without a text was left out.")
    for number, (_, text, _) in enumerate(parts, 1):
        if not text:
            why = f"Answer {number} has no text, or nothing but a picture, which GIFT can't carry. Write one."
            raise Refused("empty_option", why)
    if len(parts) < 2:
        raise Refused("too_few_options", "There is only one answer to choose from. Add a second one.")
    keys = gift_answers.keys([a for a, _, _ in parts], reader.losses)
    options = tuple(
        Option(option_id(number), text, rationale=feedback, is_correct=number in keys)
        for number, (_, text, feedback) in enumerate(parts)
    )
    kind = ItemType.MULTIPLE_CHOICE if len(keys) == 1 else ItemType.MULTIPLE_RESPONSE
    return QuestionContent(kind, stem, options)


def _matching(stem: str, answers: str, reader: _Reader) -> QuestionContent:
    pairs = []
    for number, piece in enumerate(gift_answers.of_matching(answers), 1):
        left, arrow, right = piece.partition("->")
        if not arrow:
            why = f"Pair {number} has no arrow. Write it as “= prompt -> response”."
            raise Refused("matching_pair", why)
        pair = reader.markdown(left.replace("-\\>", "->")), reader.markdown(right, is_answer=True)
        if not pair[1]:
            why = f"Pair {number} has nothing after its arrow. Write the response that belongs to it."
            raise Refused("matching_pair", why)
        pairs.append(pair)
    ids: dict[str, str] = {}
    for _, response in pairs:
        ids.setdefault(response, option_id(len(ids)))
    given = [(prompt, ids[response]) for prompt, response in pairs if prompt]
    if len(given) < 2:
        raise Refused("too_few_pairs", "A matching question needs two pairs or more. Add some.")
    prompts = tuple(Prompt(f"p{n}", text, match) for n, (text, match) in enumerate(given, 1))
    options = tuple(Option(name, text) for text, name in ids.items())
    return QuestionContent(ItemType.MATCHING, stem, options, prompts)


def _with_general_feedback(
    content: QuestionContent, general: str, losses: dict[str, Loss]
) -> QuestionContent:
    """The question, with what was said about all of it as the key's rationale where that place is free."""
    if not general:
        return content
    key = next((option for option in content.options if option.is_correct), None)
    if key is None or key.rationale:
        why = "The general feedback is left out; there is a rationale per option instead."
        losses["general_feedback"] = Loss("general_feedback", why)
        return content
    losses["general_feedback_moved"] = Loss(
        "general_feedback_moved", "The general feedback became the rationale of the right option."
    )
    options = tuple(replace(o, rationale=general) if o.id == key.id else o for o in content.options)
    return replace(content, options=options)


def _with_tags(question: ExchangeQuestion, fields: list[str]) -> ExchangeQuestion:
    tags: list[str] = []
    for text in fields:
        name, colon, value = text.partition(":")
        value = value.strip()
        if name == "topic" and colon and value:
            question = replace(question, topic=value)
        elif name == "level" and value in list(Level):
            question = replace(question, level=Level(value))
        elif name == "difficulty" and (share := _share(value)) is not None:
            question = replace(question, difficulty=share)
        else:
            tags.append(value if name == "tag" and colon else text)
    return replace(question, tags=tuple(dict.fromkeys(tag for tag in tags if tag)))


def _share(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= 1 and len(text) <= 12 else None


def _refuse_overlong(content: QuestionContent) -> None:
    if len(content.stem) > shape.MAX_STEM:
        why = f"The stem has {len(content.stem):,} characters; at most {shape.MAX_STEM:,} are allowed."
        raise Refused("long_stem", f"{why} Shorten it.")
    longest = max(map(len, list(texts(content))[1:]))
    if longest > shape.MAX_TEXT:
        why = f"An answer has {longest:,} characters; at most {shape.MAX_TEXT:,} are allowed. Shorten it."
        raise Refused("long_text", why)
