"""A tree of HTML → blocks of Markdown.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from questions.formats import html_formulas, html_languages, html_styles, html_tree, markdown_writing
from questions.formats.exchange import Loss
from questions.formats.html_losses import Notes
from questions.formats.html_tree import Element
from questions.formats.markdown_writing import Atom, Mark

_MARKS = {
    **dict.fromkeys(("b", "strong"), "strong"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var", "u", "ins"), "em"),
    **dict.fromkeys(("s", "del", "strike"), "s"),
}
_CODE = {"code", "tt", "kbd", "samp"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = html_tree.BLOCKS - {"ul", "ol", "table", "blockquote", "pre", "hr", *_HEADINGS}
_MEDIA = {"audio", "video", "iframe", "object", "embed", "canvas", "applet", "svg", "map", "source", "track"}
_SCRIPT = {"script", "noscript", "template"}
_FORM = {"input", "select", "textarea", "button", "datalist", "progress", "meter"}
_QUIET = {"wbr", "col", "colgroup", "area", "param", "title", "head", "meta", "style", "link", "base"}
_CONTROLS = {number: None for number in (*range(9), 11, 12, *range(14, 32), 127)}
# Editors write the spaces of code as `&nbsp;`, which no compiler takes.
_CODE_TEXT = _CONTROLS | {0xA0: " ", 13: None}
_LANGUAGE = re.compile(r"(?:^|\s)(?:language-|lang-|brush:\s*)([A-Za-z0-9+#._-]{1,30})")
_SUPERSCRIPT = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_SUBSCRIPT = dict(zip("0123456789+-−=()aeoxhklmnpstijruv", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", strict=True))


def to_markdown(html: str, *, image: Callable[[str], str | None]) -> tuple[str, tuple[Loss, ...]]:
    notes = Notes()
    root, is_cut = html_tree.parse(html_languages.unbraced(html, partial(notes.add, "languages")))
    if is_cut:
        notes.add("nesting")
    out = _Blocks(notes, image)
    out.walk(root, ())
    out.flush()
    return out.joined(tight=False), notes.losses()


@dataclass
class _Block:
    kind: str
    text: str


@dataclass
class _Blocks:
    """What has been written so far, and the paragraph that is still open."""

    notes: Notes
    image: Callable[[str], str | None]
    blocks: list[_Block] = field(default_factory=list)
    atoms: list[Atom] = field(default_factory=list)

    def walk(self, element: Element, marks: tuple[Mark, ...]) -> None:
        for found in html_languages.chosen(element.children, partial(self.notes.add, "languages")):
            if isinstance(found, str):
                self._text(found, marks)
            else:
                self._element(found, marks)

    def flush(self, kind: str = "paragraph") -> None:
        """Ends the open paragraph."""
        atoms, self.atoms = self.atoms, []
        shown = [atom for atom in atoms if atom.kind != "text" or atom.text.strip()]
        if len(shown) == 1 and shown[0].kind == "display":
            self.blocks.append(_Block("math", f"$$\n{_without_blank_lines(shown[0].text)}\n$$"))
            return
        inline = [_inline_formula(atom) for atom in atoms]
        if kind.startswith("#"):
            inline = [Atom("text", " ", atom.marks) if atom.kind == "break" else atom for atom in inline]
        text, is_all = markdown_writing.write(inline)
        if not is_all:
            self.notes.add("markup")
        if text and kind.startswith("#"):
            line = re.sub(r"#$", r"\\#", text.replace("\n", " "))
            self.blocks.append(_Block("heading", f"{kind} {line}"))
        elif text:
            self.blocks.append(_Block("paragraph", text))

    def joined(self, *, tight: bool) -> str:
        return ("\n" if tight else "\n\n").join(block.text for block in self.blocks)

    def inner(self, element: Element, marks: tuple[Mark, ...] = ()) -> _Blocks:
        """The blocks of one element by themselves."""
        inner = _Blocks(self.notes, self.image)
        inner.walk(element, marks)
        inner.flush()
        return inner

    def _text(self, text: str, marks: tuple[Mark, ...]) -> None:
        text = text.translate(_CONTROLS)
        at = 0
        for begin, end, is_inline in html_formulas.delimited(text):
            self.atoms.append(Atom("text", text[at:begin], marks))
            source = text[begin + 2 : end - 2].strip()
            self.atoms.append(Atom("math" if is_inline else "display", source, marks))
            at = end
        if at < len(text):
            self.atoms.append(Atom("text", text[at:], marks))

    def _element(self, element: Element, marks: tuple[Mark, ...]) -> None:
        name = element.name
        if name in _HEADINGS:
            self.flush()
            self.walk(element, marks)
            self.flush("#" * _HEADINGS[name])
        elif name in ("ul", "ol"):
            self.flush()
            self._list(element, marks)
        elif name == "blockquote":
            self.flush()
            quoted = self.inner(element, marks).joined(tight=False)
            if quoted:
                self.blocks.append(_Block("quote", _prefixed(quoted, "> ", "> ")))
        elif name == "pre":
            self.flush()
            self._code_block(element)
        elif name == "table":
            self.flush()
            self._table(element, marks)
        elif name == "hr":
            self.flush()
            self.blocks.append(_Block("rule", "---"))
        elif name in _PARAGRAPHS:
            self.flush()
            self.walk(element, marks)
            self.flush()
        else:
            self._inline(element, marks)

    def _inline(self, element: Element, marks: tuple[Mark, ...]) -> None:
        name = element.name
        if name == "br":
            self.atoms.append(Atom("break", ""))
        elif name in _MARKS:
            if name == "u":
                self.notes.add("underline")
            self.walk(element, _with(marks, (_MARKS[name], "")))
        elif name in _CODE:
            text = element.text().translate(_CODE_TEXT).replace("\n", " ").strip("\t")
            if text.strip():
                self.atoms.append(Atom("code", text, marks))
        elif name == "a":
            self._link(element, marks)
        elif name == "img":
            self._picture(element, marks)
        elif name in ("sub", "sup"):
            self._raised(element, marks)
        elif name == "math":
            self._math(element, marks)
        elif name == "q":
            self.atoms.append(Atom("text", "“", marks))
            self.walk(element, marks)
            self.atoms.append(Atom("text", "”", marks))
        elif name == "script" and element.attributes.get("type", "").startswith("math/tex"):
            self.atoms.append(Atom("math", element.text().strip(), marks))
        elif name in _MEDIA:
            self.notes.add("media", name)
        elif name in _QUIET:
            pass
        elif name in _SCRIPT:
            self.notes.add("script", name)
        elif name in _FORM:
            self.notes.add("form", name)
        else:
            styled = html_styles.marks(element)
            if html_styles.is_underlined(element):
                self.notes.add("underline")
                styled.append(("em", ""))
            self.walk(element, _with(marks, *styled))

    def _link(self, element: Element, marks: tuple[Mark, ...]) -> None:
        address = element.attributes.get("href", "").strip()
        is_inside = any(name == "a" for name, _ in marks)
        if address and not is_inside and _is_safe(address):
            self.walk(element, _with(marks, ("a", address)))
            return
        if address and not is_inside:
            self.notes.add("link")
        self.walk(element, marks)

    def _picture(self, element: Element, marks: tuple[Mark, ...]) -> None:
        alternative = " ".join(element.attributes.get("alt", "").translate(_CONTROLS).split())
        source = element.attributes.get("src", "").strip()
        name = self.image(source) if source else None
        if name is not None:
            self.atoms.append(Atom("image", alternative, marks, f"image:{name}"))
            return
        self.notes.add("image")
        if alternative:
            self.atoms.append(Atom("text", alternative, marks))

    def _raised(self, element: Element, marks: tuple[Mark, ...]) -> None:
        text = " ".join(element.text().split())
        known = _SUPERSCRIPT if element.name == "sup" else _SUBSCRIPT
        if all(character in known for character in text):
            self.atoms.append(Atom("text", "".join(known[character] for character in text), marks))
            return
        self.notes.add("subscript")
        sign = "^" if element.name == "sup" else "_"
        is_single = len(text) == 1
        self.atoms.append(Atom("text", sign if is_single else f"{sign}(", marks))
        self.walk(element, marks)
        if not is_single:
            self.atoms.append(Atom("text", ")", marks))

    def _math(self, element: Element, marks: tuple[Mark, ...]) -> None:
        source = html_formulas.of_mathml(element)
        if source:
            kind = "display" if element.attributes.get("display") == "block" else "math"
            self.atoms.append(Atom(kind, source, marks))
        else:
            self.notes.add("math")
            self.atoms.append(Atom("text", " ".join(element.text().split()), marks))

    def _code_block(self, element: Element) -> None:
        text = element.text().translate(_CODE_TEXT).expandtabs(4)
        first = element.children[0] if element.children else ""
        if isinstance(first, str) and first.startswith("\n"):
            text = text.removeprefix("\n")
        text = text.removesuffix("\n")
        inner = next((found for found in element.elements() if found.name == "code"), element)
        classes = f"{element.attributes.get('class', '')} {inner.attributes.get('class', '')}"
        language = _LANGUAGE.search(classes)
        longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
        fence = "`" * (longest + 1)
        self.blocks.append(_Block("code", f"{fence}{language[1] if language else ''}\n{text}\n{fence}"))

    def _list(self, element: Element, marks: tuple[Mark, ...]) -> None:
        items: list[_Blocks] = []
        is_loose = False
        for found in element.children:
            if isinstance(found, str) and not found.strip():
                continue
            if isinstance(found, Element) and found.name == "li":
                is_loose = is_loose or any(inside.name == "p" for inside in found.elements())
                items.append(self.inner(found, marks))
            else:
                # A list that stands right inside a list belongs to the item before it.
                stray = self.inner(Element("", {}, [found]), marks)
                if items and isinstance(found, Element) and found.name in ("ul", "ol"):
                    items[-1].blocks += stray.blocks
                elif stray.blocks:
                    items.append(stray)
        if items:
            self.blocks.append(self._written_list(element, items, is_loose))

    def _written_list(self, element: Element, items: list[_Blocks], is_loose: bool) -> _Block:
        tight = not is_loose and all(_may_be_tight(item.blocks) for item in items)
        before = self.blocks[-1].kind if self.blocks else ""
        kind = f"{element.name}2" if before == f"{element.name}1" else f"{element.name}1"
        start = element.attributes.get("start", "")
        number = int(start) if start.isdecimal() and len(start) < 7 else 1
        written = []
        for item in items:
            if element.name == "ol":
                marker = f"{number}{'.' if kind.endswith('1') else ')'} "
                number += 1
            else:
                marker = "- " if kind.endswith("1") else "* "
            written.append(_prefixed(item.joined(tight=tight), marker, " " * len(marker)))
        return _Block(kind, ("\n" if tight else "\n\n").join(written))

    def _table(self, element: Element, marks: tuple[Mark, ...]) -> None:
        rows = [[cell for cell in row.elements() if cell.name in ("td", "th")] for row in _rows(element)]
        rows = [row for row in rows if row]
        caption = next((found for found in element.elements() if found.name == "caption"), None)
        if caption is not None:
            self.blocks += self.inner(caption, marks).blocks
        if not rows:
            return
        if all(len(row) == 1 for row in rows):
            # A frame, not a table.
            for row in rows:
                self.blocks += self.inner(row[0], marks).blocks
            return
        written = [[self._cell(cell, marks) for cell in row] for row in rows]
        is_plain = all(cell.name == "th" for cell in rows[0]) and len({len(row) for row in rows}) == 1
        if not is_plain or any(
            {"colspan", "rowspan"} & cell.attributes.keys() for row in rows for cell in row
        ):
            self.notes.add("table")
        width = max(len(row) for row in written)
        filled = [row + [""] * (width - len(row)) for row in written]
        lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in filled]
        ruler = [_ruler(rows[0][column] if column < len(rows[0]) else None) for column in range(width)]
        lines.insert(1, "|" + "|".join(ruler) + "|")
        self.blocks.append(_Block("table", "\n".join(lines)))

    def _cell(self, cell: Element, marks: tuple[Mark, ...]) -> str:
        if cell.has("ul", "ol", "table", "pre", "blockquote", "br", *_HEADINGS):
            self.notes.add("table")
        flat = _Flat(self.notes, self.image)
        flat.walk(cell, marks)
        text, is_all = markdown_writing.write([_inline_formula(atom) for atom in flat.atoms], in_cell=True)
        if not is_all:
            self.notes.add("markup")
        return text


class _Flat(_Blocks):
    """The same as one line, for a table's cell."""

    def flush(self, kind: str = "paragraph") -> None:
        if self.atoms:
            self.atoms.append(Atom("text", " "))

    def _list(self, element: Element, marks: tuple[Mark, ...]) -> None:
        for item in element.elements():
            self.atoms.append(Atom("text", " • "))
            self.walk(item, marks)

    def _table(self, element: Element, marks: tuple[Mark, ...]) -> None:
        self.walk(element, marks)

    def _code_block(self, element: Element) -> None:
        text = " ".join(element.text().split())
        if text:
            self.atoms.append(Atom("code", text))

    def _element(self, element: Element, marks: tuple[Mark, ...]) -> None:
        if element.name == "blockquote":
            self.walk(element, marks)
        elif element.name != "hr":
            super()._element(element, marks)


