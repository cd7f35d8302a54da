"""QTI files as they arrive: a content package with or without manifest, or one XML file.  Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, TypeVar

from questions.content import Level
from questions.formats import qti_manifest, qti_reading, xml_reading
from questions.formats.archive import Archive
from questions.formats.exchange import (
    MAX_PICTURE,
    MAX_QUESTIONS,
    ExchangeQuestion,
    Loss,
    Outcome,
    Rejection,
    UnreadableFile,
)
from questions.formats.qti_manifest import Resource
from questions.formats.qti_markup import Element, Scenarios, name

MAX_ITEM = qti_manifest.MAX_ITEM

_PREFIXED = re.compile(r"(topic|level|difficulty|category|reference|tag):(.*)", re.DOTALL)
_FOREIGN = {
    "questestinterop": "QTI 1.2: choose that format",
    "quiz": "Moodle XML: choose that format",
}
_TESTS = {"assessmentTest", "assessmentSection", "assessmentStimulus", "manifest"}
_NO_MANIFEST = Loss(
    "no_manifest", "The package has no manifest that fits its files; every item file in it was taken."
)

T = TypeVar("T")


def parse(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"PK"):
        yield from _counted(_package(Archive(file)))
    elif not head:
        raise UnreadableFile("empty_file", "The file is empty. Export it again.")
    else:
        yield from _counted(_single(file, filename))


def _counted(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    count = 0
    for outcome in outcomes:
        count += 1
        if count > MAX_QUESTIONS:
            raise qti_manifest.too_many()
        yield outcome
    if not count:
        why = "There is no QTI item in it. Export the items again, or choose the format that the file has."
        raise UnreadableFile("no_questions", why)


def _single(file: BinaryIO, filename: str) -> Iterator[Outcome]:
    data = file.read(MAX_ITEM + 1)
    notes: list[Loss] = []
    root = xml_reading.document(data, where=filename, note=notes.append)
    _refuse_foreign(root, filename)
    items = (
        [root] if qti_reading.is_item(root) else [e for e in root.iterdescendants() if qti_reading.is_item(e)]
    )
    if not items and name(root) in _TESTS:
        why = f"The file is only the {name(root)}; the items are other files. Upload the whole package as a zip."
        raise UnreadableFile("items_elsewhere", why, where=filename)
    for item in items:
        yield _with_losses(_read(item, filename, _Nothing(), ""), tuple(notes))


def _refuse_foreign(root: Element, where: str) -> None:
    known = _FOREIGN.get(name(root))
    if known:
        raise UnreadableFile("wrong_format", f"The file is {known}.", where=where)


def _read(item: Element, where: str, files: _Nothing | _Package, base: str) -> Outcome:
    try:
        return qti_reading.read(item, where=where, files=files, base=base)
    except UnreadableFile as error:
        return Rejection(error.where or where, error.code, error.why)


class _Nothing:
    """What stands around an item that came alone."""

    def __init__(self) -> None:
        self.scenarios: Scenarios = {}

    def picture(self, base: str, href: str) -> bytes:
        raise UnreadableFile("missing_file", "The file came alone. Upload the whole package.", where=href)

    def stimulus(self, base: str, href: str) -> tuple[Element, str]:
        raise UnreadableFile("missing_file", "the file came alone. Upload the whole package.", where=href)


class _Package:
    """Pictures and shared texts of an archive; the last few are kept, as neighbours use the same."""

    def __init__(self, archive: Archive) -> None:
        self.scenarios: Scenarios = {}
        self._archive = archive
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._stimuli: OrderedDict[str, Element] = OrderedDict()

    def picture(self, base: str, href: str) -> bytes:
        found = self._archive.resolve(base, href)
        return _cached(self._pictures, found, lambda: self._archive.read(found, limit=MAX_PICTURE))

    def stimulus(self, base: str, href: str) -> tuple[Element, str]:
        found = self._archive.resolve(base, href)
        return _cached(self._stimuli, found, lambda: self._document(found)), found

    def _document(self, found: str) -> Element:
        return xml_reading.document(self._archive.read(found, limit=MAX_ITEM), where=found)


def _cached(cache: OrderedDict[str, T], key: str, fetch: Callable[[], T]) -> T:
    if key in cache:
        cache.move_to_end(key)
    else:
        cache[key] = fetch()
        if len(cache) > 8:
            cache.popitem(last=False)
    return cache[key]


def _package(archive: Archive) -> Iterator[Outcome]:
    files = _Package(archive)
    contents = qti_manifest.read(archive)
    losses = () if contents.is_sound else (_NO_MANIFEST,)
    foreign = ""
    is_empty = True
    for resource in contents.resources:
        try:
            found = _resource(archive, files, resource)
        except UnreadableFile as error:
            if error.code == "wrong_format":
                foreign = foreign or error.why
                continue
            found = [Rejection(error.where or resource.name, error.code, error.why)]
        for outcome in found:
            is_empty = False
            yield _with_losses(_in_section(outcome, contents.sections.get(resource.name, ())), losses)
    inner = [known for known in archive.names() if known.lower().endswith((".zip", ".imscc"))]
    if is_empty and not foreign and inner:
        why = f"It holds another package, “{inner[0]}”. Unpack it, and upload the packages one by one."
        raise UnreadableFile("zip_in_zip", why)
    if is_empty and foreign:
        raise UnreadableFile("wrong_format", foreign)


def _resource(archive: Archive, files: _Package, resource: Resource) -> list[Outcome]:
    if resource.why_not:
        code = "items_elsewhere" if "://" in resource.name else "climbing_path"
        return [Rejection(resource.name, code, resource.why_not)]
    notes: list[Loss] = []
    data = archive.read(resource.name, limit=MAX_ITEM)
    try:
        root = xml_reading.document(data, where=resource.name, note=notes.append)
    except UnreadableFile:
        if resource.is_declared or b"ssessment" in data.replace(b"\0", b"") or b"<!DOCTYPE" in data[:1000]:
            raise
        return []
    if not qti_reading.is_item(root):
        _refuse_foreign(root, resource.name)
        nested = [one for one in root.iterdescendants() if qti_reading.is_item(one)]
        if nested:
            # Against the standard, but some write all items into the test.
            outcomes = (_read(one, resource.name, files, resource.name) for one in nested)
            return [_with_losses(outcome, tuple(notes)) for outcome in outcomes]
        if not resource.is_declared:
            return []
        why = (
            f"The manifest calls it an item, but it is “{xml_reading.local(root)}”. Export the package anew."
        )
        return [Rejection(resource.name, "not_an_item", why)]
    outcome = _with_losses(_read(root, resource.name, files, resource.name), tuple(notes))
    return [_with_keywords(outcome, resource.keywords)]


def _with_keywords(outcome: Outcome, keywords: tuple[str, ...]) -> Outcome:
    """Our own keywords say `topic:1.1.2`, `level:apply`, …; all others are tags."""
    if isinstance(outcome, Rejection):
        return outcome
    found: dict[str, list[str]] = {}
    tags: list[str] = []
    for keyword in keywords:
        prefixed = _PREFIXED.fullmatch(keyword)
        if prefixed is None or prefixed[1] == "tag":
            tags.append(keyword if prefixed is None else prefixed[2].strip())
        else:
            found.setdefault(prefixed[1], []).append(prefixed[2].strip())
    content = replace(outcome.content, references=tuple(found.get("reference", ())))
    return replace(
        outcome,
        content=content,
        tags=tuple(tags),
        topic=found.get("topic", [""])[0],
        level=_level(found.get("level", [""])[0]),
        difficulty=_difficulty(found.get("difficulty", [""])[0]),
        category=tuple(found.get("category", ())),
    )


def _in_section(outcome: Outcome, section: tuple[str, ...]) -> Outcome:
    if isinstance(outcome, ExchangeQuestion) and section and not outcome.category:
        return replace(outcome, category=section)
    return outcome


def _level(text: str) -> Level | None:
    return Level(text) if text in set(Level) else None


def _difficulty(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= 1 else None


def _with_losses(outcome: Outcome, losses: tuple[Loss, ...]) -> Outcome:
    if isinstance(outcome, ExchangeQuestion) and losses:
        return replace(outcome, losses=(*outcome.losses, *losses))
    return outcome
