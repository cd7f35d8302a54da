"""A question → one QTI item, in 2.2 or 3.0.  Pure.

The order of elements is the one of the XML schemas; both versions are written from the names of QTI 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from lxml import etree

from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.formats import html_text
from questions.formats.exchange import (
    IMAGE_TARGET,
    ExchangeQuestion,
    ExchangeScenario,
    Loss,
    image_names,
    letter_ids,
)
from questions.formats.qti_markup import SCENARIO_CLASS, TITLE_CLASS, kebab
from questions.formats.qti_reading import TOOL

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")
_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class Dialect:
    version: str
    is_kebab: bool
    namespace: str
    schema: str
    match_correct: str
    package_namespace: str
    package_schema: str
    package_version: str
    package_locations: str

    @property
    def resource_suffix(self) -> str:
        return "xmlv" + self.version.replace(".", "p")

    def tag(self, name: str, attributes: dict[str, str] | None = None, inner: str = "") -> str:
        """A QTI element; `inner` is XML already."""
        if self.is_kebab:
            name = f"qti-{kebab(name)}"
            attributes = {
                key if ":" in key else kebab(key): value for key, value in (attributes or {}).items()
            }
        return element(name, attributes, inner)

    def root(self, name: str, attributes: dict[str, str], inner: str) -> str:
        location = {
            "xmlns": self.namespace,
            "xmlns:xsi": _XSI,
            "xsi:schemaLocation": f"{self.namespace} {self.schema}",
        }
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n{self.tag(name, {**location, **attributes}, inner)}\n'
        )


QTI_2 = Dialect(
    version="2.2",
    is_kebab=False,
    namespace="http://www.imsglobal.org/xsd/imsqti_v2p2",
    schema="http://www.imsglobal.org/xsd/qti/qtiv2p2/imsqti_v2p2.xsd",
    match_correct="http://www.imsglobal.org/question/qti_v2p2/rptemplates/match_correct",
    package_namespace="http://www.imsglobal.org/xsd/imscp_v1p1",
    package_schema="QTIv2.2 Package",
    package_version="1.0.0",
    package_locations=(
        "http://www.imsglobal.org/xsd/imscp_v1p1 "
        "http://www.imsglobal.org/xsd/qti/qtiv2p2/qtiv2p2_imscpv1p2_v1p0.xsd "
        "http://ltsc.ieee.org/xsd/LOM http://www.imsglobal.org/xsd/imsmd_loose_v1p3p2.xsd"
    ),
)
QTI_3 = Dialect(
    version="3.0",
    is_kebab=True,
    namespace="http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    schema="https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd/imsqti_asiv3p0_v1p0.xsd",
    match_correct="https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct.xml",
    package_namespace="http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    package_schema="QTI Package",
    package_version="3.0.0",
    package_locations=(
        "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1 "
        "https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd/imsqtiv3p0_imscpv1p2_v1p0.xsd "
        "http://ltsc.ieee.org/xsd/LOM https://purl.imsglobal.org/spec/md/v1p3/schema/xsd/imsmd_loose_v1p3p2.xsd"
    ),
)


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    """The same for both versions."""
    content = question.content
    found = unfit(content)
    if any(loss.leaves_out for loss in found):
        return tuple(found)
    if _identified(content) is not content:
        found.append(Loss("ids", "The ids of options and prompts are replaced by letters and numbers."))
    if any(not html_text.is_kept(text) or _UNWRITABLE.search(text) for text in _texts(question)):
        why = "Some text comes back with the same look, but other Markdown, or without what HTML can't say."
        found.append(Loss("formatting", why))
    held = {picture.name for picture in question.pictures}
    shown = set(images(content))
    if question.scenario is not None:
        shown |= set(images(question.scenario))
    if shown - held:
        why = f"The picture “{min(shown - held)}” is not there; its description stands in its place."
        found.append(Loss("image", why))
    elif held - shown:
        found.append(Loss("image", f"No text shows the picture “{min(held - shown)}”; it is left out."))
    if question.title and identifier(question.code) == question.title:
        found.append(Loss("title", "The title is the same as the code, and comes back empty."))
    return tuple(found)


def unfit(content: QuestionContent) -> list[Loss]:
    """What stands for no item at all, and what comes back as something else."""
    keys = sum(option.is_correct for option in content.options)
    positions = sorted(option.position for option in content.options if option.position is not None)
    known = {option.id for option in content.options}
    problem = ""
    match content.item_type:
        case ItemType.MULTIPLE_CHOICE if keys != 1:
            problem = f"{keys} options are marked correct, and a multiple choice has one."
        case ItemType.MULTIPLE_RESPONSE if not keys:
            problem = "No option is marked correct."
        case ItemType.ORDERING if len(positions) < 2:
            problem = "Fewer than two steps have a position."
        case ItemType.MATCHING if len(content.prompts) < 2 or any(
            prompt.match not in known for prompt in content.prompts
        ):
            problem = "Fewer than two prompts, or one without a match."
    ids = [option.id for option in content.options]
    if len(ids) < 2 and content.item_type is not ItemType.MATCHING:
        problem = "It has fewer than two options."
    elif len(set(ids)) < len(ids) or len({p.id for p in content.prompts}) < len(content.prompts):
        problem = "Two of its options or prompts have the same id."
    if problem:
        return [Loss("unfit", f"{problem} Mend the question first.", leaves_out=True)]
    if content.item_type is ItemType.MULTIPLE_RESPONSE and keys == 1:
        return [Loss("single_key", "Only one option is right: it comes back as a multiple choice.")]
    if positions and positions != list(range(1, len(positions) + 1)):
        return [Loss("positions", "The steps are numbered anew, from 1.")]
    return []


def identifier(text: str) -> str:
    """A name that XML and file systems accept; "" for nothing."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:64]
    return plain if not plain or re.match(r"[A-Za-z_]", plain) else f"q-{plain}"


