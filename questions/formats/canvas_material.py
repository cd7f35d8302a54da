"""The texts and pictures of a QTI 1.2 item, as Markdown.  Pure."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes

from lxml import etree

from questions.formats import html_text, plain_text
from questions.formats.archive import Archive
from questions.formats.exchange import MAX_PICTURE, Loss, Picture, UnreadableFile
from questions.formats.xml_reading import local

Element = etree._Element

_FILEBASE = re.compile(r"^(?:\$IMS-CC-FILEBASE\$|%24IMS-CC-FILEBASE%24)(?:/|%2F|\.\./)*", re.IGNORECASE)
_DATA = re.compile(r"data:image/([\w.+-]+)((?:;[\w=.-]+)*),(.*)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(
    r"</?(?:p|br|div|span|img|b|i|u|em|strong|sub|sup|ul|ol|li|table|pre|code|font|a|h\d|math)\b[^<>]*>"
    r"|&(?:#\d{1,7}|[a-z]{2,8});",
    re.IGNORECASE,
)
_ESCAPED_AGAIN = re.compile(r"\s*&lt;(p|div)(?=&gt;|\s)[^<>]*&lt;/\1&gt;\s*", re.DOTALL)
_HALF_ESCAPED = re.compile(r"\s*<(p|div)>.*</\1>\s*", re.DOTALL)
_EQUATION = re.compile(r"<img\b[^>]*\bequation_image\b[^>]*>", re.IGNORECASE)
_FORMULA = re.compile(
    r"""\bdata-equation-content=(["'])(.*?)\1|\balt=(["'])LaTeX:(.*?)\3""", re.DOTALL | re.IGNORECASE
)
_PARTS = {"mattext", "mat_formattedtext", "matimage", "matemtext"}
_MEDIA = {"mataudio", "matvideo", "matapplet", "matapplication"}


@dataclass
class Material:
    """Turns texts into Markdown, and collects the pictures and losses that they bring along.

    `base` is the name of the file in the `archive`; without an archive, pictures can't be found.
    """

    archive: Archive | None = None
    base: str = ""
    pictures: dict[str, Picture] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    _names: dict[str, str | None] = field(default_factory=dict)
    _is_escaped_twice: bool = False

    def look_at(self, presentation: Element) -> None:
        """Some generators escape all HTML of an item once too often: its question tells."""
        first = next(_parts(presentation, set()), None)
        self._is_escaped_twice = first is not None and _ESCAPED_AGAIN.fullmatch(first.text or "") is not None

    def lose(self, code: str, why: str) -> None:
        self.losses.setdefault(code, Loss(code, why))

    def markdown(self, *elements: Element, outside: Iterable[str] = ()) -> str:
        """The texts inside `elements`, but not those inside elements called as in `outside`."""
        texts = (self._text(part) for element in elements for part in _parts(element, set(outside)))
        return "\n\n".join(text for text in texts if text)

    def _text(self, part: Element) -> str:
        kind = local(part)
        if kind in _MEDIA:
            self.lose("media", "Sound, film or another program is left out.")
            return ""
        if kind == "matimage":
            source = part.get("uri") or f"data:{part.get('imagtype')};base64,{part.text or ''}"
            return self._from_html(
                f'<img src="{html.escape(source)}" alt="{html.escape(part.get("label") or "")}">'
            )
        texttype = (part.get("texttype") or part.get("type") or "").lower()
        if len(part):
            return self._from_html(_inner(part))
        text = part.text or ""
        if self._is_escaped_twice:
            text = html.unescape(text)
        if texttype in ("text/plain", "plain_text") or not _TAG.search(text):
            return plain_text.to_markdown(text.strip())
        return self._from_html(text)

    def _from_html(self, text: str) -> str:
        text = _EQUATION.sub(_formula, text)
        markdown, losses = html_text.to_markdown(text, image=self._picture)
        for loss in losses:
            self.losses.setdefault(loss.code, loss)
        return markdown.strip()

    def _picture(self, source: str) -> str | None:
        if source not in self._names:
            try:
                self._names[source] = self._fetch(source.strip())
            except UnreadableFile:
                self._names[source] = None
        return self._names[source]

    def _fetch(self, source: str) -> str | None:
        embedded = _DATA.fullmatch(source)
        if embedded:
            kind = embedded[1].lower().replace("jpeg", "jpg").partition("+")[0]
            return self._keep(f"picture.{kind}", _decoded(embedded[2], embedded[3]))
        if self.archive is None or not source or re.match(r"[a-z][a-z0-9+.-]+:|//", source, re.IGNORECASE):
            return None
        path = unquote(re.split(r"[?#]", _FILEBASE.sub("", source))[0])
        for name in self._places(self.archive, path):
            if self.archive.has(name):
                return self._keep(PurePosixPath(name).name, self.archive.read(name, limit=MAX_PICTURE))
        return None

    def _places(self, archive: Archive, path: str) -> Iterator[str]:
        """Where the file may be: among the files of the course, whose folder may lie in another; or beside."""
        outer = [parent.as_posix() for parent in PurePosixPath(self.base).parents]
        folders = [f"{folder}/{inner}x" for folder in outer[::-1] for inner in ("web_resources/", "")]
        for folder in (*folders, self.base):
            try:
                yield archive.resolve(folder.removeprefix("./"), path)
            except UnreadableFile:
                continue

    def _keep(self, wanted: str, data: bytes) -> str:
        wanted = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted) or "picture"
        name, number = wanted, 1
        while name in self.pictures and self.pictures[name].data != data:
            number += 1
            name = f"{number}-{wanted}"
        self.pictures[name] = Picture(name, data)
        return name


def _formula(image: re.Match[str]) -> str:
    r"""Canvas shows a formula as a picture that its server draws: here it is text, `\( … \)`."""
    found = _FORMULA.search(image[0])
    return rf"\({(found[2] or found[4]).strip()}\)" if found else image[0]


def _parts(element: Element, outside: set[str]) -> Iterator[Element]:
    for child in element:
        kind = local(child)
        if kind in _PARTS or kind in _MEDIA:
            yield child
        elif kind not in outside:
            yield from _parts(child, outside)


def _inner(part: Element) -> str:
    whole = "".join((part.text or "", *(child.tail or "" for child in part)))
    if _HALF_ESCAPED.fullmatch(whole):
        # Some generators escape the paragraph around the text, but not the code in it.
        codes = (etree.tostring(one, encoding="unicode", with_tail=False) + (one.tail or "") for one in part)
        return (part.text or "") + "".join(codes)
    inside = (etree.tostring(child, encoding="unicode") for child in part)
    return html.escape(part.text or "", quote=False) + "".join(inside)


def _decoded(options: str, data: str) -> bytes:
    if len(data) > MAX_PICTURE * 2:
        raise UnreadableFile("file_too_large", "The picture is too large. Make it smaller.")
    raw = unquote_to_bytes(data)
    try:
        raw = base64.b64decode(re.sub(rb"\s+", b"", raw)) if options.lower().endswith(";base64") else raw
    except binascii.Error:
        raise UnreadableFile("image", "The picture is damaged. Export it anew.") from None
    if len(raw) > MAX_PICTURE:
        raise UnreadableFile("file_too_large", "The picture is too large. Make it smaller.")
    return raw
