"""Questions → an IMS content package of QTI items, one at a time.  Pure."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

from questions.formats import qti_writing
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario
from questions.formats.qti_manifest import MANIFEST
from questions.formats.qti_writing import Dialect, element, identifier, writable

_LOM = "http://ltsc.ieee.org/xsd/LOM"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_UNCHANGING = (1980, 1, 1, 0, 0, 0)
"""The same questions give the same bytes."""
_PACKED = {".png", ".jpg", ".jpeg", ".webp", ".gif"}
_SPOOLED = 4 * 1024 * 1024


def render(questions: Iterable[ExchangeQuestion], out: BinaryIO, *, dialect: Dialect) -> None:
    """Leaves out what `losses` says is left out. Holds one question, and a few bytes of each before it."""
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package,
        SpooledTemporaryFile(_SPOOLED, "w+b") as resources,
    ):
        packing = _Packing(package, resources, dialect)  # type: ignore[arg-type]
        for question in questions:
            if not any(loss.leaves_out for loss in qti_writing.unfit(question.content)):
                packing.add(question)
        resources.seek(0)
        with package.open(_entry(MANIFEST), "w") as manifest:
            manifest.write(_head(dialect).encode())
            while part := resources.read(64 * 1024):
                manifest.write(part)
            manifest.write(b"</resources></manifest>\n")


@dataclass
class _Packing:
    package: zipfile.ZipFile
    resources: BinaryIO
    dialect: Dialect
    names: set[str] = field(default_factory=set)
    pictures: set[str] = field(default_factory=set)
    stimuli: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    count: int = 0

    def add(self, question: ExchangeQuestion) -> None:
        self.count += 1
        name = self._unused(identifier(question.code) or f"q-{self.count}")
        images = self._images(question)
        stimulus = None
        if question.scenario is not None and self.dialect.is_kebab:
            stimulus = self._stimulus(question.scenario, images)
        href = f"items/{name}.xml"
        text = qti_writing.item(
            question,
            self.dialect,
            name=name,
            images={picture: f"../{where}" for picture, where in images.items()},
            stimulus=None if stimulus is None else (stimulus[0], f"../{stimulus[1]}"),
        )
        self._write(href, text)
        files = [href, *(images[one] for one in qti_writing.images(question.content) if one in images)]
        if question.scenario is not None and stimulus is None:
            files += [images[one] for one in qti_writing.images(question.scenario) if one in images]
        inner = _metadata(question) + "".join(element("file", {"href": one}) for one in dict.fromkeys(files))
        if stimulus is not None:
            inner += element("dependency", {"identifierref": stimulus[0]})
        self._resource(f"item-{name}", "item", href, inner)

    def _unused(self, wanted: str) -> str:
        """Names differ in more than case, as some file systems don't tell case apart."""
        name, number = wanted, 1
        while name.casefold() in self.names:
            number += 1
            name = f"{wanted}-{number}"
        self.names.add(name.casefold())
        return name

    def _images(self, question: ExchangeQuestion) -> dict[str, str]:
        """The address of each picture that a text shows; equal pictures are written once."""
        shown = {*qti_writing.images(question.content)}
        if question.scenario is not None:
            shown |= {*qti_writing.images(question.scenario)}
        found: dict[str, str] = {}
        for picture in question.pictures:
            if picture.name not in shown:
                continue
            digest = hashlib.sha256(picture.data).hexdigest()[:16]
            found[picture.name] = href = f"images/{digest}/{picture.name}"
            if href not in self.pictures:
                self.pictures.add(href)
                self._write(href, picture.data)
        return found

    def _stimulus(self, scenario: ExchangeScenario, images: dict[str, str]) -> tuple[str, str]:
        shown = [images[one] for one in qti_writing.images(scenario) if one in images]
        parts = "\0".join((scenario.code, scenario.title, scenario.text, *shown))
        key = hashlib.sha256(parts.encode(errors="replace")).digest()
        if key not in self.stimuli:
            name = self._unused(f"stimulus-{identifier(scenario.code) or len(self.stimuli) + 1}")
            href = f"stimuli/{name}.xml"
            text = qti_writing.stimulus(
                scenario,
                self.dialect,
                name=name,
                images={picture: f"../{where}" for picture, where in images.items()},
            )
            self._write(href, text)
            inner = "".join(element("file", {"href": one}) for one in dict.fromkeys((href, *shown)))
            self._resource(name, "stimulus", href, inner)
            self.stimuli[key] = (name, href)
        return self.stimuli[key]

    def _resource(self, name: str, kind: str, href: str, inner: str) -> None:
        attributes = {
            "identifier": name,
            "type": f"imsqti_{kind}_{self.dialect.resource_suffix}",
            "href": href,
        }
        self.resources.write(element("resource", attributes, inner).encode() + b"\n")

    def _write(self, name: str, data: str | bytes) -> None:
        self.package.writestr(_entry(name), data)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _UNCHANGING)
    is_packed = name[name.rfind(".") :].lower() in _PACKED
    entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _head(dialect: Dialect) -> str:
    schema = f"<schema>{dialect.package_schema}</schema>"
    version = f"<schemaversion>{dialect.package_version}</schemaversion>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest xmlns="{dialect.package_namespace}" xmlns:imsmd="{_LOM}" xmlns:xsi="{_XSI}" '
        f'xsi:schemaLocation="{dialect.package_locations}" identifier="cutscore-questions">\n'
        f"<metadata>{schema}{version}</metadata>\n<organizations/>\n<resources>\n"
    )


def _metadata(question: ExchangeQuestion) -> str:
    words = [f"reference:{one}" for one in question.content.references]
    words += [f"topic:{question.topic}"] if question.topic else []
    words += [f"level:{question.level}"] if question.level is not None else []
    words += [f"difficulty:{question.difficulty}"] if question.difficulty is not None else []
    words += [f"category:{part}" for part in question.category]
    words += [f"tag:{tag}" if ":" in tag else tag for tag in question.tags]
    if not words:
        return ""
    strings = (element("imsmd:string", None, escape(writable(word))) for word in words)
    keywords = "".join(element("imsmd:keyword", None, one) for one in strings)
    return f"<metadata><imsmd:lom><imsmd:general>{keywords}</imsmd:general></imsmd:lom></metadata>"
