from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from exams import challenges
from exams.models import ExamPlan
from questions.models import Blueprint, TaskStatement, Topic


class PracticeForm(forms.Form):
    """What of, how many questions. `task`, `domain` and `topic` take codes, as the links and buttons send them."""

    start_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    questions = forms.TypedChoiceField(
        label=_("Questions"), coerce=int, choices=[(n, str(n)) for n in (5, 10, 15, 20, 30)], initial=10
    )

    def __init__(self, *args: Any, blueprint: Blueprint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blueprint = blueprint

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen, domains, chosen_topics = (self._codes(name) for name in ("task", "domain", "topic"))
        tasks = TaskStatement.objects.filter(domain__blueprint=self.blueprint).values_list(
            "pk", "code", "domain__code"
        )
        cleaned["tasks"] = [pk for pk, code, domain in tasks if code in chosen or domain in domains]
        cleaned["topics"] = []
        if chosen_topics:
            topics = Topic.objects.filter(task__domain__blueprint=self.blueprint).values_list("pk", "code")
            cleaned["topics"] = [pk for pk, code in topics if code in chosen_topics]
        if not cleaned["tasks"] and not cleaned["topics"]:
            self.add_error(None, practice_message("nothing_chosen"))
        cleaned["start_key"] = cleaned.get("start_key") or uuid.uuid4()
        return cleaned

    def _codes(self, name: str) -> set[str]:
        return set(self.data.getlist(name)) if hasattr(self.data, "getlist") else set()


def practice_message(code: str) -> str:
    return {
        "nothing_chosen": str(_("Choose at least one domain or task.")),
        "nothing_to_practise": str(_("There are no published questions in what you chose. Choose more.")),
    }[code]


class ExamPlanForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ExamPlan
        fields = ("blueprint", "exam_on")
        widgets: ClassVar = {"exam_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        labels: ClassVar = {"blueprint": _("Exam"), "exam_on": _("Date of the exam")}
        help_texts: ClassVar = {"exam_on": _("Leave it empty if you haven't booked yet.")}


class PlainTextField(forms.CharField):
    """Several lines, counted as the browser counts them: a line end is one character."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return str(super().to_python(challenges.plain(value) if isinstance(value, str) else value))


class ChallengeForm(forms.Form):
    text = PlainTextField(
        label=_("I think this is wrong because …"),
        min_length=challenges.MIN_TEXT,
        max_length=challenges.MAX_TEXT,
        error_messages={"required": _("Say what is wrong and why.")},
    )


class ChallengeAnswerForm(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Verdict"),
        choices=[("accept", _("Accept")), ("decline", _("Decline"))],
        error_messages={"required": _("Accept or decline."), "invalid_choice": _("Accept or decline.")},
    )
    words = PlainTextField(
        label=_("To the learner"),
        max_length=challenges.MAX_TEXT,
        error_messages={"required": _("Give the learner a reason.")},
    )
