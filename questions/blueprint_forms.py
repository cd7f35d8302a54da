"""The forms of a blueprint: its head beside its outline, and what became of each task in the next version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from questions.blueprint_outline import LIMITS, Outline
from questions.blueprint_spec import DomainPart, Head, Rule, Spec, TaskPart
from questions.blueprints import NewTask
from questions.content import ItemType
from questions.formats.native import CODE

RESERVED = frozenset({"new"})
"""Codes that would stand in an address where a command stands."""

ITEM_TYPE_NAMES = {
    ItemType.MULTIPLE_CHOICE: _("multiple choice"),
    ItemType.MULTIPLE_RESPONSE: _("multiple response"),
    ItemType.ORDERING: _("ordering"),
    ItemType.MATCHING: _("matching"),
}


class HeadForm(forms.Form):
    """Everything of a specification but its outline."""

    title = forms.CharField(label=_("Title"), max_length=200)
    items = forms.IntegerField(label=_("Questions"), min_value=1, max_value=500)
    scored_items = forms.IntegerField(label=_("Of them scored"), min_value=1, max_value=500)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440)
    scale_low = forms.IntegerField(label=_("Scale from"), min_value=0, max_value=30_000, initial=100)
    scale_high = forms.IntegerField(label=_("Scale to"), min_value=1, max_value=30_000, initial=1000)
    passing_score = forms.IntegerField(label=_("Passing score"), min_value=1, max_value=30_000, initial=720)
    coverage_per_topic = forms.IntegerField(
        label=_("Questions per topic"),
        min_value=0,
        max_value=1000,
        initial=3,
        help_text=_("A topic with fewer published questions is named as thin."),
    )
    valid_from = forms.DateField(
        label=_("Valid from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    valid_until = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    item_types = forms.MultipleChoiceField(
        label=_("Question types"),
        choices=[(str(t), name) for t, name in ITEM_TYPE_NAMES.items()],
        initial=[str(t) for t in ItemType],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one type.")},
    )
    notice = forms.CharField(
        label=_("Notice"),
        max_length=5_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Shown wherever a mock of it is offered."),
    )
    disclaimer = forms.CharField(
        label=_("Disclaimer"),
        max_length=5_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Whose exam it imitates, and that it isn't theirs."),
    )

    numbers: ClassVar = ("items", "scored_items", "minutes", "coverage_per_topic")
    scale: ClassVar = ("scale_low", "passing_score", "scale_high")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        items, scored = cleaned.get("items"), cleaned.get("scored_items")
        if items and scored and scored > items:
            self.add_error("scored_items", _("At most as many as there are questions."))
        low, passing, high = (cleaned.get(name) for name in self.scale)
        if low is not None and passing is not None and high is not None and not low < passing < high:
            self.add_error("passing_score", _("It lies between the ends of the scale."))
        first, last = cleaned.get("valid_from"), cleaned.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", _("It lies before the first day."))
        return cleaned


def code_field(*, max_length: int, label: str = "") -> forms.RegexField:
    return forms.RegexField(
        rf"\A{CODE}\Z",
        label=label or _("Code"),
        max_length=max_length,
        help_text=_("Letters, digits, dots, hyphens and underscores. It stands in addresses and stays."),
        error_messages={
            "invalid": _(
                "Use letters, digits, dots, hyphens and underscores, and end with a letter or digit."
            )
        },
    )


class BlueprintForm(HeadForm):
    """Head and outline together; `code` only while it is new."""

    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, spec: Spec | None = None, is_new: bool = False) -> None:
        initial = {} if spec is None else {**vars(spec.head), "item_types": list(spec.head.item_types)}
        super().__init__(data, initial=initial)
        if is_new:
            self.fields["code"] = code_field(max_length=32)
            self.order_fields(["code"])
        self.outline = Outline.read(data) if data is not None else Outline.of(spec or Spec(Head("", 1, 1, 1)))
        self.parts: tuple[Sequence[DomainPart], Sequence[Rule]] = ((), ())

    def leave_unjudged(self) -> None:
        """A button for rows stores nothing: what is half typed gets no reproach for it."""
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if code.lower() in RESERVED:
            raise forms.ValidationError(
                _("This word stands for something else in addresses. Choose another.")
            )
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        parts = self.outline.clean()
        if parts is None:
            self.add_error(None, _("Some lines of the outline need mending: each says why."))
        else:
            self.parts = parts
            if not parts[0]:
                self.add_error(None, _("It needs at least one domain."))
            elif not self.outline.is_whole:
                self.add_error(
                    None,
                    _("The weights add up to %(total)s, not to 100. Mend them.")
                    % {"total": self.outline.total_shown},
                )
        return cleaned

    def spec(self) -> Spec:
        names = ("seen", "code", "item_types")
        head = {name: value for name, value in self.cleaned_data.items() if name not in names}
        domains, rules = self.parts
        return Spec(
            Head(**head, item_types=tuple(self.cleaned_data["item_types"]), forbidden=tuple(rules)),
            tuple(domains),
        )


# ── the next version ──


@dataclass
class MappingRow:
    """A task of the old version and what is typed for it."""

    task: TaskPart
    domain: str
    what: str
    lines: str
    error: str = ""
    became: tuple[NewTask, ...] = ()


WHAT = {"same": _("stays"), "renamed": _("renamed"), "several": _("became several"), "gone": _("gone")}


class CopyForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)

    def __init__(self, data: Any = None, *, old: Spec) -> None:
        super().__init__(data, initial={"title": old.head.title})
        self.fields["code"] = code_field(max_length=32)
        self.order_fields(["code"])
        self.rows = [
            MappingRow(
                task,
                domain.code,
                what=str((data or {}).get(f"what-{task.id}", "" if data else "same")),
                lines=str((data or {}).get(f"lines-{task.id}", "")),
            )
            for domain in old.domains
            for task in domain.tasks
        ]

    clean_code = BlueprintForm.clean_code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        home: dict[str, tuple[str, str]] = {}
        for row in self.rows:
            row.became, row.error = _read_mapping(row)
            for new in row.became:
                title, domain = home.setdefault(new.code, (new.title, row.domain))
                if domain != row.domain:
                    row.error = _now(
                        "A task of another domain becomes %(code)s too. Give it another code."
                    ) % {"code": new.code}
                elif title != new.title:
                    row.error = _now("Another line calls %(code)s “%(title)s”. Use one title.") % {
                        "code": new.code,
                        "title": title,
                    }
        if any(row.error for row in self.rows):
            self.add_error(None, _("Some tasks need mending: each says why."))
        return cleaned

    @property
    def became(self) -> dict[str, tuple[NewTask, ...]]:
        return {row.task.code: row.became for row in self.rows}


def _read_mapping(row: MappingRow) -> tuple[tuple[NewTask, ...], str]:
    if row.what == "same":
        return (NewTask(row.task.code, row.task.title),), ""
    if row.what == "gone":
        return (), ""
    if row.what not in WHAT:
        return (), _now("Say what became of it.")
    found = []
    for line in row.lines.splitlines():
        if not line.strip():
            continue
        code, __, title = line.strip().partition(" ")
        if not re.fullmatch(CODE, code) or len(code) > LIMITS["code"] or not 0 < len(title.strip()) <= 200:
            return (), _now("One task on each line: its code, a space, its title.")
        if "\x00" in title:
            return (), _now("There is a character in it that can't be stored. Type it anew.")
        found.append(NewTask(code, title.strip()))
    wanted = len(found) == 1 if row.what == "renamed" else len(found) > 1
    if not wanted or len({new.code for new in found}) < len(found):
        return (), (
            _now("Write the one task that it became: code, a space, title.")
            if row.what == "renamed"
            else _now("Write at least two tasks, each on its own line, with codes of their own.")
        )
    return tuple(found), ""
