"""Drafts to edit, and the form as a browser posts it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import QueryDict

from accounts.models import User
from questions import authoring, draft_form
from questions.authoring import DraftFields
from questions.content import ItemType, QuestionContent
from questions.models import Blueprint, Draft, Topic
from tests.factories import NOW, make_content

STEM = "A ferry operator scores its sensors every night and wants to hear of drift. Which action is best?"


def make_fields(
    blueprint: Blueprint, *, content: QuestionContent | None = None, topic: str = "1.1.1", **fields: Any
) -> DraftFields:
    """Complete: nothing blocks it."""
    values: dict[str, Any] = {"level": "apply", "difficulty": Decimal("0.60"), **fields}
    own = Topic.objects.select_related("task__domain").filter(task__domain__blueprint=blueprint)
    return DraftFields(content or make_content(stem=STEM), topic=own.get(code=topic), **values)


def make_draft(
    blueprint: Blueprint,
    by: User,
    *,
    item_type: ItemType = ItemType.MULTIPLE_CHOICE,
    code: str = "",
    **fields: Any,
) -> Draft:
    fields.setdefault("content", make_content(item_type, stem=STEM))
    return authoring.create_draft(
        blueprint, fields=make_fields(blueprint, **fields), by=by, now=NOW, code=code
    )


def posted(draft: Draft, **changes: Any) -> dict[str, Any]:
    """What the browser sends for this draft as it is stored, but for the changes; None leaves a field out."""
    draft.refresh_from_db()
    draft.__dict__.pop("parsed", None)
    form = draft_form.of_fields(authoring.fields_of(fresh(draft)))
    data: dict[str, Any] = {"draft": draft.pk, "revision": draft.revision, "type": draft.item_type}
    for name, value in draft_form.pairs(form):
        data.setdefault(name, []).append(value)
    data |= {name.replace("__", "-"): value for name, value in changes.items()}
    return {name: value for name, value in data.items() if value is not None}


def fresh(draft: Draft) -> Any:
    from questions.models import Question

    return Question.objects.get(pk=draft.question_id)


def query(pairs: list[tuple[str, str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(name, value)
    return data
