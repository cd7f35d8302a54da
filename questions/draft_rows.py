"""What the editor's buttons do to a form: rows come, go and move, and the type changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from questions.content import ItemType
from questions.draft_form import CHOICES, DraftForm, OptionRow, PromptRow

_ACTION = re.compile(r"(add|remove|up|down)-(option|prompt)(?:-([0-9]{1,5}))?")


def act(form: DraftForm, action: str) -> tuple[DraftForm, str] | None:
    """Add, remove or move a row: the form after it, and the field to go to. None for another action."""
    parsed = _ACTION.fullmatch(action)
    if parsed is None:
        return None
    verb, kind, digits = parsed.groups()
    rows: list[Any] = list(form.options if kind == "option" else form.prompts)
    numbers = [row.number for row in rows]
    if verb == "add":
        number = max(numbers, default=0) + 1
        rows.append(OptionRow(number) if kind == "option" else PromptRow(number))
        place = len(rows) - 1
    elif digits is None or int(digits) not in numbers:
        return form, ""
    else:
        place = numbers.index(int(digits))
        row = rows.pop(place)
        if verb == "remove":
            place = min(place, len(rows) - 1)
        else:
            place = max(0, min(len(rows), place + (-1 if verb == "up" else 1)))
            rows.insert(place, row)
    # After a save the rows are numbered anew, so the place is what the page will call it.
    anchor = f"{kind}-{place + 1}-text" if rows else f"{kind}s"
    return _with_rows(form, kind, rows), anchor


def with_text(form: DraftForm, name: str, change: Callable[[str], str]) -> DraftForm | None:
    """The form with one of its texts changed; None if it has no text of that name."""
    if name == "stem":
        return replace(form, stem=change(form.stem))
    both: tuple[tuple[str, list[Any]], ...] = (("option", [*form.options]), ("prompt", [*form.prompts]))
    for kind, rows in both:
        for place, row in enumerate(rows):
            for part in ("text", "rationale"):
                if name == f"{kind}-{row.number}-{part}":
                    rows[place] = replace(row, **{part: change(getattr(row, part))})
                    return _with_rows(form, kind, rows)
    return None


def _with_rows(form: DraftForm, kind: str, rows: Sequence[Any]) -> DraftForm:
    if kind == "option":
        return replace(form, options=tuple(rows))
    return replace(form, prompts=tuple(rows))


def losses(form: DraftForm, to: ItemType) -> list[str]:
    """What a question of the other type has no place for; said before it is dropped."""
    lost: list[str] = []
    if to is form.item_type:
        return lost
    keys = sum(option.is_key for option in form.options)
    if form.item_type in CHOICES:
        dropped = keys if to not in CHOICES else max(keys - 1, 0) if to is ItemType.MULTIPLE_CHOICE else 0
        if dropped:
            said = ngettext("%(n)d mark of a right option", "%(n)d marks of right options", dropped)
            lost.append(said % {"n": dropped})
    if form.item_type is ItemType.ORDERING and any(option.position for option in form.options):
        lost.append(_("the positions of the steps"))
    if form.item_type is ItemType.MATCHING:
        written = sum(bool(p.text.strip() or p.rationale.strip() or p.match) for p in form.prompts)
        if written:
            said = ngettext(
                "%(n)d prompt with its match and its rationale",
                "%(n)d prompts with their matches and rationales",
                written,
            )
            lost.append(said % {"n": written})
    return lost


def change_type(form: DraftForm, to: ItemType) -> DraftForm:
    """The form as a question of the other type: options keep their texts and rationales."""
    if to is form.item_type:
        return form
    options: Sequence[OptionRow] = form.options
    if to is ItemType.ORDERING:
        options = [replace(row, position=str(place)) for place, row in enumerate(options, 1)]
    else:
        options = [replace(row, position="") for row in options]
    if to not in CHOICES:
        options = [replace(row, is_key=False) for row in options]
    elif to is ItemType.MULTIPLE_CHOICE:
        first = next((row.number for row in options if row.is_key), None)
        options = [replace(row, is_key=row.number == first) for row in options]
    prompts = form.prompts if to is ItemType.MATCHING else ()
    if to is ItemType.MATCHING and not prompts:
        prompts = tuple(PromptRow(number) for number in (1, 2, 3))
    return replace(form, item_type=to, options=tuple(options), prompts=prompts)
