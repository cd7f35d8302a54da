from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exams.models import ExamPlan
from questions.models import Blueprint, TaskStatement


class PracticeForm(forms.Form):
    """Which tasks, how many questions. `task` and `domain` take codes, as the links and buttons send them."""

    start_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    questions = forms.TypedChoiceField(
        label=_("Questions"), coerce=int, choices=[(n, str(n)) for n in (5, 10, 15, 20, 30)], initial=10
    )

    def __init__(self, *args: Any, blueprint: Blueprint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blueprint = blueprint

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = set(self.data.getlist("task")) if hasattr(self.data, "getlist") else set()
        domains = set(self.data.getlist("domain")) if hasattr(self.data, "getlist") else set()
        tasks = TaskStatement.objects.filter(domain__blueprint=self.blueprint).values_list("pk", "code", "domain__code")
        cleaned["tasks"] = [pk for pk, code, domain in tasks if code in chosen or domain in domains]
        if not cleaned["tasks"]:
            self.add_error(None, practice_message("nothing_chosen"))
        cleaned["start_key"] = cleaned.get("start_key") or uuid.uuid4()
        return cleaned


def practice_message(code: str) -> str:
    return {
        "nothing_chosen": str(_("Choose at least one domain or task.")),
        "nothing_to_practise": str(_("There are no published questions in what you chose. Choose more.")),
    }[code]


class ExamPlanForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ExamPlan
        fields = ("blueprint", "exam_on")
        widgets = {"exam_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        labels = {"blueprint": _("Exam"), "exam_on": _("Date of the exam")}
        help_texts = {"exam_on": _("Leave it empty if you haven't booked yet.")}


