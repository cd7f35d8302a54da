"""What the editor says of a text: the linter's findings, near-duplicates in the bank, what the topic has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from questions import differences, likeness, listing, wording
from questions.authoring import DraftFields
from questions.content import Level, QuestionContent
from questions.draft_form import DraftForm, letter_of
from questions.linting import Severity
from questions.models import Blueprint, Listing, Question, StemBand, Topic

MOST_CANDIDATES = 50
MOST_ALIKE = 8
_WORDS_SHOWN = 60


@dataclass(frozen=True)
class Found:
    """A finding with the field to go to."""

    severity: str
    label: str
    message: str
    how_to_mend: str
    anchor: str


@dataclass(frozen=True)
class Alike:
    code: str
    percent: int
    is_duplicate: bool
    words: tuple[tuple[bool, str], ...]
    """(whether this question has it too, text) of the other's stem."""


@dataclass(frozen=True)
class Reach:
    """How many other questions the topic has at this level, and the topic of its task that has fewest."""

    topic: str
    level: str
    count: int
    fewest_topic: str
    fewest: int


@dataclass(frozen=True)
class Advice:
    """What stands beside the form and changes with every save."""

    findings: tuple[Found, ...]
    blocks: int
    warns: int
    hints: int
    alike: tuple[Alike, ...]
    reach: Reach | None
    words: int


def advice(question: Question, fields: DraftFields, form: DraftForm) -> Advice:
    found = findings(fields, form, blueprint=question.blueprint)
    return Advice(
        findings=found,
        blocks=sum(each.severity == Severity.BLOCK for each in found),
        warns=sum(each.severity == Severity.WARN for each in found),
        hints=sum(each.severity == Severity.HINT for each in found),
        alike=alike(question, fields.content.stem),
        reach=reach(question, fields),
        words=len(wording.words(fields.content.stem)),
    )


def findings(fields: DraftFields, form: DraftForm, *, blueprint: Blueprint) -> tuple[Found, ...]:
    """What the linter says of the text, in the letters that the form shows."""
    found = listing.findings_of(
        lettered(fields.content),
        forbidden=listing.forbidden_of(blueprint),
        topic=fields.topic,
        level=fields.level,
        difficulty=fields.difficulty,
    )
    return tuple(
        Found(
            severity=str(each.severity),
            label=label_of(each.where),
            message=_("Nothing belongs to it yet.") if each.code == "unknown_match" else each.message,
            how_to_mend=_MEND[each.code]() if each.code in _MEND else each.how_to_mend,
            anchor=anchor_of(each.where, form),
        )
        for each in found
    )


def lettered(content: QuestionContent) -> QuestionContent:
    """The content with ids as the form shows them: A, B, C …, 1, 2, 3 …

    Prompts without a response get one of their own each, so that they don't seem to share it.
    """
    letters = {option.id: letter_of(place) for place, option in enumerate(content.options)}
    return replace(
        content,
        options=tuple(replace(o, id=letter_of(place)) for place, o in enumerate(content.options)),
        prompts=tuple(
            replace(p, id=str(place), match=letters.get(p.match, f"?{place}"))
            for place, p in enumerate(content.prompts, 1)
        ),
    )


def label_of(where: str) -> str:
    """`options.2.rationale` in words."""
    part, place, name = _parted(where)
    if part == "options" and place:
        label = _("Option %(letter)s") % {"letter": letter_of(place - 1)}
    elif part == "prompts" and place:
        label = _("Prompt %(n)s") % {"n": place}
    else:
        return _WHERE[part]() if part in _WHERE else part
    return f"{label}, {_PARTS[name]()}" if name in _PARTS else label


def anchor_of(where: str, form: DraftForm) -> str:
    """The id of the field that a finding is about."""
    part, place, name = _parted(where)
    rows: Sequence[Any] = {"options": form.options, "prompts": form.prompts}.get(part, ())
    if place and place <= len(rows):
        name = name if name in ("rationale", "position", "match") else "text"
        return f"{part[:-1]}-{rows[place - 1].number}-{name}"
    return part if part in _WHERE else "editor"


