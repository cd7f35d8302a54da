"""Markdown from and to the texts of formats that are files of plain text.  Pure."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from questions.formats import html_text
from questions.formats.exchange import Loss

# Nothing in such a text means anything to Markdown. Most options are like this, and they are many.
_ORDINARY = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;:()'\"%/?“”‘’–—…-])*")
_TAGS = (
    "a|abbr|address|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|figure|font|h[1-6]|hr|i|img|ins|"
    "kbd|li|mark|ol|p|pre|q|s|samp|small|span|strike|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|"
    "var|video|audio|source|iframe|script|style|math|svg"
)
_LOOSE = re.compile(
    rf"</?(?:{_TAGS})(?=[\s/>])[^<>]*>|&(?:#\d{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z]{{2,31}}\d*);",
    re.IGNORECASE,
)
_NO_TAG = re.compile(rf"<(?!/?(?:{_TAGS})(?=[\s/>])[^<>]*>|!--)", re.IGNORECASE)
_PICTURE = re.compile(r"!\[((?:\\.|[^]\\])*)\]\((?:image:|@@PLUGINFILE@@|data:)[^()\s]*\)")

_SILENT = re.compile(r"</?(?:p|br|div|span|b|strong|i|em|u|font|a)(?=[\s/>])[^<>]*>|&nbsp;|\s", re.IGNORECASE)
_SHOWS_MEDIA = re.compile(r"<(?:img|audio|video|iframe|object|embed|svg|math|canvas)\b", re.IGNORECASE)

PICTURES = Loss("image", "The format can't carry pictures; their descriptions stand in their place.")


def to_markdown(text: str) -> str:
    """Markdown that shows exactly this text, with its line breaks."""
    if _ORDINARY.fullmatch(text):
        return text
    paragraphs = re.split(r"\n[ \t]*\n\s*", escape(text, quote=False))
    return from_html("".join(f"<p>{p}</p>" for p in paragraphs).replace("\n", "<br>"))[0]


def from_html(html: str) -> tuple[str, tuple[Loss, ...]]:
    return html_text.to_markdown(html, image=lambda source: None)


def from_loose_html(text: str) -> tuple[str, tuple[Loss, ...]]:
    """Moodle's own kind: HTML where there are tags that HTML knows, and line breaks count."""
    if not _LOOSE.search(text):
        return to_markdown(text), ()
    html = _NO_TAG.sub("&lt;", text)
    if "<pre" not in html.lower():
        html = re.sub(r">\s+<|(?<=>)\n|\n(?=<)", lambda found: "> <" if found[0][0] == ">" else " ", html)
        html = html.replace("\n", "<br>")
    return from_html(html)


def is_about_tags(html: str) -> bool:
    """Whether HTML that shows nothing means its tags: `<h1>` is an answer in a quiz about HTML."""
    return bool(_SILENT.sub("", html)) and "<" in html and _SHOWS_MEDIA.search(html) is None


def without_pictures(markdown: str) -> tuple[str, tuple[Loss, ...]]:
    """The same with each picture's description in its place."""
    text, count = _PICTURE.subn(r"\1", markdown)
    return text, (PICTURES,) if count else ()


def from_markdown(markdown: str) -> str:
    """The text on one line, without its formatting."""
    if _ORDINARY.fullmatch(markdown):
        return " ".join(markdown.split())
    reader = _TextOnly()
    reader.feed(html_text.to_html(markdown, image_address=lambda name: ""))
    reader.close()
    return " ".join("".join(reader.pieces).split())


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p", "li", "td", "th", "tr", "pre", "hr", "blockquote"):
            self.pieces.append(" ")
        if tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
