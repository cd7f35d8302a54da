"""HTML as people's editors write it → a small tree.  Pure, and linear in the length of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

MAX_DEPTH = 48
"""Elements inside one another; what is deeper keeps its text and loses its tags."""

_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]{0,40})"
    r"(?P<rest>(?:[^<>\"']|\"[^\"]*\"|'[^']*'|<)*+)>"
)
_PLAIN_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]{0,40})(?P<rest>[^>]*+)>")
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s=/"'>]+)(?:\s*+=\s*+(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"']+)))?"""
)
_MAX_ATTRIBUTES = 40

VOID = {"br", "hr", "img", "input", "wbr", "col", "area", "base", "link", "meta", "param", "source", "track"}
_RAW = {"script", "style", "textarea", "title", "xmp", "noembed", "noframes"}
BLOCKS = {
    *("p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "td", "th", "thead", "tbody", "tfoot"),
    *(
        "blockquote",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "section",
        "article",
        "header",
        "footer",
    ),
    *("address", "fieldset", "figure", "figcaption", "form", "main", "nav", "aside", "center", "details"),
}
_INLINE = (
    "a abbr acronym applet audio b basefont bdi bdo big blink body button canvas caption cite code colgroup data "
    "datalist del dfn dialog dir em embed font frame frameset head hgroup html i iframe ins kbd keygen label lang "
    "legend map mark marquee menu menuitem meter nobr nolink noscript object optgroup option output picture "
    "progress q rp rt ruby s samp select slot small span strike strong sub summary sup svg template tex time tt u "
    "var video xml math none mprescripts maction maligngroup malignmark menclose mspace semantics annotation"
)
_KNOWN = VOID | _RAW | BLOCKS | set(_INLINE.split())
_CLOSING = re.compile(r"</([A-Za-z][A-Za-z0-9:-]*)")
# A new tag of the first kind ends an open one of the second, up to a tag of the third.
_ENDS: dict[str, tuple[set[str], set[str]]] = {
    "li": ({"li"}, {"ul", "ol"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr", "td", "th"}, {"table"}),
    "td": ({"td", "th"}, {"tr", "table"}),
    "th": ({"td", "th"}, {"tr", "table"}),
    "thead": ({"tr", "thead", "tbody"}, {"table"}),
    "tbody": ({"tr", "thead", "tbody"}, {"table"}),
    "tfoot": ({"tr", "thead", "tbody"}, {"table"}),
    "option": ({"option"}, {"select"}),
}


@dataclass
class Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        return (found for found in self.children if isinstance(found, Element))

    def has(self, *names: str) -> bool:
        """Whether an element of these names stands anywhere inside."""
        return any(found.name in names or found.has(*names) for found in self.elements())

    def text(self) -> str:
        """The text as it stands, with a line end for each `br`."""
        parts = []
        for found in self.children:
            if isinstance(found, str):
                parts.append(found)
            else:
                parts.append("\n" if found.name == "br" else found.text())
        return "".join(parts)


def parse(html: str) -> tuple[Element, bool]:
    """The tree under a nameless root, and whether it was cut at `MAX_DEPTH`."""
    builder = _Builder()
    at = 0
    pattern = _TAG
    closed: set[str] | None = None
    last = html.rfind(">")
    while at < len(html):
        begin = html.find("<", at)
        if begin < 0 or begin > last:
            builder.text(html[at:])
            break
        builder.text(html[at:begin])
        if html.startswith("<!--", begin):
            end = html.find("-->", begin + 4)
            at = end + 3 if end >= 0 else len(html)
            continue
        if html[begin + 1 : begin + 2] in ("!", "?"):
            end = html.find(">", begin)
            at = end + 1
            continue
        found = pattern.match(html, begin)
        if found is None and pattern is _TAG and html[begin + 1 : begin + 2].isalpha():
            # A quotation mark stays open. Looking for its end at each tag anew would take for ever.
            pattern = _PLAIN_TAG
            found = pattern.match(html, begin)
        if found is None:
            builder.text("<")
            at = begin + 1
            continue
        at = found.end()
        name = found["name"].lower()
        if not found["close"] and name not in _KNOWN and "=" not in found["rest"] and ":" not in name:
            if closed is None:
                closed = {other.lower() for other in _CLOSING.findall(html)}
            if name not in closed:
                # `List<String>` and `#include <stdio.h>`: somebody forgot to escape it.
                builder.raw(found.group())
                continue
        if found["close"]:
            builder.close(name)
            continue
        builder.open(name, _attributes(found["rest"]))
        if name in _RAW and not found["rest"].endswith("/"):
            raw = re.compile(rf"</{name}", re.IGNORECASE).search(html, at)
            builder.raw(html[at : raw.start() if raw else len(html)])
            at = raw.start() if raw else len(html)
        elif found["rest"].endswith("/") and ":" in name:
            builder.close(name)
    return builder.root, builder.is_cut


def _attributes(rest: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for number, found in enumerate(_ATTRIBUTE.finditer(rest)):
        if number == _MAX_ATTRIBUTES:
            break
        value = found["double"] or found["single"] or found["bare"] or ""
        attributes.setdefault(found["name"].lower(), unescape(value))
    return attributes


class _Builder:
    def __init__(self) -> None:
        self.root = Element("")
        self.stack = [self.root]
        self.ignored: dict[str, int] = {}
        self.is_cut = False

    def text(self, source: str) -> None:
        if source:
            self._add(unescape(source))

    def raw(self, source: str) -> None:
        self._add(source)

    def _add(self, text: str) -> None:
        # Adjacent pieces become one text, so that `a < b` is not three.
        children = self.stack[-1].children
        if children and isinstance(children[-1], str) and len(children[-1]) < 1000:
            children[-1] += text
        else:
            children.append(text)

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name in BLOCKS:
            self._end({"p"}, {"table", "td", "th", "li", "blockquote", "div"})
        if name in _ENDS:
            self._end(*_ENDS[name])
        element = Element(name, attributes)
        if name in VOID:
            self.stack[-1].children.append(element)
        elif len(self.stack) > MAX_DEPTH:
            self.ignored[name] = self.ignored.get(name, 0) + 1
            self.is_cut = True
        else:
            self.stack[-1].children.append(element)
            self.stack.append(element)

    def _end(self, names: set[str], until: set[str]) -> None:
        for depth in range(len(self.stack) - 1, 0, -1):
            if self.stack[depth].name in names:
                del self.stack[depth:]
                return self._end(names, until) if len(names) > 1 else None
            if self.stack[depth].name in until:
                return None
        return None

    def close(self, name: str) -> None:
        if self.ignored.get(name):
            self.ignored[name] -= 1
            return
        if name == "br":
            self.stack[-1].children.append(Element("br"))
            return
        for depth in range(len(self.stack) - 1, 0, -1):
            if self.stack[depth].name == name:
                del self.stack[depth:]
                return
            # A stray `</b>` inside a cell doesn't end what stands around the table.
            if self.stack[depth].name in ("td", "th", "table") and name not in (
                "tr",
                "table",
                "tbody",
                "thead",
            ):
                return
