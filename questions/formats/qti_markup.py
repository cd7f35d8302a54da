"""What stands in a QTI item as text, as Markdown: pictures, feedback and rubrics taken out of it.  Pure.

QTI 2 writes `simpleChoice maxChoices="1"`, QTI 3 `qti-simple-choice max-choices="1"`: here both have the
names of QTI 2.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import unquote, unquote_to_bytes

import lxml.html
from lxml import etree

from questions.formats import html_text, xml_reading
from questions.formats.exchange import MAX_PICTURE, ExchangeScenario, Loss, Picture, UnreadableFile

Element = etree._Element

SCENARIO_CLASS = "cutscore-scenario"
TITLE_CLASS = "cutscore-scenario-title"

_DATA_ADDRESS = re.compile(
    r"data:image/(?P<kind>[\w.+-]+)(?P<options>(?:;[\w=.-]+)*),(?P<data>.*)", re.DOTALL | re.IGNORECASE
)
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
_PICTURES = {"image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif"}
_ESCAPED = re.compile(r"\s*<(p|div)\b[^<>]*>.*</\1>\s*", re.DOTALL | re.IGNORECASE)
_ANY_MARKUP = re.compile(r".*?(?:</?[a-zA-Z]|&#?\w)", re.DOTALL)
_FEEDBACK = {"feedbackInline", "feedbackBlock", "modalFeedback"}
_MEDIA = {"audio", "video", "embed", "iframe", "object"}
_NOT_TEXT = {"stylesheet", "catalogInfo", "companionMaterialsInfo", "script", "style"}
_BLOCKS = {
    "feedbackBlock",
    "prompt",
    "contentBody",
    "stimulusBody",
    "rubricBlock",
    "itemBody",
    "infoControl",
    "templateBlock",
}
_SPECIAL = {*_FEEDBACK, *_MEDIA, *_NOT_TEXT, "rubricBlock", "include"}
MAX_PICTURES = 8 * MAX_PICTURE
"""Bytes of all pictures of one item."""

RUBRIC = Loss("rubric", "Notes for tutors and scorers are left out.")
MEDIA = Loss("media", "Sound, film or an embedded page is left out.")
SHARED_MATERIAL = Loss("shared_material", "A text of another file is included by address, and is left out.")


Scenarios = dict[str, tuple[ExchangeScenario, tuple[Picture, ...], tuple[Loss, ...]]]
"""What a shared text gave, by its name."""


class Files(Protocol):
    """What an item finds around it. Both functions raise `UnreadableFile`."""

    scenarios: Scenarios

    def picture(self, base: str, href: str) -> bytes: ...

    def stimulus(self, base: str, href: str) -> tuple[Element, str]:
        """The root of a shared text, and its name, from which its own addresses start."""
        ...


@dataclass(frozen=True)
class Feedback:
    outcome: str
    identifier: str
    is_shown: bool
    text: str


@dataclass
class Material:
    """Collects what the texts of one item bring along, while they are turned into Markdown."""

    files: Files
    base: str
    pictures: dict[str, Picture] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    feedback: list[Feedback] = field(default_factory=list)
    _known: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _escaped: re.Pattern[str] | None = None

    def look_at(self, body: Element) -> None:
        """Some generators escape all HTML of an item, or wrap it in CDATA: its question tells."""
        parts = [part for part in body.iter() if isinstance(part.tag, str)]
        found = {name(part) for part in parts if _ESCAPED.fullmatch(part.text or "")}
        is_html = any(get(part, "class") == "html" and _ANY_MARKUP.match(part.text or "") for part in parts)
        if is_html or found & {"itemBody", "prompt", "p", "div"}:
            self._escaped = _ANY_MARKUP
        elif any(child(part, "p") is not None for part in body.iter() if name(part) in found):
            # Choices that are paragraphs beside choices that hold one.
            self._escaped = _ESCAPED

    def lose(self, loss: Loss) -> None:
        self.losses.setdefault(loss.code, loss)

    def markdown(self, element: Element, *, base: str | None = None, collects: bool = True) -> str:
        """The text of the element. Feedback in it is collected and left out, or part of the text."""
        base = self.base if base is None else base
        copy = deepcopy(element)
        copy.tail = None
        if self._escaped is not None:
            _unescape(copy, self._escaped)
        for part in [found for found in copy.iter() if found is not copy]:
            if isinstance(part.tag, str) and name(part) in _SPECIAL and _is_inside(part, copy):
                self._take_out(part, base, collects)
        return self._markdown(copy, base)

    def _markdown(self, copy: Element, base: str) -> str:
        for part in copy.iter():
            if isinstance(part.tag, str):
                known = name(part)
                own = xml_reading.local(part)
                if own == "math" and "\\" not in (part.get("alttext") or ""):
                    # In QTI it is for reading aloud, elsewhere it is TeX.
                    part.attrib.pop("alttext", "")
                part.tag = "div" if known in _BLOCKS else "span" if own.startswith("qti-") else own
        etree.cleanup_namespaces(copy)
        html = escape(copy.text or "", quote=False)
        html += "".join(etree.tostring(part, encoding="unicode", method="html") for part in copy)
        html = html.strip(" \t\r\n")
        text, losses = html_text.to_markdown(html, image=lambda source: self._picture(base, source))
        for loss in losses:
            self.lose(loss)
        return text

    def _take_out(self, part: Element, base: str, collects: bool) -> None:
        kind = name(part)
        if kind in _FEEDBACK and collects:
            self.feedback.append(self.read_feedback(part, base=base))
            remove(part)
        elif kind == "rubricBlock":
            views = get(part, "view").split()
            if views and "candidate" not in views:
                if xml_reading.text(part):
                    self.lose(RUBRIC)
                remove(part)
        elif kind == "include":
            self.lose(SHARED_MATERIAL)
            remove(part)
        elif kind in _MEDIA:
            self._replace_object(part)
        elif kind in _NOT_TEXT:
            remove(part)

    def read_feedback(self, part: Element, *, base: str | None = None) -> Feedback:
        base = self.base if base is None else base
        text = self.markdown(part, base=base, collects=False)
        is_shown = get(part, "showHide") != "hide"
        return Feedback(get(part, "outcomeIdentifier"), get(part, "identifier"), is_shown, text)

    def _replace_object(self, part: Element) -> None:
        """An `object` that is a picture becomes an `img`; of other media what stands in for them remains."""
        kind = get(part, "type").lower()
        source = get(part, "data") or get(part, "src")
        is_picture = kind in _PICTURES or (
            not kind and re.search(r"\.(png|jpe?g|webp|gif)$", source, re.IGNORECASE)
        )
        may_be_picture = is_picture or (kind.startswith("image/") and not _has_object(part))
        if name(part) == "object" and may_be_picture:
            image = etree.Element("img", src=source, alt=" ".join(xml_reading.text(part).split()))
            image.tail = part.tail
            parent = part.getparent()
            if parent is not None:
                parent.replace(part, image)
            return
        if not _has_object(part):
            self.lose(MEDIA)
        part.tag = "div"

    def _picture(self, base: str, source: str) -> str | None:
        key = (base, source)
        if key not in self._known:
            self._known[key] = self._fetch(base, source)
        return self._known[key]

    def _fetch(self, base: str, source: str) -> str | None:
        source = source.strip()
        embedded = _DATA_ADDRESS.fullmatch(source)
        try:
            if embedded:
                data = _decoded(embedded)
                wanted = f"picture.{embedded['kind'].lower().replace('jpeg', 'jpg').partition('+')[0]}"
            elif not source or _REMOTE.match(source):
                return None
            else:
                data = self.files.picture(base, source)
                wanted = PurePosixPath(unquote(re.split(r"[?#]", source)[0]).replace("\\", "/")).name
        except UnreadableFile:
            return None
        return self._keep(wanted, data)

    def _keep(self, wanted: str, data: bytes) -> str | None:
        wanted = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted) or "picture"
        picture_name, number = wanted, 1
        while picture_name in self.pictures and self.pictures[picture_name].data != data:
            number += 1
            picture_name = f"{number}-{wanted}"
        held = sum(len(one.data) for key, one in self.pictures.items() if key != picture_name)
        if held + len(data) > MAX_PICTURES:
            return None
        self.pictures[picture_name] = Picture(picture_name, data)
        return picture_name


def _unescape(copy: Element, escaped: re.Pattern[str]) -> None:
    for part in [found for found in copy.iter() if isinstance(found.tag, str)]:
        if escaped.match(part.text or ""):
            read = _read_html(part.text or "")
            part.text = read.text
            for inner in reversed(read):
                part.insert(0, inner)
        parent = part.getparent()
        if parent is not None and escaped.match(part.tail or ""):
            read = _read_html(part.tail or "")
            part.tail = read.text
            for inner in reversed(read):
                parent.insert(parent.index(part) + 1, inner)


def _read_html(text: str) -> Element:
    read: Element = lxml.html.fragment_fromstring(text, create_parent="div")
    for inner in read.iterdescendants():
        if isinstance(inner.tag, str) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", inner.tag):
            inner.tag = "span"  # `<o:p>` of Word is no name outside its own HTML.
    return read


def _decoded(found: re.Match[str]) -> bytes:
    if len(found["data"]) > MAX_PICTURE * 2:
        raise UnreadableFile("file_too_large", "The picture is too large. Make it smaller.")
    data = unquote_to_bytes(found["data"])
    if found["options"].lower().endswith(";base64"):
        try:
            data = base64.b64decode(re.sub(rb"\s+", b"", data))
        except binascii.Error:
            raise UnreadableFile("image", "The picture is damaged. Export it anew.") from None
    if len(data) > MAX_PICTURE:
        raise UnreadableFile("file_too_large", "The picture is too large. Make it smaller.")
    return data


def _has_object(part: Element) -> bool:
    return any(name(found) in ("object", "img") for found in part.iterdescendants())


def _is_inside(part: Element, root: Element) -> bool:
    """Whether it still is: what was taken out may have held it."""
    return any(parent is root for parent in part.iterancestors())


def remove(part: Element) -> None:
    """Takes the element out; the text after it stays."""
    parent = part.getparent()
    if parent is None:
        return
    before = part.getprevious()
    if part.tail:
        if before is None:
            parent.text = (parent.text or "") + part.tail
        else:
            before.tail = (before.tail or "") + part.tail
    parent.remove(part)


def text_size(element: Element) -> int:
    return sum(len(str(part)) for part in element.itertext())


def name(element: Element) -> str:
    return _camel(xml_reading.local(element))


def get(element: Element, attribute: str, default: str = "") -> str:
    value = element.get(attribute)
    if value is None:
        value = element.get(kebab(attribute))
    return default if value is None else str(value).strip()


def child(element: Element, wanted: str) -> Element | None:
    return next(children(element, wanted), None)


def children(element: Element, wanted: str) -> Iterator[Element]:
    return (found for found in element if name(found) == wanted)


def descendants(element: Element, is_wanted: Callable[[str], bool]) -> Iterator[Element]:
    return (found for found in element.iterdescendants() if is_wanted(name(found)))


@lru_cache(maxsize=2000)
def _camel(local: str) -> str:
    if not local.startswith("qti-"):
        return local
    first, *rest = local.removeprefix("qti-").split("-")
    return first + "".join(part.capitalize() for part in rest)


@lru_cache(maxsize=200)
def kebab(camel: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "-" + found[1].lower(), camel)
