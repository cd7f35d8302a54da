"""One QTI item (2.0 to 3.0) → a question, or why it can't come in.  Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.formats import qti_feedback, qti_key, xml_reading
from questions.formats.exchange import (
    ExchangeQuestion,
    ExchangeScenario,
    Loss,
    Outcome,
    Picture,
    Rejection,
    UnreadableFile,
    image_names,
    letter_ids,
)
from questions.formats.qti_feedback import ANY, CORRECT, Meaning
from questions.formats.qti_key import Item, Unfit
from questions.formats.qti_markup import (
    SCENARIO_CLASS,
    TITLE_CLASS,
    Element,
    Feedback,
    Files,
    Material,
    child,
    children,
    descendants,
    get,
    name,
    remove,
    text_size,
)

MAX_TEXT = 400_000
"""Characters of an item, or of a shared text: far more than a question may have, and quickly read."""
TOOL = qti_key.TOOL

_SUPPORTED = {"choiceInteraction", "orderInteraction", "matchInteraction"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
# A declaration alone is a constant: some systems keep their marks in them.
_TEMPLATES = {"templateProcessing", "printedVariable", "templateInline", "templateBlock"}


def is_item(root: Element) -> bool:
    return name(root) == "assessmentItem"


def read(root: Element, *, where: str, files: Files, base: str = "") -> Outcome:
    """`base` is the name of the item in its package; `where` says the same for people."""
    title = get(root, "title")
    line = root.sourceline
    where = ", ".join(
        part for part in (where, f"line {line}" if line else "", f"“{title}”" * bool(title)) if part
    )
    try:
        return _question(root, where, Material(files, base))
    except Unfit as unfit:
        return Rejection(where, unfit.code, unfit.why, title)


def _question(root: Element, where: str, material: Material) -> ExchangeQuestion:
    item = _item(root, material)
    scenario = _scenario(item)
    kind = name(item.interaction)
    if kind == "matchInteraction":
        content = _matching(item)
    else:
        content = _choice(item) if kind == "choiceInteraction" else _ordering(item)
    content = replace(content, stem=_stem(item))
    if not content.stem and get(root, "toolName") != TOOL:
        raise Unfit(
            "empty_stem", "It has no text before its choices. Write the question, and export it anew."
        )
    content = _with_rationales(item, content)
    if not item.processing.is_plain:
        why = "Its scoring is a program of its own; here an answer is right when it equals the key."
        material.lose(Loss("response_processing", why))
    ids = [*(option.id for option in content.options), *(prompt.id for prompt in content.prompts)]
    if not all(_ID.fullmatch(one) for one in ids):
        content = letter_ids(content)
    code, title = _names(root)
    return ExchangeQuestion(
        content=content,
        where=where,
        code=code,
        title=title,
        keep_order=_keeps_order(item),
        scenario=scenario,
        pictures=_in_reading_order(content, material),
        losses=tuple(material.losses.values()),
    )


def _in_reading_order(content: QuestionContent, material: Material) -> tuple[Picture, ...]:
    first = [name for name in image_names(content) if name in material.pictures]
    return tuple(material.pictures[name] for name in dict.fromkeys((*first, *material.pictures)))


def _names(root: Element) -> tuple[str, str]:
    identifier, title = get(root, "identifier"), get(root, "title")
    if get(root, "toolName") == TOOL:
        return get(root, "label"), "" if title == identifier else title
    return identifier, "" if title == identifier else title


def _item(root: Element, material: Material) -> Item:
    if text_size(root) > MAX_TEXT:
        why = f"It holds more than {MAX_TEXT:,} characters of text. Split it, or shorten it."
        raise Unfit("too_large", why)
    if get(root, "adaptive").lower() == "true":
        why = "It is adaptive: it changes while it is answered. Rewrite it as an ordinary item."
        raise Unfit("adaptive_item", why)
    if next(descendants(root, lambda kind: kind in _TEMPLATES), None) is not None:
        why = "It is a template that draws numbers or words for each learner. Write it out as one question."
        raise Unfit("template_item", why)
    body = child(root, "itemBody")
    if body is None:
        raise Unfit("no_interaction", "It has no item body. Export it anew.")
    interaction = _interaction(body, material)
    material.look_at(body)
    response = get(interaction, "responseIdentifier")
    declarations = list(children(root, "responseDeclaration"))
    named = [found for found in declarations if get(found, "identifier") == response]
    candidates = named or (declarations if len(declarations) == 1 else [])
    declaration = candidates[0] if candidates else None
    outcomes = {
        get(part, "outcomeIdentifier")
        for part in descendants(
            root, lambda kind: kind in ("modalFeedback", "feedbackInline", "feedbackBlock")
        )
    }
    response = response if declaration is None else get(declaration, "identifier") or response
    processing = qti_feedback.read(root, response=response, outcomes=outcomes)
    return Item(root, body, interaction, declaration, material, processing)


def _interaction(body: Element, material: Material) -> Element:
    found = [
        part
        for part in descendants(body, _is_interaction)
        if not any(_is_interaction(name(outer)) for outer in part.iterancestors())
    ]
    buttons = [part for part in found if name(part) == "endAttemptInteraction"]
    if buttons and len(found) > len(buttons):
        material.lose(Loss("button", "A button, for a hint or to give up, is left out."))
        found = [part for part in found if part not in buttons]
    listed = ", ".join(f"“{xml_reading.local(part)}”" for part in found[:4])
    if not found:
        why = "It asks nothing: there is no interaction in it. Leave it out, or add the choices."
        raise Unfit("no_interaction", why)
    if len(found) > 1:
        why = f"It holds {len(found)} interactions ({listed}). Split it into one question for each."
        raise Unfit("several_interactions", why)
    if name(found[0]) not in _SUPPORTED:
        why = f"It uses {listed}. Only choice, ordering and matching can come in: rewrite it as one of them."
        raise Unfit("unsupported_type", why)
    return found[0]


def _is_interaction(kind: str) -> bool:
    return kind.endswith("Interaction")


def _stem(item: Item) -> str:
    """The body with the prompt in the place of the interaction."""
    prompt = child(item.interaction, "prompt")
    parent = item.interaction.getparent()
    assert parent is not None
    place = etree.Element("div") if prompt is None else prompt
    place.tail = item.interaction.tail
    parent.replace(item.interaction, place)
    said = _words(place)
    has_more = any(name(part) in ("img", "object", "math") for part in place.iter())
    if said and not has_more and _words(item.body) == f"{said} {said}":
        # Some write the question before the interaction and once more as its prompt.
        remove(place)
    return item.material.markdown(item.body)


def _words(element: Element) -> str:
    return " ".join(" ".join(str(part) for part in element.itertext()).split())


def _choice(item: Item) -> QuestionContent:
    options = qti_key.filled(item, _options(item, list(children(item.interaction, "simpleChoice"))))
    if len(options) < 2:
        why = f"It has {len(options)} choices, and needs two or more. Add the others."
        raise Unfit("too_few_options", why)
    right = qti_key.right(item, {one.id for one in options})
    cardinality = "" if item.declaration is None else get(item.declaration, "cardinality").lower()
    is_single = cardinality == "single"
    if is_single and len(right) > 1:
        why = f"{len(right)} choices are right, but only one can be chosen. Leave one, or allow several."
        raise Unfit("two_keys", why)
    if not is_single and len(right) == 1 and get(item.interaction, "maxChoices", "1") != "1":
        why = "Several choices could be selected, and one is right: it becomes a multiple choice."
        item.material.lose(Loss("single_key", why))
    item_type = ItemType.MULTIPLE_CHOICE if len(right) == 1 else ItemType.MULTIPLE_RESPONSE
    return QuestionContent(item_type, "", tuple(replace(one, is_correct=one.id in right) for one in options))


def _ordering(item: Item) -> QuestionContent:
    options = _options(item, list(children(item.interaction, "simpleChoice")))
    qti_key.refuse_empty(item, options)
    right = qti_key.right(item, {one.id for one in options})
    if len(right) < 2:
        why = f"It has {len(right)} step in the right order, and needs two or more. Add the others."
        raise Unfit("too_few_options", why)
    places = {one: position for position, one in enumerate(right, 1)}
    return QuestionContent(
        ItemType.ORDERING, "", tuple(replace(one, position=places.get(one.id)) for one in options)
    )


def _matching(item: Item) -> QuestionContent:
    sets = list(children(item.interaction, "simpleMatchSet"))
    if len(sets) != 2:
        why = f"It has {len(sets)} sets of choices to match, and needs two. Export it anew."
        raise Unfit("match_sets", why)
    left, right = (_options(item, list(children(one, "simpleAssociableChoice"))) for one in sets)
    qti_key.refuse_empty(item, [*left, *right])
    left_ids, right_ids = {one.id for one in left}, {one.id for one in right}
    pairs: list[tuple[str, str]] = []
    for value in qti_key.values(item):
        first, _, second = value.partition(" ")
        second = second.strip()
        if first in left_ids and second in right_ids:
            pairs.append((first, second))
        elif first in right_ids and second in left_ids:
            pairs.append((second, first))
        else:
            raise Unfit("unknown_key", f"The key names “{value[:80]}”, which is no pair of it. Mend the key.")
    pairs = list(dict.fromkeys(pairs))
    if not _is_one_each(pairs, left_ids) and _is_one_each([(b, a) for a, b in pairs], right_ids):
        why = "Its two sides are swapped, so that each line on the left has one match."
        item.material.lose(Loss("sides_swapped", why))
        left, right, left_ids = right, left, right_ids
        pairs = [(b, a) for a, b in pairs]
    if len(pairs) < 2:
        why = f"Its key has {len(pairs)} pairs, and needs two or more. Complete the key."
        raise Unfit("no_key" if not pairs else "too_few_pairs", why)
    if not _is_one_each(pairs, left_ids):
        why = "Some line on either side has no match, or several. Give each line on one side exactly one."
        raise Unfit("not_one_match_each", why)
    matches = dict(pairs)
    prompts = tuple(Prompt(one.id, one.text, matches[one.id], one.rationale) for one in left)
    return QuestionContent(ItemType.MATCHING, "", tuple(right), prompts)


def _is_one_each(pairs: list[tuple[str, str]], ids: set[str]) -> bool:
    firsts = [first for first, _ in pairs]
    return len(firsts) == len(set(firsts)) and set(firsts) == ids


def _options(item: Item, choices: list[Element]) -> list[Option]:
    options = []
    for number, choice in enumerate(choices, 1):
        before = len(item.material.feedback)
        text = item.material.markdown(choice)
        own = item.material.feedback[before:]
        del item.material.feedback[before:]
        rationale = "\n\n".join(one.text for one in own if one.text)
        options.append(Option(get(choice, "identifier") or f"choice{number}", text, rationale))
    ids = [one.id for one in options]
    if len(set(ids)) < len(ids):
        why = "Two choices have the same identifier. Give each one of its own."
        raise Unfit("duplicate_identifier", why)
    return options


def _with_rationales(item: Item, content: QuestionContent) -> QuestionContent:
    """Feedback goes to the option or prompt that it is about; what is about no single one is general."""
    said: dict[str, list[str]] = {}
    general: list[tuple[Meaning, str]] = []
    ids = {option.id for option in content.options} | {prompt.id for prompt in content.prompts}
    modal = [item.material.read_feedback(part) for part in children(item.root, "modalFeedback")]
    for feedback in (*item.material.feedback, *modal):
        if not feedback.text:
            continue
        meaning = item.processing.shows.get((feedback.outcome, feedback.identifier), Meaning())
        about = _about(feedback, meaning, ids)
        if about:
            said.setdefault(about, []).append(feedback.text)
        else:
            general.append((meaning, feedback.text))
    options = tuple(replace(o, rationale=_added(o.rationale, said.get(o.id, []))) for o in content.options)
    prompts = tuple(replace(p, rationale=_added(p.rationale, said.get(p.id, []))) for p in content.prompts)
    return _with_general(item, replace(content, options=options, prompts=prompts), general)


def _about(feedback: Feedback, meaning: Meaning, ids: set[str]) -> str:
    if not feedback.is_shown:
        return ""
    if feedback.identifier in ids:
        return feedback.identifier
    if len(meaning.values) == 1:
        first = meaning.values[0].partition(" ")[0]
        return first if first in ids else ""
    return ""


def _with_general(
    item: Item, content: QuestionContent, general: list[tuple[Meaning, str]]
) -> QuestionContent:
    keys = [o for o in content.options if o.is_correct]
    about_key = [text for meaning, text in general if meaning.kind in (CORRECT, ANY)]
    can_move = len(keys) == 1 and not keys[0].rationale and about_key
    if can_move:
        why = "Feedback on the right answer as a whole became the rationale of the key."
        item.material.lose(Loss("general_feedback_moved", why))
        moved = replace(keys[0], rationale="\n\n".join(about_key))
        content = replace(content, options=tuple(moved if o is keys[0] else o for o in content.options))
    if len(general) > (len(about_key) if can_move else 0):
        why = "Feedback that is about no single option is left out."
        item.material.lose(Loss("general_feedback", why))
    return content


def _added(rationale: str, texts: list[str]) -> str:
    return "\n\n".join(part for part in (rationale, *dict.fromkeys(texts)) if part)


def _keeps_order(item: Item) -> bool:
    choices = list(
        descendants(item.interaction, lambda kind: kind.startswith("simple") and kind.endswith("Choice"))
    )
    if get(item.interaction, "shuffle").lower() != "true":
        return True
    fixed = [get(one, "fixed").lower() == "true" for one in choices]
    if any(fixed) and not all(fixed):
        why = "Some of its options keep their place when the others are shuffled; here all keep theirs."
        item.material.lose(Loss("fixed_options", why))
    return any(fixed)


def _scenario(item: Item) -> ExchangeScenario | None:
    own = next(
        (part for part in item.body.iterdescendants() if SCENARIO_CLASS in get(part, "class").split()), None
    )
    if own is not None and get(item.root, "toolName") == TOOL:
        remove(own)
        return _marked_scenario(own, item.material)
    found: list[ExchangeScenario] = []
    for reference in children(item.root, "assessmentStimulusRef"):
        try:
            found.append(_stimulus(item.material, reference))
        except UnreadableFile as error:
            item.material.lose(Loss("scenario", f"Its shared text can't be read: {error.why}"))
    if not found:
        return None
    return replace(found[0], text="\n\n".join(one.text for one in found if one.text))


def _marked_scenario(own: Element, material: Material) -> ExchangeScenario:
    title = next((part for part in own if TITLE_CLASS in get(part, "class").split()), None)
    if title is not None:
        remove(title)
    return ExchangeScenario(get(own, "label"), xml_reading.text(title), material.markdown(own))


def _stimulus(material: Material, reference: Element) -> ExchangeScenario:
    """Read once for all the items that share it, unless a name of its pictures is taken here."""
    root, base = material.files.stimulus(material.base, get(reference, "href"))
    if text_size(root) > MAX_TEXT:
        raise UnreadableFile("too_large", f"it holds more than {MAX_TEXT:,} characters.", where=base)
    own = Material(material.files, base)
    scenario = material.files.scenarios.get(base)
    if scenario is None or any(one.name in material.pictures for one in scenario[1]):
        own.pictures = dict(material.pictures)
        scenario = _shared(root, reference, own), tuple(own.pictures.values()), tuple(own.losses.values())
        if not material.pictures:
            if len(material.files.scenarios) >= 8:
                material.files.scenarios.clear()
            material.files.scenarios[base] = scenario
    material.pictures |= {one.name: one for one in scenario[1]}
    for loss in scenario[2]:
        material.lose(loss)
    return scenario[0]


def _shared(root: Element, reference: Element, own: Material) -> ExchangeScenario:
    body = child(root, "stimulusBody")
    identifier = get(root, "identifier") or get(reference, "identifier")
    title = get(root, "title") or get(reference, "title")
    code = get(root, "label") if get(root, "toolName") == TOOL else identifier
    return ExchangeScenario(
        code, "" if title == identifier else title, "" if body is None else own.markdown(body)
    )
