"""Texts and pictures of Moodle XML → Markdown with pictures by name.  Pure."""

from __future__ import annotations

import base64
import binascii
import html
import re
import textwrap
from urllib.parse import unquote

from lxml import etree

from questions.formats import html_text, plain_text
from questions.formats.exchange import MAX_PICTURE, Loss, Picture
from questions.formats.xml_reading import child, children

_FORMATS = {"0": "moodle_auto_format", "1": "html", "2": "plain_text", "4": "markdown"}
_DATA = re.compile(r"data:image/(?P<kind>[a-z0-9.+-]{1,20})(?:;[^,;]{0,60})*;base64,(?P<data>.*)", re.DOTALL)
_PLUGIN_FILE = "@@PLUGINFILE@@/"
_SHOWN_FILE = re.compile(r"!\[(?P<alt>(?:\\.|[^\]\\])*)\]\(@@PLUGINFILE@@/(?P<name>[^)\s?]+)[^)]*\)")
_TAG = re.compile(r"</?(?:br|p|div|span|b|strong|i|em|u|sub|sup|font|h[1-6]|img|pre|code)\b[^<>]*>")
_LOOKS_HTML = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
_HAS_LINES = re.compile(r"<(?:p|br|div|ul|ol|table|pre)\b", re.IGNORECASE)
_PICTURE_ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".gif",
    ".webp",
    ".bmp",
    ".svg",
    ".tif",
    ".tiff",
    ".avif",
)


