"""XML of other systems, read without DTD, entities of the file's own, or network.  Pure.

Bytes are decoded here, not by libxml2, and the prolog is read here too: no DOCTYPE of the file ever reaches
the parser. It gets ours instead, which defines the named characters of HTML (`&nbsp;`) and nothing else.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterator
from html.entities import name2codepoint
from io import BytesIO
from typing import BinaryIO

from lxml import etree

from questions.formats.exchange import MAX_FILE, Loss, UnreadableFile

MAX_DOCUMENT = 16 * 1024 * 1024
"""Bytes of a file that is read as a whole."""
MAX_ELEMENTS = 100_000
"""Elements inside one question, or one file that is read as a whole."""

_CHUNK = 64 * 1024
_COUNT_EVERY = 1024 * 1024
_DECLARED = re.compile(r"""^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_DECLARATION = re.compile(r"<\?xml(?=[\s?])[^>]{0,500}?>")
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[\]<>\"']|\"[^\"]*\"|'[^']*')*+(?P<end>[>\[])", re.IGNORECASE)
# What only says how elements nest, as old QTI has it: it is dropped with the rest of the DOCTYPE.
_HARMLESS_SUBSET = re.compile(
    r"(?:\s++|<!--(?:(?!--).)*+-->|<!(?:ELEMENT|ATTLIST|NOTATION)\b(?:[^<>\"'%]|\"[^\"]*\"|'[^']*')*+>)*+\]\s*+>",
    re.DOTALL,
)
_ROOT = re.compile(r"<[^\W\d][\w.:-]{0,200}")
_CONTROLS = {number: None for number in range(32) if chr(number) not in "\t\n\r"} | {
    0xFFFE: None,
    0xFFFF: None,
}
_WESTERN = {"ascii", "iso8859-1", "cp1252"}
_KNOWN = re.compile(
    r"utf-(8|16|16-le|16-be|32)|ascii|iso8859-\d+|cp(125\d|437|850|866|874|932|949|950)|koi8-[ru]|mac-roman|"
    r"gb2312|gbk|gb18030|big5|big5hkscs|shift_jis|euc_jp|euc_kr|tis-620"
)
# Where a guessed byte stood, until the element that holds it is complete and can be told so.
_MARK = 0x10FF00
_MARKED = re.compile("[\U0010ff80-\U0010ffff]")
_NAMED = "".join(
    f'<!ENTITY {name} "&#{number};">'
    for name, number in name2codepoint.items()
    if name not in ("amp", "lt", "gt", "quot", "apos")
)
_ENCODING_GUESSED = Loss(
    "encoding_guessed",
    "The file holds bytes that are not in its encoding; they were read as Windows-1252. Look at accents, "
    "dashes and quotation marks, or save the file as UTF-8 and import it anew.",
)
# libxml2's numbers (xmlParserErrors).
_DOCUMENT_EMPTY, _RESOURCE_LIMIT = 4, 114
_REFERENCE_BEGUN = re.compile(r"&#?\w*$")
# An element, a CDATA section, a comment, a start tag or an attribute without an end.
_CUT_OFF = {77, 63, 45, 73, 40}
_MENDS = {
    9: "Remove that character.",
    23: "Write “&amp;” for a plain “&”.",
    26: "Write the character itself, or its number such as “&#160;”.",
    38: "Write “&lt;” for a plain “<”.",
    39: "Put the value of each attribute between quotation marks.",
    68: "Write “&amp;” for a plain “&”, and “&lt;” for a plain “<”.",
}

Note = Callable[[Loss], None]


def elements(
    file: BinaryIO, names: Collection[str], *, where: str = "", note: Note | None = None
) -> Iterator[etree._Element]:
    """Each complete outermost element whose local name is in `names`, in bounded memory.

    An element is emptied when the next one is asked for, and everything before it is gone: take what you
    need while you hold it. `note` is called right before an element is yielded in which bytes had to be
    guessed; give its Loss to that question.

    Raises `UnreadableFile`: not_xml, truncated, malformed_xml, doctype, encoding, too_deep, too_large.
    Elements that are complete before the fault are yielded first.
    """
    reading = _Reading(names, where, note)
    for part in _without_prolog(_decoded(file, where), where):
        yield from reading.feed(part)
    yield from reading.close()


def document(data: bytes, *, where: str = "", note: Note | None = None) -> etree._Element:
    """The root of a small file; raises as `elements` does."""
    if len(data) > MAX_DOCUMENT:
        raise _too_large(f"It holds more than {MAX_DOCUMENT // 1024 // 1024} MB of XML.", where)
    found = list(elements(BytesIO(data), ("*",), where=where, note=note))
    return found[0]


def local(element: etree._Element) -> str:
    """The name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The direct children of that local name, whatever their namespace."""
    return (found for found in element if local(found) == name)


