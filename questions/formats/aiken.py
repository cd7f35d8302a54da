"""Aiken, the simplest of formats: a stem, options `A. …`, and `ANSWER: B`.  Pure.

Written as the format demands: one line each. Read as people write it: stems and options over several lines,
blank lines between, `a)`, `ans: b`, `ANSWER: A, C`, an `Explanation:` right after the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from questions import shape
from questions.content import ItemType, Option, QuestionContent
from questions.formats import plain_text
from questions.formats.exchange import (
    ExchangeQuestion,
    Format,
    Loss,
    Outcome,
    Rejection,
    option_id,
)
from questions.formats.text_files import (
    ENCODING_GUESSED,
    LINE_OVERHEAD,
    MAX_BLOCK,
    Line,
    beginning,
    read_lines,
    tidied,
)

_OPTION = re.compile(r"\(?([A-Za-z])[.)、．）]\)?(?![A-Za-z]\.)\s*(.*)", re.DOTALL)
_ANSWER_WORDS = (
    "answers?|ans|correct answers?|respuesta|resposta|r[ée]ponse|risposta|antwort|lösung|odpowiedź|ответ|答案"
)
_ANSWER = re.compile(rf"(?:{_ANSWER_WORDS})\s*[:=.：]\s*(.*)", re.IGNORECASE)
_LETTERS = re.compile(r"\(?([A-Za-z])(?![A-Za-z0-9])[.)]?")
_BETWEEN = re.compile(r"\s*(?:[,;&/+]|\band\b)?\s*", re.IGNORECASE)
_EXPLANATION = re.compile(r"(?:explanation|feedback|rationale)\s*:\s*(.*)", re.IGNORECASE)
_MOST_OPTIONS = 26
_MOST_ANSWER = 500


@dataclass
class _Draft:
    """The question being read. `loose` are the lines that went to the last option without a letter."""

    line: int = 0
    size: int = 0
    stem: list[str] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    answer: str | None = None
    explanation: list[str] = field(default_factory=list)
    loose: list[Line] = field(default_factory=list)
    is_after_blank: bool = False
    is_guessed: bool = False
    is_cut: bool = False

    @property
    def is_begun(self) -> bool:
        return bool(self.stem)

    @property
    def next_letter(self) -> str:
        return chr(ord("A") + len(self.options)) if len(self.options) < _MOST_OPTIONS else ""

    def note(self, line: Line) -> None:
        self.line = self.line or line.number
        self.is_guessed = self.is_guessed or line.is_guessed
        self.size += len(line.text) + LINE_OVERHEAD
        self.is_cut = self.is_cut or line.is_cut or self.size > MAX_BLOCK


def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    """Each question of the file, or why it can't come in."""
    draft = _Draft()
    for line in read_lines(file):
        ended, draft = _next(draft, line)
        if ended is not None:
            yield _outcome(ended)
    if draft.line:
        yield _outcome(draft)


def _next(draft: _Draft, line: Line) -> tuple[_Draft | None, _Draft]:
    """Take a line. Returns the question that it ended, if it did, and the one that goes on."""
    text = _unbolded(line.text.strip())
    if not text:
        draft.is_after_blank = True
        return None, draft
    is_after_blank, draft.is_after_blank = draft.is_after_blank, False
    if draft.answer is not None:
        found = _EXPLANATION.fullmatch(text)
        if not is_after_blank and (found or draft.explanation):
            draft.note(line)
            draft.explanation.append(found[1] if found else text)
            return None, draft
        return draft, _begun(line)
    answer = _ANSWER.fullmatch(text)
    is_orphan = draft.is_begun and text.startswith(("ANSWER:", "Answer:"))
    if answer and (draft.options or is_orphan or _letters(answer[1][:_MOST_ANSWER])):
        draft.note(line)
        draft.answer = answer[1][:_MOST_ANSWER]
        return None, draft
    option = _OPTION.fullmatch(text)
    if option and draft.is_begun and option[1].upper() == draft.next_letter:
        draft.note(line)
        if not draft.is_cut:
            draft.options.append([option[2]])
            draft.loose = []
        return None, draft
    if option and option[1].upper() == "A" and len(draft.options) > 1 and draft.loose:
        return _without_answer(draft, line)
    if is_after_blank and draft.options and not option:
        return draft, _begun(line)
    draft.note(line)
    if not draft.is_cut:
        if is_after_blank and draft.stem and not draft.options:
            draft.stem.append("")
        (draft.options[-1] if draft.options else draft.stem).append(text)
        if draft.options:
            draft.loose.append(line)
    return None, draft


