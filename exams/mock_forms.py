"""The form of a mock exam, with the matrix of what learners see when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from exams import mock_building, review_policy
from exams.mock_building import MockSpec
from exams.models import MockExam
from exams.review_policy import Part, Phase, Policy
from questions.blueprint_forms import RESERVED, code_field
from questions.models import Blueprint

PHASES = {
    Phase.DURING: _("during the sitting"),
    Phase.RIGHT_AFTER: _("right after it"),
    Phase.AFTER_WINDOW: _("after the window"),
}
PARTS = {
    Part.SCORE: _("score, domains and tasks"),
    Part.MARKS: _("which questions were right"),
    Part.KEYS: _("keys and reasons"),
}
LOCAL = "%Y-%m-%dT%H:%M"


class LocalTimeField(forms.DateTimeField):
    """A day and a time in the editor's time zone; between years that a calendar of exams may hold."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False, input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs
        )

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        if found is not None and not 2000 <= found.year <= 2100:
            raise forms.ValidationError(_("Choose a year between 2000 and 2100."))
        return found


@dataclass(frozen=True)
class PolicyCell:
    name: str
    label: str
    is_ticked: bool


@dataclass(frozen=True)
class PolicyRow:
    phase: str
    title: str
    cells: tuple[PolicyCell, ...]
    errors: tuple[str, ...]


class MockForm(forms.Form):
    """`code` only while it is new; what scores rest on only while nobody has sat it."""

    blueprint = forms.ModelChoiceField(
        label=_("Blueprint"),
        queryset=Blueprint.objects.order_by("code"),
        empty_label=None,
        to_field_name="code",
    )
    title = forms.CharField(label=_("Title"), max_length=120)
    items = forms.IntegerField(label=_("Questions"), min_value=1, max_value=500)
    unscored = forms.IntegerField(label=_("Of them unscored"), min_value=0, max_value=499, initial=0)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440)
    cut_percent = forms.DecimalField(
        label=_("Cut in %"),
        required=False,
        min_value=Decimal(1),
        max_value=Decimal(99),
        max_digits=4,
        decimal_places=2,
        help_text=_("Of the scored questions. Empty: the mean difficulty of the paper's questions."),
    )
    kind = forms.ChoiceField(
        label=_("Papers"),
        choices=[
            (
                "fixed",
                _("fixed: assembled now; each learner gets the one with the fewest questions they have met"),
            ),
            ("own", _("one for each learner: assembled at the start, of questions they have not met")),
        ],
        widget=forms.RadioSelect,
        initial="fixed",
    )
    papers = forms.IntegerField(label=_("Fixed papers"), min_value=1, max_value=50, initial=1)
    is_held_back = forms.BooleanField(
        label=_("Held back: its questions appear in nothing else"),
        required=False,
        help_text=_("For a final check that works once. Needs fixed papers."),
    )
    opens_at = LocalTimeField(label=_("Opens"))
    closes_at = LocalTimeField(label=_("Closes"))
    is_published = forms.BooleanField(
        label=_("Published: learners can sit it within its window"), required=False
    )

    frozen: ClassVar = {
        "blueprint": "blueprint",
        "items": "items",
        "unscored": "unscored",
        "seconds": "minutes",
        "fixed_cut": "cut_percent",
        "is_per_learner": "kind",
        "is_held_back": "is_held_back",
    }

    def __init__(
        self, data: Any = None, *, mock: MockExam | None = None, is_new: bool = False, initial: Any = None
    ) -> None:
        """mock: what it changes or, for a new one, what it is copied from."""
        super().__init__(data, initial={**(_initial(mock) if mock else {}), **(initial or {})})
        self.mock = mock
        self.is_frozen = mock is not None and not is_new and mock_building.sittings(mock).exists()
        self.policy_errors: dict[str, list[str]] = {}
        if is_new:
            self.fields["code"] = code_field(max_length=64)
            self.fields["code"].required = False
            self.fields["code"].help_text = _("Stands in addresses and stays. Empty: one is suggested.")
            self.order_fields(["blueprint", "title", "code"])
        if self.is_frozen:
            for name in self.frozen.values():
                self.fields[name].disabled = True

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if code.lower() in RESERVED:
            raise forms.ValidationError(
                _("This word stands for something else in addresses. Choose another.")
            )
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        items, unscored = cleaned.get("items"), cleaned.get("unscored")
        if items is not None and unscored is not None and unscored >= items:
            self.add_error("unscored", _("At least one question is scored."))
        opens, closes = cleaned.get("opens_at"), cleaned.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", _("It closes before it opens."))
        if cleaned.get("is_held_back") and cleaned.get("kind") == "own":
            self.add_error(
                "is_held_back",
                _("A paper for each learner takes from the whole bank, so nothing can be held back for it."),
            )
        if "closes_at" in cleaned:
            for code, phase in mock_building.policy_problems(self.policy, has_window=closes is not None):
                self.policy_errors.setdefault(str(phase), []).append(policy_message(code))
        if self.policy_errors:
            self.add_error(None, _("What learners see when can't be kept as ticked: the rows say why."))
        return cleaned

    @property
    def policy(self) -> Policy:
        if self.is_bound:
            return {
                str(phase): [str(part) for part in Part if f"show-{phase}-{part}" in self.data]
                for phase in Phase
            }
        return self.mock.review_policy if self.mock else review_policy.default()

    def policy_rows(self) -> Iterator[PolicyRow]:
        policy = self.policy
        for phase, title in PHASES.items():
            cells = tuple(
                PolicyCell(f"show-{phase}-{part}", str(label), part in policy.get(phase, []))
                for part, label in PARTS.items()
            )
            yield PolicyRow(phase, str(title), cells, tuple(self.policy_errors.get(phase, ())))

    def spec(self) -> MockSpec:
        given = self.cleaned_data
        seconds = given["minutes"] * 60
        if self.mock is not None and given["minutes"] == self.mock.minutes:
            seconds = self.mock.seconds  # which need not be whole minutes
        return MockSpec(
            blueprint=given["blueprint"],
            title=given["title"],
            items=given["items"],
            unscored=given["unscored"],
            seconds=seconds,
            papers_wanted=given["papers"],
            is_per_learner=given["kind"] == "own",
            is_held_back=given["is_held_back"],
            fixed_cut=None if given["cut_percent"] is None else given["cut_percent"] / 100,
            opens_at=given["opens_at"],
            closes_at=given["closes_at"],
            review_policy=self.policy,
            is_published=given["is_published"],
        )


