"""All formats by name, and the one way to read a file of any of them.  Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from questions.formats import (
    aiken,
    bank_yaml,
    canvas_qti,
    csv_files,
    gift,
    moodle_xml,
    qti,
    xlsx_files,
)
from questions.formats.exchange import (
    MAX_FILE,
    MAX_QUESTIONS,
    Format,
    Outcome,
    Rejection,
    UnreadableFile,
)

AUTO = "auto"
_HEAD = 64 * 1024
_ZIP = b"PK\x03\x04"

FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        bank_yaml.FORMAT,
        csv_files.FORMAT,
        xlsx_files.FORMAT,
        gift.FORMAT,
        aiken.FORMAT,
        moodle_xml.FORMAT,
        qti.FORMAT_2,
        qti.FORMAT_3,
        canvas_qti.FORMAT,
    )
}


def by_name(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        why = f"There is no format named “{name[:40]}”. Use one of: {', '.join(FORMATS)}."
        raise UnreadableFile("unknown_format", why) from None


def detect(file: BinaryIO, filename: str) -> Format:
    """The format of the file, from its name and first 64 KiB; the file is then at its beginning again."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise UnreadableFile("empty_file", "The file is empty. Choose the one that holds the questions.")
    for known in FORMATS.values():
        if known.looks_like(head, filename):
            return known
    raise UnreadableFile("unknown_format", f"{_what_it_is(head, filename)} {_understood()}")


def _what_it_is(head: bytes, filename: str) -> str:
    """What people upload most often instead of a question file, and how to get one from there."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    ending = os.path.splitext(filename.lower())[1]
    if ending == ".mbz" or (start.startswith(_ZIP) and b"moodle_backup.xml" in head):
        return (
            "This is a backup of a Moodle course. Export the questions from its question bank instead, as "
            "“Moodle XML format”."
        )
    is_word = ending in (".docx", ".doc", ".odt") or (start.startswith(_ZIP) and b"word/document.xml" in head)
    if is_word or start.startswith(b"%PDF-"):
        kind = "Word document" if is_word else "PDF"
        return f"This is a {kind}, which has pages but no questions. Copy them into the table template."
    if start.startswith(_ZIP):
        return (
            "No question was found in this zip. If it holds files with questions, unpack it and upload them one "
            "by one."
        )
    if re.match(rb"<!doctype html|<html", start, re.IGNORECASE):
        return (
            "This is a web page, perhaps an error page that was saved instead of the file. Download it anew."
        )
    return "This is no format that can be read here."


def _understood() -> str:
    labels = [known.label for known in FORMATS.values()]
    listed = f"{', '.join(labels[:-1])} and {labels[-1]}"
    return f"Understood are {listed}; if it is one of them, name it."


def read(file: BinaryIO, filename: str, *, format_name: str = AUTO) -> Iterator[Outcome]:
    """Each question of the file, or why it can't come in; `UnreadableFile` when there is not even one.

    What makes a file unreadable after its first question comes as the last `Rejection`.
    """
    if file.seek(0, os.SEEK_END) > MAX_FILE:
        limit = MAX_FILE // (1024 * 1024)
        raise UnreadableFile("too_large", f"The file is larger than {limit} MB. Split it into several.")
    known = detect(file, filename) if format_name == AUTO else by_name(format_name)
    file.seek(0)
    return _bounded(known.parse(file, filename), known)


def _bounded(outcomes: Iterator[Outcome], known: Format) -> Iterator[Outcome]:
    count = 0
    try:
        for outcome in outcomes:
            count += 1
            if count > MAX_QUESTIONS:
                why = f"Only the first {MAX_QUESTIONS:,} questions of a file are read. Split it into several."
                raise UnreadableFile("too_many", why, where=outcome.where)
            yield outcome
    except UnreadableFile as error:
        if not count:
            raise
        yield Rejection(error.where, error.code, error.why)
    if not count:
        raise UnreadableFile("no_questions", f"There is no question in the file, read as {known.label}.")
