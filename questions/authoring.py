"""From an empty page to a published version: drafts, and who may move them where.

Every function locks the question, looks again, changes, and writes the audit trail. `AuthoringError` carries
the reason; views choose the words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from questions import listing, versions
from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.models import (
    Blueprint,
    Draft,
    Question,
    QuestionEvent,
    QuestionTag,
    QuestionVersion,
    Scenario,
    Topic,
)

Kind = QuestionEvent.Kind
BURST = timedelta(minutes=10)
"""Saves of one person within this time are one line of the audit trail: the editor saves as one types."""
MAX_TAGS = 20
_NO_TAG = re.compile(r"[,\x00-\x1f\x7f]")
_EDITABLE = (Draft.State.DRAFT, Draft.State.CHANGES_REQUESTED)


class AuthoringError(Exception):
    """`code` is one of: conflict, in_review, not_in_review, blocked, own_draft, has_draft, no_draft,
    no_version, unchanged, already_retired, not_retired, retired, no_reason, too_many_tags, code_taken,
    foreign_topic, not_answered, already_decided."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class DraftFields:
    """Everything that an editor can change in a draft."""

    content: QuestionContent
    topic: Topic | None = None
    scenario: Scenario | None = None
    level: str = ""
    difficulty: Decimal | None = None
    keeps_order: bool = False
    tags: tuple[str, ...] = ()


def empty_content(item_type: ItemType) -> QuestionContent:
    """As many empty options as a question of the type has at least."""
    count = {ItemType.MULTIPLE_RESPONSE: 5}.get(item_type, 4)
    options = tuple(
        Option(id="abcdefghij"[n], text="", position=n + 1 if item_type is ItemType.ORDERING else None)
        for n in range(count)
    )
    prompts = tuple(Prompt(id=f"p{n}", text="", match="") for n in (1, 2, 3))
    return QuestionContent(item_type, "", options, prompts if item_type is ItemType.MATCHING else ())


# Drafts


@transaction.atomic
def create_draft(
    blueprint: Blueprint,
    *,
    fields: DraftFields,
    by: User | None,
    now: datetime,
    code: str = "",
    origin: str = "",
    kind: str = Kind.CREATED,
    refresh: bool = True,
) -> Draft:
    """A new question that is nothing but a draft. Without `code` it gets the next one of its task."""
    # Two at once would get the same code; they queue here.
    Blueprint.objects.select_for_update().get(pk=blueprint.pk)
    _check_topic(blueprint, fields)
    if code and Question.objects.filter(code=code).exists():
        raise AuthoringError("code_taken", code)
    try:
        # Another exam's author can take the same code at the same moment; the savepoint keeps the rest usable.
        with transaction.atomic():
            question = Question.objects.create(
                blueprint=blueprint, code=code or next_code(blueprint, fields.topic), origin=origin
            )
    except IntegrityError:
        raise AuthoringError("code_taken", code) from None
    draft = _new_draft(question, fields, by=by, now=now)
    _set_tags(question, fields.tags)
    record(question, kind, by=by, now=now, number=1)
    if refresh:
        listing.refresh([question.pk])
    return draft


@transaction.atomic
def open_draft(question: Question, *, by: User, now: datetime, number: int | None = None) -> Draft:
    """The next version of a question, begun from its current version or from an older one (`number`)."""
    question = locked(question)
    if question.state == Question.State.RETIRED:
        raise AuthoringError("retired")
    if Draft.objects.filter(question=question).exists():
        raise AuthoringError("has_draft")
    version = question.current if number is None else question.versions.filter(number=number).first()
    if version is None:
        raise AuthoringError("no_version")
    fields = DraftFields(
        content=version.parsed,
        topic=version.topic,
        scenario=version.scenario_version.scenario if version.scenario_version else None,
        level=version.level,
        difficulty=version.difficulty,
        keeps_order=version.keeps_order,
    )
    draft = _new_draft(question, fields, by=by, now=now, based_on=version)
    record(question, Kind.OPENED, by=by, now=now, number=versions.next_number(question), base=version.number)
    listing.refresh([question.pk])
    return draft


def copy_question(question: Question, *, by: User, now: datetime) -> Draft:
    """A new question that begins with what this one says."""
    return create_draft(question.blueprint, fields=fields_of(question), by=by, now=now, kind=Kind.CREATED)