def _unbolded(text: str) -> str:
    """`**A)** one` and `**ANSWER: B**` without the asterisks; any other text as it is."""
    if not text.startswith("**"):
        return text
    bare = text.replace("**", "", 2).strip()
    return bare if _OPTION.fullmatch(bare) or _ANSWER.fullmatch(bare) else text


def _begun(line: Line) -> _Draft:
    draft = _Draft()
    draft.note(line)
    answer = _ANSWER.fullmatch(line.text.strip())
    if answer and _letters(answer[1]):
        draft.answer = answer[1][:_MOST_ANSWER]
    else:
        draft.stem.append(line.text.strip())
    return draft


def _without_answer(draft: _Draft, line: Line) -> tuple[_Draft, _Draft]:
    """An A after other options: what stood between was the next stem, and this question has no answer."""
    following = _begun(draft.loose[0])
    for loose in draft.loose[1:]:
        following.note(loose)
        following.stem.append(loose.text.strip())
    del draft.options[-1][-len(draft.loose) :]
    _next(following, line)
    return draft, following


def _outcome(draft: _Draft) -> Outcome:
    where = f"line {draft.line}"
    stem, options, rationale = "", [""], ""
    fault = _fault(draft)
    if not fault:
        stem, options = _text(draft.stem), [_text(lines) for lines in draft.options]
        rationale = _text(draft.explanation)
        fault = _text_fault(stem, options, rationale)
    if fault:
        title = " ".join(tidied(" ".join(draft.stem)[:400]).split())
        return Rejection(where, *fault, title=title[:80])
    keys = [ord(letter) - ord("A") for letter in _letters(draft.answer or "")]
    kind = ItemType.MULTIPLE_CHOICE if len(keys) == 1 else ItemType.MULTIPLE_RESPONSE
    parts = tuple(
        Option(option_id(number), text, rationale if number == keys[0] else "", is_correct=number in keys)
        for number, text in enumerate(options)
    )
    losses = (ENCODING_GUESSED,) if draft.is_guessed else ()
    return ExchangeQuestion(QuestionContent(kind, stem, parts), where=where, losses=losses)


def _fault(draft: _Draft) -> tuple[str, str] | None:
    if draft.is_cut:
        return "too_long", "The question is longer than 4 MB or has tens of thousands of lines. Shorten it."
    if not draft.stem:
        return (
            "empty_stem",
            "An answer stands here without a question before it. Add one, or delete the line.",
        )
    if not draft.options:
        if _OPTION.fullmatch(draft.stem[0]) and len(draft.stem) > 1:
            return "empty_stem", "The options have no question before them. Write it in the line above A."
        why = "There are no options. Write each on its own line, as “A. text”, beginning with A."
        return "no_options", why
    if len(draft.options) < 2:
        return "too_few_options", "There is only one option. Add a second one, as “B. text”."
    if draft.answer is None:
        return "no_answer", "It has no line such as “ANSWER: B” after its options. Add one."
    letters = _letters(draft.answer)
    last = option_id(len(draft.options) - 1).upper()
    if not letters or letters[-1] > last:
        why = f"“ANSWER: {draft.answer[:40]}” does not name one of its options, A to {last}. Mend the letter."
        return "unknown_answer", why
    return None


def _text_fault(stem: str, options: list[str], rationale: str) -> tuple[str, str] | None:
    if not all(options):
        return "empty_option", "An option has no text after its letter. Write one, or delete the line."
    if len(stem) > shape.MAX_STEM:
        return "long_stem", f"The stem is longer than {shape.MAX_STEM:,} characters. Shorten it."
    if max(map(len, (*options, rationale))) > shape.MAX_TEXT:
        why = f"An option or the explanation is longer than {shape.MAX_TEXT:,} characters. Shorten it."
        return "long_text", why
    return None