def alike(question: Question, stem: str) -> tuple[Alike, ...]:
    """The questions of the bank whose stems are much like this one, in two queries whatever its size."""
    bands = likeness.bands(stem)
    if not bands:
        return ()
    others = Question.objects.filter(blueprint=question.blueprint_id).exclude(pk=question.pk)
    shared = (
        StemBand.objects.filter(band__in=bands, question__in=others.exclude(state=Question.State.RETIRED))
        .values("question")
        .annotate(count=Count("id"))
        .order_by("-count", "question")
    )
    ids = [row["question"] for row in shared[:MOST_CANDIDATES]]
    rows = Question.objects.filter(pk__in=ids).values_list(
        "code", "draft__content__stem", "current__content__stem"
    )
    found = []
    for code, drafted, published in rows:
        other = drafted if drafted is not None else published or ""
        share = wording.similarity(stem, other)
        if share >= likeness.NOTABLE:
            found.append((share, code, other))
    found.sort(key=lambda each: (-each[0], each[1]))
    return tuple(
        Alike(code, round(share * 100), share >= likeness.ALIKE, _common(stem, other))
        for share, code, other in found[:MOST_ALIKE]
    )


def reach(question: Question, fields: DraftFields) -> Reach | None:
    """What the bank has of this topic already; None without a topic."""
    topic = fields.topic
    if topic is None:
        return None
    held = Q(state=Question.State.PUBLISHED) | ~Q(draft_state="") & ~Q(state=Question.State.RETIRED)
    rows = Listing.objects.filter(held, task=topic.task_id).exclude(question=question)
    if fields.level in list(Level):
        rows = rows.filter(level=fields.level)
    counted = dict(rows.order_by().values_list("topic__code").annotate(count=Count("pk")))
    codes = Topic.objects.filter(task=topic.task_id).values_list("code", flat=True)
    counts = {code: counted.get(code, 0) for code in codes}
    fewest = min(counts, key=lambda code: (counts[code], code))
    return Reach(topic.code, fields.level, counts.get(topic.code, 0), fewest, counts[fewest])


def _common(stem: str, other: str) -> tuple[tuple[bool, str], ...]:
    words = wording.plain(other).split()
    shown = " ".join(words[:_WORDS_SHOWN]) + (" …" if len(words) > _WORDS_SHOWN else "")
    parts = differences.word_diff(wording.plain(stem), shown)
    # A single word that both have says nothing.
    return tuple(
        (kind == "equal" and len(text.split()) > 1, text) for kind, text in parts if kind != "delete"
    )


def _parted(where: str) -> tuple[str, int, str]:
    parsed = re.fullmatch(r"([a-z_]+)(?:\.([0-9]+))?(?:\.([a-z_]+))?", where)
    return (parsed[1], int(parsed[2] or 0), parsed[3] or "") if parsed else (where, 0, "")


_PARTS = {"rationale": lambda: _("rationale"), "position": lambda: _("position"), "match": lambda: _("match")}
_WHERE = {
    "stem": lambda: _("Stem"),
    "options": lambda: _("Options"),
    "prompts": lambda: _("Prompts"),
    "topic": lambda: _("Topic"),
    "level": lambda: _("Level"),
    "difficulty": lambda: _("Difficulty"),
    "references": lambda: _("References"),
}
# The linter speaks to who writes bank files; here the same is said of the form.
_MEND = {
    "no_key": lambda: _("Mark what is right with “key”."),
    "two_keys": lambda: _("Leave one mark, or change the type to multiple response."),
    "steps_count": lambda: _("Give the right steps their positions: 1, 2, 3 …"),
    "positions": lambda: _("Number the steps anew; a surplus step has none."),
    "unknown_match": lambda: _("Choose the response that belongs to it."),
}