def child(element: etree._Element, name: str) -> etree._Element | None:
    return next(children(element, name), None)


def text(element: etree._Element | None) -> str:
    """All text inside, without blank space around it; "" for None."""
    if element is None:
        return ""
    return "".join(str(part) for part in element.itertext()).strip()


class _Reading:
    """A pull parser, and how much stands in what is open in it."""

    def __init__(self, names: Collection[str], where: str, note: Note | None) -> None:
        self.where = where
        self.note = note
        self.is_whole = "*" in names
        self.parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=[f"{{*}}{name}" for name in names],
            encoding="utf-8",
            resolve_entities=True,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self.depth = 0
        self.outermost: etree._Element | None = None
        self.last: etree._Element | None = None
        self.uncounted = 0
        self.outside = 0
        self.is_in_tag = self.is_in_reference = False
        self.is_marked = False

    def feed(self, part: str) -> Iterator[etree._Element]:
        if not part:
            return
        self.is_marked = self.is_marked or _MARKED.search(part) is not None
        error = self._run(lambda: self.parser.feed(part.encode()))
        yield from self._complete()
        if error is not None:
            raise _fault(error, self.where)
        if "<" in part or ">" in part:
            self.is_in_tag = part.rfind("<") > part.rfind(">")
        self.is_in_reference = _REFERENCE_BEGUN.search(part[-50:]) is not None
        self._bound(part)

    def close(self) -> Iterator[etree._Element]:
        error = self._run(self.parser.close)
        yield from self._complete()
        if error is not None:
            raise _fault(error, self.where, at_end=self._is_at_end(error))

    def _is_at_end(self, error: etree.XMLSyntaxError) -> bool:
        """A short file is parsed when it is closed: not each fault that shows then is its early end."""
        is_open = self.is_in_tag or self.is_in_reference
        return is_open or getattr(error, "code", 0) in _CUT_OFF

    def _run(self, step: Callable[[], object]) -> etree.XMLSyntaxError | None:
        try:
            step()
        except etree.XMLSyntaxError as error:
            return error
        return None

    def _complete(self) -> Iterator[etree._Element]:
        for event, element in self.parser.read_events():
            assert isinstance(element, etree._Element)
            self.outside = 0
            if event == "start":
                if not self.depth:
                    self._forget()
                    self.outermost = element
                self.depth += 1
                continue
            self.depth -= 1
            if self.depth:
                continue
            self.outermost = None
            if self.is_marked and _unmark(element) and self.note is not None:
                self.note(_ENCODING_GUESSED)
            yield element
            self.last = element

    def _forget(self) -> None:
        """What was yielded last is emptied, and what stands before it goes."""
        if self.last is not None and not self.is_whole:
            self.last.clear()
            parent = self.last.getparent()
            if parent is not None:
                del parent[: parent.index(self.last)]
        self.last = None

    def _bound(self, part: str) -> None:
        """Keeps a file from growing in memory, inside a question or between questions."""
        if self.outermost is None:
            self._forget()
            self.outside += part.count("<")
            if self.outside > MAX_ELEMENTS * 2:
                raise _too_large("It holds too much that is no question.", self.where)
            return
        self.uncounted += len(part)
        if self.uncounted < _COUNT_EVERY:
            return
        self.uncounted = 0
        count = self.outermost.xpath("count(.//*)")
        if isinstance(count, float) and count > MAX_ELEMENTS:
            number = self.outermost.sourceline
            where = _at(self.where, number if isinstance(number, int) else None)
            raise _too_large(f"One element holds more than {MAX_ELEMENTS:,} others.", where)


def _unmark(element: etree._Element) -> bool:
    """Puts the guessed characters in place; tells whether there were any."""
    guessed = False
    for node in element.iter():
        for name in ("text", "tail"):
            value = getattr(node, name)
            if value and _MARKED.search(value):
                setattr(node, name, _MARKED.sub(_guessed, value))
                guessed = True
        for key, value in node.attrib.items():
            if _MARKED.search(str(value)):
                node.set(key, _MARKED.sub(_guessed, str(value)))
                guessed = True
    return guessed


def _guessed(found: re.Match[str]) -> str:
    return bytes([ord(found.group()) - _MARK]).decode("cp1252", errors="replace")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(_MARK + byte) if byte >= 0x80 else chr(byte) for byte in bad), error.end


codecs.register_error("cutscore-mark", _mark)


def _decoded(file: BinaryIO, where: str) -> Iterator[str]:
    """The text of the file in parts, without the control characters that XML forbids."""
    data = file.read(_CHUNK)
    decoder = codecs.getincrementaldecoder(_encoding(data, where))(errors="cutscore-mark")
    size = 0
    while data:
        size += len(data)
        if size > MAX_FILE:
            raise _too_large(f"It holds more than {MAX_FILE // 1024 // 1024} MB.", where)
        yield decoder.decode(data).translate(_CONTROLS)
        data = file.read(_CHUNK)
    yield decoder.decode(b"", final=True).translate(_CONTROLS)


