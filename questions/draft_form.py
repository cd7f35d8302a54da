"""The editor's form: what was posted ↔ `authoring.DraftFields`.

A form holds everything as it was typed, so that nothing of it is lost when a part can't be stored: such a part
keeps its stored value, and its problem is told at its field. Rows are named by a number that stays with them
while they move; their order is the order in which they were posted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from string import ascii_lowercase, ascii_uppercase

from django.http import QueryDict
from django.utils.translation import gettext as _

from questions import authoring
from questions.authoring import DraftFields
from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.models import Blueprint, Scenario, Topic
from questions.shape import MAX_STEM, MAX_TEXT

LETTERS = ascii_uppercase
MAX_ENTRIES = len(LETTERS)
MAX_REFERENCES = 50
MAX_REFERENCE = 500
MAX_TAG = 60
CHOICES = (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)

_ROW = re.compile(r"(option|prompt)-([0-9]{1,5})-(?:id|text|rationale|position|match)")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHARE = re.compile(r"([0-9]{0,3})(?:[.,]([0-9]{0,6}))?\s*(%?)")
_ID = re.compile(r"[^\s,][^\n,]{0,99}")

Problems = dict[str, str]


@dataclass(frozen=True)
class OptionRow:
    number: int
    id: str = ""
    text: str = ""
    rationale: str = ""
    is_key: bool = False
    position: str = ""


@dataclass(frozen=True)
class PromptRow:
    """`match` is the number of an option's row, or empty."""

    number: int
    id: str = ""
    text: str = ""
    rationale: str = ""
    match: str = ""


@dataclass(frozen=True)
class DraftForm:
    item_type: ItemType
    stem: str = ""
    topic: str = ""
    scenario: str = ""
    level: str = ""
    difficulty: str = ""
    keeps_order: bool = False
    tags: str = ""
    references: str = ""
    options: tuple[OptionRow, ...] = ()
    prompts: tuple[PromptRow, ...] = ()


# In and out


def of_fields(fields: DraftFields) -> DraftForm:
    """The form as it shows what is stored."""
    content = fields.content
    numbers = {option.id: number for number, option in enumerate(content.options, 1)}
    return DraftForm(
        item_type=content.item_type,
        stem=content.stem,
        topic=str(fields.topic.pk) if fields.topic else "",
        scenario=fields.scenario.code if fields.scenario else "",
        level=fields.level,
        difficulty=f"{fields.difficulty:.2f}" if fields.difficulty is not None else "",
        keeps_order=fields.keeps_order,
        tags=", ".join(fields.tags),
        references="\n".join(content.references),
        options=tuple(
            OptionRow(
                number=number,
                id=option.id,
                text=option.text,
                rationale=option.rationale,
                is_key=option.is_correct,
                position="" if option.position is None else str(option.position),
            )
            for number, option in enumerate(content.options, 1)
        ),
        prompts=tuple(
            PromptRow(number, p.id, p.text, p.rationale, str(numbers.get(p.match, "")))
            for number, p in enumerate(content.prompts, 1)
        ),
    )


def read(data: QueryDict) -> DraftForm:
    """What was posted, as it was typed. `rendered_type` is the type that the rows were made for."""

    def value(name: str) -> str:
        return cleaned(data.get(name, ""))

    keys = set(data.getlist("key"))
    rows = dict.fromkeys(match.group(1, 2) for name in data if (match := _ROW.fullmatch(name)))
    options, prompts = [], []
    for kind, digits in rows:
        name = f"{kind}-{digits}"
        number, part_id, text = int(digits), value(f"{name}-id"), value(f"{name}-text")
        rationale = value(f"{name}-rationale")
        if kind == "option":
            position = value(f"{name}-position").strip()
            options.append(OptionRow(number, part_id, text, rationale, digits in keys, position))
        else:
            prompts.append(PromptRow(number, part_id, text, rationale, value(f"{name}-match")))
    return DraftForm(
        item_type=item_type(value("rendered_type")) or ItemType.MULTIPLE_CHOICE,
        stem=value("stem"),
        topic=value("topic").strip(),
        scenario=value("scenario").strip(),
        level=value("level").strip(),
        difficulty=value("difficulty").strip(),
        keeps_order=bool(data.get("keeps_order")),
        tags=value("tags"),
        references=value("references"),
        options=tuple(options),
        prompts=tuple(prompts),
    )


