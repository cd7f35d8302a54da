"""What is typed about a cohort, its invitations and its roster."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Cohort, Part, Role, User

MAX_USES = 100_000
MAX_DAYS = 365


class CohortForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Cohort
        fields = ("title", "term")
        labels: ClassVar = {"title": _("Title"), "term": _("Term, if you compare terms")}
        widgets: ClassVar = {
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "term": forms.TextInput(attrs={"autocomplete": "off"}),
        }


class PartForm(forms.Form):
    part = forms.ChoiceField(choices=Part.choices)


def _part_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("They join as"),
        choices=[
            (Part.LEARNER, _("learner")),
            (Part.INSTRUCTOR, _("instructor: sees every learner's results; takes an instructor's account")),
        ],
        initial=Part.LEARNER,
        widget=forms.RadioSelect,
    )


class LinkForm(forms.Form):
    """A link and a code for many."""

    days = forms.IntegerField(
        label=_("Days until it expires"),
        min_value=1,
        max_value=MAX_DAYS,
        initial=14,
        help_text=_("From 1 to 365."),
    )
    max_uses = forms.IntegerField(
        label=_("How many can join by it"),
        min_value=1,
        max_value=MAX_USES,
        required=False,
        help_text=_("Empty: as many as have the link."),
    )
    part = _part_field()

    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])


class EmailForm(forms.Form):
    """One person."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("Optional."))
    part = _part_field()


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_(
            "Eight letters and digits, such as K7QM-4TXA. Capitals, blanks and hyphens don't matter."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class RosterForm(forms.Form):
    """A file, or the same lines pasted."""

    file = forms.FileField(label=_("CSV file"), required=False, allow_empty_file=True)
    text = forms.CharField(
        label=_("Or paste the rows"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": "6", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not (cleaned.get("text") or "").strip():
            self.add_error("file", _("Choose a file, or paste the rows below."))
        return cleaned


def may_teach(user: User) -> bool:
    """Whether the account can be an instructor of a cohort."""
    return user.role != Role.LEARNER