def _encoding(head: bytes, where: str) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if head.startswith(mark):
            return name
    declared = _DECLARED.search(head[:1000].decode("ascii", errors="replace"))
    if declared is None:
        return "utf-8"
    try:
        name = codecs.lookup(declared.group(1)).name
    except LookupError:
        name = ""
    if not _KNOWN.fullmatch(name):
        why = f"The encoding “{declared.group(1)}” is not known here. Save the file as UTF-8."
        raise UnreadableFile("encoding", why, where=where)
    if name.startswith(("utf-16", "utf-32")):
        # Without a byte order mark and with a readable declaration it can't be what it says.
        return "utf-8"
    # Browsers do the same: the bytes that ISO 8859-1 leaves to controls are quotation marks and dashes.
    return "cp1252" if name in _WESTERN - {"ascii"} else "utf-8" if name == "ascii" else name


def _without_prolog(parts: Iterator[str], where: str) -> Iterator[str]:
    """The same parts with our DOCTYPE in place of declaration, comments and DOCTYPE before the root."""
    head = ""
    for part in parts:
        head += part
        if len(head) >= _CHUNK:
            break
    begin = _root_at(head, where)
    yield f"<!DOCTYPE root [{_NAMED}]>" + "\n" * head.count("\n", 0, begin)
    yield head[begin:]
    yield from parts


def _root_at(head: str, where: str) -> int:
    at = 0
    seen_doctype = False
    while True:
        while at < len(head) and (head[at].isspace() or head[at] == "\ufeff"):
            at += 1
        if head.startswith("<!--", at):
            at = _after(head, "-->", at, where)
        elif found := _DECLARATION.match(head, at):
            at = found.end()
        elif head.startswith("<?", at):
            at = _after(head, "?>", at, where)
        elif not seen_doctype and head[at : at + 9].upper() == "<!DOCTYPE":
            at = _after_doctype(head, at, where)
            seen_doctype = True
        elif _ROOT.match(head, at) and head[at : at + 5].lower() != "<html":
            return at
        else:
            raise _not_xml(head[at:], where)


def _after(head: str, end: str, at: int, where: str) -> int:
    found = head.find(end, at)
    if found < 0:
        raise _not_xml(head[at:], where)
    return found + len(end)


def _after_doctype(head: str, at: int, where: str) -> int:
    found = _DOCTYPE.match(head, at)
    if found is None:
        raise _not_xml(head[at:], where)
    if found["end"] == "[":
        subset = _HARMLESS_SUBSET.match(head, found.end())
        if subset is not None:
            return subset.end()
        why = "It begins with a DOCTYPE that defines entities, which is not read. Remove the DOCTYPE."
        raise UnreadableFile("doctype", why, where=_at(where, head.count("\n", 0, at) + 1))
    return found.end()


def _not_xml(rest: str, where: str) -> UnreadableFile:
    if not rest.strip():
        why = "It is empty, or ends before the first element."
    elif re.match(r"<(!doctype\s+)?html", rest, re.IGNORECASE):
        why = "It is a web page, not an exported file: perhaps a sign-in page was saved. Export it anew."
    else:
        why = "It is not XML. Export the questions anew, or choose the format that the file has."
    return UnreadableFile("not_xml", why, where=where)


def _too_large(why: str, where: str) -> UnreadableFile:
    return UnreadableFile("too_large", f"{why} Export the questions in several smaller files.", where=where)


def _fault(error: etree.XMLSyntaxError, where: str, *, at_end: bool = False) -> UnreadableFile:
    number = error.position[0] if error.position else None
    message = str(error.msg or "").partition(", line ")[0].strip().rstrip(".")
    where = _at(where, number)
    code = getattr(error, "code", None)
    if code == _RESOURCE_LIMIT and "depth" in message:
        why = "Elements are nested more than 250 deep. Export the questions anew."
        return UnreadableFile("too_deep", why, where=where)
    if code == _RESOURCE_LIMIT:
        return _too_large("A single text or attached file is larger than 10 MB.", where)
    if code == _DOCUMENT_EMPTY:
        return _not_xml("", where)
    if at_end:
        why = "The file ends early: it was cut off. Export or download it anew."
        return UnreadableFile("truncated", why, where=where)
    mend = _MENDS.get(code or 0, "Mend that line, or export the questions anew.")
    return UnreadableFile("malformed_xml", f"The XML is broken here: {message}. {mend}", where=where)


def _at(where: str, number: int | None) -> str:
    return ", ".join(part for part in (where, f"line {number}" if number else "") if part)