def pairs(form: DraftForm) -> list[tuple[str, str]]:
    """The form as a browser would post it: `read` of it gives the form again."""
    found = [
        ("rendered_type", str(form.item_type)),
        ("stem", form.stem),
        ("topic", form.topic),
        ("scenario", form.scenario),
        ("level", form.level),
        ("difficulty", form.difficulty),
        ("tags", form.tags),
        ("references", form.references),
    ]
    if form.keeps_order:
        found.append(("keeps_order", "on"))
    for option in form.options:
        name = f"option-{option.number}"
        found += [(f"{name}-id", option.id), (f"{name}-text", option.text)]
        found += [(f"{name}-rationale", option.rationale), (f"{name}-position", option.position)]
        if option.is_key:
            found.append(("key", str(option.number)))
    for prompt in form.prompts:
        name = f"prompt-{prompt.number}"
        found += [(f"{name}-id", prompt.id), (f"{name}-text", prompt.text)]
        found += [(f"{name}-rationale", prompt.rationale), (f"{name}-match", prompt.match)]
    return found


def to_fields(form: DraftForm, *, blueprint: Blueprint, stored: DraftFields) -> tuple[DraftFields, Problems]:
    """What of it can be stored, and why the rest can't: that keeps its stored value."""
    problems: Problems = {}
    topic, scenario = _topic(form, blueprint, problems), _scenario(form, blueprint, problems)
    level, difficulty = _level(form, problems), _difficulty(form, problems)
    tags = _tags(form, problems)
    fields = DraftFields(
        content=_content(form, stored.content, problems),
        topic=stored.topic if "topic" in problems else topic,
        scenario=stored.scenario if "scenario" in problems else scenario,
        level=stored.level if "level" in problems else level,
        difficulty=stored.difficulty if "difficulty" in problems else difficulty,
        keeps_order=form.keeps_order,
        tags=stored.tags if "tags" in problems else tags,
    )
    return fields, problems


def item_type(name: str) -> ItemType | None:
    return ItemType(name) if name in list(ItemType) else None


def letter_of(place: int) -> str:
    return LETTERS[place] if place < MAX_ENTRIES else str(place + 1)