def item(
    question: ExchangeQuestion,
    dialect: Dialect,
    *,
    name: str,
    images: Mapping[str, str],
    stimulus: tuple[str, str] | None = None,
) -> str:
    """The text of the item file. `images` maps the names of pictures to their addresses; `stimulus` is identifier and address of the scenario, where it has a file."""
    writing = _Writing(dialect, _identified(question.content), images)
    attributes = {
        "identifier": name,
        "title": question.title.strip() or name,
        "label": question.code,
        "adaptive": "false",
        "timeDependent": "false",
        "toolName": TOOL,
    }
    parts = [writing.response(), *writing.outcomes()]
    scenario = ""
    if question.scenario is not None and stimulus is not None:
        reference = {"identifier": stimulus[0], "href": stimulus[1], "title": question.scenario.title}
        parts.append(dialect.tag("assessmentStimulusRef", {k: v for k, v in reference.items() if v}))
    elif question.scenario is not None:
        scenario = _marked(question.scenario, images)
    stem, prompt = _stem(writing.html(question.content.stem))
    interaction = writing.interaction(prompt, keeps_order=question.keep_order)
    parts.append(dialect.tag("itemBody", None, scenario + stem + interaction))
    parts.append(writing.processing())
    parts += writing.feedback()
    return dialect.root("assessmentItem", {k: v for k, v in attributes.items() if v}, "\n".join(parts))


def stimulus(scenario: ExchangeScenario, dialect: Dialect, *, name: str, images: Mapping[str, str]) -> str:
    attributes = {"identifier": name, "title": scenario.title or name, "toolName": TOOL}
    if scenario.code:
        attributes["label"] = scenario.code
    html = _html(scenario.text, images)
    return dialect.root(
        "assessmentStimulus", attributes, dialect.tag("stimulusBody", None, f"<div>{html}</div>")
    )


