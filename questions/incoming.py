"""A question of a file as it will come in: pictures encoded anew, tags and texts within our bounds, losses told."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, BinaryIO

from questions import authoring, images, wording
from questions.content import Level, QuestionContent, fingerprint
from questions.formats import archive, exchange, lined_yaml, registry
from questions.formats.exchange import (
    IMAGE_TARGET,
    ExchangeQuestion,
    ExchangeScenario,
    Loss,
    Outcome,
    Rejection,
    UnreadableFile,
)

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_WHY_NOT = {
    "empty": "it is empty",
    "svg": "it is an SVG, which can hold scripts; save it as PNG",
    "not_an_image": "it is no picture",
    "unsupported": "only PNG, JPEG and WebP can be kept; save it as PNG",
    "too_large": "it is larger than 5 MB; make it smaller",
    "too_many_pixels": "it has more than 20 million pixels; make it smaller",
    "broken": "it is damaged",
}


@dataclass(frozen=True)
class Kept:
    """A picture as `models.Image` will hold it."""

    name: str
    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True)
class Incoming:
    """`question` without its pictures: its texts show those of `pictures`, or some that are here already."""

    question: ExchangeQuestion
    pictures: tuple[Kept, ...] = ()

    @property
    def fingerprint(self) -> str:
        return print_of(self.question.content)


def format_of(file: BinaryIO, filename: str, *, format_name: str) -> str:
    """The name of the format, also where it isn't given."""
    if format_name != registry.AUTO:
        return registry.by_name(format_name).name
    if _bank_files(file):
        return "yaml"
    try:
        return registry.detect(file, filename).name
    except UnreadableFile:
        if _is_zip(file):
            # What is wrong with the package says more than that its contents are unknown.
            archive.Archive(file)
        raise


def outcomes(file: BinaryIO, filename: str, *, format_name: str) -> Iterator[Outcome]:
    """As `registry.read`, and also a zip of bank files, as a large export is one."""
    names = _bank_files(file) if format_name in (registry.AUTO, "yaml") else []
    if not names:
        known = format_of(file, filename, format_name=format_name)
        return registry.read(file, filename, format_name=known)
    return _unpacked(archive.Archive(file), names)


def incoming(question: ExchangeQuestion, *, known: Callable[[str], str] = lambda digest: "") -> Incoming:
    """`known` gives the name of the picture that is here already under the first 32 digits of its SHA-256."""
    found: dict[str, str] = {}
    pictures: dict[str, Kept] = {}
    losses: list[Loss] = []
    for picture in question.pictures:
        name = known(_digest(picture.data))
        if not name:
            try:
                kept = keep(picture.data)
            except images.ImageError as error:
                why = f"The picture “{picture.name}” stays behind: {_WHY_NOT[error.code]}."
                losses.append(Loss("image", why))
                continue
            name, pictures[kept.name] = kept.name, kept
        found[picture.name] = name
    told = {loss.code for loss in question.losses} | {loss.code for loss in losses}
    for name in exchange.image_names(question.content):
        if name not in found and re.match(r"[0-9a-f]{32}-", name) and known(name[:32]) == name:
            found[name] = name
        elif name not in found and "image" not in told:
            losses.append(Loss("image", f"The file doesn’t hold the picture “{name}”."))
    tags, of_tags = _tags(question.tags)
    difficulty, of_difficulty = _difficulty(question.difficulty)
    scenario = question.scenario
    if scenario is not None:
        scenario = ExchangeScenario(
            storable(scenario.code)[:64], storable(scenario.title)[:200], storable(scenario.text)
        )
    tidied = replace(
        question,
        content=_showing(question.content, found),
        where=storable(question.where),
        code=storable(question.code),
        title=storable(question.title),
        category=tuple(storable(part) for part in question.category),
        scenario=scenario,
        tags=tags,
        difficulty=difficulty,
        pictures=(),
        losses=tuple(dict.fromkeys((*question.losses, *losses, *of_tags, *of_difficulty))),
    )
    return Incoming(tidied, tuple(pictures.values()))


def keep(data: bytes) -> Kept:
    """The picture as it will be kept. Raises `images.ImageError`."""
    encoded, media_type, (width, height) = images.encode(data)
    suffix = "png" if media_type == "image/png" else "jpg"
    return Kept(f"{_digest(encoded)}-{width}x{height}.{suffix}", encoded, media_type, width, height)


def print_of(content: QuestionContent) -> str:
    """Equal for equal questions, whatever ids their options have."""
    return fingerprint(exchange.letter_ids(content).to_json())


