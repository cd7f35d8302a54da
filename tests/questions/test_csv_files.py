from __future__ import annotations

import codecs
import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Option, QuestionContent
from questions.formats import csv_files, table_columns
from questions.formats.exchange import ExchangeQuestion, Outcome, Rejection, UnreadableFile
from questions.formats.table_rows import _LOOKAHEAD
from tests.questions.test_tables import questions

HEAD = "question,option a,option b,option c,answer\n"
ROW = "What?,x,y,z,b\n"
SMALL = settings(max_examples=40, deadline=None)


def parse(data: bytes | str) -> list[Outcome]:
    return list(csv_files.parse(io.BytesIO(data.encode() if isinstance(data, str) else data), "q.csv"))


def stems(data: bytes | str) -> list[str]:
    return [o.content.stem for o in parse(data) if isinstance(o, ExchangeQuestion)]


def rendered(*given: ExchangeQuestion) -> bytes:
    out = io.BytesIO()
    csv_files.render(given, out)
    return out.getvalue()


def plain(stem: str) -> ExchangeQuestion:
    options = tuple(Option(name, f"Option {name}", "", name == "b") for name in "abc")
    return ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_CHOICE, stem, options))


@SMALL
@given(st.lists(questions(), max_size=3, unique_by=lambda q: q.code or id(q)))
def test_what_was_written_reads_back_equal(originals: list[ExchangeQuestion]) -> None:
    # One scenario code stands for one text.
    originals = [
        replace(q, scenario=q.scenario and replace(q.scenario, code=f"s{n}")) for n, q in enumerate(originals)
    ]
    found = parse(rendered(*originals))
    assert [replace(o, where="") for o in found if isinstance(o, ExchangeQuestion)] == originals


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_seen(delimiter: str, end: str) -> None:
    text = (HEAD + ROW).replace(",", delimiter).replace("\n", end)
    assert stems(text) == ["What?"]
    assert csv_files.looks_like(text.encode(), "questions.txt")


def test_the_line_that_states_the_delimiter_is_obeyed() -> None:
    text = "sep=;\r\n" + HEAD.replace(",", ";") + 'A, or B?;"x;1";y;z;b\r\n'
    found = parse(text)[0]
    assert isinstance(found, ExchangeQuestion)
    assert (found.content.stem, found.content.options[0].text, found.where) == ("A, or B?", "x;1", "row 3")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"]
)
def test_encodings_are_seen(encoding: str) -> None:
    text = HEAD + "Größe – “α”?".replace("α", "a") + ",x,y,z,b\n"
    assert stems(text.encode(encoding)) == ["Größe – “a”?"]


def test_an_encoding_that_was_guessed_is_told_where_it_matters() -> None:
    found = parse((HEAD + "Größe?,x,y,z,b\nSize?,x,y,z,b\n").encode("cp1252"))
    assert [[loss.code for loss in one.losses] for one in found if isinstance(one, ExchangeQuestion)] == [
        ["encoding_guessed"],
        [],
    ]


def test_a_character_cut_off_at_the_end_does_not_spoil_the_rest() -> None:
    assert stems((HEAD + "Größe?,x,y,z,b\n").encode() + "ö".encode()[:1])[0] == "Größe?"


def test_quoted_line_ends_belong_to_the_cell() -> None:
    assert stems(HEAD + '"One\r\n\r\n""two""",x,y,z,b\n') == ['One\n\n"two"']


def test_empty_and_ragged_rows() -> None:
    found = parse(HEAD + "\n,,,,\nQ1,x,y,z,b,,,more\n\nQ2,x\nQ3,x,y,z,c\n")
    assert [o.where for o in found] == ["row 4", "row 6", "row 7"]
    assert [type(o) for o in found] == [ExchangeQuestion, Rejection, ExchangeQuestion]


def test_nul_bytes_are_dropped() -> None:
    assert stems(HEAD + "Wh\0at?,x,y,z,b\n") == ["What?"]


def test_a_quotation_mark_that_is_never_closed() -> None:
    found = csv_files.parse(io.BytesIO((HEAD + ROW + '"endless,x\n' + "filler,x\n" * 30_000).encode()), "")
    with pytest.raises(UnreadableFile) as error:
        list(found)
    assert error.value.code == "long_cell"
    assert error.value.where == "line 3"