@dataclass(frozen=True)
class _Writing:
    dialect: Dialect
    content: QuestionContent
    images: Mapping[str, str]

    def html(self, markdown: str) -> str:
        return _html(markdown, self.images)

    def response(self) -> str:
        kind = self.content.item_type
        cardinality = {ItemType.MULTIPLE_CHOICE: "single", ItemType.ORDERING: "ordered"}.get(kind, "multiple")
        base = "directedPair" if kind is ItemType.MATCHING else "identifier"
        attributes = {"identifier": "RESPONSE", "cardinality": cardinality, "baseType": base}
        values = "".join(self.dialect.tag("value", None, value) for value in self._key())
        correct = self.dialect.tag("correctResponse", None, values)
        return self.dialect.tag("responseDeclaration", attributes, correct)

    def _key(self) -> list[str]:
        key = self.content.key
        if isinstance(key, dict):
            return [f"{prompt} {option}" for prompt, option in key.items()]
        return [key] if isinstance(key, str) else list(key or [])

    def outcomes(self) -> list[str]:
        tag = self.dialect.tag
        zero = tag("defaultValue", None, tag("value", None, "0"))
        score = {"identifier": "SCORE", "cardinality": "single", "baseType": "float"}
        found = [tag("outcomeDeclaration", score, zero)]
        if self._explained():
            single = self.content.item_type is ItemType.MULTIPLE_CHOICE
            attributes = {
                "identifier": "FEEDBACK",
                "cardinality": "single" if single else "multiple",
                "baseType": "identifier",
            }
            found.append(tag("outcomeDeclaration", attributes))
        return found

    def interaction(self, prompt: str, *, keeps_order: bool) -> str:
        tag, content = self.dialect.tag, self.content
        attributes = {"responseIdentifier": "RESPONSE", "shuffle": "false" if keeps_order else "true"}
        first = tag("prompt", None, prompt) if prompt else ""
        if content.item_type is ItemType.MATCHING:
            attributes["maxAssociations"] = str(len(content.prompts))
            left = self._choices("simpleAssociableChoice", content.prompts, {"matchMax": "1"})
            right = {"matchMax": str(len(content.prompts))}
            sets = (left, self._choices("simpleAssociableChoice", content.options, right))
            inner = "".join(tag("simpleMatchSet", None, one) for one in sets)
            return tag("matchInteraction", attributes, first + inner)
        inner = first + self._choices("simpleChoice", content.options, {})
        if content.item_type is ItemType.ORDERING:
            steps = sum(option.position is not None for option in content.options)
            if steps < len(content.options):
                attributes |= {"minChoices": str(steps), "maxChoices": str(steps)}
            return tag("orderInteraction", attributes, inner)
        keys = sum(option.is_correct for option in content.options)
        is_single = content.item_type is ItemType.MULTIPLE_CHOICE
        attributes["maxChoices"] = "1" if is_single else str(keys if keys > 1 else 0)
        return tag("choiceInteraction", attributes, inner)

    def _choices(self, name: str, parts: Iterable[Option | Prompt], attributes: dict[str, str]) -> str:
        return "".join(
            self.dialect.tag(name, {"identifier": part.id, **attributes}, _unwrapped(self.html(part.text)))
            for part in parts
        )

    def _explained(self) -> list[Option | Prompt]:
        parts: tuple[Option | Prompt, ...] = (*self.content.options, *self.content.prompts)
        return [part for part in parts if part.rationale]

    def processing(self) -> str:
        """All or nothing; then the rationales of what was chosen, or all where nothing single is chosen."""
        explained = self._explained()
        if not explained:
            return self.dialect.tag("responseProcessing", {"template": self.dialect.match_correct})
        tag = self.dialect.tag
        variable = tag("variable", {"identifier": "RESPONSE"})
        right = tag("match", None, variable + tag("correct", {"identifier": "RESPONSE"}))
        one = tag("baseValue", {"baseType": "float"}, "1")
        score = tag("setOutcomeValue", {"identifier": "SCORE"}, one)
        condition = tag("responseCondition", None, tag("responseIf", None, right + score))
        value = variable
        if self.content.item_type in (ItemType.ORDERING, ItemType.MATCHING):
            base = {"baseType": "identifier"}
            value = tag("multiple", None, "".join(tag("baseValue", base, part.id) for part in explained))
        shown = tag("setOutcomeValue", {"identifier": "FEEDBACK"}, value)
        return tag("responseProcessing", None, condition + shown)

    def feedback(self) -> list[str]:
        found = []
        for part in self._explained():
            attributes = {"outcomeIdentifier": "FEEDBACK", "showHide": "show", "identifier": part.id}
            html = self.html(part.rationale)
            inner = self.dialect.tag("contentBody", None, html) if self.dialect.is_kebab else html
            found.append(self.dialect.tag("modalFeedback", attributes, inner))
        return found