class Texts:
    """The texts of one question. `losses` and `pictures` grow while they are read."""

    def __init__(self) -> None:
        self.losses: dict[str, Loss] = {}
        self.pictures: dict[str, Picture] = {}

    def lose(self, code: str, why: str) -> None:
        self.losses.setdefault(code, Loss(code, why))

    def markdown(self, element: etree._Element | None) -> str:
        """The text of `<questiontext>`, `<answer>`, `<feedback>`, …; "" for None."""
        if element is None:
            return ""
        raw = _inner(element)
        if not raw.strip():
            return ""
        files = _files(element)
        self._note_attachments(files)
        name = (element.get("format") or "").strip().lower()
        match _FORMATS.get(name, name):
            case "markdown":
                return self._pictured(_dedented(raw), files)
            case "html":
                return self._from_html(raw, files)
            case "plain_text":
                return self._from_html(_broken(html.escape(raw.strip())), files)
            case _ if not _LOOKS_HTML.search(raw):
                return self._from_html(_broken(html.escape(raw.strip())), files)
            case _:
                return self._from_html(raw if _HAS_LINES.search(raw) else _broken(raw.strip()), files)

    def answer(self, element: etree._Element) -> str:
        """The text of an option or a response, which may be nothing but a tag: `<h1>`."""
        text = self.markdown(element)
        raw = _inner(element).strip()
        if text.strip() or not plain_text.is_about_tags(raw):
            return text
        self.losses.pop("script", None)
        return self._from_html(html.escape(raw), {})

    def response(self, element: etree._Element | None) -> str:
        """The response of a matching: Moodle has plain text there, where tags go and entities are read."""
        if element is None or element.get("format"):
            return self.answer(element) if element is not None else ""
        raw = _inner(element).strip()
        if plain_text.is_about_tags(raw) and not self._quiet(raw):
            return self._from_html(html.escape(raw), {})
        text, losses = plain_text.from_loose_html(raw)
        self.losses.update({loss.code: loss for loss in losses})
        return text

    def _quiet(self, raw: str) -> str:
        return html_text.to_markdown(raw, image=lambda source: None)[0].strip()

    def old_image(self, question: etree._Element) -> str:
        """The one picture that a question of Moodle 1.9 could have, as a paragraph of its own; "" without."""
        name, encoded = plain(child(question, "image")), child(question, "image_base64")
        if not name:
            return ""
        kept = self._kept(name.rpartition("/")[2], encoded.text or "") if encoded is not None else None
        if kept is None:
            self.lose("image", "A picture is not in the file.")
            return ""
        return f"\n\n![](image:{kept})"

    def _from_html(self, source: str, files: dict[str, etree._Element]) -> str:
        text, losses = html_text.to_markdown(source, image=lambda src: self._picture(src, files))
        for loss in losses:
            self.losses.setdefault(loss.code, loss)
        return text

    def _pictured(self, markdown: str, files: dict[str, etree._Element]) -> str:
        """Markdown of Moodle's: only the addresses of its pictures are other than ours."""

        def shown(found: re.Match[str]) -> str:
            name = self._picture(_PLUGIN_FILE + found["name"], files)
            if name is None:
                self.lose("image", "A picture is not in the file; its description stands in its place.")
                return found["alt"]
            return f"![{found['alt']}](image:{name})"

        return _SHOWN_FILE.sub(shown, markdown)

    def _picture(self, source: str, files: dict[str, etree._Element]) -> str | None:
        embedded = _DATA.match(source)
        if embedded:
            ending = embedded["kind"].partition("+")[0].replace("jpeg", "jpg")
            return self._kept(f"picture.{ending}", unquote(embedded["data"]))
        if _PLUGIN_FILE not in source:
            return None
        path = unquote(source.partition(_PLUGIN_FILE)[2].partition("?")[0]).strip("/")
        file = files.get(path)
        if file is None:
            file = next((found for name, found in files.items() if name.rpartition("/")[2] == path), None)
        if file is None:
            return None
        return self._kept(path.rpartition("/")[2], file.text or "")

    def _kept(self, name: str, encoded: str) -> str | None:
        if len(encoded) > MAX_PICTURE * 3 // 2:
            self.lose("image", f"A picture is larger than {MAX_PICTURE // 1024 // 1024} MB and was left out.")
            return None
        try:
            data = base64.b64decode("".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if not data or len(data) > MAX_PICTURE:
            self.lose("image", "A picture is damaged or too large and was left out; its description stays.")
            return None
        return self._named(name, data)

    def _named(self, name: str, data: bytes) -> str:
        """The name under which these bytes are kept: safe, and other bytes have another."""
        stem, dot, ending = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[-80:].rpartition(".")
        stem, ending = (stem or "picture", ending) if dot else (ending or "picture", "")
        number = 1
        while True:
            tried = (stem if number == 1 else f"{stem}-{number}") + (f".{ending}" if ending else "")
            known = self.pictures.setdefault(tried, Picture(tried, data))
            if known.data == data:
                return tried
            number += 1

    def _note_attachments(self, files: dict[str, etree._Element]) -> None:
        for name in files:
            if not name.lower().endswith(_PICTURE_ENDINGS):
                self.lose("file", f"The attached file “{name[:80]}” was left out: only pictures come along.")


def title(element: etree._Element | None) -> str:
    """A name, without the tags that some exports copy into it from the text."""
    return " ".join(html.unescape(_TAG.sub(" ", plain(element))).split()) if element is not None else ""


def plain(element: etree._Element | None) -> str:
    """A name, tag or number: one line without markup."""
    if element is None:
        return ""
    return " ".join(_inner(element).split())


def _inner(element: etree._Element) -> str:
    """What stands in `<text>`; sloppy exports leave it away, or put HTML there as elements."""
    holder = child(element, "text")
    if holder is None:
        return (element.text or "") if len(element) else "".join(map(str, element.itertext()))
    parts = [holder.text or ""]
    for found in holder:
        parts.append(etree.tostring(found, encoding="unicode", method="html"))
    return "".join(parts)


def _files(element: etree._Element) -> dict[str, etree._Element]:
    """The attached files by path; Moodle puts them beside the text."""
    files: dict[str, etree._Element] = {}
    for file in children(element, "file"):
        path = (file.get("path") or "/").strip("/")
        name = file.get("name") or ""
        if name:
            files[f"{path}/{name}" if path else name] = file
    return files


def _broken(text: str) -> str:
    """Line ends as HTML has them."""
    return text.replace("\r\n", "\n").replace("\n\n", "</p><p>").replace("\n", "<br>")


def _dedented(text: str) -> str:
    # A file that was indented for the eye; a text of its own doesn't begin with a line end.
    return textwrap.dedent(text).strip() if text.startswith("\n") else text
