from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.formats import text_files
from questions.formats.exchange import UnreadableFile


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text("aé€😀 ", max_size=6), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(1, 7),
)
def test_lines_are_the_same_wherever_the_file_is_cut(
    lines: list[str], line_end: str, encoding: str, chunk: int
) -> None:
    data = line_end.join(["x", *lines, "end"]).encode(encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "_CHUNK", chunk)
        found = list(text_files.read_lines(io.BytesIO(data)))
    assert [line.text for line in found] == ["x", *lines, "end"]
    assert [line.number for line in found] == list(range(1, len(lines) + 3))


def test_a_long_line_is_cut_and_the_next_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MAX_LINE", 5)
    monkeypatch.setattr(text_files, "_CHUNK", 4)
    found = list(text_files.read_lines(io.BytesIO("aééééé\nb\n12345\n123456".encode())))
    assert [(line.text, line.is_cut) for line in found] == [
        ("aéé", True),
        ("b", False),
        ("12345", False),
        ("12345", True),
    ]


def test_each_line_is_decoded_for_itself() -> None:
    found = list(text_files.read_lines(io.BytesIO("é\n".encode() + "€ “é”\n".encode("cp1252") + b"\x81\nx")))
    assert [(line.text, line.is_guessed) for line in found] == [
        ("é", False),
        ("€ “é”", True),
        ("\x81", True),
        ("x", False),
    ]


def test_no_more_than_so_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MAX_LINES", 3)
    lines = text_files.read_lines(io.BytesIO(b"\n" * 10))
    assert [next(lines).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(UnreadableFile, match="line 4") as caught:
        next(lines)
    assert caught.value.code == "too_many_lines"


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb", "a\nb"),
        ("é\rb".encode("utf-16"), "é\nb"),
        ("é".encode()[:1], ""),
        (b"PK\x03\x04\0", ""),
    ],
)
def test_the_beginning_of_a_file(head: bytes, text: str) -> None:
    assert text_files.beginning(head) == text