def _initial(mock: MockExam) -> dict[str, Any]:
    names = ("title", "items", "unscored", "minutes", "is_held_back", "opens_at", "closes_at", "is_published")
    return {
        **{name: getattr(mock, name) for name in names},
        "blueprint": mock.blueprint.code,
        "cut_percent": None if mock.fixed_cut is None else format((100 * mock.fixed_cut).normalize(), "f"),
        "kind": "own" if mock.is_per_learner else "fixed",
        "papers": mock.papers_wanted,
    }


def suggested_code(blueprint: Blueprint, title: str) -> str:
    """From blueprint and title, with a number where it is taken."""
    words = "-".join(re.findall(r"[a-z0-9]+", title.lower())) or "mock"
    base = f"{blueprint.code.lower()}-{words}"[:58].rstrip("-._")
    taken = set(MockExam.objects.filter(code__startswith=base).values_list("code", flat=True))
    numbered = (f"{base}-{n}" for n in range(2, len(taken) + 3))
    return base if base not in taken else next(code for code in numbered if code not in taken)


def policy_message(code: str) -> str:
    return {
        "during_without_keys": _now(
            "During a sitting there is only feedback on each question, which shows its key: tick the keys too, or "
            "nothing."
        ),
        "keys_without_marks": _now(
            "Who sees the keys beside their answers sees what was right: tick that too."
        ),
        "taken_back": _now("What was shown before can't be taken back: tick at least the same here."),
        "no_window": _now(
            "Without a closing time there is no “after the window”: tick the same as right after it, or say when it "
            "closes."
        ),
    }[code]
