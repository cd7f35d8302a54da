"""Zip packages that strangers made, read from memory and never unpacked to disk.  Pure.

Nothing is unpacked before the whole directory is checked: sizes as declared, names, overlaps. `zipfile` hands
out no more bytes of an entry than were declared, so what holds for the declared sizes holds for the real ones.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from posixpath import dirname, normpath
from typing import IO, Any, BinaryIO, NoReturn
from urllib.parse import unquote

from questions.formats.exchange import MAX_FILE, UnreadableFile

MAX_ENTRIES = 60_000
MAX_UNPACKED = 4 * MAX_FILE
MAX_ENTRY = MAX_FILE
MAX_RATIO = 200
SMALL_ENTRY = 1024 * 1024
"""Below this an entry may be packed as densely as it likes."""
MAX_READ = 2 * MAX_UNPACKED
"""Bytes handed out over the life of an archive: the same entry read again and again costs time, too."""

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
_END, _END_SIZE = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46
_LOCAL, _LOCAL_SIZE = b"PK\x03\x04", 30
_GLIMPSE = 4096
_MAX_COMMENT = 0xFFFF
_UTF8_NAME, _SIZE_FOLLOWS, _ENCRYPTED = 0x800, 0x8, 0x1
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DRIVE = re.compile(r"[A-Za-z]:")
_PACK_ANEW = "Pack the files anew as an ordinary zip."


class Archive:
    """The entries of a zip by name. Raises `UnreadableFile` for everything that is not a plain, sound zip."""

    def __init__(self, file: BinaryIO) -> None:
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN:
            _refuse_broken()
        infos = self._zip.infolist()
        _check_sizes(infos)
        _check_overlaps(infos)
        self._entries = _by_name(infos)
        self._folded: dict[str, str] | None = None
        self._handed_out = 0

    def names(self) -> list[str]:
        """The files in the order of the directory; folders, links and Finder's shadows are left out."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        return self._entry(name).file_size

    def read(self, name: str, *, limit: int) -> bytes:
        """The bytes of one entry, at most `limit` of them (else `file_too_large`)."""
        with self.open(name, limit=limit) as entry:
            return entry.read()

    def open(self, name: str, *, limit: int = MAX_ENTRY) -> BinaryIO:
        """One entry as a stream that raises `UnreadableFile` where the packed bytes are damaged."""
        info = self._entry(name)
        if info.file_size > limit:
            why = f"It has {info.file_size:,} bytes; at most {limit:,} are allowed. Make it smaller."
            raise UnreadableFile("file_too_large", why, where=name)
        self._handed_out += info.file_size
        if self._handed_out > MAX_READ:
            why = "Its files are used so often that unpacking them would never end. Split the package."
            raise UnreadableFile("zip_bomb", why, where=name)
        try:
            return io.BufferedReader(_Entry(self._zip.open(info), name))
        except _BROKEN:
            _refuse_broken(name)

    def resolve(self, base: str, href: str) -> str:
        """The name that `href` means in the file `base`, whether or not there is such an entry.

        Raises `climbing_path` where it leads out of the package.
        """
        address = re.split(r"[?#]", href.strip().replace("\\", "/"), maxsplit=1)[0]
        candidates = [_inside(base, href.strip().replace("\\", "/")), _inside(base, unquote(address))]
        for name in candidates:
            if name in self._entries:
                return name
        return self._in_any_case(candidates[-1])

    def _in_any_case(self, name: str) -> str:
        if self._folded is None:
            self._folded = {known.casefold(): known for known in self._entries}
        return self._folded.get(name.casefold(), name)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._entries[name]
        except KeyError:
            why = "The package does not hold this file. Export it again, with all its files."
            raise UnreadableFile("missing_file", why, where=name) from None