def _with(marks: tuple[Mark, ...], *more: Mark) -> tuple[Mark, ...]:
    return marks + tuple(mark for mark in more if mark not in marks)


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return (parts.scheme.lower() in ("http", "https") and bool(parts.netloc)) or (
        parts.scheme.lower() == "mailto" and bool(parts.path)
    )


def _inline_formula(atom: Atom) -> Atom:
    if atom.kind not in ("math", "display"):
        return atom
    return Atom("math", " ".join(atom.text.split()), atom.marks)


def _without_blank_lines(source: str) -> str:
    return re.sub(r"\n\s*\n", "\n", source)


def _rows(element: Element) -> list[Element]:
    rows: list[Element] = []
    for found in element.elements():
        if found.name == "tr":
            rows.append(found)
        elif found.name in ("thead", "tbody", "tfoot"):
            rows += [row for row in found.elements() if row.name == "tr"]
    return rows


def _ruler(cell: Element | None) -> str:
    aligned = (
        re.search(r"text-align:\s*(left|center|right)", cell.attributes.get("style", "")) if cell else None
    )
    return {"left": ":---", "center": ":---:", "right": "---:"}[aligned[1]] if aligned else "---"


def _may_be_tight(blocks: list[_Block]) -> bool:
    kinds = [block.kind for block in blocks]
    first, *rest = kinds or ["paragraph"]
    return first in ("paragraph", "code") and all(kind in ("ul1", "ol1", "code", "quote") for kind in rest)


def _prefixed(text: str, first: str, rest: str) -> str:
    begins = [first] + [rest] * text.count("\n")
    lines = zip(begins, text.split("\n"), strict=True)
    return "\n".join(begin + line if line else begin.rstrip() for begin, line in lines)
