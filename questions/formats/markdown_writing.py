"""A run of marked text → Markdown of our dialect that renders to just that.  Pure.

What is written is parsed again and compared. So nothing is escaped that needn't be, and where Markdown can't
say it (bold that begins inside a word with a bracket) the marks go and the text stays.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

Mark = tuple[str, str]
"""`("strong", "")`, `("em", "")`, `("s", "")` or `("a", address)`."""


class Atom(NamedTuple):
    """`kind` is text, code, math, image (`text` is its alternative, `target` its address) or break."""

    kind: str
    text: str
    marks: tuple[Mark, ...] = ()
    target: str = ""


_MAX_CHECKED = 20_000
_ORDINARY = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;:()'\"%/?“”‘’–—…-]*")
_SPECIAL = re.compile(r"([\\`*_\[\]<&$~])")
# Of those, the ones that may mean something where they stand.
_MEANT = re.compile(
    r"(\\(?=[!-/:-@\[-`{-~\n]|$)|[`$]|(?<!\s)\*|\*(?!\s)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|\[(?=[^\]]*\][(:\[])|<(?=[^\s<>]*[:@])|&(?=#?\w+;)|~(?=~)|(?<=~)~)"
)
_LINE_START = re.compile(r"^([#+\->=|]|\*(?=\s))|^(\d{1,9})(?=[.)])", re.MULTILINE)
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}“”‘’–—…«»¿¡]")
_AUTOLINK = re.compile(r"(?:https?|mailto):[!-;=?-~]+")
_DELIMITERS = {"strong": "**", "em": "*", "s": "~~"}


def new_parser() -> MarkdownIt:
    """The parser of `rendering`, without its renderers."""
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.use(dollarmath_plugin, allow_space=False, allow_digits=False)
    return made


@cache
def parser() -> MarkdownIt:
    return new_parser()


def plain(tokens: Sequence[Token]) -> str:
    """What a reader who sees no marks reads."""
    renderer = parser().renderer
    assert isinstance(renderer, RendererHTML)
    return renderer.renderInlineAsText(tokens, parser().options, {})


def write(atoms: Sequence[Atom], *, in_cell: bool = False) -> tuple[str, bool]:
    """The Markdown of one paragraph, or of a table's cell, and whether it says all of it."""
    if all(atom.kind == "text" and not atom.marks for atom in atoms):
        text = "".join(atom.text for atom in atoms).strip()
        if not text or (_ORDINARY.fullmatch(text) and "  " not in text):
            return text, True
    tidy = _tidied(atoms)
    if not tidy:
        return "", True
    if sum(len(atom.text) for atom in tidy) > _MAX_CHECKED:
        # Nothing is checked here: no marks, and whatever could be Markdown is escaped.
        text = _emitted([atom._replace(marks=(), kind="text") for atom in tidy], _escape_more, in_cell)
        return text, all(atom.kind == "text" and not atom.marks for atom in tidy)
    for tried, escape, is_all in _attempts(tidy):
        text = _emitted(tried, escape, in_cell)
        if _says(text, tried, in_cell):
            return text, is_all
    bare = [atom._replace(marks=(), kind="text") for atom in tidy if atom.kind != "break"]
    return _emitted(bare, _escape_all, in_cell), False


def _attempts(tidy: list[Atom]) -> Iterator[tuple[list[Atom], Callable[[str], str], bool]]:
    yield tidy, str, True
    yield tidy, _escape, True
    yield tidy, _escape_more, True
    if any(atom.marks for atom in tidy):
        shrunk = _merged(_spread(_split(tidy, _PUNCTUATION), _PUNCTUATION))
        yield shrunk, str, True
        yield shrunk, _escape_more, True
        yield _merged([atom._replace(marks=_links(atom)) for atom in tidy]), _escape_more, False


def _links(atom: Atom) -> tuple[Mark, ...]:
    return tuple(mark for mark in atom.marks if mark[0] == "a")