def cleaned(text: str) -> str:
    """With line ends of one character, and without the control characters that no database takes."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# Each field


def _topic(form: DraftForm, blueprint: Blueprint, problems: Problems) -> Topic | None:
    if not form.topic:
        return None
    found = None
    if form.topic.isascii() and form.topic.isdecimal() and len(form.topic) < 19:
        own = Topic.objects.filter(task__domain__blueprint=blueprint).select_related("task__domain")
        found = own.filter(pk=form.topic).first()
    if found is None:
        problems["topic"] = _("This exam has no such topic. Choose one of the list.")
    return found


def _scenario(form: DraftForm, blueprint: Blueprint, problems: Problems) -> Scenario | None:
    if not form.scenario:
        return None
    found = Scenario.objects.filter(blueprint=blueprint, code=form.scenario).first()
    if found is None:
        problems["scenario"] = _("This exam has no such case study. Choose one of the list.")
    return found


def _level(form: DraftForm, problems: Problems) -> str:
    if form.level and form.level not in list(Level):
        problems["level"] = _("Choose recall, apply or analyse.")
    return form.level


def _difficulty(form: DraftForm, problems: Problems) -> Decimal | None:
    if not form.difficulty:
        return None
    parsed = _SHARE.fullmatch(form.difficulty)
    value = None
    if parsed and (parsed[1] or parsed[2]):
        value = Decimal(f"{parsed[1] or '0'}.{parsed[2] or '0'}")
        value = value / 100 if parsed[3] else value
    if value is None or value > 1:
        problems["difficulty"] = _("Give a share between 0 and 1, such as 0.62.")
        return None
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _tags(form: DraftForm, problems: Problems) -> tuple[str, ...]:
    names = [" ".join(name.split()) for name in re.split(r"[,\n]", form.tags)]
    tags = tuple(authoring.clean_tags(names))
    if any(len(name) > MAX_TAG for name in names):
        problems["tags"] = _("A tag has at most %(n)d characters.") % {"n": MAX_TAG}
    elif len(tags) > authoring.MAX_TAGS:
        given = {"n": authoring.MAX_TAGS, "count": len(tags)}
        problems["tags"] = _("A question has at most %(n)d tags; these are %(count)d.") % given
    return tags


def _content(form: DraftForm, stored: QuestionContent, problems: Problems) -> QuestionContent:
    stem = _text("stem", form.stem, stored.stem, problems, limit=MAX_STEM)
    references = tuple(line.strip() for line in form.references.splitlines() if line.strip())
    if len(references) > MAX_REFERENCES or any(len(line) > MAX_REFERENCE for line in references):
        given = {"n": MAX_REFERENCES, "length": MAX_REFERENCE}
        said = _("At most %(n)d references, one a line, each of at most %(length)d characters.")
        problems["references"] = said % given
        references = stored.references
    for name, rows in (("options", form.options), ("prompts", form.prompts)):
        if len(rows) > MAX_ENTRIES:
            said = _("At most %(n)d can be stored; these are %(count)d. Remove some.")
            problems[name] = said % {"n": MAX_ENTRIES, "count": len(rows)}
    if "options" in problems or "prompts" in problems:
        return replace(stored, stem=stem, references=references)
    options = _options(form, stored, problems)
    prompts = _prompts(form, stored, options, problems) if form.item_type is ItemType.MATCHING else ()
    return QuestionContent(form.item_type, stem, options, prompts, references)


def _options(form: DraftForm, stored: QuestionContent, problems: Problems) -> tuple[Option, ...]:
    had = {option.id: option for option in stored.options}
    made = []
    for row, option_id in zip(form.options, _ids(form.options, list(ascii_lowercase)), strict=True):
        old, name = had.get(option_id), f"option-{row.number}"
        position = None
        if form.item_type is ItemType.ORDERING and row.position:
            position = int(row.position) if re.fullmatch("[0-9]{1,2}", row.position) else 0
            if not 1 <= position <= MAX_ENTRIES:
                problems[f"{name}-position"] = _("Give the step's place as a whole number, or none.")
                position = old.position if old else None
        made.append(
            Option(
                id=option_id,
                text=_text(f"{name}-text", row.text, old.text if old else "", problems),
                rationale=_text(f"{name}-rationale", row.rationale, old.rationale if old else "", problems),
                is_correct=row.is_key and form.item_type in CHOICES,
                position=position,
            )
        )
    return tuple(made)


def _prompts(
    form: DraftForm, stored: QuestionContent, options: Sequence[Option], problems: Problems
) -> tuple[Prompt, ...]:
    had = {prompt.id: prompt for prompt in stored.prompts}
    by_number = {str(row.number): option.id for row, option in zip(form.options, options, strict=True)}
    free = [f"p{number}" for number in range(1, MAX_ENTRIES + 1)]
    made = []
    for row, prompt_id in zip(form.prompts, _ids(form.prompts, free), strict=True):
        old, name = had.get(prompt_id), f"prompt-{row.number}"
        made.append(
            Prompt(
                id=prompt_id,
                text=_text(f"{name}-text", row.text, old.text if old else "", problems),
                match=by_number.get(row.match, ""),
                rationale=_text(f"{name}-rationale", row.rationale, old.rationale if old else "", problems),
            )
        )
    return tuple(made)


def _ids(rows: Sequence[OptionRow] | Sequence[PromptRow], free: list[str]) -> list[str]:
    """Rows keep their ids; new ones, and second ones of an id, get the next that is free."""
    kept: dict[str, int] = {}
    for row in rows:
        if _ID.fullmatch(row.id):
            kept.setdefault(row.id, row.number)
    unused = iter([name for name in free if name not in kept])
    return [row.id if kept.get(row.id) == row.number else next(unused) for row in rows]


def _text(name: str, text: str, stored: str, problems: Problems, *, limit: int = MAX_TEXT) -> str:
    if len(text) <= limit:
        return text
    said = _("The text has %(length)s characters; at most %(limit)s are stored. Shorten it.")
    problems[name] = said % {"length": f"{len(text):,}", "limit": f"{limit:,}"}
    return stored
