from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

import pytest

from questions.content import ItemType, Level, Option, QuestionContent
from questions.formats import gift, registry
from questions.formats.exchange import (
    ExchangeQuestion,
    Loss,
    Outcome,
    Rejection,
    UnreadableFile,
)

CONTENT = QuestionContent(
    ItemType.MULTIPLE_CHOICE,
    "Which service stores objects?",
    (
        Option("a", "Amazon S3", "It stores objects.", is_correct=True),
        Option("b", "Amazon EBS", "It stores blocks."),
        Option("c", "Amazon EFS", "It stores files."),
    ),
)
GIFT = b"::Q::Which? {=a ~b}\n\nEssay {}\n\nWhich? {=a ~b}\n"
AIKEN = b"Which?\nA. a\nB. b\nANSWER: A\n"


def read(data: bytes, filename: str = "x.txt", format_name: str = "auto") -> list[Outcome]:
    return list(registry.read(io.BytesIO(data), filename, format_name=format_name))


def refusal(data: bytes, filename: str = "x.txt", format_name: str = "auto") -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(data, filename, format_name)
    assert caught.value.why.endswith(".")
    return caught.value


def zipped(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "x")
    return packed.getvalue()


def use_parser(monkeypatch: pytest.MonkeyPatch, outcomes: Iterator[Outcome]) -> None:
    def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
        return outcomes

    changed = replace(registry.FORMATS["gift"], parse=parse)
    monkeypatch.setitem(registry.FORMATS, "gift", changed)


def test_the_formats_in_their_order() -> None:
    assert list(registry.FORMATS) == [
        *("yaml", "csv", "xlsx", "gift", "aiken", "moodle-xml", "qti2", "qti3", "canvas-qti")
    ]
    read_only = [name for name, known in registry.FORMATS.items() if known.render is None]
    assert read_only == ["canvas-qti"]
    assert all(known.label and known.extension.startswith(".") for known in registry.FORMATS.values())


@pytest.mark.parametrize("name", [n for n, known in registry.FORMATS.items() if known.render])
@pytest.mark.parametrize("has_name", [True, False])
def test_what_a_format_writes_is_detected_and_read(name: str, has_name: bool) -> None:
    known = registry.by_name(name)
    told = ExchangeQuestion(
        CONTENT,
        code="s3-1",
        topic="1.1.1",
        level=Level.APPLY,
        difficulty=Decimal("0.65"),
        category=("Storage",),
    )
    out = io.BytesIO()
    assert known.render is not None
    known.render([told], out)
    filename = f"bank{known.extension}" if has_name else "upload"
    assert registry.detect(out, filename).name == name
    assert out.tell() == 0
    (found,) = registry.read(out, filename)
    assert isinstance(found, ExchangeQuestion), found
    assert found.content.stem == CONTENT.stem
    assert [(o.text, o.is_correct) for o in found.content.options] == [
        (o.text, o.is_correct) for o in CONTENT.options
    ]


@pytest.mark.parametrize(
    ("data", "filename", "name"),
    [
        (GIFT, "x.txt", "gift"),
        (GIFT, "x.gift", "gift"),
        (b"\xef\xbb\xbf" + GIFT, "", "gift"),
        (GIFT.decode().encode("utf-16"), "x", "gift"),
        (AIKEN, "x.txt", "aiken"),
        (AIKEN.replace(b"\n", b"\r\n"), "x", "aiken"),
    ],
)
def test_text_files_are_told_apart(data: bytes, filename: str, name: str) -> None:
    assert registry.detect(io.BytesIO(data), filename).name == name


@pytest.mark.parametrize(
    "data",
    [b"Just prose.\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"%PDF-1.7\n", b"<html><p>x</p></html>", b"{}"],
)
def test_an_unknown_format_names_what_is_understood(data: bytes) -> None:
    error = refusal(data, "file.bin")
    assert error.code == "unknown_format"
    assert "GIFT" in error.why and "Aiken" in error.why


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf", b"\0\0"])
def test_an_empty_file(data: bytes) -> None:
    assert refusal(data, "x.csv").code == "empty_file"


@pytest.mark.parametrize(
    ("head", "name", "is_gift"),
    [
        (b"::Q::text {=a ~b}", "bank.txt", True),
        (b"\xef\xbb\xbf// comment\n\nQ {T}", "bank.txt", True),
        ("Q {~a =b}".encode("utf-16"), "x", True),
        (b"anything", "bank.gift", True),
        (b"Describe it. {}\n\nExplain it. {\n}\n", "x.txt", True),
        (b"int main() {}\nreturn 0;\n", "x.txt", False),
        (b"Warning\n<?xml version='1.0'?><quiz>{=a}</quiz>", "x", False),
        (b"<?xml version='1.0'?><quiz/>", "x.gift", False),
        (b"Q\nA. a\nB. b\nANSWER: A\n", "x.txt", False),
        (b'{"a": "=b"}', "x.json", False),
        (b"PK\x03\x04\0\0", "x.zip", False),
        (b"", "x.txt", False),
    ],
)
def test_what_looks_like_gift(head: bytes, name: str, is_gift: bool) -> None:
    assert gift.looks_like(head, name) is is_gift


def test_a_format_of_an_unknown_name() -> None:
    error = refusal(GIFT, format_name="gfit" * 100)
    assert error.code == "unknown_format"
    assert "gift" in error.why and len(error.why) < 300


def test_a_file_without_questions() -> None:
    assert refusal(b"// only a comment\n", "x.gift").code == "no_questions"


def test_outcomes_come_in_the_order_of_the_file() -> None:
    kinds = [type(outcome) for outcome in read(GIFT)]
    assert kinds == [ExchangeQuestion, Rejection, ExchangeQuestion]


def test_a_named_format_is_not_guessed() -> None:
    (found,) = read(AIKEN, "x.gift", "aiken")
    assert isinstance(found, ExchangeQuestion)


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_FILE", len(GIFT) - 1)
    assert refusal(GIFT).code == "too_large"


def test_no_more_than_so_many_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_QUESTIONS", 2)
    *_, last = found = read(GIFT)
    assert len(found) == 3
    assert isinstance(last, Rejection)
    assert (last.code, last.where) == ("too_many", "line 5")


def test_what_ends_a_file_early_is_the_last_rejection() -> None:
    *_, last = found = read(GIFT + b"\n\0\n\nmore {T}\n", format_name="gift")
    assert len(found) == 4
    assert isinstance(last, Rejection)
    assert (last.code, last.where) == ("not_text", "line 7")


def test_what_makes_the_first_question_unreadable_is_raised() -> None:
    assert refusal(b"Q\0 {T}\n", "x.gift", "gift").code == "not_text"


def test_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Outcome]:
        yield ExchangeQuestion(CONTENT, losses=(Loss("x", "y"),))
        raise KeyError("a bug")

    use_parser(monkeypatch, broken())
    with pytest.raises(KeyError):
        read(GIFT, "x.gift")


@pytest.mark.parametrize(
    ("data", "filename", "hint"),
    [
        (b"%PDF-1.4\n%", "questions.pdf", "PDF"),
        (zipped("word/document.xml"), "questions.docx", "Word"),
        (zipped("moodle_backup.xml"), "course.zip", "Moodle XML"),
        (b"\x1f\x8b\x08", "course.mbz", "Moodle XML"),
        (zipped("quiz.gift"), "quiz.zip", "unpack it"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "quiz.xml", "web page"),
    ],
)
def test_what_is_often_taken_for_a_question_file_is_named(data: bytes, filename: str, hint: str) -> None:
    error = refusal(data, filename)
    assert error.code == "unknown_format"
    assert hint in error.why