def _tidied(atoms: Sequence[Atom]) -> list[Atom]:
    """Blank space collapsed, outside of marks and not at the ends of lines."""
    spaced = _spread(_split(atoms, re.compile(r"\s")), re.compile(r"\s+"))
    kept: list[Atom] = []
    for atom in spaced:
        is_space = atom.kind == "text" and atom.text.isspace()
        at_start = (
            not kept or kept[-1].kind == "break" or (kept[-1].kind == "text" and kept[-1].text.isspace())
        )
        if is_space and at_start:
            if kept and kept[-1].kind == "text" and "\n" in atom.text:
                kept[-1] = kept[-1]._replace(text="\n")
            continue
        if atom.kind == "break" and kept and kept[-1].kind == "text" and kept[-1].text.isspace():
            kept.pop()
        if is_space:
            atom = atom._replace(text=_blank(atom.text))
        kept.append(atom)
    while kept and (kept[-1].kind == "break" or (kept[-1].kind == "text" and kept[-1].text.isspace())):
        kept.pop()
    while kept and kept[0].kind == "break":
        kept.pop(0)
    return _merged(kept)


def _blank(run: str) -> str:
    if run == "\u00a0":
        return run
    return "\n" if "\n" in run else " "


def _split(atoms: Sequence[Atom], edge: re.Pattern[str]) -> list[Atom]:
    parts = re.compile(f"((?:{edge.pattern})+)")
    found: list[Atom] = []
    for atom in atoms:
        if atom.kind != "text":
            found.append(atom)
        else:
            found += [atom._replace(text=part) for part in parts.split(atom.text) if part]
    return found


def _spread(atoms: list[Atom], edge: re.Pattern[str]) -> list[Atom]:
    """Gives each run of `edge` characters only the marks that go on beyond it on both sides."""
    outer: list[tuple[Mark, ...]] = []
    before: tuple[Mark, ...] = ()
    for atom in atoms:
        outer.append(before)
        if not _is_edge(atom, edge):
            before = atom.marks
    after: tuple[Mark, ...] = ()
    spread: list[Atom] = []
    for atom, left in zip(reversed(atoms), reversed(outer), strict=True):
        if _is_edge(atom, edge):
            both = tuple(mark for mark in atom.marks if mark in left and mark in after)
            atom = atom._replace(marks=both)
        else:
            after = atom.marks
        spread.append(atom)
    return spread[::-1]


def _is_edge(atom: Atom, edge: re.Pattern[str]) -> bool:
    return atom.kind == "break" or (
        atom.kind == "text" and re.fullmatch(f"(?:{edge.pattern})+", atom.text) is not None
    )


def _merged(atoms: Sequence[Atom]) -> list[Atom]:
    merged: list[Atom] = []
    texts: list[str] = []
    for atom in atoms:
        last = merged[-1] if merged else None
        if last and last.kind == atom.kind == "text" and set(last.marks) == set(atom.marks):
            texts.append(atom.text)
            continue
        if texts and last:
            merged[-1] = last._replace(text=last.text + "".join(texts))
            texts = []
        merged.append(atom)
    if texts:
        merged[-1] = merged[-1]._replace(text=merged[-1].text + "".join(texts))
    return merged


def _escape(text: str) -> str:
    return _MEANT.sub(r"\\\1", text)