def _letters(answer: str) -> list[str]:
    """The letters of “B”, “B) text”, “A, C”, “a and c”, “AC”; [] when it is none of these."""
    answer = answer.strip()
    if re.fullmatch(r"[A-Z]{2,8}", answer) and list(answer) == sorted(set(answer)):
        return list(answer)
    letters: list[str] = []
    at = 0
    while found := _LETTERS.match(answer, at):
        letters.append(found[1].upper())
        at = found.end()
        if at == len(answer):
            return sorted(set(letters))
        gap = _BETWEEN.match(answer, at)
        if gap is None or gap.end() == at:
            break
        at = gap.end()
    # “B) the text of B” and “B. …” say it again in words.
    return letters[:1] if re.match(r"\(?[A-Za-z][.)]\s*\S", answer) else []


def _text(lines: list[str]) -> str:
    return tidied(plain_text.to_markdown(tidied("\n".join(lines))))


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    """The multiple choice questions, without formatting."""
    for question in questions:
        if any(loss.leaves_out for loss in losses(question)):
            continue
        content = question.content
        lines = [_flat(content.stem)]
        for number, option in enumerate(content.options):
            lines.append(f"{option_id(number).upper()}. {_flat(option.text)}")
        key = next(number for number, option in enumerate(content.options) if option.is_correct)
        lines += [f"ANSWER: {option_id(key).upper()}", "", ""]
        out.write("\n".join(lines).encode())


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    content = question.content
    if content.item_type is not ItemType.MULTIPLE_CHOICE:
        return (Loss("unsupported_type", "Aiken has only multiple choice questions.", leaves_out=True),)
    told = [content.stem, *(option.text for option in content.options)]
    flat = [_flat(text) for text in told]
    count, keys = len(content.options), sum(option.is_correct for option in content.options)
    if not (all(flat) and 2 <= count <= _MOST_OPTIONS and keys == 1):
        why = "It lacks a stem, a key or options (2 to 26), and no other system could read it."
        return (Loss("incomplete", why, leaves_out=True),)
    answer = _ANSWER.fullmatch(flat[0])
    if answer and _letters(answer[1]):
        why = "Its stem reads like the line that names the answer. Word it differently."
        return (Loss("ambiguous_stem", why, leaves_out=True),)
    details = (question.code, question.title, question.topic, question.tags, question.category)
    left_behind = {
        "formatting": any(_text([line]) != text for line, text in zip(flat, told, strict=True)),
        "rationales": any(option.rationale for option in content.options),
        "references": bool(content.references),
        "scenario_left_out": question.scenario is not None,
        "keep_order": question.keep_order,
        "details": any(details) or question.level is not None or question.difficulty is not None,
    }
    return tuple(Loss(code, _LEFT_BEHIND[code]) for code, is_lost in left_behind.items() if is_lost)


_LEFT_BEHIND = {
    "formatting": "Aiken has one line of plain text for each stem and option: paragraphs, code, emphasis and "
    "pictures are flattened.",
    "rationales": "Aiken has no rationales.",
    "references": "Aiken has no place for references.",
    "scenario_left_out": "Aiken has no scenarios; the case text is left out.",
    "keep_order": "Aiken can't say that the options keep their order.",
    "details": "Aiken has no codes, titles, topics, levels, difficulties, tags or categories.",
}


def _flat(text: str) -> str:
    return tidied(plain_text.from_markdown(tidied(text)))


def looks_like(head: bytes, filename: str) -> bool:
    """By options with letters and a line that names the answer."""
    text = beginning(head)
    return (
        not text.lstrip().startswith(("<", "{"))
        and re.search(r"^[ \t]*(?:\*\*)?\(?[Aa][.)、．）]\s*\S", text, re.MULTILINE) is not None
        and re.search(
            rf"^[ \t]*(?:\*\*)?(?:{_ANSWER_WORDS})[ \t]*[:：][ \t]*\(?[A-Za-z]\b",
            text,
            re.MULTILINE | re.IGNORECASE,
        )
        is not None
    )


FORMAT = Format(
    name="aiken",
    label="Aiken",
    extension=".txt",
    media_type="text/plain",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
