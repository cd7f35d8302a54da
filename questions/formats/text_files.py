"""Text files of unknown encoding and line ends, read line by line in bounded memory.  Pure."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from questions.formats.exchange import Loss, UnreadableFile

MAX_LINE = 4 * 1024 * 1024
"""Bytes of a line that are kept; a picture written into a line may fill more."""
MAX_BLOCK = 4 * 1024 * 1024
"""Characters of one question, over all its lines."""
MAX_LINES = 5_000_000
LINE_OVERHEAD = 64
"""What a line counts beyond its characters, so that a million empty ones are no small question."""

_CHUNK = 64 * 1024
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")

ENCODING_GUESSED = Loss(
    "encoding_guessed",
    "The text is not UTF-8 and was read as Windows-1252, so letters with accents may have come out wrong. "
    "Compare them with the file, or save it as UTF-8 and import it again.",
)


@dataclass(frozen=True)
class Line:
    """`is_guessed` where the bytes were no UTF-8, `is_cut` where the line was longer than `MAX_LINE`."""

    number: int
    text: str
    is_guessed: bool = False
    is_cut: bool = False


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines without their ends. Raises `UnreadableFile` at a NUL byte: then it is no text."""
    start = file.read(4)
    encoding = _UTF_16.get(start[:2], "")
    if encoding:
        chunks = _recoded(file, start[2:], encoding)
    else:
        chunks = _chunks(file, start.removeprefix(codecs.BOM_UTF8))
    for number, (data, is_cut) in enumerate(_raw_lines(chunks), 1):
        if number > MAX_LINES:
            why = f"Only {MAX_LINES:,} lines of a file are read. Split it into several."
            raise UnreadableFile("too_many_lines", why, where=f"line {number}")
        if b"\0" in data:
            raise UnreadableFile(
                "not_text",
                "There is a NUL byte, so this is no text file, or one in UTF-16 without its mark. "
                "Save it as text in UTF-8.",
                where=f"line {number}",
            )
        text, is_guessed = _decoded(data, is_cut=is_cut)
        yield Line(number, text.removeprefix("\ufeff"), is_guessed, is_cut)


def beginning(head: bytes) -> str:
    """The text of a file's first bytes, for telling formats apart; "" when it is no text."""
    encoding = _UTF_16.get(head[:2], "")
    if encoding:
        return head[2:].decode(encoding, "ignore").replace("\r\n", "\n").replace("\r", "\n")
    if b"\0" in head:
        return ""
    text, _ = _decoded(head.removeprefix(codecs.BOM_UTF8), is_cut=True)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tidied(text: str) -> str:
    """One spelling of a text: composed characters, plain line ends, no controls, no blank space around."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", text).strip()


def _chunks(file: BinaryIO, start: bytes) -> Iterator[bytes]:
    while start:
        yield start
        start = file.read(_CHUNK)


def _recoded(file: BinaryIO, start: bytes, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in _chunks(file, start):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _raw_lines(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether something of it was dropped. Ends at \\n, \\r\\n and \\r alike."""
    rest, is_cut, after_return = b"", False, False
    for chunk in filter(None, chunks):
        if after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        after_return = chunk.endswith(b"\r")
        for number, piece in enumerate(chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")):
            if number:
                yield rest, is_cut
                rest, is_cut = b"", False
            is_cut = is_cut or len(rest) + len(piece) > MAX_LINE
            if len(rest) < MAX_LINE:
                rest = (rest + piece)[:MAX_LINE]
    if rest:
        yield rest, is_cut


def _decoded(data: bytes, *, is_cut: bool) -> tuple[str, bool]:
    try:
        return data.decode(), False
    except UnicodeDecodeError as error:
        if is_cut and error.end >= len(data) - 3 and error.reason == "unexpected end of data":
            return data.decode(errors="ignore"), False
    try:
        return data.decode("cp1252"), True
    except UnicodeDecodeError:
        return data.decode("latin-1"), True