def _identified(content: QuestionContent) -> QuestionContent:
    """The same object where its ids serve as identifiers, which are unique in the whole item."""
    ids = [*(option.id for option in content.options), *(prompt.id for prompt in content.prompts)]
    is_fit = len(set(ids)) == len(ids) and all(_IDENTIFIER.fullmatch(one) for one in ids)
    return content if is_fit else letter_ids(content)


def _html(markdown: str, images: Mapping[str, str]) -> str:
    """A picture that is not there is its description."""
    markdown = IMAGE_TARGET.sub(lambda m: m[0] if m["name"] in images else m["alt"], writable(markdown))
    return html_text.to_html(markdown, image_address=lambda name: images.get(name, ""))


def _marked(scenario: ExchangeScenario, images: Mapping[str, str]) -> str:
    """The scenario at the head of the item, where every system shows it, marked so that we know it again."""
    title = element("h2", {"class": TITLE_CLASS}, escape(writable(scenario.title))) if scenario.title else ""
    attributes = {"class": SCENARIO_CLASS} | ({"label": scenario.code} if scenario.code else {})
    return element("div", attributes, title + _html(scenario.text, images))


def _stem(html: str) -> tuple[str, str]:
    """The blocks before the last paragraph, and that paragraph, which is what the question asks."""
    root = etree.fromstring(f"<div>{html}</div>")
    if not len(root) or root[-1].tag != "p" or (root.text or "").strip():
        return html, ""
    last = root[-1]
    root.remove(last)
    before = "".join(etree.tostring(part, encoding="unicode") for part in root)
    return before, _inner(last)


def _unwrapped(html: str) -> str:
    """The text of a single paragraph without the paragraph, as other systems write their choices."""
    if not html.startswith("<p>") or html.count("<p>") != 1 or not html.endswith("</p>"):
        return html
    return html[3:-4]


def _inner(part: etree._Element) -> str:
    first = escape(part.text or "", quote=False)
    return first + "".join(etree.tostring(one, encoding="unicode") for one in part)


def element(name: str, attributes: dict[str, str] | None = None, inner: str = "") -> str:
    written = "".join(f' {key}="{_attribute(value)}"' for key, value in (attributes or {}).items())
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def _attribute(value: str) -> str:
    return re.sub(r"[\t\n\r]", lambda found: f"&#{ord(found[0])};", escape(writable(value)))


def writable(text: str) -> str:
    """Without the characters that XML can't hold."""
    return _UNWRITABLE.sub("", text)


def _texts(question: ExchangeQuestion) -> list[str]:
    content = question.content
    parts: tuple[Option | Prompt, ...] = (*content.options, *content.prompts)
    found = [content.stem, *(part.text for part in parts), *(part.rationale for part in parts)]
    names = [*content.references, *question.tags, *question.category, question.title, question.code]
    if question.scenario is not None:
        found.append(question.scenario.text)
        names += [question.scenario.title, question.scenario.code]
    return found + [name for name in names if _UNWRITABLE.search(name) or name != name.strip()]


def images(part: QuestionContent | ExchangeScenario) -> tuple[str, ...]:
    """The names of the pictures that it shows."""
    if isinstance(part, ExchangeScenario):
        part = QuestionContent(ItemType.MULTIPLE_CHOICE, part.text, ())
    return image_names(part)
