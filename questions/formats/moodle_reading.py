"""Moodle XML → questions, one at a time.  Pure.

Scoring here is all or nothing: which fractions can come in, and what is lost of them, is decided in
`_key_of_one` and `_keys_of_several`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from lxml import etree

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import xml_reading
from questions.formats.exchange import (
    MAX_QUESTIONS,
    ExchangeQuestion,
    Loss,
    Outcome,
    Rejection,
    UnreadableFile,
    option_id,
)
from questions.formats.moodle_texts import Texts, plain, title
from questions.formats.xml_reading import child, children

TOPIC, LEVEL, DIFFICULTY = "topic:", "level:", "difficulty:"

_ONE, _SEVERAL = "multichoice", ("multichoiceset", "oumultiresponse")
_UNSUPPORTED = {
    "cloze": "embedded answers (cloze)",
    "multianswer": "embedded answers (cloze)",
    "numerical": "numerical",
    "shortanswer": "short answer",
    "essay": "essay",
    "calculated": "calculated",
    "calculatedsimple": "simple calculated",
    "calculatedmulti": "calculated multiple choice",
    "ddwtos": "drag and drop into text",
    "ddimageortext": "drag and drop onto an image",
    "ddmarker": "drag and drop markers",
    "gapselect": "select missing words",
    "description": "description",
    "random": "random question",
    "randomsamatch": "random short-answer matching",
}
_HOW_TO_MEND = "Leave it out, or rewrite it as a multiple choice, multiple response, ordering or matching."
# What Moodle writes there unasked, in some of its languages, says nothing about the question.
_USUAL_FEEDBACK = re.compile(
    r"(your answer is|die antwort ist|la respuesta es|votre réponse est|sua resposta está|a sua resposta está|"
    r"respuesta|réponse|resposta|risposta|je antwoord is|la resposta és|that's|parts, but only parts, of your)?\s*"
    r"(partially|partly|teilweise|parcialmente|partiellement|parzialmente|gedeeltelijk|not|response are)?\s*"
    r"(correct|right|incorrect|wrong|richtig|falsch|correcta|incorrecta|correcte|incorrecte|correta|incorreta|"
    r"corretta|esatta|errata|juist|onjuist)[.!]?",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"(?<!/)/(?!/)")
_HUNDRED = Decimal("99.9")


class _Rejected(Exception):
    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why


@dataclass
class _Answer:
    text: str
    fraction: Decimal
    feedback: str


@dataclass
class _State:
    """What goes on from question to question."""

    category: tuple[str, ...] = ()
    number: int = 0
    notes: list[Loss] = field(default_factory=list)


def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    state = _State()
    seen = False
    for element in xml_reading.elements(file, ("question",), where=filename, note=state.notes.append):
        seen = True
        kind = (element.get("type") or "").strip().lower()
        if kind == "category":
            state.category = category_parts(plain(child(element, "category")))
            state.notes.clear()
            continue
        state.number += 1
        if state.number > MAX_QUESTIONS:
            why = f"It holds more than {MAX_QUESTIONS:,} questions; the rest was not read. Split the file."
            raise UnreadableFile("too_many_questions", why, where=filename)
        yield _outcome(element, kind, state)
        state.notes.clear()
    if not seen:
        why = "There is no <question> in it. Export the questions from Moodle as “Moodle XML format”."
        raise UnreadableFile("no_questions", why, where=filename)


def category_parts(path: str) -> tuple[str, ...]:
    """`$course$/top/Sums//differences/Easy` → (“Sums/differences”, “Easy”)."""
    parts = [part.replace("//", "/").strip() for part in _SPLIT.split(path)]
    is_rooted = bool(parts) and re.fullmatch(r"\$\w+\$", parts[0]) is not None
    if is_rooted:
        parts = parts[1:]
    if parts and parts[0] == "top":
        parts = parts[1:]
    return tuple(part for part in parts if part)


def _outcome(element: etree._Element, kind: str, state: _State) -> Outcome:
    name = title(child(element, "name"))
    line = f"line {element.sourceline}, " if element.sourceline else ""
    where = f"{line}question {state.number}" + (f", “{name[:80]}”" if name else "")
    texts = Texts()
    try:
        content, keep_order = _content(element, kind, texts)
    except _Rejected as rejected:
        return Rejection(where, rejected.code, rejected.why, title=name)
    content = _with_general_feedback(content, element, texts)
    _note_other_feedback(element, texts)
    code = plain(child(element, "idnumber"))
    question = ExchangeQuestion(
        content=content,
        where=where,
        code=code,
        title="" if name == code else name,
        keep_order=keep_order,
        category=state.category,
        pictures=tuple(texts.pictures.values()),
        losses=(*state.notes, *texts.losses.values()),
    )
    return _with_tags(question, element)


def _content(element: etree._Element, kind: str, texts: Texts) -> tuple[QuestionContent, bool]:
    reader = {
        _ONE: _choice,
        **dict.fromkeys(_SEVERAL, _choice),
        "truefalse": _true_false,
        "matching": _matching,
        "match": _matching,
        "ddmatch": _matching,
        "ordering": _ordering,
    }.get(kind)
    if reader is None:
        shown = f"of the type “{kind[:40]}”" if kind else "without a type"
        name = f" ({_UNSUPPORTED[kind]})" if kind in _UNSUPPORTED else ""
        raise _Rejected("unsupported_type", f"Questions {shown}{name} can’t be imported. {_HOW_TO_MEND}")
    stem = texts.markdown(child(element, "questiontext"))
    if not stem.strip():
        raise _Rejected("no_text", "The question has no text. Write it in Moodle and export it anew.")
    return reader(element, kind, stem + texts.old_image(element), texts)


def _choice(element: etree._Element, kind: str, stem: str, texts: Texts) -> tuple[QuestionContent, bool]:
    answers = _written_answers(element, texts)
    if len(answers) < 2:
        why = f"A choice has two options at least; this has {len(answers)}. Add options and export it anew."
        raise _Rejected("too_few_options", why)
    is_one = kind == _ONE and plain(child(element, "single")).lower() not in ("false", "0")
    if is_one and _is_shared(answers):
        is_one = False
        why = (
            "It was set to one answer, but its marks only add up from several: all of them must be selected."
        )
        texts.lose("several_right", why)
    keys = [_key_of_one(answers, texts)] if is_one else _keys_of_several(answers, kind, texts)
    if not is_one and len(keys) == 1:
        why = "Several options could be selected, and one is right: it becomes a multiple choice."
        texts.lose("type_changed", why)
    options = tuple(
        Option(option_id(number), answer.text, answer.feedback, is_correct=number in keys)
        for number, answer in enumerate(answers)
    )
    item_type = ItemType.MULTIPLE_CHOICE if len(keys) == 1 else ItemType.MULTIPLE_RESPONSE
    return QuestionContent(item_type, stem, options), _keeps_order(element)


def _is_shared(answers: list[_Answer]) -> bool:
    shares = [answer.fraction for answer in answers if answer.fraction > 0]
    return len(shares) > 1 and _is_even(shares)


def _is_even(shares: list[Decimal]) -> bool:
    return max(shares) - min(shares) < Decimal("0.1") and abs(sum(shares, Decimal(0)) - 100) < 1


def _key_of_one(answers: list[_Answer], texts: Texts) -> int:
    full = [number for number, answer in enumerate(answers) if answer.fraction >= _HUNDRED]
    best = max(answer.fraction for answer in answers)
    if best <= 0:
        raise _Rejected("no_key", "No option is right. Give the right one 100 % and export it anew.")
    if len(full) > 1:
        why = f"{len(full)} options get 100 %, so that any one of them is right; here a multiple choice has one key."
        mend = "Leave 100 % at one of them, or turn it into a question with several answers."
        raise _Rejected("several_keys", f"{why} {mend}")
    keys = full or [number for number, answer in enumerate(answers) if answer.fraction == best]
    if len(keys) > 1:
        why = f"{len(keys)} options share the highest mark of {_percent(best)}. Give 100 % to the right one."
        raise _Rejected("several_keys", why)
    others = [answer.fraction for number, answer in enumerate(answers) if number not in keys]
    if best < _HUNDRED or any(fraction > 0 for fraction in others):
        texts.lose("partial_credit", "Partial marks are dropped: here an answer is right or it is not.")
    if any(fraction < 0 for fraction in others):
        texts.lose(
            "negative_marks", "Marks taken off for wrong options are dropped: a wrong answer scores 0."
        )
    return keys[0]


def _keys_of_several(answers: list[_Answer], kind: str, texts: Texts) -> list[int]:
    keys = [number for number, answer in enumerate(answers) if answer.fraction > 0]
    if not keys:
        raise _Rejected(
            "no_key", "No option is right. Give the right ones a share of 100 % and export it anew."
        )
    shares = [answers[number].fraction for number in keys]
    if kind == _ONE and not _is_even(shares):
        why = "Uneven marks are dropped: here all right options together score, and nothing less does."
        texts.lose("partial_credit", why)
    return keys


def _written_answers(element: etree._Element, texts: Texts) -> list[_Answer]:
    answers = []
    for found in children(element, "answer"):
        answer = _Answer(texts.answer(found), _fraction(found), texts.markdown(child(found, "feedback")))
        if answer.text.strip():
            answers.append(answer)
        elif answer.fraction > 0:
            raise _Rejected(
                "empty_answer", "A right option has no text. Write it in Moodle and export it anew."
            )
        elif answer.feedback.strip() or "<img" in plain(found).lower():
            texts.lose("empty_answer", "An option without text, or whose picture is missing, was left out.")
    return answers


def _fraction(answer: etree._Element) -> Decimal:
    written = (answer.get("fraction") or plain(child(answer, "fraction")) or "0").strip()
    try:
        fraction = Decimal(written.replace(",", ".").rstrip("% "))
    except InvalidOperation:
        fraction = Decimal("NaN")
    if fraction == 0:
        return Decimal(0)
    if not fraction.is_finite() or abs(fraction.adjusted()) > 9:
        why = f"“{written[:20]}” is no mark. Write a number such as 100 or 33.33333."
        raise _Rejected("bad_fraction", why)
    return fraction


def _percent(fraction: Decimal) -> str:
    return f"{fraction.normalize():f} %"


def _keeps_order(element: etree._Element) -> bool:
    return plain(child(element, "shuffleanswers")).lower() in ("0", "false")


def _true_false(element: etree._Element, _kind: str, stem: str, texts: Texts) -> tuple[QuestionContent, bool]:
    found: dict[str, _Answer] = {}
    answers = list(children(element, "answer"))
    for answer in answers:
        name = texts.markdown(answer).strip().lower()
        if name in ("true", "false"):
            found[name] = _Answer(name, _fraction(answer), texts.markdown(child(answer, "feedback")))
    if not found and len(answers) == 2:
        # Some exports translate the words; they are kept as they stand.
        content, _ = _choice(element, _ONE, stem, texts)
        return content, True
    missing = _Answer("", Decimal(0), "")
    right = [name for name, answer in found.items() if answer.fraction > 0]
    if len(right) != 1:
        raise _Rejected("no_key", "It doesn’t say whether true or false is right. Give one of them 100 %.")
    options = tuple(
        Option(
            option_id(number), name.capitalize(), found.get(name, missing).feedback, is_correct=name in right
        )
        for number, name in enumerate(("true", "false"))
    )
    return QuestionContent(ItemType.MULTIPLE_CHOICE, stem, options), True


def _matching(element: etree._Element, _kind: str, stem: str, texts: Texts) -> tuple[QuestionContent, bool]:
    responses: dict[str, str] = {}
    prompts: list[Prompt] = []
    for found in children(element, "subquestion"):
        prompt = texts.markdown(found)
        response = texts.response(child(found, "answer"))
        if not response.strip():
            if prompt.strip():
                why = f"“{prompt[:60]}” has no response. Write one in Moodle and export it anew."
                raise _Rejected("empty_answer", why)
            continue
        match = responses.setdefault(response, option_id(len(responses)))
        if prompt.strip():
            prompts.append(Prompt(f"p{len(prompts) + 1}", prompt, match))
    if len(prompts) < 2:
        why = f"A matching has two pairs at least; this has {len(prompts)}. Add pairs and export it anew."
        raise _Rejected("too_few_pairs", why)
    if len(responses) < 2:
        raise _Rejected("too_few_options", "All its pairs have the same response. Add another one.")
    options = tuple(Option(letter, text) for text, letter in responses.items())
    return QuestionContent(ItemType.MATCHING, stem, options, tuple(prompts)), _keeps_order(element)


def _ordering(element: etree._Element, _kind: str, stem: str, texts: Texts) -> tuple[QuestionContent, bool]:
    steps = _written_answers(element, texts)
    if len(steps) < 2:
        why = f"An ordering has two steps at least; this has {len(steps)}. Add steps and export it anew."
        raise _Rejected("too_few_options", why)
    if len({step.fraction for step in steps}) == len(steps):
        # The fraction is the place, from 1. Some exports write the same for all: then the order is as written.
        steps.sort(key=lambda step: step.fraction)
    options = tuple(
        Option(option_id(number), step.text, step.feedback, position=number + 1)
        for number, step in enumerate(steps)
    )
    if plain(child(element, "selecttype")).upper() not in ("", "0", "ALL"):
        why = "Each try showed only some of the steps; here all of them are shown and put in order."
        texts.lose("step_selection", why)
    return QuestionContent(ItemType.ORDERING, stem, options), False


def _with_general_feedback(
    content: QuestionContent, element: etree._Element, texts: Texts
) -> QuestionContent:
    feedback = texts.markdown(child(element, "generalfeedback"))
    if not feedback.strip():
        return content
    key = next((number for number, option in enumerate(content.options) if option.is_correct), None)
    if key is None or content.options[key].rationale.strip():
        texts.lose("general_feedback", "The general feedback was left out: there is no place for it.")
        return content
    texts.lose("general_feedback_moved", "The general feedback became the rationale of the right option.")
    options = list(content.options)
    options[key] = replace(options[key], rationale=feedback)
    return replace(content, options=tuple(options))


def _note_other_feedback(element: etree._Element, texts: Texts) -> None:
    for name in ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"):
        said = re.sub(r"<[^>]{0,200}>", "", plain(child(element, name))).strip()
        if said and not _USUAL_FEEDBACK.fullmatch(said):
            texts.lose("combined_feedback", "The feedback for right, partly right and wrong was left out.")
    if any(plain(hint) for hint in children(element, "hint")):
        texts.lose("hints", "The hints were left out: a question here is tried once.")


def _with_tags(question: ExchangeQuestion, element: etree._Element) -> ExchangeQuestion:
    """Tags of the form `level:apply` are what our own export writes."""
    tags: list[str] = []
    holder = child(element, "tags")
    for found in children(holder, "tag") if holder is not None else ():
        tag = plain(found)
        if tag.startswith(TOPIC) and not question.topic and tag != TOPIC:
            question = replace(question, topic=tag.removeprefix(TOPIC))
        elif tag.startswith(LEVEL) and tag.removeprefix(LEVEL) in set(Level) and question.level is None:
            question = replace(question, level=Level(tag.removeprefix(LEVEL)))
        elif tag.startswith(DIFFICULTY) and question.difficulty is None and _share(tag) is not None:
            question = replace(question, difficulty=_share(tag))
        elif tag and tag not in tags:
            tags.append(tag)
    return replace(question, tags=tuple(tags))


def _share(tag: str) -> Decimal | None:
    written = tag.removeprefix(DIFFICULTY)
    return Decimal(written) if re.fullmatch(r"[01](\.\d{1,9})?", written) else None
