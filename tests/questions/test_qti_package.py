"""Reading QTI: packages, pictures, shared texts, encodings and files that hold nothing."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest

from questions.content import Level
from questions.formats import qti, qti_markup
from questions.formats.exchange import ExchangeQuestion, Rejection, UnreadableFile
from tests.questions.qti_makers import (
    CHOICES,
    PNG,
    QTI_3,
    choice,
    codes,
    declaration,
    item,
    manifest,
    package,
    read_all,
    read_one,
)


def test_pictures_of_a_package() -> None:
    body = '<p><img src="../img/a%20b.png" alt="A map"/><object data="c.png" type="image/png">A <b>flag</b></object></p>'
    other = CHOICES.replace("Lyon", '<img src="../other/c.png" alt="Rhône"/>')
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("items/q.xml"),
        "items/q.xml": item(body + choice(other)),
        "img/a b.png": PNG,
        "items/c.png": PNG + b"1",
        "other/c.png": PNG + b"2",
    }

    found = read_one(package(files), "p.zip")

    assert found.losses == ()
    held = {picture.name: picture.data for picture in found.pictures}
    assert held == {"a-b.png": PNG, "c.png": PNG + b"2", "2-c.png": PNG + b"1"}
    assert found.content.stem == ("![A map](image:a-b.png)![A flag](image:2-c.png)\n\nWhich city?")
    assert found.content.options[1].text == "![Rhône](image:c.png)"
    assert [picture.name for picture in found.pictures] == ["a-b.png", "2-c.png", "c.png"]


def test_pictures_in_the_text_itself() -> None:
    address = "data:image/png;base64," + base64.b64encode(PNG).decode()

    found = read_one(item(f'<p><img src="{address}" alt="A dot"/></p>' + choice()))

    assert found.content.stem.startswith("![A dot](image:picture.png)")
    assert found.pictures[0].data == PNG


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/a.png",
        "//example.org/a.png",
        "gone.png",
        "../../../x.png",
        "data:image/png;base64,A",
    ],
)
def test_pictures_that_are_not_there(source: str) -> None:
    found = read_one(item(f'<p>See <img src="{source}" alt="a map"/>.</p>' + choice()))

    assert found.content.stem.startswith("See a map.")
    assert found.pictures == ()
    assert codes(found) == {"image"}


def test_a_shared_text_of_qti_3() -> None:
    stimulus = (
        f'<qti-assessment-stimulus xmlns="{QTI_3}" identifier="night" title="A night"><qti-stimulus-body>'
        '<p>Anina woke up. <img src="moon.png" alt="The moon"/></p></qti-stimulus-body>'
        "</qti-assessment-stimulus>"
    )
    reference = '<assessmentStimulusRef identifier="night" href="../texts/night.xml"/>'
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("items/q.xml"),
        "items/q.xml": item(declared=declaration("A") + reference),
        "texts/night.xml": stimulus,
        "texts/moon.png": PNG,
    }

    found = read_one(package(files), "p.zip")

    assert found.scenario is not None
    assert (found.scenario.code, found.scenario.title) == ("night", "A night")
    assert found.scenario.text == "Anina woke up. ![The moon](image:moon.png)"
    assert found.pictures[0].data == PNG
    assert codes(read_one(item(declared=declaration("A") + reference))) == {"scenario"}


def test_a_package_gives_every_item_or_says_why_not() -> None:
    files: dict[str, str | bytes] = {
        "deep/imsmanifest.xml": manifest("a.xml", "gone.xml", "bad.xml", "test.xml", "../../up.xml", "b.xml"),
        "deep/a.xml": item(),
        "deep/bad.xml": item()[:-30],
        "deep/test.xml": "<assessmentTest/>",
        "deep/b.xml": item(declared=declaration()),
        "deep/not-listed.xml": item(),
    }

    found = read_all(package(files), "p.zip")

    assert [one.code for one in found] == [
        *("q1", "missing_file", "truncated", "not_an_item", "climbing_path", "no_key")
    ]
    assert [one.where.partition(",")[0] for one in found[:3]] == [
        "deep/a.xml",
        "deep/gone.xml",
        "deep/bad.xml",
    ]


@pytest.mark.parametrize("name", ["readme.xml", "imsmanifest.xml"])
def test_a_package_without_a_readable_manifest(name: str) -> None:
    files: dict[str, str | bytes] = {
        name: "<nothing",
        "x/a.xml": item(),
        "b.css": "x",
        "x/test.xml": "<quiz/>",
    }

    found = read_one(package(files), "p.zip")

    assert codes(found) == {"no_manifest"}


def test_a_manifest_that_breaks_off_hides_no_item() -> None:
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("a.xml", "b.xml")[:-60],
        "a.xml": item(),
        "b.xml": item(),
    }

    found = read_all(package(files), "p.zip")

    assert [one.where.partition(",")[0] for one in found] == ["a.xml", "b.xml"]
    assert all(isinstance(one, ExchangeQuestion) and codes(one) == {"no_manifest"} for one in found)


def test_sections_of_a_test_are_categories() -> None:
    test = (
        '<assessmentTest identifier="T"><testPart><assessmentSection title="Geography">'
        '<assessmentSection title="France"><assessmentItemRef identifier="1" href="../items/a.xml"/>'
        "</assessmentSection></assessmentSection></testPart></assessmentTest>"
    )
    listed = manifest("items/a.xml", "items/b.xml").replace(
        "<resources>", '<resources><resource identifier="T" type="imsqti_test_xmlv2p1" href="tests/t.xml"/>'
    )
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": listed,
        "tests/t.xml": test,
        "items/a.xml": item(),
        "items/b.xml": item(),
    }

    first, second = read_all(package(files), "p.zip")

    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert (first.category, second.category) == (("Geography", "France"), ())
    assert first.losses == second.losses == ()


def test_words_of_the_manifest() -> None:
    words = (
        "topic:1.1.2",
        "level:apply",
        "difficulty:0.65",
        "cost",
        "tag:topic:x",
        "category:A",
        "reference:r",
    )
    keywords = "".join(f"<keyword><string>{word}</string></keyword>" for word in words)
    inner = (
        '<metadata><lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general>'
        + keywords
        + "</general></lom></metadata>"
    )
    files: dict[str, str | bytes] = {"imsmanifest.xml": manifest("a.xml", inner=inner), "a.xml": item()}

    found = read_one(package(files), "p.zip")

    assert (found.topic, found.level, found.difficulty) == ("1.1.2", Level.APPLY, Decimal("0.65"))
    assert found.tags == ("cost", "topic:x")
    assert (found.category, found.content.references) == (("A",), ("r",))


@pytest.mark.parametrize("words", ["difficulty:NaN", "difficulty:2", "level:hard", "difficulty:x"])
def test_words_that_say_nothing(words: str) -> None:
    inner = f"<metadata><keyword><langstring>{words}</langstring></keyword></metadata>"
    files: dict[str, str | bytes] = {"imsmanifest.xml": manifest("a.xml", inner=inner), "a.xml": item()}

    found = read_one(package(files), "p.zip")

    assert (found.level, found.difficulty) == (None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + item().encode(),
        item().replace("\n", "\r\n").encode(),
        item().replace("UTF-8", "UTF-16").encode("utf-16"),
        item().replace("UTF-8", "ISO-8859-1").replace("Paris", "Orléans").encode("latin-1"),
        b"\n\n" + item().encode(),
        item().replace("Paris", "Paris&nbsp;&eacute;").encode(),
    ],
)
def test_encodings_and_line_ends(data: bytes) -> None:
    assert read_one(data).content.key == "A"


@pytest.mark.parametrize("filename", ["q.txt", "q", "q.zip", "../q.xml"])
def test_the_extension_does_not_matter(filename: str) -> None:
    assert read_one(item(), filename).code == "q1"
    files: dict[str, str | bytes] = {"imsmanifest.xml": manifest("a.xml"), "a.xml": item()}
    assert read_one(package(files), filename).code == "q1"


BILLION = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lollollol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


XXE = '<?xml version="1.0"?><!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prolog", [BILLION, XXE])
def test_entities_of_their_own_stop_the_item_and_no_other(prolog: str) -> None:
    text = item("<p>&c;&x;</p>" + choice())
    bad = prolog + text[text.index("<assessmentItem") :]
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("bad.xml", "a.xml"),
        "bad.xml": bad,
        "a.xml": item(),
    }

    first, second = read_all(package(files), "p.zip")

    assert isinstance(first, Rejection) and first.code == "doctype"
    assert isinstance(second, ExchangeQuestion)
    with pytest.raises(UnreadableFile):
        read_all(bad)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"hello", "not_xml"),
        (b"<a/>", "no_questions"),
        (b"<assessmentTest xmlns='x'/>", "items_elsewhere"),
        (b"<qti-assessment-stimulus/>", "items_elsewhere"),
        (b"<questestinterop/>", "wrong_format"),
        (b"<quiz/>", "wrong_format"),
        (package({}), "no_questions"),
        (package({"a.txt": "x"}), "no_questions"),
        (package({"a.xml": "<questestinterop/>"}), "wrong_format"),
        (package({"../a.xml": item()}), "climbing_path"),
        (package({"a.xml": b" " * 5_000_000}), "zip_bomb"),
        (package({"a.xml": item()})[:-40], "truncated_zip"),
    ],
)
def test_files_that_hold_nothing(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_all(data, "q")
    assert caught.value.code == code


def test_an_absurdly_large_item(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "<div>" * 5000 + "x" + "</div>" * 5000
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("deep.xml", "feedback.xml", "a.xml"),
        "deep.xml": item(deep + choice()),
        "feedback.xml": item("<feedbackBlock>" * 200 + "x" + "</feedbackBlock>" * 200 + choice()),
        "a.xml": item(),
    }

    found = read_all(package(files), "p.zip")

    assert [type(one) for one in found] == [Rejection, ExchangeQuestion, ExchangeQuestion]


@pytest.mark.parametrize(
    ("data", "filename", "version"),
    [
        (item().encode(), "q.xml", 2),
        (item().encode("utf-16"), "q.xml", 2),
        (f'<qti-assessment-item xmlns="{QTI_3}">'.encode(), "q.xml", 3),
        (f'<assessmentItem xmlns="{QTI_3}">'.encode(), "q.xml", 3),
        (package({"imsmanifest.xml": manifest("a.xml")}), "p.zip", 2),
        (package({"imsmanifest.xml": manifest("a.xml", kind="imsqti_item_xmlv3p0")}), "p.zip", 3),
        (package({"a.xml": item()}), "p", 2),
        (package({"picture.png": b"", "imsmanifest.xml": ""}), "p.zip", 2),
        (package({"imsmanifest.xml": manifest("a.xml", kind="imsqti_xmlv2p1")}), "p.zip", 2),
        (package({"imsmanifest.xml": manifest("a.xml", kind="imsqti_xmlv1p2")}), "p.zip", None),
        (package({"[Content_Types].xml": "<Types/>"}), "p.xlsx", None),
        (package({"bank.yaml": "x"}), "p.zip", None),
        (b"<quiz/>", "q.xml", None),
        (b"// GIFT", "q.txt", None),
        (b"", "", None),
    ],
)
def test_what_looks_like_qti(data: bytes, filename: str, version: int | None) -> None:
    head = data[: 64 * 1024]

    assert qti.FORMAT_2.looks_like(head, filename) == (version == 2)
    assert qti.FORMAT_3.looks_like(head, filename) == (version == 3)


def test_items_that_share_a_text_share_its_pictures() -> None:
    stimulus = (
        f'<qti-assessment-stimulus xmlns="{QTI_3}" identifier="s"><qti-stimulus-body>'
        '<p><img src="a.png" alt="Moon"/></p></qti-stimulus-body></qti-assessment-stimulus>'
    )
    reference = '<assessmentStimulusRef identifier="s" href="texts/s.xml"/>'
    shared = item(declared=declaration("A") + reference)
    with_own = item('<p><img src="a.png" alt="Sun"/></p>' + choice(), declared=declaration("A") + reference)
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest("1.xml", "2.xml", "3.xml"),
        "1.xml": shared,
        "2.xml": with_own,
        "3.xml": shared,
        "texts/s.xml": stimulus,
        "a.png": PNG,
        "texts/a.png": PNG + b"1",
    }

    first, second, third = (one for one in read_all(package(files), "p") if isinstance(one, ExchangeQuestion))

    assert first.scenario == second.scenario == third.scenario
    assert first.pictures == third.pictures
    assert {one.name: one.data for one in second.pictures} == {"a.png": PNG + b"1", "2-a.png": PNG}
    assert second.content.stem.startswith("![Sun](image:2-a.png)")


def test_pictures_of_one_item_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qti_markup, "MAX_PICTURES", len(PNG) * 2)
    body = "".join(f'<p><img src="{name}.png" alt="{name}"/></p>' for name in "abc")
    pictures = {f"{name}.png": PNG + name.encode() for name in "abc"}
    files: dict[str, str | bytes] = {"imsmanifest.xml": manifest("1.xml"), "1.xml": item(body + choice())}

    found = read_one(package({**files, **pictures}), "p")

    assert [one.name for one in found.pictures] == ["a.png"]
    assert codes(found) == {"image"}
