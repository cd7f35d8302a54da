"""XML of other systems is read in bounded memory, and nothing outside the file is."""

from __future__ import annotations

from io import BytesIO

import pytest

from questions.formats import xml_reading
from questions.formats.exchange import Loss, UnreadableFile


def read(data: bytes) -> list[str]:
    return [xml_reading.text(found) for found in xml_reading.elements(BytesIO(data), ("q",))]


def fault(data: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        "<r><q>é“</q></r>".encode(),
        "\ufeff<r><q>é“</q></r>".encode(),
        '<?xml version="1.0" encoding="utf-8"?>\n<r><q>é“</q></r>'.encode(),
        '<?xml version="1.0" encoding="UTF-16"?><r><q>é“</q></r>'.encode("utf-16"),
        '<?xml version="1.0" encoding="UTF-16"?><r><q>é“</q></r>'.encode("utf-16-be"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><r><q>é“</q></r>'.encode("cp1252"),
        '<?xml version="1.0" encoding="windows-1252"?><r><q>é“</q></r>'.encode("cp1252"),
        b"<!-- c --><!DOCTYPE r>\r\n<r><q>&eacute;&ldquo;</q></r>",
        b'<!DOCTYPE r SYSTEM "http://e.org/r.dtd"><r><q>&#233;&#8220;</q></r>',
        '<r xmlns="urn:x"><y:q xmlns:y="urn:y"><![CDATA[é]]>“</y:q></r>'.encode(),
        "<r><q>é<!-- gone --><?gone x?>“\x0b</q></r>".encode(),
    ],
)
def test_a_text_is_read_whatever_its_encoding(data: bytes) -> None:
    assert read(data) == ["é“"]


def test_bytes_of_another_encoding_are_read_and_told_where_they_stand() -> None:
    data = "<r><q>fine é</q>".encode() + '<q a="“">caf\xe9</q>'.encode("cp1252") + b"<q>fine</q></r>"
    notes: list[Loss] = []
    seen = [
        (xml_reading.text(found), found.get("a"), len(notes))
        for found in xml_reading.elements(BytesIO(data), ("q",), note=notes.append)
    ]
    assert seen == [("fine é", None, 0), ("café", "“", 1), ("fine", None, 1)]
    assert notes[0].code == "encoding_guessed"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_xml"),
        (b"  \n", "not_xml"),
        (b"just text", "not_xml"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not_xml"),
        (b"<!DOCTYPE html><html></html>", "not_xml"),
        (b"<!-- never closed", "not_xml"),
        (b"<r><q>1</q>", "truncated"),
        (b"<r><q>1</q><q", "truncated"),
        (b"<r><![CDATA[1", "truncated"),
        (b"<r><q>1</x></r>", "malformed_xml"),
        (b"<r></r><r></r>", "malformed_xml"),
        (b"<r>&unknown;</r>", "malformed_xml"),
        (b"<r a=1></r>", "malformed_xml"),
        (b"<r>" + b"<a>" * 1000, "too_deep"),
        (b"<r><q>" + b"x" * 11_000_000 + b"</q></r>", "too_large"),
        (b"<r><q>" + b"<a/>" * 400_000 + b"</q></r>", "too_large"),
        (b"<r>" + b"<a/>" * 400_000 + b"</r>", "too_large"),
        (b'<?xml version="1.0" encoding="zip"?><r/>', "encoding"),
        (b'<?xml version="1.0" encoding="klingon"?><r/>', "encoding"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, code: str) -> None:
    found = fault(data)
    assert found.code == code
    assert found.why.endswith(".")


@pytest.mark.parametrize(
    ("data", "mend"),
    [
        (b"<r>salt & pepper</r>", "&amp;"),
        (b"<r>AT&T</r>", "&amp;"),
        (b"<r>1 < 2</r>", "&lt;"),
        (b"<r a=1/>", "quotation marks"),
        (b"<r>&unknown;</r>", "&#160;"),
        (b"<r>&#11;</r>", "Remove that character"),
    ],
)
def test_common_slips_come_with_their_cure(data: bytes, mend: str) -> None:
    assert mend in fault(data).why


def test_a_file_cut_anywhere_is_told_from_a_broken_one() -> None:
    whole = '<r>\n<!-- c --><q a="é">x &amp; &nbsp;<![CDATA[<p>y</p>]]><b/></q>\n</r>'.encode()
    assert len(read(whole)) == 1
    assert {fault(whole[:length]).code for length in range(3, len(whole) - 1)} == {"truncated"}


LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><r><q>&b;</q></r>'


@pytest.mark.parametrize(
    "data",
    [
        LAUGHS,
        b'<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><q>&x;</q></r>',
        b'<!DOCTYPE r SYSTEM "x.dtd" [<!ENTITY % x SYSTEM "http://e.org/">%x;]><r/>',
        "<!DOCTYPE r [<!ENTITY a 'b'>]><r/>".encode("utf-16"),
        b"<!DOCTYPE r [<!ELEMENT q (a)><!ENTITY a 'b'>]><r/>",
        b"<!DOCTYPE r [<!-- x --> <!ATTLIST q a CDATA #IMPLIED %x;>]><r/>",
    ],
)
def test_entities_of_the_files_own_are_refused(data: bytes) -> None:
    assert fault(data).code == "doctype"


def test_a_second_doctype_is_refused_too() -> None:
    assert fault(b"<!DOCTYPE r>" + LAUGHS).code == "not_xml"


def test_lines_are_those_of_the_file_beyond_what_libxml2_used_to_count() -> None:
    data = b'<?xml version="1.0"?>\n<!DOCTYPE r\n>\n<r>' + b"\n" * 70_000 + b"<q>1</q></r>"
    (line,) = [found.sourceline for found in xml_reading.elements(BytesIO(data), ("q",))]
    assert str(line) == "70004"
    with pytest.raises(UnreadableFile, match="bank.xml, line 70004: "):
        list(xml_reading.elements(BytesIO(data[:-12]), ("q",), where="bank.xml"))


def test_only_the_outermost_element_is_given_and_what_is_before_it_goes() -> None:
    data = b"<r>" + b"<q><q>inner</q></q>\n" * 50 + b"</r>"
    places = []
    for found in xml_reading.elements(BytesIO(data), ("q",)):
        assert xml_reading.text(found) == "inner"
        parent = found.getparent()
        assert parent is not None
        places.append(parent.index(found))
    # Never more than the one before it is still there, and that one is empty.
    assert places == [0] + [1] * 49


def test_a_small_file_is_read_as_a_whole() -> None:
    root = xml_reading.document(b'<m:r xmlns:m="urn:m"><m:a>1</m:a><b>2<i>3</i></b><m:a/></m:r>')
    assert xml_reading.local(root) == "r"
    assert [xml_reading.text(found) for found in xml_reading.children(root, "a")] == ["1", ""]
    assert xml_reading.text(xml_reading.child(root, "b")) == "23"
    assert xml_reading.child(root, "c") is None
    with pytest.raises(UnreadableFile) as caught:
        xml_reading.document(b"<r>" + b" " * xml_reading.MAX_DOCUMENT, where="imsmanifest.xml")
    assert (caught.value.code, caught.value.where) == ("too_large", "imsmanifest.xml")
