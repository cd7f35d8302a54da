"""Rows → a CSV or XLSX file, row by row: memory doesn't grow with them, and no cell is run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import xlsxwriter  # type: ignore[import-untyped]

from exams.cohorts.report_rows import Cell
from questions.formats.table_cells import neutralised

ROWS_OF_A_SHEET = 1_000_000
"""Excel holds 1,048,576; what is more goes on to the next sheet."""
MAX_CELL = 32_767
_WIDTH = 16
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]], out: BinaryIO) -> None:
    """UTF-8 with the byte-order mark that Excel needs; texts that look like a formula get an apostrophe."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
    # A wrapper that is collected as garbage would close the file below it, which isn't ours.
    text.detach()


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[Cell]], out: BinaryIO) -> None:
    """Texts are written as texts and numbers as numbers: nothing is a formula, so nothing needs an apostrophe."""
    book = xlsxwriter.Workbook(out, _OPTIONS)
    bold = book.add_format({"bold": True})
    sheet, place = _new_sheet(book, columns, bold), 0
    for row in rows:
        if place == ROWS_OF_A_SHEET:
            sheet, place = _new_sheet(book, columns, bold), 0
        place += 1
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                if cell:
                    sheet.write_string(place, column, cell[:MAX_CELL])
            elif cell is not None:
                sheet.write_number(place, column, cell)
    book.close()


def _new_sheet(
    book: xlsxwriter.Workbook, columns: Sequence[str], bold: object
) -> xlsxwriter.worksheet.Worksheet:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, _WIDTH)
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, bold)
    return sheet
