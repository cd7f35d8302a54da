"""What a QTI package says of itself: its items, their keywords, and the sections of its tests.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from questions.formats import xml_reading
from questions.formats.archive import MAX_ENTRY, Archive
from questions.formats.exchange import MAX_QUESTIONS, UnreadableFile
from questions.formats.qti_markup import Element, children, descendants, get, name

MANIFEST = "imsmanifest.xml"
MAX_ITEM = xml_reading.MAX_DOCUMENT

_ITEM_TYPE = re.compile(r"imsqti_(apip)?item", re.IGNORECASE)
_TEST_TYPE = re.compile(r"imsqti_(apip)?(test|section|assessment)", re.IGNORECASE)
_OTHER_TYPE = re.compile(r"webcontent|imsqti_(stimulus|rptemplates|outcomes)|css|_xmlv1p", re.IGNORECASE)
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_FATAL = ("zip_bomb", "truncated_zip", "too_many")


@dataclass(frozen=True)
class Resource:
    """`is_declared` where the manifest calls it an item; else its own first element tells."""

    name: str
    is_declared: bool
    keywords: tuple[str, ...] = ()
    why_not: str = ""


@dataclass
class Contents:
    """`sections` holds the titles of the sections that an item stands in, outermost first.

    Without a sound manifest every XML file is a resource.
    """

    resources: list[Resource] = field(default_factory=list)
    sections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_sound: bool = True


def too_many() -> UnreadableFile:
    why = f"It holds more than {MAX_QUESTIONS:,} items. Split it into smaller files."
    return UnreadableFile("too_many", why)


def read(archive: Archive) -> Contents:
    found: dict[str, Resource] = {}
    tests: dict[str, None] = {}
    contents = Contents()
    for manifest in [known for known in archive.names() if _is_manifest(known)]:
        try:
            with archive.open(manifest, limit=MAX_ENTRY) as file:
                for element in xml_reading.elements(file, ("resource",), where=manifest):
                    _note(archive, manifest, element, found, tests)
        except UnreadableFile as error:
            if error.code in _FATAL:
                raise
            contents.is_sound = False
    for test in tests:
        contents.sections |= _sections(archive, test)
    # Some name items in the test only.
    for known in contents.sections:
        if archive.has(known):
            found.setdefault(known, Resource(known, is_declared=True))
    held = [one for one in found.values() if one.is_declared and archive.has(one.name)]
    contents.is_sound &= bool(held)
    if not contents.is_sound:
        for known in archive.names():
            if known.lower().endswith((".xml", ".qti")) and not _is_manifest(known):
                found.setdefault(known, Resource(known, is_declared=False))
        if any(archive.has(known) for known in found):
            found = {known: one for known, one in found.items() if one.why_not or archive.has(known)}
    contents.resources = list(found.values())
    return contents


def _is_manifest(known: str) -> bool:
    return known.rpartition("/")[2].lower() == MANIFEST


def _note(
    archive: Archive,
    manifest: str,
    element: Element,
    found: dict[str, Resource],
    tests: dict[str, None],
) -> None:
    kind, href = get(element, "type"), get(element, "href")
    if not href:
        href = next((get(one, "href") for one in children(element, "file")), "")
    is_item, is_test = (pattern.search(kind) is not None for pattern in (_ITEM_TYPE, _TEST_TYPE))
    if is_item and re.match(r"[a-z][a-z0-9+.-]+://", href, re.IGNORECASE):
        why = "The item is not in the package, but somewhere on the web. Export it with its files."
        found.setdefault(href, Resource(href, is_declared=True, why_not=why))
        return
    if not href or (not is_item and (_OTHER_TYPE.search(kind) or not href.lower().endswith(".xml"))):
        return
    try:
        where = archive.resolve(manifest, _base(element) + href)
    except UnreadableFile as error:
        if is_item:
            found.setdefault(href, Resource(href, is_declared=True, why_not=error.why))
        return
    if is_test and not is_item:
        tests[where] = None
    elif is_item or archive.has(where):
        found.setdefault(where, Resource(where, is_item, tuple(_keywords(element))))
    if len(found) + len(tests) > MAX_QUESTIONS:
        raise too_many()


def _base(element: Element) -> str:
    chain = [element, *element.iterancestors()]
    return "".join(str(one.get(_BASE) or "") for one in reversed(chain))


def _keywords(element: Element) -> Iterator[str]:
    for keyword in element.iterdescendants():
        if xml_reading.local(keyword) == "keyword":
            parts = [xml_reading.text(part) for part in keyword] or [xml_reading.text(keyword)]
            yield from (part for part in parts if part)


def _sections(archive: Archive, test: str) -> dict[str, tuple[str, ...]]:
    """Nothing where the test can't be read: its items can without it."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        root = xml_reading.document(archive.read(test, limit=MAX_ITEM), where=test)
        for reference in descendants(root, lambda kind: kind == "assessmentItemRef"):
            outer = [part for part in reference.iterancestors() if name(part) == "assessmentSection"]
            titles = [get(part, "title") for part in reversed(outer)]
            where = archive.resolve(test, get(reference, "href"))
            found.setdefault(where, tuple(title for title in titles if title))
    except UnreadableFile as error:
        if error.code in _FATAL:
            raise
    return found