def test_a_quotation_mark_that_is_open_at_the_end() -> None:
    outcomes = csv_files.parse(io.BytesIO((HEAD + ROW + '"endless,x,y,z,b\n' + ROW).encode()), "")
    assert isinstance(next(outcomes), ExchangeQuestion)
    with pytest.raises(UnreadableFile) as error:
        next(outcomes)
    assert (error.value.code, error.value.where) == ("open_quote", "line 3")


@pytest.mark.parametrize(
    "cell",
    [
        "['x, y', 'z']",
        '["x, y", "z"]',
        '{"A": "x, y", "B": "z"}',
        "x, y|z",
        "x, y\nz",
        "a-> x, y || b-> z",
        "A) x, y\nB) z",
        '[{"text": "x, y", "is_correct": false}, {"text": "z"}]',
    ],
)
def test_options_in_one_cell(cell: str) -> None:
    quoted = cell.replace('"', '""')
    found = parse(f'question,choices,answer\nWhat?,"{quoted}",z\n')[0]
    assert isinstance(found, ExchangeQuestion)
    assert ([o.text for o in found.content.options], found.content.key) == (["x, y", "z"], "b")


def test_a_line_without_an_end_is_given_up() -> None:
    with pytest.raises(UnreadableFile) as error:
        parse(HEAD + "x" * 200_000)
    assert error.value.code == "long_cell"
    with pytest.raises(UnreadableFile):
        parse(HEAD + "," * 8_000_000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04" + b"\0" * 50, "not_text"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "not_text"),
        (b"\xff\xfe", "empty"),
        (b"Just a text.", "missing_columns"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        parse(data)
    assert error.value.code == code


def test_formulas_are_neutralised_and_taken_back() -> None:
    original = plain("=cmd|' /C calc'!A0")
    original = replace(original, tags=("+1",), content=replace(original.content, references=("@SUM(A1)",)))
    data = rendered(original)
    cells = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))[1]
    assert "'=cmd|' /C calc'!A0" in cells and "'+1" in cells and "'@SUM(A1)" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert replace(parse(data)[0], where="") == original


def test_the_file_begins_with_the_mark_that_excel_needs_and_stays_open() -> None:
    out = io.BytesIO()
    csv_files.write_template(out)
    assert out.getvalue().startswith(codecs.BOM_UTF8)
    assert out.getvalue().decode("utf-8-sig").startswith(",".join(table_columns.NAMES))
    assert [type(o) for o in parse(out.getvalue())] == [ExchangeQuestion] * 2


def test_questions_that_do_not_fit_are_left_out() -> None:
    long = plain("x" * (csv_files.MAX_CELL + 1))
    assert [loss.code for loss in csv_files.losses(long)] == ["long_text"]
    assert stems(rendered(long, plain("Short"))) == ["Short"]


def test_rows_are_read_as_they_are_asked_for() -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

        read1 = read

    file = Counted((HEAD + ROW * 40_000).encode())
    outcomes = csv_files.parse(file, "q.csv")
    next(outcomes)
    checked = file.getbuffer().nbytes  # the pass over the file that looks for its encoding
    assert file.taken < checked + csv_files._HEAD + (_LOOKAHEAD + 2_000) * len(ROW)


def test_looks_like() -> None:
    assert csv_files.looks_like(b"anything", "a.CSV")
    assert not csv_files.looks_like(b"PK\x03\x04", "a.csv")
    assert not csv_files.looks_like(b"<quiz>", "a.csv")
    assert not csv_files.looks_like(b"What?\nA. x\nB. y\nANSWER: A\n", "a.txt")
    assert not csv_files.looks_like(b"::Title:: What? {=x ~y}\n", "a.txt")


@SMALL
@given(
    st.binary(max_size=300) | st.text("ab,;\t|\"'=\n\r>12", max_size=200).map(lambda t: (HEAD + t).encode())
)
def test_rubbish_is_read_or_refused_in_plain_words(data: bytes) -> None:
    try:
        assert all(isinstance(o, ExchangeQuestion) or o.why.endswith(".") for o in parse(data))
    except UnreadableFile as refused:
        assert refused.why.endswith(".")