def title_of(question: ExchangeQuestion) -> str:
    """The title that the file gives, else how the question begins."""
    text = " ".join((question.title or wording.plain(question.content.stem)).split())
    return text if len(text) <= 240 else f"{text[:239]}…"


def payload_of(question: ExchangeQuestion) -> dict[str, Any]:
    """The question as plain JSON; `question_of` gives it back, without pictures, place and losses."""
    return {
        "content": question.content.to_json(),
        "code": question.code,
        "title": question.title,
        "topic": question.topic,
        "level": str(question.level or ""),
        "difficulty": "" if question.difficulty is None else str(question.difficulty),
        "keep_order": question.keep_order,
        "tags": list(question.tags),
        "category": list(question.category),
        "scenario": vars(question.scenario) if question.scenario else None,
    }


def question_of(payload: dict[str, Any]) -> ExchangeQuestion:
    return ExchangeQuestion(
        content=QuestionContent.from_json(payload["content"]),
        code=payload["code"],
        title=payload["title"],
        topic=payload["topic"],
        level=Level(payload["level"]) if payload["level"] else None,
        difficulty=Decimal(payload["difficulty"]) if payload["difficulty"] else None,
        keep_order=payload["keep_order"],
        tags=tuple(payload["tags"]),
        category=tuple(payload["category"]),
        scenario=ExchangeScenario(**payload["scenario"]) if payload["scenario"] else None,
    )


def _bank_files(file: BinaryIO) -> list[str]:
    """The names of the bank files in a zip that holds nothing else; none, where it isn't one."""
    if not _is_zip(file):
        return []
    try:
        names = archive.Archive(file).names()
    except UnreadableFile:
        return []
    is_bank = bool(names) and all(name.lower().endswith((".yaml", ".yml")) for name in names)
    return sorted(names) if is_bank else []


def _is_zip(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def _unpacked(package: archive.Archive, names: list[str]) -> Iterator[Outcome]:
    count = 0
    for name in names:
        try:
            entry = io.BytesIO(package.read(name, limit=lined_yaml.MAX_BYTES))
            for outcome in registry.by_name("yaml").parse(entry, name):
                count += 1
                if count > exchange.MAX_QUESTIONS:
                    why = f"Only the first {exchange.MAX_QUESTIONS:,} questions of a file are read. Split it."
                    yield Rejection(name, "too_many", why)
                    return
                yield replace(outcome, where=f"{name}, {outcome.where}")
        except UnreadableFile as error:
            yield Rejection(f"{name}, {error.where}" if error.where else name, error.code, error.why)


def _showing(content: QuestionContent, found: dict[str, str]) -> QuestionContent:
    """The texts with the new names; a picture that stays behind leaves its description."""

    def shown(text: str) -> str:
        def target(match: re.Match[str]) -> str:
            name = found.get(match["name"])
            return f"![{match['alt']}](image:{name})" if name else match["alt"]

        return storable(IMAGE_TARGET.sub(target, text))

    return replace(
        content,
        stem=shown(content.stem),
        options=tuple(replace(o, text=shown(o.text), rationale=shown(o.rationale)) for o in content.options),
        prompts=tuple(replace(p, text=shown(p.text), rationale=shown(p.rationale)) for p in content.prompts),
        references=tuple(storable(text) for text in content.references),
    )


def _tags(names: tuple[str, ...]) -> tuple[tuple[str, ...], list[Loss]]:
    cleaned = authoring.clean_tags(storable(name) for name in names)
    losses = []
    if cut := [name for name in names if len(" ".join(name.split())) > 60]:
        losses.append(Loss("tag", f"A tag has at most 60 letters: {', '.join(cut)[:200]}."))
    # One is left free for the tag that the whole file is filed under.
    most = authoring.MAX_TAGS - 1
    if len(cleaned) > most:
        losses.append(Loss("tag", f"Only the first {most} tags are kept of {len(cleaned)}."))
    return tuple(cleaned[:most]), losses


def _difficulty(value: Decimal | None) -> tuple[Decimal | None, list[Loss]]:
    if value is None:
        return None, []
    if not value.is_finite() or not 0 <= value <= 1:
        return None, [Loss("difficulty", f"The difficulty {value} is no share between 0 and 1.")]
    rounded = round(value, 2)
    if rounded != value:
        return rounded, [Loss("difficulty", f"The difficulty {value} is kept with two digits.")]
    return rounded, []


def storable(text: str) -> str:
    # A database that holds text can't hold these.
    return _UNSTORABLE.sub("�", text)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