def glimpse(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and first bytes of the entries that stand at the head of a zip, to tell what kind of package it is."""
    at = 0
    while head.startswith(_LOCAL, at) and at + _LOCAL_SIZE <= len(head):
        flags, packing = struct.unpack_from("<HH", head, at + 6)
        size, name_size, extra_size = struct.unpack_from("<I4xHH", head, at + 18)
        begin = at + _LOCAL_SIZE + name_size + extra_size
        name = head[at + _LOCAL_SIZE : at + _LOCAL_SIZE + name_size].decode(errors="replace")
        end = begin + size
        if begin > len(head):
            return
        if packing != zipfile.ZIP_DEFLATED:
            first = head[begin : min(end, begin + _GLIMPSE)]
        else:
            unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                first = unpacking.decompress(head[begin:], _GLIMPSE)
                if flags & _SIZE_FOLLOWS and not size:
                    first += unpacking.decompress(unpacking.unconsumed_tail, SMALL_ENTRY)
                    end = len(head) - len(unpacking.unused_data)
            except zlib.error:
                return
        yield name, first[:_GLIMPSE]
        at = end if head.startswith(_LOCAL, end) else head.find(_LOCAL, max(end, at + 1))
        if at < 0:
            return


class _Entry(io.RawIOBase):
    """`zipfile` reports damage in half a dozen ways; this reports it in ours."""

    def __init__(self, packed: IO[bytes], name: str) -> None:
        self._packed = packed
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._packed.read(len(buffer))
        except _BROKEN:
            _refuse_broken(self._name)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
        super().close()


def _refuse_broken(name: str = "") -> NoReturn:
    why = "The zip is damaged or cut short. Fetch or export it again and upload it once more."
    raise UnreadableFile("truncated_zip", why, where=name) from None


def _check_directory(file: BinaryIO) -> None:
    """Counts the entries before `zipfile` makes an object of each: the count in the end record may lie."""
    length = file.seek(0, io.SEEK_END)
    if length > MAX_FILE:
        why = f"The file has {length:,} bytes; at most {MAX_FILE:,} are allowed. Split it."
        raise UnreadableFile("file_too_large", why)
    file.seek(max(0, length - _END_SIZE - _MAX_COMMENT))
    tail_start = file.tell()
    tail = file.read()
    at = tail.rfind(_END)
    # An end record without a comment stands last; looked for first, as `zipfile` does.
    if tail[-_END_SIZE:].startswith(_END) and tail.endswith(b"\0\0") and length >= _END_SIZE:
        at = len(tail) - _END_SIZE
    if at < 0 or at + _END_SIZE > len(tail):
        file.seek(0)
        if file.read(4) in (_LOCAL, _ENTRY):
            _refuse_broken()
        raise UnreadableFile("not_a_zip", "The file is not a zip package. Choose the zip that was exported.")
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    end = tail_start + at
    file.seek(max(0, end - _LOCATOR_SIZE - _END64_SIZE))
    before = file.read(_LOCATOR_SIZE + _END64_SIZE)
    if before.startswith(_END64) and before[_END64_SIZE:].startswith(_LOCATOR):
        size = int.from_bytes(before[40:48], "little")
        end -= _LOCATOR_SIZE + _END64_SIZE
    if size > end:
        _refuse_broken()
    _count_entries(file, start=end - size, end=end)
    file.seek(0)


def _count_entries(file: BinaryIO, *, start: int, end: int) -> None:
    count, at = 0, start
    file.seek(start)
    while at < end:
        head = file.read(_ENTRY_SIZE)
        if len(head) < _ENTRY_SIZE or not head.startswith(_ENTRY):
            _refuse_broken()
        count += 1
        if count > MAX_ENTRIES:
            why = f"The package holds more than {MAX_ENTRIES:,} files. Split it into smaller ones."
            raise UnreadableFile("too_many_files", why)
        rest = sum(struct.unpack("<HHH", head[28:34]))
        at += _ENTRY_SIZE + rest
        file.seek(rest, io.SEEK_CUR)


def _check_sizes(infos: Iterable[zipfile.ZipInfo]) -> None:
    total = 0
    for info in infos:
        total += info.file_size
        where = info.filename
        if info.flag_bits & _ENCRYPTED:
            why = "The package is locked with a password. Pack it again without one."
            raise UnreadableFile("encrypted", why, where=where)
        if info.compress_type not in _PACKINGS:
            why = f"The file is packed in a way that is not supported. {_PACK_ANEW}"
            raise UnreadableFile("unknown_packing", why, where=where)
        if info.file_size > MAX_ENTRY:
            why = (
                f"It unpacks to {info.file_size:,} bytes; at most {MAX_ENTRY:,} are allowed. Make it smaller."
            )
            raise UnreadableFile("file_too_large", why, where=where)
        if info.file_size > max(SMALL_ENTRY, MAX_RATIO * info.compress_size):
            why = f"It unpacks to more than {MAX_RATIO} times its size, as a zip bomb does. {_PACK_ANEW}"
            raise UnreadableFile("zip_bomb", why, where=where)
        if total > MAX_UNPACKED:
            why = f"The package unpacks to more than {MAX_UNPACKED:,} bytes. Split it into smaller ones."
            raise UnreadableFile("zip_bomb", why)


def _check_overlaps(infos: Iterable[zipfile.ZipInfo]) -> None:
    """Entries that share bytes are how a small zip unpacks to terabytes without a suspicious ratio."""
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < end:
            why = f"Files of the package share bytes, as in a zip bomb. {_PACK_ANEW}"
            raise UnreadableFile("zip_bomb", why, where=info.filename)
        end = info.header_offset + _LOCAL_SIZE + info.compress_size


def _by_name(infos: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = _safe_name(info)
        if not name or name.endswith("/") or _is_link(info) or name.startswith("__MACOSX/"):
            continue
        known = entries.setdefault(name, info)
        if (known.CRC, known.file_size) != (info.CRC, info.file_size):
            why = f"The package holds two different files of this name. {_PACK_ANEW}"
            raise UnreadableFile("duplicate_name", why, where=name)
    return entries


def _safe_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        # Many packers write UTF-8 without saying so.
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        why = "The name of this file leads out of the package. Pack the files anew with plain names."
        raise UnreadableFile("climbing_path", why, where=name)
    return name


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _inside(base: str, path: str) -> str:
    """`path` as seen from the file `base`; a leading slash means the root of the package."""
    joined = path.lstrip("/") if path.startswith("/") else f"{dirname(base)}/{path}".lstrip("/")
    name = normpath(joined)
    if name == ".." or name.startswith("../"):
        why = f"“{path}” leads out of the package. Make the address relative to the file."
        raise UnreadableFile("climbing_path", why, where=base)
    return name
