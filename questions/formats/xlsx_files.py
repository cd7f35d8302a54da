"""Questions as an Excel workbook: the rows of `table_rows`, and a sheet that explains the columns.  Pure.

Formulas are never evaluated: read as the values that the program which wrote them has stored, and never
written. openpyxl reads through defusedxml, which refuses entities and DTDs.
"""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import openpyxl
import openpyxl.xml
import xlsxwriter  # type: ignore[import-untyped]
from defusedxml.common import DefusedXmlException

from questions.formats import exchange, table_columns, table_writing
from questions.formats.archive import Archive
from questions.formats.exchange import ExchangeQuestion, Format, Loss, UnreadableFile
from questions.formats.table_cells import neutralised
from questions.formats.table_rows import Memory, read_rows

MAX_CELL = 32_767
_MOST_COLUMNS = 256
_MOST_EMPTY_ROWS = 10_000
_ZIP, _OLD = b"PK", b"\xd0\xcf\x11\xe0"
_SAVE_AS = "Open it in Excel or LibreOffice and save it as “Excel workbook (.xlsx)”."
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# Excel writes characters that XML forbids as _x000D_, and a text that reads so as _x005F_x000D_.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def parse(file: BinaryIO, filename: str) -> Iterator[exchange.Outcome]:
    file.seek(0)
    head = file.read(4096)
    _refuse_others(head)
    file.seek(0)
    names = Archive(file).names()
    if "xl/workbook.xml" not in names and not any(name.endswith("workbook.xml") for name in names):
        raise UnreadableFile("not_a_workbook", f"This zip holds no Excel workbook. {_SAVE_AS}")
    if not openpyxl.xml.DEFUSEDXML:
        raise RuntimeError("openpyxl must read through defusedxml: is it installed?")
    file.seek(0)
    book = _opened(file)
    try:
        yield from _sheets(book)
    finally:
        book.close()


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO) -> None:
    _write(out, (table_writing.write_row(q) for q in questions if not _leaves_out(q)))


def write_template(out: BinaryIO) -> None:
    _write(out, table_writing.template_rows())


def losses(question: ExchangeQuestion) -> tuple[Loss, ...]:
    return table_writing.losses(question, longest=MAX_CELL)


def looks_like(head: bytes, filename: str) -> bool:
    """Old workbooks and OpenDocument, too: here they are told how to become new ones."""
    name = filename.lower()
    if head.startswith(_OLD) or b"application/vnd.oasis.opendocument.spreadsheet" in head[:200]:
        return True
    if not head.startswith(_ZIP):
        return name.endswith((".xlsx", ".xlsm", ".xls"))
    return name.endswith((".xlsx", ".xlsm")) or b"xl/workbook.xml" in head or b"xl/worksheets/" in head


def _refuse_others(head: bytes) -> None:
    if head.startswith(_OLD):
        why = f"This is a workbook of the old kind (.xls), or one with a password. {_SAVE_AS}"
        raise UnreadableFile("old_spreadsheet", why)
    if b"application/vnd.oasis.opendocument" in head[:200]:
        why = f"This is an OpenDocument file (.ods), which is not read. {_SAVE_AS}"
        raise UnreadableFile("opendocument", why)
    if not head.startswith(_ZIP):
        why = (
            f"This is not an Excel workbook. If it is a text with commas, upload it as CSV; else: {_SAVE_AS}"
        )
        raise UnreadableFile("not_a_workbook", why)


def _opened(file: BinaryIO) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except UnreadableFile:
        raise
    # openpyxl trusts what it reads: a damaged part can end in any error of Python's.
    except Exception as error:
        raise _damaged(error) from error


def _sheets(book: Any) -> Iterator[exchange.Outcome]:
    """The questions of every sheet whose top names the columns; one such sheet is enough."""
    memory = Memory()
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "reset_dimensions")]
    has_several = len(sheets) > 1
    first: UnreadableFile | None = None
    read = 0
    for sheet in sheets:
        try:
            yield from read_rows(_rows(sheet), memory, sheet=sheet.title if has_several else "")
            read += 1
        except UnreadableFile as refusal:
            if refusal.code not in ("missing_columns", "empty"):
                raise
            # The first sheet that holds anything is the one that was meant.
            if first is None or first.code == "empty":
                first = refusal
    if not read:
        raise first or UnreadableFile("empty", "The workbook has no sheet with cells.")


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    # What the file says about its size is often wrong, and sometimes meant to be.
    sheet.reset_dimensions()
    empty = 0
    rows = sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True)
    number = 0
    while True:
        number += 1
        try:
            values = next(rows)
        except StopIteration:
            return
        except UnreadableFile:
            raise
        except Exception as error:
            raise _damaged(error, where=f"sheet “{sheet.title}”, row {number}") from error
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        empty = 0 if cells else empty + 1
        if empty > _MOST_EMPTY_ROWS:
            return
        yield number, cells


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value) if "_x" in value else value
        case bool():
            return "True" if value else "False"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def _damaged(error: Exception, *, where: str = "") -> UnreadableFile:
    causes = (error, error.__cause__, error.__context__)
    if any(isinstance(cause, DefusedXmlException) for cause in causes):
        why = "Its XML defines entities, which no spreadsheet program does. It is not read."
        return UnreadableFile("forbidden_xml", why, where=where)
    why = f"The workbook is damaged or not written as Excel does. {_SAVE_AS}"
    return UnreadableFile("damaged_workbook", why, where=where)


def _leaves_out(question: ExchangeQuestion) -> bool:
    return table_writing.leaves_out(question, longest=MAX_CELL)


def _write(out: BinaryIO, rows: Iterable[list[str]]) -> None:
    book = xlsxwriter.Workbook(out, _OPTIONS)
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("Questions")
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table_columns.COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, column.name, bold)
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if cell:
                text = neutralised(cell, only_ambiguous=True)
                sheet.write_string(number, place, text, wrapped)
    explained = book.add_worksheet("Columns")
    explained.freeze_panes(1, 0)
    explained.set_column(0, 0, 22)
    explained.set_column(1, 1, 100)
    heads = ("Column", "What it holds")
    for number, pair in enumerate((heads, *((c.name, c.meaning) for c in table_columns.COLUMNS))):
        for place, text in enumerate(pair):
            explained.write_string(number, place, text, wrapped if number else bold)
    book.close()


FORMAT = Format(
    name="xlsx",
    label="Excel (XLSX)",
    extension=".xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    parse=parse,
    looks_like=looks_like,
    render=render,
    losses=losses,
)