@transaction.atomic
def save_draft(draft: Draft, *, fields: DraftFields, revision: int, by: User, now: datetime) -> Draft:
    """Store what an editor has typed. Raises `conflict` if somebody else has saved since `revision`."""
    question = locked(draft.question)
    draft = locked_draft(question)
    if draft.state not in _EDITABLE:
        raise AuthoringError("in_review")
    if draft.revision != revision:
        raise AuthoringError("conflict")
    _check_topic(question.blueprint, fields)
    before = snapshot(draft)
    _fill(draft, fields)
    had = _tags(question)
    if snapshot(draft) == before and had == sorted(set(fields.tags)):
        return draft
    draft.revision += 1
    draft.saved_at, draft.saved_by = now, by
    draft.save()
    draft.authors.add(by)
    _set_tags(question, fields.tags)
    if not _is_same_burst(question, by=by, now=now):
        number = versions.next_number(question)
        record(question, Kind.EDITED, by=by, now=now, number=number, before={**before, "tags": had})
    listing.refresh([question.pk])
    return draft


@transaction.atomic
def discard_draft(draft: Draft, *, by: User, now: datetime) -> None:
    """Give a draft up; the trail keeps what it said. A question without any version is retired with it."""
    question = locked(draft.question)
    draft = locked_draft(question)
    number = versions.next_number(question)
    record(question, Kind.DISCARDED, by=by, now=now, number=number, before=snapshot(draft))
    if question.current is None:
        # The list still shows what it said; only its state tells that it is gone.
        draft.state = Draft.State.DRAFT
        draft.save(update_fields=["state"])
        _retire(question, reason="", by=by, now=now)
    else:
        draft.delete()
    listing.refresh([question.pk])


# Out of use, and back


@transaction.atomic
def retire(question: Question, *, reason: str, by: User, now: datetime) -> None:
    """Take it out of every later paper. Attempts that hold it keep it."""
    question = locked(question)
    if question.state == Question.State.RETIRED:
        raise AuthoringError("already_retired")
    if not reason.strip():
        raise AuthoringError("no_reason")
    _retire(question, reason=reason.strip(), by=by, now=now)
    listing.refresh([question.pk])


@transaction.atomic
def restore(question: Question, *, by: User, now: datetime) -> None:
    """Offer a retired question again: published if it has a version, else a draft."""
    question = locked(question)
    if question.state != Question.State.RETIRED:
        raise AuthoringError("not_retired")
    question.state = Question.State.PUBLISHED if question.current else Question.State.DRAFT
    question.retired_at, question.retired_because = None, ""
    question.save(update_fields=["state", "retired_at", "retired_because"])
    record(question, Kind.RESTORED, by=by, now=now)
    listing.refresh([question.pk])


@transaction.atomic
def retag(
    question: Question, *, add: Iterable[str] = (), remove: Iterable[str] = (), by: User, now: datetime
) -> bool:
    """Change the tags; True if that changed anything. They are no part of a version."""
    question = locked(question)
    had = _tags(question)
    tags = sorted((set(had) | set(clean_tags(add))) - set(clean_tags(remove)))
    if tags == had:
        return False
    _set_tags(question, tags)
    record(question, Kind.TAGGED, by=by, now=now, before={"tags": had}, tags=tags)
    listing.refresh([question.pk])
    return True


# Reading


def fields_of(question: Question) -> DraftFields:
    """What the question says now: its draft, else its current version."""
    draft: Draft | None = getattr(question, "draft", None)
    tags = tuple(_tags(question))
    if draft is not None:
        return DraftFields(
            content=draft.parsed,
            topic=draft.topic,
            scenario=draft.scenario,
            level=draft.level,
            difficulty=draft.difficulty,
            keeps_order=draft.keeps_order,
            tags=tags,
        )
    version = question.current
    if version is None:
        raise AuthoringError("no_version")
    return fields_of_version(version, tags)


def fields_of_version(version: QuestionVersion, tags: tuple[str, ...]) -> DraftFields:
    return DraftFields(
        content=version.parsed,
        topic=version.topic,
        scenario=version.scenario_version.scenario if version.scenario_version else None,
        level=version.level,
        difficulty=version.difficulty,
        keeps_order=version.keeps_order,
        tags=tags,
    )


