"""QTI 1.2, as Canvas exports quizzes and question banks: to be read, not to be written.  Pure.

A package holds an assessment per quiz; a course also holds each of them a second time, poorer, for other
systems. Plain QTI 1.2 of others (Blackboard, Respondus) is read as far as it is choice, matching or ordering.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from questions.content import fingerprint
from questions.formats import archive, canvas_items, xml_reading
from questions.formats.archive import Archive
from questions.formats.canvas_material import Material
from questions.formats.canvas_stimuli import Stimuli
from questions.formats.exchange import ExchangeQuestion, Format, Loss, Outcome, Rejection, UnreadableFile
from questions.formats.xml_reading import child, children, local, text

_ZIP = b"PK"
_HEAD = 8192
_ROOT = b"questestinterop"
_VERSION_1 = re.compile(rb"questestinterop|qti_xmlv1p|qtiasiv1p", re.IGNORECASE)
_XML = (".xml", ".qti", ".dat")
_REFERENCE = "bankentry_item"
_NAMELESS = ("", "root_section", "root section", "root")


def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith(_ZIP):
        return _numbered(_package(Archive(file)))
    if _ROOT not in head.replace(b"\0", b""):
        raise _foreign()
    return _numbered(_items(file, "", None))


def looks_like(head: bytes, filename: str) -> bool:
    if not head.startswith(_ZIP):
        return _ROOT in head.replace(b"\0", b"")
    if filename.lower().endswith(".imscc") or b"assessment_meta.xml" in head or b"non_cc_assessments" in head:
        return True
    return any(_VERSION_1.search(first.replace(b"\0", b"")) for _, first in archive.glimpse(head))


def _numbered(found: Iterator[tuple[str, etree._Element, Material]]) -> Iterator[Outcome]:
    """The outcomes, each told where it stands; the same question twice comes in once."""
    known: dict[str, tuple[str, str]] = {}
    category, stimuli = _Category(), Stimuli()
    for number, (name, element, material) in enumerate(found, 1):
        title = " ".join((element.get("title") or "").split())[:80]
        where = ", ".join(
            part for part in (name, f"question {number}", f"“{title}”" if title else "") if part
        )
        if local(element) == _REFERENCE:
            why = "It is a question of a bank, and stands here by reference only. Export the bank, too."
            yield Rejection(where, "items_elsewhere", why)
            continue
        stimuli.note(element, material)
        scenario = stimuli.of(element, material)
        shared = tuple(material.pictures.values())
        outcome = canvas_items.read(element, where=where, material=material)
        if isinstance(outcome, Rejection):
            yield outcome
            continue
        pictures = tuple(dict.fromkeys((*outcome.pictures, *shared)))
        outcome = replace(outcome, scenario=scenario, pictures=pictures)
        yield _once(outcome, category.of(element), known)


def _once(
    question: ExchangeQuestion, category: tuple[str, ...], known: dict[str, tuple[str, str]]
) -> Outcome:
    code, losses = question.code, question.losses
    print_ = fingerprint(question.content.to_json())
    if code in known and known[code][1] == print_:
        why = f"It is the same as {known[code][0]}, with the same identifier, and comes in once."
        return Rejection(question.where, "duplicate_code", why, title=question.title)
    if code in known:
        why = f"The identifier “{code}” is also that of {known[code][0]}, which is another question."
        losses = (*losses, Loss("code", why))
        code = ""
    if code:
        known[code] = question.where, print_
    return replace(question, code=code, category=category, losses=losses)


class _Category:
    """The titles around an item; a bank's stands before its first item only, so it is remembered."""

    def __init__(self) -> None:
        self._parents: list[tuple[etree._Element, str]] = []

    def of(self, element: etree._Element) -> tuple[str, ...]:
        parents = [parent for parent in element.iterancestors() if local(parent) != "questestinterop"][::-1]
        seen = {id(parent): title for parent, title in self._parents}
        self._parents = [(parent, seen.get(id(parent)) or _title(parent)) for parent in parents]
        titles = (title for _, title in self._parents if title.lower() not in _NAMELESS)
        return tuple(dict.fromkeys(titles))


def _title(parent: etree._Element) -> str:
    title = parent.get("title") or ""
    for metadata in children(parent, "qtimetadata"):
        for field in children(metadata, "qtimetadatafield"):
            if text(child(field, "fieldlabel")) == "bank_title":
                title = title or text(child(field, "fieldentry"))
    return " ".join(title.split())


def _package(package: Archive) -> Iterator[tuple[str, etree._Element, Material]]:
    names = [
        name for name in package.names() if name.lower().endswith(_XML) and _is_assessment(package, name)
    ]
    own = {name.rpartition("/")[2] for name in names if "non_cc_assessments/" in name}
    names = [name for name in names if not _is_second_copy(name, own)]
    if not names:
        raise _foreign()
    for name in names:
        with package.open(name) as file:
            yield from _items(file, name, package, shows_name=len(names) > 1)


def _items(
    file: BinaryIO, name: str, package: Archive | None, *, shows_name: bool = False
) -> Iterator[tuple[str, etree._Element, Material]]:
    notes: list[Loss] = []
    for element in xml_reading.elements(file, {"item", _REFERENCE}, where=name, note=notes.append):
        material = Material(package, name)
        for note in notes:
            material.lose(note.code, note.why)
        notes.clear()
        yield (name if shows_name else ""), element, material


def _is_assessment(package: Archive, name: str) -> bool:
    if name.endswith(("imsmanifest.xml", "assessment_meta.xml")):
        return False
    with package.open(name) as file:
        return _ROOT in file.read(_HEAD).replace(b"\0", b"")


def _is_second_copy(name: str, own: set[str]) -> bool:
    """`x/assessment_qti.xml` of a course, whose own kind is `non_cc_assessments/x.xml.qti`."""
    found = re.fullmatch(r"(?:.*/)?([^/]+)/assessment_qti\.xml", name)
    return found is not None and f"{found[1]}.xml.qti" in own


def _foreign() -> UnreadableFile:
    why = (
        "No assessment of QTI 1.2 is in this file. In Canvas, export the quiz as “QTI”, and upload the zip as it "
        "is; other packages are read as QTI 2 or QTI 3."
    )
    return UnreadableFile("not_qti_1", why)


FORMAT = Format(
    name="canvas-qti",
    label="Canvas QTI 1.2",
    extension=".zip",
    media_type="application/zip",
    parse=parse,
    looks_like=looks_like,
)
