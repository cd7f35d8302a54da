"""Questions as CSV: a header, and a row for each question.  Pure.

Read leniently: commas, semicolons, tabs or bars, with or without the line `sep=;`; UTF-8, UTF-16 (Excel's
“Unicode text”) or Windows-1252. Written as UTF-8 with a byte-order mark, which Excel needs, and with an
apostrophe before cells that a spreadsheet would run as a formula; reading takes it away again.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from questions.formats import exchange, table_columns, table_writing
from questions.formats.exchange import ExchangeQuestion, Format, Loss, Outcome, Rejection, UnreadableFile
from questions.formats.table_cells import neutralised
from questions.formats.table_rows import Memory, read_rows
from questions.formats.text_files import ENCODING_GUESSED

MAX_CELL = 131_072
_MAX_LINE = 32 * MAX_CELL
# Comes after the last line, as a row of its own; where a quotation mark is still open, it lands in a cell.
_END = "\0"
_GUESSED = "cp1252"
_DELIMITERS = ",;\t|"
_HEAD = 64 * 1024
_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def parse(file: BinaryIO, filename: str) -> Iterator[exchange.Outcome]:
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith((_WORKBOOK, _OLD_WORKBOOK)):
        why = (
            "This is an Excel workbook or another package, not a text. Upload it as XLSX, or save it as CSV."
        )
        raise UnreadableFile("not_text", why)
    if not head.strip():
        raise UnreadableFile("empty", "The file is empty.")
    encoding = _encoding(file, head)
    file.seek(0)
    # Undone afterwards: a wrapper that is collected as garbage closes the file below it, which isn't ours.
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
    try:
        outcomes = read_rows(_rows(text, _delimiter(head.decode(encoding, "replace"))), Memory())
        yield from map(_guessed, outcomes) if encoding == _GUESSED else outcomes
    finally:
        text.detach()


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    _write(out, (table_writing.write_row(q) for q in questions if not _leaves_out(q)))


def write_template(out: BinaryIO) -> None:
    _write(out, table_writing.template_rows())


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    return table_writing.losses(question, longest=MAX_CELL)


def looks_like(head: bytes, filename: str) -> bool:
    if head.startswith((_WORKBOOK, _OLD_WORKBOOK, b"<")):
        return False
    if filename.lower().endswith((".csv", ".tsv", ".tab")):
        return True
    text = head.decode(_encoding(io.BytesIO(head), head), "replace")
    return not table_columns.read_header(_first_row(text, _delimiter(text))).missing


def _leaves_out(question: ExchangeQuestion) -> bool:
    return table_writing.leaves_out(question, longest=MAX_CELL)


def _write(out: BinaryIO, rows: Iterable[list[str]]) -> None:
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(table_columns.NAMES)
    for row in rows:
        writer.writerow([neutralised(cell) for cell in row])
    text.detach()


def _encoding(file: BinaryIO, head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if head.count(0, 0, 400) * 4 > len(head[:400]):
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    return "utf-8" if _is_utf8(file) else _GUESSED


def _guessed(outcome: Outcome) -> Outcome:
    """What nothing but plain letters stands in was not guessed."""
    if isinstance(outcome, Rejection) or all(map(str.isascii, exchange.texts(outcome.content))):
        return outcome
    return replace(outcome, losses=(*outcome.losses, ENCODING_GUESSED))


def _is_utf8(file: BinaryIO) -> bool:
    """A character cut off at the end of the file doesn't count: the file is a piece of one in UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(1024 * 1024):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(head: str) -> str:
    """As `sep=` says, or the one under which the header names the most columns of ours."""
    stated = re.match(r'\ufeff?"?sep=(.)"?\r?\n', head)
    if stated:
        return stated[1]

    def known_and_all(delimiter: str) -> tuple[int, int]:
        cells = _first_row(head, delimiter)
        header = table_columns.read_header(cells)
        return len(header.places) + sum(map(len, header.slots.values())), len(cells)

    return max(_DELIMITERS, key=known_and_all)


def _first_row(head: str, delimiter: str) -> list[str]:
    """The first of the rows at the top that names the columns, else the first that isn't empty."""
    first: list[str] = []
    try:
        for _, cells in zip(range(10), csv.reader(io.StringIO(head), delimiter=delimiter), strict=False):
            if not table_columns.read_header(cells).missing:
                return cells
            first = first or cells
    except csv.Error:
        pass
    return first


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    begun = 1
    reader = csv.reader(_lines(text), delimiter=delimiter)
    number = 0
    while True:
        begun = reader.line_num + 1
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _endless(begun) from None
        if number == 1 and re.fullmatch(r'\ufeff?"?sep=.?"?', delimiter.join(cells).rstrip(delimiter)):
            continue
        if cells == [_END]:
            return
        if any(len(cell) > MAX_CELL for cell in cells):
            raise _endless(begun)
        if cells and cells[-1].endswith(_END):
            raise _unclosed(begun)
        yield number, cells


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise _endless(number)
        yield line.replace("\0", "")
    yield _END


def _endless(line: int) -> UnreadableFile:
    why = (
        f"The row that begins here has a cell of more than {MAX_CELL:,} characters. Mostly a quotation mark is "
        "not closed: check it, or shorten the cell."
    )
    return UnreadableFile("long_cell", why, where=f"line {line}")


def _unclosed(line: int) -> UnreadableFile:
    why = "A quotation mark in the row that begins here is never closed. Close it, or write it twice."
    return UnreadableFile("open_quote", why, where=f"line {line}")


FORMAT = Format(
    name="csv",
    label="CSV",
    extension=".csv",
    media_type="text/csv",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
