from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest

from questions.formats import archive
from questions.formats.archive import Archive
from questions.formats.exchange import UnreadableFile


def make_zip(*entries: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as package:
        for name, data in entries:
            package.writestr(name, data, compress_type=packing)
    return out.getvalue()


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data))


def refused(data: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        opened(data)
    assert caught.value.why.endswith(".")
    return caught.value


def test_a_sound_zip_is_read_by_name_in_the_order_of_its_directory() -> None:
    package = opened(make_zip(("b.xml", b"<b/>"), ("folder/", b""), ("folder/a.xml", b"<a/>")))

    assert package.names() == ["b.xml", "folder/a.xml"]
    assert package.has("folder/a.xml") and not package.has("folder/")
    assert package.read("folder/a.xml", limit=100) == b"<a/>"
    with package.open("b.xml") as entry:
        assert entry.read(2) == b"<b"
        assert entry.read() == b"/>"


def test_an_empty_zip_has_no_names() -> None:
    assert opened(make_zip()).names() == []


def test_shadows_links_and_backslashes() -> None:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    shadow = ("__MACOSX/._a.xml", b"x")
    package = opened(make_zip((link, b"/etc/passwd"), shadow, ("./dir\\a.xml", b"<a/>")))

    assert package.names() == ["dir/a.xml"]


def test_names_in_utf8_without_the_flag_that_says_so() -> None:
    data = bytearray(make_zip(("ä.xml", b"x")))
    # The flag for UTF-8 is the fourth bit of the second byte, in the local header and in the directory.
    data[7] &= ~8
    data[data.rindex(b"PK\x01\x02") + 9] &= ~8

    assert opened(bytes(data)).names() == ["ä.xml"]


@pytest.mark.parametrize("data", [b"", b"PK", b"<xml/>", b"x" * 100_000])
def test_what_is_no_zip(data: bytes) -> None:
    assert refused(data).code == "not_a_zip"


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_a_zip_that_was_cut_short(kept: float) -> None:
    data = make_zip(*((f"{number}.xml", bytes(range(256))) for number in range(20)))

    assert refused(data[: int(len(data) * kept)]).code == "truncated_zip"


def test_a_zip_that_lost_its_beginning() -> None:
    data = make_zip(("a.xml", bytes(range(256)) * 10))

    assert refused(data[-60:]).code == "truncated_zip"


def test_damage_inside_an_entry_is_found_when_it_is_read() -> None:
    data = bytearray(make_zip(("a.xml", b"some text that is packed"), ("b.xml", b"<b/>")))
    data[36] ^= 0xFF
    package = opened(bytes(data))

    with pytest.raises(UnreadableFile) as caught:
        package.read("a.xml", limit=100)
    assert (caught.value.code, caught.value.where) == ("truncated_zip", "a.xml")
    assert package.read("b.xml", limit=100) == b"<b/>"


@pytest.mark.parametrize(
    "name", ["../a.xml", "a/../../b.xml", "/etc/passwd", "C:\\a.xml", "c:a.xml", "..\\a.xml", "a/.."]
)
def test_names_that_lead_out(name: str) -> None:
    error = refused(make_zip(("fine.xml", b""), (name, b"x")))

    assert error.code == "climbing_path"


def test_an_entry_without_a_name_is_passed_over() -> None:
    data = make_zip(("a.xml", b"x"), ("b.xml", b"")).replace(b"a.xml", b"\0.xml")

    assert opened(data).names() == ["b.xml"]


def test_two_different_files_of_one_name() -> None:
    different = make_zip(("a.xml", b"1"), ("b.xml", b"2")).replace(b"b.xml", b"a.xml")
    same = make_zip(("a.xml", b"1"), ("b.xml", b"1")).replace(b"b.xml", b"a.xml")

    assert refused(different).code == "duplicate_name"
    assert opened(same).names() == ["a.xml"]


def test_a_password() -> None:
    data = bytearray(make_zip(("a.xml", b"secret")))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1

    assert refused(bytes(data)).code == "encrypted"


def test_a_packing_whose_output_cannot_be_bounded() -> None:
    assert refused(make_zip(("a.xml", b"x" * 100), packing=zipfile.ZIP_BZIP2)).code == "unknown_packing"


def test_an_entry_that_unpacks_to_far_more_than_it_is() -> None:
    error = refused(make_zip(("a.xml", b"\0" * (archive.SMALL_ENTRY * 2))))

    assert (error.code, error.where) == ("zip_bomb", "a.xml")


def test_small_entries_may_be_dense() -> None:
    assert opened(make_zip(("a.xml", b" " * (archive.SMALL_ENTRY // 2)))).names() == ["a.xml"]


def test_the_sum_of_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)

    assert refused(make_zip(("a", b"x" * 600), ("b", b"y" * 600))).code == "zip_bomb"


def test_one_entry_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRY", 1000)

    assert refused(make_zip(("a", b"x" * 1001))).code == "file_too_large"


def test_too_many_entries_are_counted_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 10)
    data = bytearray(make_zip(*((f"{number}", b"") for number in range(11))))
    # The end record may claim what it likes.
    at = data.rindex(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", 1, 1)

    assert refused(bytes(data)).code == "too_many_files"


def test_a_size_that_was_understated_gives_no_more_than_it_says() -> None:
    data = bytearray(make_zip(("a.xml", b"A" * 100_000)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    package = opened(bytes(data))

    with pytest.raises(UnreadableFile) as caught:
        package.read("a.xml", limit=1000)
    assert caught.value.code == "truncated_zip"


def test_entries_that_share_their_bytes() -> None:
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = kernel.compress(b"A" * 1000) + kernel.flush()
    crc = zlib.crc32(b"A" * 1000)
    fields = (crc, len(packed), 1000, 1, 0)
    local = struct.pack("<4s5HIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, *fields)
    body = local + b"a" + packed
    directory = b""
    for name in (b"a", b"b", b"c"):
        head = struct.pack("<4s6HIIIHH", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *fields)
        directory += head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 3, 3, len(directory), len(body), 0)

    error = refused(body + directory + end)

    assert error.code == "zip_bomb"


def test_a_file_above_the_limit_of_the_reader() -> None:
    package = opened(make_zip(("a.xml", b"x" * 101)))

    with pytest.raises(UnreadableFile) as caught:
        package.read("a.xml", limit=100)
    assert caught.value.code == "file_too_large"


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UnreadableFile) as caught:
        opened(make_zip()).read("a.xml", limit=100)
    assert (caught.value.code, caught.value.where) == ("missing_file", "a.xml")


def test_reading_the_same_again_and_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_READ", 250)
    package = opened(make_zip(("a.xml", b"x" * 100)))
    package.read("a.xml", limit=100)
    package.read("a.xml", limit=100)

    with pytest.raises(UnreadableFile) as caught:
        package.read("a.xml", limit=100)
    assert caught.value.code == "zip_bomb"


def test_a_zip_above_the_size_of_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE", 100)

    assert refused(make_zip(("a.xml", bytes(range(256))))).code == "file_too_large"


@pytest.mark.parametrize(
    ("base", "href", "name"),
    [
        ("items/q.xml", "../images/a%20b.png", "images/a b.png"),
        ("items/q.xml", "x.png", "items/x.png"),
        ("q.xml", "./x.png?v=2#top", "x.png"),
        ("items/q.xml", "/images/a b.png", "images/a b.png"),
        ("items/q.xml", "..\\images\\a%20b.png", "images/a b.png"),
        ("q.xml", "IMAGES/A%20B.PNG", "images/a b.png"),
        ("q.xml", "100%25.png", "100%25.png"),
        ("q.xml", "nothing.png", "nothing.png"),
    ],
)
def test_addresses_inside_the_package(base: str, href: str, name: str) -> None:
    package = opened(make_zip(("images/a b.png", b"x"), ("100%25.png", b"y")))

    assert package.resolve(base, href) == name


@pytest.mark.parametrize("href", ["../../x", "%2e%2e/%2e%2e/x", "..\\..\\x", "a/../../../x"])
def test_addresses_that_climb(href: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        opened(make_zip()).resolve("items/q.xml", href)
    assert caught.value.code == "climbing_path"


def test_a_glimpse_of_the_first_entries() -> None:
    data = make_zip(("a.xml", b"<a>" + b"text " * 5000), ("b.png", b"raw"))

    seen = list(archive.glimpse(data))

    assert [name for name, _ in seen] == ["a.xml", "b.png"]
    assert seen[0][1].startswith(b"<a>text") and len(seen[0][1]) == 4096
    assert seen[1][1] == b"raw"


def test_a_glimpse_of_a_zip_that_was_written_as_a_stream() -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("a.xml", b"<a/>")
        package.writestr("b.xml", b"<b/>")

    assert list(archive.glimpse(out.getvalue())) == [("a.xml", b"<a/>"), ("b.xml", b"<b/>")]


def test_a_glimpse_of_half_a_file() -> None:
    data = make_zip(("a.xml", b"<a>" + bytes(range(256))), ("b.png", b"raw"))

    for end in range(len(data)):
        assert {name for name, _ in archive.glimpse(data[:end])} <= {"a.xml", "b.png"}