def snapshot(draft: Draft) -> dict[str, Any]:
    """A draft as the audit trail keeps it."""
    return {
        "content": draft.content,
        "topic": draft.topic.code if draft.topic else "",
        "scenario": draft.scenario.code if draft.scenario else "",
        "level": draft.level,
        "difficulty": str(draft.difficulty) if draft.difficulty is not None else "",
        "keeps_order": draft.keeps_order,
    }


def clean_tags(names: Iterable[str]) -> list[str]:
    """Lower case, single spaces, no commas or control characters, each once."""
    tidied = (" ".join(_NO_TAG.sub(" ", name).split()).lower()[:60].rstrip() for name in names)
    return sorted({name for name in tidied if name})


def next_code(blueprint: Blueprint, topic: Topic | None) -> str:
    """`mla-1.1-027`: the exam's short name, the task, and the next number that is free."""
    prefix = re.split(r"[^a-z0-9]", blueprint.code.lower())[0] or "q"
    stem = f"{prefix}-{topic.task.code if topic else 'new'}-"
    codes = Question.objects.filter(code__startswith=stem).values_list("code", flat=True)
    numbers = [int(tail) for code in codes if (tail := code[len(stem) :]).isdecimal() and len(tail) < 9]
    return f"{stem}{max(numbers, default=0) + 1:03}"


def record(
    question: Question,
    kind: str,
    *,
    by: User | None,
    now: datetime,
    number: int | None = None,
    **detail: Any,
) -> QuestionEvent:
    """One line of the audit trail."""
    return QuestionEvent.objects.create(
        question=question, number=number, kind=kind, by=by, at=now, detail=detail
    )


# Inside


def locked(question: Question) -> Question:
    """The question, held until the transaction ends."""
    # Every move of a question takes this row first: two people's clicks come one after the other.
    return (
        Question.objects.select_for_update(of=("self",))
        .select_related("blueprint", "current")
        .get(pk=question.pk)
    )


def locked_draft(question: Question) -> Draft:
    """Its draft, held too; raises `no_draft`."""
    draft = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("topic__task", "scenario")
        .filter(question=question)
        .first()
    )
    if draft is None:
        raise AuthoringError("no_draft")
    return draft


def _new_draft(
    question: Question,
    fields: DraftFields,
    *,
    by: User | None,
    now: datetime,
    based_on: QuestionVersion | None = None,
) -> Draft:
    draft = Draft(question=question, based_on=based_on, created_at=now, saved_at=now, saved_by=by)
    _fill(draft, fields)
    draft.save()
    if by is not None:
        draft.authors.add(by)
    return draft


def _fill(draft: Draft, fields: DraftFields) -> None:
    draft.topic, draft.scenario, draft.level = fields.topic, fields.scenario, fields.level
    draft.difficulty, draft.keeps_order = fields.difficulty, fields.keeps_order
    draft.item_type = str(fields.content.item_type)
    draft.content = fields.content.to_json()
    draft.__dict__.pop("parsed", None)


def _check_topic(blueprint: Blueprint, fields: DraftFields) -> None:
    if fields.topic is not None and fields.topic.task.domain.blueprint_id != blueprint.pk:
        raise AuthoringError("foreign_topic", fields.topic.code)
    if fields.scenario is not None and fields.scenario.blueprint_id != blueprint.pk:
        raise AuthoringError("foreign_topic", fields.scenario.code)
    if len(set(fields.tags)) > MAX_TAGS:
        raise AuthoringError("too_many_tags")


def _retire(question: Question, *, reason: str, by: User, now: datetime) -> None:
    question.state = Question.State.RETIRED
    question.retired_at, question.retired_because = now, reason
    question.save(update_fields=["state", "retired_at", "retired_because"])
    record(question, Kind.RETIRED, by=by, now=now, reason=reason)


def _tags(question: Question) -> list[str]:
    return sorted(question.tags.values_list("name", flat=True))


def _set_tags(question: Question, tags: Collection[str]) -> None:
    wanted = set(clean_tags(tags))
    if len(wanted) > MAX_TAGS:
        raise AuthoringError("too_many_tags")
    question.tags.exclude(name__in=wanted).delete()
    QuestionTag.objects.bulk_create(
        (QuestionTag(question=question, name=name) for name in sorted(wanted)), ignore_conflicts=True
    )


def _is_same_burst(question: Question, *, by: User, now: datetime) -> bool:
    last = question.events.order_by("-at", "-id").first()
    if last is None or last.by_id != by.pk or now - last.at > BURST:
        return False
    return last.kind in (Kind.EDITED, Kind.CREATED)
