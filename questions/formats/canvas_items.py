"""An item of QTI 1.2 → a question.  Pure.

Canvas says in the metadata of an item what it is; of the items of others, the structure tells: one list to
choose from, a list per prompt, or a list in order.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lxml import etree

from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.formats import canvas_scoring, exchange
from questions.formats.canvas_material import Material
from questions.formats.canvas_scoring import Scoring, ident, response_ids
from questions.formats.exchange import ExchangeQuestion, Loss, Outcome, Rejection
from questions.formats.lined_yaml import shown
from questions.formats.native import CODE
from questions.formats.xml_reading import child, children, local, text

Element = etree._Element

_CHOICE = "choice"
_LISTS = ("response_lid", "response_grp")
_TYPED = ("response_str", "response_num", "response_xy", "response_na")
_RESPONSES = (*_LISTS, *_TYPED)
_KINDS: dict[str, str] = {
    **dict.fromkeys(("multiple choice", "true false", "either or", "opinion scale"), _CHOICE),
    **dict.fromkeys(
        ("multiple answers", "multiple answer", "multiple response", "multi select"),
        ItemType.MULTIPLE_RESPONSE,
    ),
    "matching": ItemType.MATCHING,
    **dict.fromkeys(("ordering", "order"), ItemType.ORDERING),
}
_UNSUPPORTED = {
    "short answer": "short answer",
    "fill in multiple blanks": "fill in the blanks",
    "fill in the blank": "fill in the blank",
    "fill in the blank plus": "fill in the blanks",
    "fib": "fill in the blank",
    "multiple dropdowns": "drop-down lists",
    "jumbled sentence": "drop-down lists",
    "numerical": "numeric",
    "numeric": "numeric",
    "calculated": "calculated formula",
    "formula": "calculated formula",
    "essay": "essay",
    "short response": "essay",
    "file upload": "file upload",
    "categorization": "categorisation",
    "hot spot": "hot spot",
    "quiz bowl": "quiz bowl",
    "pattern match": "short answer",
    "long answer": "essay",
    "fill in the blanks": "fill in the blanks",
    "multi short answer": "short answer",
    "arithmetic": "calculated formula",
    "significant figures": "calculated formula",
    "algorithmic": "calculated formula",
}
TEXT_ONLY = "text only"
_MOST_PARTS = 1000
_KIND_LABELS = {
    *("question_type", "cc_profile", "qmd_itemtype", "qmd_questiontype", "itemtype", "respondusapi_qtype"),
}
# Respondus numbers them: QUE_1003_ALL, QUE_1004_C, QUE_1005_IC.
_SHOWN_WHEN_RIGHT = re.compile(r"general_fb|correct_fb|correct|que_\d+_(?:all|c)", re.IGNORECASE)
_SHOWN_WHEN_WRONG = re.compile(r"general_incorrect_fb|incorrect_fb|incorrect|que_\d+_ic", re.IGNORECASE)


class _Unfit(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass
class _Item:
    element: Element
    presentation: Element
    material: Material
    scoring: Scoring

    @cached_property
    def lists(self) -> list[Element]:
        return list(response_ids(self.presentation))

    @cached_property
    def feedback(self) -> list[Element]:
        return list(itertools.islice(children(self.element, "itemfeedback"), _MOST_PARTS))


def read(element: Element, *, where: str, material: Material) -> Outcome:
    title = " ".join((element.get("title") or "").split())
    try:
        question = _question(element, material)
    except _Unfit as unfit:
        return Rejection(where, unfit.code, unfit.why, title=title)
    return replace(question, where=where, title="" if title.lower() == "question" else title)


def _question(element: Element, material: Material) -> ExchangeQuestion:
    kind = _kind(element)
    presentation = child(element, "presentation")
    if presentation is None:
        raise _Unfit("empty_stem", "The item has no question. Delete it, or write it anew.")
    material.look_at(presentation)
    item = _Item(element, presentation, material, canvas_scoring.read(element))
    if len(item.scoring.conditions) > _MOST_PARTS or sum(1 for _ in _labels(presentation)) > _MOST_PARTS:
        why = "It has so many answers that nobody could choose. Look at the question in its own system."
        raise _Unfit("too_many_options", why)
    kind = kind or _seen_kind(item)
    if not item.lists:
        raise _Unfit("no_answers", "The item has no list of answers to choose from. Add options.")
    match kind:
        case ItemType.MATCHING:
            content = _matching(item)
        case ItemType.ORDERING:
            content = _ordering(item)
        case _:
            content = _choice(item, kind)
    if not content.stem:
        raise _Unfit("empty_stem", "The item has no text before its answers. Write the question.")
    code = (element.get("ident") or "").strip()
    if code.isdigit() or not re.fullmatch(CODE, code):
        code = ""
    pictures = tuple(material.pictures[name] for name in exchange.image_names(content))
    return ExchangeQuestion(content, code=code, pictures=pictures, losses=tuple(material.losses.values()))


def _kind(element: Element) -> str:
    """What the metadata say, "" where they say nothing that is known; refuses what has no counterpart."""
    for name in kinds(element):
        if name == TEXT_ONLY:
            why = (
                "It is of the kind “text without a question”. It comes in as the scenario of the questions "
                "that belong to it, and not by itself."
            )
            raise _Unfit("unsupported_type", why)
        if name in _UNSUPPORTED:
            why = (
                f"It is of the kind “{_UNSUPPORTED[name]}”, which has no counterpart here. "
                "Make it multiple choice, multiple answers, matching or ordering."
            )
            raise _Unfit("unsupported_type", why)
        if name in _KINDS:
            return _KINDS[name]
    return ""


def kinds(element: Element) -> Iterator[str]:
    """What the metadata call it, as plain words."""
    for said in _said(element):
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", said.strip()).lower()
        name = re.sub(r"^cc\.|\.v\d+p\d+$|[_ ]question$", "", name)
        yield " ".join(re.sub(r"[\W_]+", " ", name).split())


def _said(element: Element) -> Iterator[str]:
    for metadata in children(element, "itemmetadata"):
        for part in metadata.iterdescendants():
            if local(part) in ("qtimetadatafield", "qti_metadatafield"):
                if text(child(part, "fieldlabel")).lower() in _KIND_LABELS:
                    yield text(child(part, "fieldentry"))
            elif local(part) in ("bbmd_questiontype", "qmd_itemtype"):
                yield text(part)


def _seen_kind(item: _Item) -> str:
    parts = [local(part) for part in item.presentation.iterdescendants()]
    is_one_group = "response_grp" in parts and len(item.lists) == 1
    if is_one_group or set(_TYPED) & set(parts):
        why = "It asks for something to be typed, dragged or drawn, which has no counterpart here. Make it a choice."
        raise _Unfit("unsupported_type", why)
    cardinalities = {(found.get("rcardinality") or "").lower() for found in item.lists}
    if _has_gaps(item):
        why = "It has gaps or drop-down lists in its text. Make each of them a question of its own."
        raise _Unfit("unsupported_type", why)
    if len(item.lists) > 1:
        return ItemType.MATCHING
    if "ordered" in cardinalities:
        return ItemType.ORDERING
    return ItemType.MULTIPLE_RESPONSE if "multiple" in cardinalities else _CHOICE


def _has_gaps(item: _Item) -> bool:
    """Lists that the text names in brackets, as Canvas writes gaps, or of which none shares an answer."""
    stem = item.material.markdown(item.presentation, outside=_RESPONSES)
    names = (
        item.material.markdown(answers, outside=("render_choice", "render_extension"))
        for answers in item.lists
    )
    if any(name and (f"[{name}]" in stem or f"\\[{name}\\]" in stem) for name in names):
        return True
    choices = [{item.material.markdown(label) for label in _labels(answers)} for answers in item.lists]
    return len(choices) > 1 and all(choices) and not any(choices[0] & others for others in choices[1:])


def _choice(item: _Item, kind: str) -> QuestionContent:
    if len(item.lists) > 1:
        why = "It has several lists to choose from. Make each of them a question of its own."
        raise _Unfit("unsupported_type", why)
    answers = item.lists[0]
    response = ident(answers)
    options = _options(item, answers)
    known = {option.id for option in options}
    if kind == ItemType.MULTIPLE_RESPONSE:
        right = item.scoring.together(response)
        if not right:
            right = _rewarded(item, response, all_of_them=True)
            if len(right) > 1 and not item.scoring.is_guessed:
                why = "Each right answer brings marks of its own; here only the whole answer counts."
                item.material.lose("partial_credit", why)
    else:
        right = _rewarded(item, response, all_of_them=False) or item.scoring.together(response)
    _check_key(right, known)
    if not right:
        raise _Unfit("no_key", "No answer is marked right. Mark one, and export anew.")
    if len(right) > 1 and kind != ItemType.MULTIPLE_RESPONSE:
        why = "Any one of several answers counts as right. Leave one of them, or make it multiple answers."
        raise _Unfit("two_keys", why)
    item_type = ItemType.MULTIPLE_CHOICE if len(right) == 1 else ItemType.MULTIPLE_RESPONSE
    if kind == ItemType.MULTIPLE_RESPONSE and item_type is ItemType.MULTIPLE_CHOICE:
        why = "It could take several answers, but only one is right: it becomes a multiple choice."
        item.material.lose("type_changed", why)
    options = [replace(option, is_correct=option.id in right) for option in options]
    options = _with_general(item, options, right[0])
    return exchange.letter_ids(QuestionContent(item_type, _stem(item), tuple(options)))


def _check_key(right: tuple[str, ...], known: set[str]) -> None:
    """A key of which a part is not there is another key."""
    for value in right:
        if value not in known:
            why = (
                f"Its key names {shown(value)}, which is none of the answers that have a text. Mend the key."
            )
            raise _Unfit("unknown_key", why)


def _rewarded(item: _Item, response: str, *, all_of_them: bool) -> tuple[str, ...]:
    scores = item.scoring.scores(response)
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return ()
    some = tuple(value for value, score in scores.items() if 0 < score < best)
    if some and not all_of_them:
        item.material.lose(
            "partial_credit", "Some other answers brought part of the points; here they bring none."
        )
    return tuple(value for value, score in scores.items() if score == best or (all_of_them and score > 0))


def _ordering(item: _Item) -> QuestionContent:
    answers = item.lists[0]
    options = _options(item, answers)
    known = {option.id for option in options}
    order = item.scoring.sequence(ident(answers)) or item.scoring.places()
    _check_key(order, known)
    if len(order) < 2:
        raise _Unfit("no_key", "The right order of the steps is not said. Set it, and export anew.")
    options = [
        replace(option, position=order.index(option.id) + 1 if option.id in order else None)
        for option in options
    ]
    options = _with_general(item, options, order[0])
    stem = "\n\n".join((_stem(item), *_ends(item, answers)))
    return exchange.letter_ids(QuestionContent(ItemType.ORDERING, stem, tuple(options)))


def _ends(item: _Item, answers: Element) -> Iterator[str]:
    """The labels above and below the steps, which tell the direction of the order."""
    for extension in children(answers, "render_extension"):
        for label in children(extension, "material"):
            text = item.material.markdown(label)
            arrow = {"top": "↑", "bottom": "↓"}.get((label.get("position") or "").lower())
            if text and arrow:
                item.material.lose(
                    "order_labels", "The labels at the ends of the order stand in the stem now."
                )
                yield f"{arrow} {text}"


def _matching(item: _Item) -> QuestionContent:
    """The lists of all prompts are the same to Canvas, with the same ids; to others, with the same texts."""
    ids: dict[str, str] = {}
    prompts: list[Prompt] = []
    if not any(item.material.markdown(label) for answers in item.lists for label in _labels(answers)):
        why = "Its answers stand apart from its lists, as Blackboard writes it. Write the question anew."
        raise _Unfit("unsupported_type", why)
    for number, answers in enumerate(item.lists, 1):
        prompt = item.material.markdown(answers, outside=("render_choice", "render_extension"))
        texts = {label.get("ident") or "": item.material.markdown(label) for label in _labels(answers)}
        texts = {name: option for name, option in texts.items() if option}
        for option in texts.values():
            ids.setdefault(option, exchange.option_id(len(ids)))
        response = ident(answers)
        scores = {value: score for value, score in item.scoring.scores(response).items() if value in texts}
        best = max(scores, key=lambda value: scores[value], default="")
        if not prompt and not best:
            item.material.lose("empty_prompt", "A pair without text on either side is left out.")
            continue
        if not prompt:
            raise _Unfit("empty_prompt", f"The left side of pair {number} is empty. Write it.")
        if not best or scores[best] <= 0:
            raise _Unfit("no_key", f"What belongs to {shown(prompt)} is not said. Set it, and export anew.")
        rationale = _feedback(item, item.scoring.feedback_about(response))
        prompts.append(Prompt(f"p{len(prompts) + 1}", prompt, ids[texts[best]], rationale))
    if len(prompts) < 2:
        raise _Unfit("too_few_pairs", "A matching question needs two pairs or more. Add some.")
    stem = item.material.markdown(item.presentation, outside=_RESPONSES)
    general, moved = _general(item)
    if general and not prompts[0].rationale:
        prompts[0] = replace(prompts[0], rationale=general)
        item.material.losses.setdefault(moved.code, moved)
    elif general:
        _lose_general(item)
    options = tuple(Option(name, option) for option, name in ids.items())
    return QuestionContent(ItemType.MATCHING, stem, options, tuple(prompts))


def _options(item: _Item, answers: Element) -> list[Option]:
    response = ident(answers)
    found: dict[str, Option] = {}
    for label in _labels(answers):
        name = label.get("ident") or ""
        option = item.material.markdown(label)
        if not option:
            item.material.lose("empty_option", "An option without text is left out.")
            continue
        if name in found:
            raise _Unfit("option_id_twice", f"Two options have the identifier {shown(name)}. Export anew.")
        rationale = _feedback(item, item.scoring.feedback_of(response, name))
        found[name] = Option(name, option, rationale or _feedback(item, (f"{name}_fb", name)))
    if len(found) < 2:
        raise _Unfit("too_few_options", "There are fewer than two answers to choose from. Add some.")
    return list(found.values())


def _labels(answers: Element) -> list[Element]:
    return [part for part in answers.iterdescendants() if local(part) == "response_label"]


def _stem(item: _Item) -> str:
    stem = item.material.markdown(item.presentation, outside=_RESPONSES)
    # Some put the question inside, right before the answers.
    inside = item.material.markdown(*item.lists, outside=("render_choice", "render_extension"))
    return "\n\n".join(part for part in (stem, inside) if part)


def _feedback(item: _Item, links: tuple[str, ...]) -> str:
    """The texts of these feedbacks, but for those that belong to the whole question."""
    wanted = {
        link for link in links if not (_SHOWN_WHEN_RIGHT.fullmatch(link) or _SHOWN_WHEN_WRONG.fullmatch(link))
    }
    return _feedback_texts(item, wanted)


def _feedback_texts(item: _Item, wanted: set[str]) -> str:
    found = (item.material.markdown(part) for part in item.feedback if part.get("ident") in wanted)
    return "\n\n".join(dict.fromkeys(part for part in found if part))


def _general(item: _Item) -> tuple[str, Loss]:
    idents = {part.get("ident") or "" for part in item.feedback}
    if _feedback_texts(item, {ident for ident in idents if _SHOWN_WHEN_WRONG.fullmatch(ident)}):
        why = "What is shown after any wrong answer is left out: here, each option has its own rationale."
        item.material.lose("incorrect_feedback", why)
    general = _feedback_texts(item, {ident for ident in idents if _SHOWN_WHEN_RIGHT.fullmatch(ident)})
    why = "The feedback of the whole question becomes the rationale of its key."
    return general, Loss("general_feedback_moved", why)


def _with_general(item: _Item, options: list[Option], key: str) -> list[Option]:
    general, moved = _general(item)
    target = next(option for option in options if option.id == key)
    if not general or general == target.rationale:
        return options
    if target.rationale:
        _lose_general(item)
        return options
    item.material.losses.setdefault(moved.code, moved)
    return [replace(option, rationale=general) if option is target else option for option in options]


def _lose_general(item: _Item) -> None:
    item.material.lose(
        "general_feedback",
        "The feedback of the whole question is left out: its key has a rationale of its own.",
    )