def _escape_more(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _escape_all(text: str) -> str:
    return re.sub(f"([{re.escape(string.punctuation)}])", r"\\\1", text)


def _emitted(atoms: Sequence[Atom], escape: Callable[[str], str], in_cell: bool) -> str:
    atoms = [_autolink(atom, atoms, number) for number, atom in enumerate(atoms)]
    out: list[str] = []
    open_marks: list[tuple[Mark, str]] = []
    for number, atom in enumerate(atoms):
        while any(mark not in atom.marks for mark, _ in open_marks):
            out.append(_closing(open_marks.pop()))
        extents = {mark: _extent(atoms, number, mark) for mark in atom.marks}
        missing = [mark for mark in atom.marks if mark not in [opened for opened, _ in open_marks]]
        for mark in sorted(missing, key=lambda mark: -extents[mark]):
            delimiter = _DELIMITERS.get(mark[0], "[")
            inside = open_marks[-1] if open_marks else None
            if mark[0] == "em" and inside and inside[1] == "**" and inside[0] in missing:
                delimiter = "_" if extents[inside[0]] == extents[mark] else "*"
            open_marks.append((mark, delimiter))
            out.append(delimiter)
        out.append(_atom(atom, escape))
    while open_marks:
        out.append(_closing(open_marks.pop()))
    text = "".join(out)
    if escape is not str and not in_cell:
        text = _LINE_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\", text)
    if in_cell:
        text = re.sub(r"\s*\\?\n\s*", " ", text).replace("|", "\\|")
    return text


def _autolink(atom: Atom, atoms: Sequence[Atom], number: int) -> Atom:
    """`<https://…>` where a link shows its own address."""
    link = next((mark for mark in atom.marks if mark[0] == "a"), None)
    if link is None or atom.kind != "text" or atom.text != link[1] or not _AUTOLINK.fullmatch(atom.text):
        return atom
    around = [*atoms[max(number - 1, 0) : number], *atoms[number + 1 : number + 2]]
    if any(link in other.marks for other in around):
        return atom
    return Atom("autolink", atom.text, tuple(mark for mark in atom.marks if mark != link))


def _extent(atoms: Sequence[Atom], begin: int, mark: Mark) -> int:
    end = begin
    # Far enough to tell which of two marks goes around the other.
    while end < min(len(atoms), begin + 50) and mark in atoms[end].marks:
        end += 1
    return end - begin


def _closing(opened: tuple[Mark, str]) -> str:
    mark, delimiter = opened
    return f"]({_address(mark[1])})" if mark[0] == "a" else delimiter


def _address(target: str) -> str:
    return re.sub(r"[\s<>()\\]", lambda found: f"%{ord(found.group()):02X}", target)


def _atom(atom: Atom, escape: Callable[[str], str]) -> str:
    match atom.kind:
        case "break":
            return "\\\n"
        case "code":
            return _code(atom.text)
        case "autolink":
            return f"<{atom.text}>"
        case "math":
            return f"${atom.text}$"
        case "image":
            alternative = (
                escape(atom.text) if escape is not str else re.sub(r"([\\\[\]])", r"\\\1", atom.text)
            )
            return f"![{alternative}]({atom.target})"
        case _:
            link = next((address for name, address in atom.marks if name == "a"), None)
            return (
                escape(atom.text) if link is None else re.sub(r"(?<!\\)([\[\]])", r"\\\1", escape(atom.text))
            )


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    padded = (
        f" {text} "
        if text[:1] == "`" or text[-1:] == "`" or (text[:1] == text[-1:] == " " and text.strip())
        else text
    )
    return f"{fence}{padded}{fence}"


def _says(text: str, atoms: Sequence[Atom], in_cell: bool) -> bool:
    """Whether the Markdown, parsed, is these atoms and nothing else."""
    if in_cell:
        tokens = parser().parseInline(text.replace("\\|", "|"))
    else:
        tokens = parser().parse(text)
        if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
            return False
        tokens = tokens[1:2]
    children = tokens[0].children or [] if tokens else []
    wanted = [
        _comparable(atom._replace(text=" ") if in_cell and atom.kind == "break" else atom, in_cell)
        for atom in atoms
    ]
    return _joined(wanted) == _joined(_read(children))


Comparable = tuple[str, str, frozenset[Mark], str]


def _comparable(atom: Atom, in_cell: bool) -> Comparable:
    kind = "text" if in_cell and atom.kind == "break" else atom.kind
    text = atom.text.replace("\n", " ") if in_cell or kind != "math" else atom.text
    marks = frozenset((name, _normal(address)) for name, address in atom.marks)
    return (
        kind,
        text if kind != "break" else "",
        frozenset() if kind == "break" else marks,
        _normal(atom.target),
    )


def _normal(address: str) -> str:
    return parser().normalizeLink(_address(address)) if address else ""


def _joined(atoms: Sequence[Comparable]) -> list[Comparable]:
    joined: list[Comparable] = []
    for kind, text, marks, target in atoms:
        if joined and kind == "text" and joined[-1][0] == "text" and joined[-1][2] == marks:
            joined[-1] = ("text", joined[-1][1] + text, marks, "")
        elif text or kind != "text":
            joined.append((kind, text, marks, target))
    return joined


def _read(tokens: Sequence[Token]) -> list[Comparable]:
    marks: list[Mark] = []
    found: list[Comparable] = []
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.nesting > 0:
            marks.append((name, str(token.attrGet("href") or "")) if name == "link" else (name, ""))
            continue
        if token.nesting < 0:
            marks.pop()
            continue
        held = frozenset(("a", address) if mark == "link" else (mark, address) for mark, address in marks)
        match token.type:
            case "text" | "text_special":
                found.append(("text", token.content, held, ""))
            case "softbreak":
                found.append(("text", " ", held, ""))
            case "hardbreak":
                found.append(("break", "", frozenset(), ""))
            case "code_inline":
                found.append(("code", token.content, held, ""))
            case "math_inline":
                found.append(("math", token.content, held, ""))
            case "image":
                alternative = plain(token.children or [])
                found.append(("image", alternative, held, str(token.attrGet("src") or "")))
            case _:
                found.append((token.type, token.content, held, ""))
    return found
