from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Option, QuestionContent
from questions.formats import table_columns, xlsx_files
from questions.formats.exchange import ExchangeQuestion, Outcome, Rejection, UnreadableFile
from tests.questions.test_tables import questions

HEAD = ["question", "option a", "option b", "option c", "answer"]


def book(*rows: Sequence[object], sheet: str = "Sheet1") -> bytes:
    made = openpyxl.Workbook(write_only=True)
    written = made.create_sheet(sheet)
    for row in rows:
        written.append(list(row))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def parse(data: bytes) -> list[Outcome]:
    return list(xlsx_files.parse(io.BytesIO(data), "q.xlsx"))


def rendered(*given: ExchangeQuestion) -> bytes:
    out = io.BytesIO()
    xlsx_files.render(given, out)
    return out.getvalue()


def plain(stem: str) -> ExchangeQuestion:
    options = tuple(Option(name, f"Option {name}", "", name == "b") for name in "abc")
    return ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_CHOICE, stem, options))


def with_part(data: bytes, name: str, text: bytes) -> bytes:
    """The same package with one of its files replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, text if entry == name else old.read(entry))
    return out.getvalue()


@settings(max_examples=25, deadline=None)
@given(st.lists(questions(), max_size=3, unique_by=lambda q: q.code or id(q)))
def test_what_was_written_reads_back_equal(originals: list[ExchangeQuestion]) -> None:
    originals = [
        replace(q, scenario=q.scenario and replace(q.scenario, code=f"s{n}")) for n, q in enumerate(originals)
    ]
    found = parse(rendered(*originals))
    assert [replace(o, where="") for o in found if isinstance(o, ExchangeQuestion)] == originals


@pytest.mark.parametrize(
    "stem",
    [
        "=1+1",
        "'=1+1",
        "_x0041_ and _x000D_",
        "https://example.com",
        "1.50",
        "- a\n- b",
        "a 😀",
    ],
)
def test_texts_that_spreadsheets_like_to_change_stay(stem: str) -> None:
    original = plain(stem)
    assert xlsx_files.losses(original) == ()
    found = parse(rendered(original))[0]
    assert isinstance(found, ExchangeQuestion)
    assert found.content == original.content


def test_no_formula_is_written() -> None:
    with zipfile.ZipFile(io.BytesIO(rendered(plain("=1+1")))) as package:
        sheet = package.read("xl/worksheets/sheet1.xml")
    assert b"=1+1" in sheet and b"<f>" not in sheet


def test_a_second_sheet_explains_the_columns_and_the_header_stays_in_sight() -> None:
    out = io.BytesIO()
    xlsx_files.write_template(out)
    made = openpyxl.load_workbook(out)
    assert made.sheetnames == ["Questions", "Columns"]
    assert made["Questions"].freeze_panes == "A2"
    explained = [row[0] for row in made["Columns"].iter_rows(min_row=2, values_only=True)]
    assert explained == list(table_columns.NAMES)
    assert [type(o) for o in parse(out.getvalue())] == [ExchangeQuestion] * 2


def test_numbers_booleans_and_dates_are_texts() -> None:
    day = datetime.datetime(2026, 3, 1)
    found = parse(book([*HEAD, "difficulty", "keep order"], ["When?", 1, 2.5, day, 2, 0.65, True]))[0]
    assert isinstance(found, ExchangeQuestion)
    assert [o.text for o in found.content.options] == ["1", "2.5", "2026-03-01"]
    assert (found.content.key, str(found.difficulty), found.keep_order) == ("b", "0.65", True)


def test_formulas_are_not_evaluated() -> None:
    found = parse(book(HEAD, ["Q", "=1+1", "y", "z", "b"]))[0]
    assert isinstance(found, ExchangeQuestion)
    assert [o.text for o in found.content.options] == ["y", "z"]


def test_every_sheet_that_names_the_columns_is_read() -> None:
    made = openpyxl.load_workbook(io.BytesIO(book(["Some notes"], ["and more"])))
    for title, row in (("One", ["Q1", "x", "y", "z", "b"]), ("Two", ["Q2", "x", "y", "z", "?"])):
        sheet = made.create_sheet(title)
        sheet.append(HEAD)
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    good, bad = parse(out.getvalue())
    assert isinstance(good, ExchangeQuestion) and good.where == "sheet “One”, row 2"
    assert isinstance(bad, Rejection) and bad.where == "sheet “Two”, row 2"


def test_a_text_that_is_too_long_is_told_and_left_out() -> None:
    long = plain("x" * (xlsx_files.MAX_CELL + 1))
    assert [(loss.code, loss.leaves_out) for loss in xlsx_files.losses(long)] == [("long_text", True)]
    assert len(parse(rendered(long, plain("Short")))) == 1


def test_control_characters_are_left_out() -> None:
    found = parse(rendered(plain("a\x00b\x0bc\ufffe")))[0]
    assert isinstance(found, ExchangeQuestion)
    assert found.content.stem == "ab\nc"


def test_a_row_at_the_end_of_the_sheet_costs_nothing() -> None:
    rows = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>question</t></is></c><c r="B1" t="inlineStr"><is><t>a</t></is></c>'
        b'<c r="C1" t="inlineStr"><is><t>b</t></is></c><c r="D1" t="inlineStr"><is><t>key</t></is></c></row>'
        b'<row r="999999999"><c r="A999999999"><v>1</v></c></row>'
    )
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        b"<sheetData>" + rows + b"</sheetData></worksheet>"
    )
    assert parse(with_part(book(HEAD), "xl/worksheets/sheet1.xml", sheet)) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_a_workbook"),
        (b"question,answer\n", "not_a_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old_spreadsheet"),
        (book(["Just a note"]), "missing_columns"),
        (book(), "empty"),
        (book(HEAD, ["Q", "x", "y", "z", "b"])[:-900], "truncated_zip"),
        (
            with_part(book(HEAD), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"),
            "damaged_workbook",
        ),
        (with_part(book(HEAD), "xl/workbook.xml", b"rubbish"), "damaged_workbook"),
        (
            with_part(
                book(HEAD),
                "xl/worksheets/sheet1.xml",
                b'<!DOCTYPE w [<!ENTITY a "b">]><worksheet><sheetData><row><c t="str"><v>&a;</v></c></row></sheetData></worksheet>',
            ),
            "forbidden_xml",
        ),
    ],
    ids=["empty", "text", "xls", "note", "no-cells", "cut", "cut-sheet", "rubbish", "entity"],
)
def test_what_is_no_workbook_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        parse(data)
    assert error.value.code == code
    assert error.value.why.endswith(".")


def test_opendocument_and_other_packages_are_told_apart() -> None:
    def package(**files: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            for name, text in files.items():
                made.writestr(name, text)
        return out.getvalue()

    ods = package(mimetype="application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(UnreadableFile, match=r"\.ods"):
        parse(ods)
    with pytest.raises(UnreadableFile, match="no Excel workbook"):
        parse(package(note="hello"))
    assert xlsx_files.looks_like(ods, "a.zip")
    assert xlsx_files.looks_like(book(HEAD), "a.bin")
    assert xlsx_files.looks_like(b"\xd0\xcf\x11\xe0", "a.xls")
    assert not xlsx_files.looks_like(package(note="hello"), "a.zip")
    assert not xlsx_files.looks_like(b"question,answer", "a.csv")
