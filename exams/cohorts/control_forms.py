"""The form of the control room: one for all it can do, so that what was typed stays whichever button was pressed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exams.cohorts import control

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class _Ids(forms.MultipleChoiceField):
    """Ids of attempts: that they belong to the assignment, the rules see to."""

    def to_python(self, value: Any) -> list[Any]:
        ids = super().to_python(value)
        return [forms.UUIDField().clean(each) for each in ids]

    def valid_value(self, value: Any) -> bool:
        return True


class ControlForm(forms.Form):
    """What to do with whom. Which of the fields an action needs, `clean` knows."""

    ACTIONS = ("add", "pause", "resume", "close", "reopen", "message", "incident")

    action = forms.ChoiceField(choices=[(name, name) for name in ACTIONS])
    scope = forms.ChoiceField(
        choices=[("selected", _("the selected learners")), ("all", _("everybody who is running"))],
        initial="selected",
    )
    attempts = _Ids(required=False)
    reason = forms.CharField(label=_("Reason"), required=False, max_length=control.MAX_REASON)
    minutes = forms.IntegerField(
        label=_("Minutes"), required=False, min_value=1, max_value=control.MAX_MINUTES, initial=5
    )
    text = forms.CharField(
        label=_("Message"),
        required=False,
        max_length=control.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    begun_at = forms.DateTimeField(label=_("From"), required=False, widget=WHEN)
    ended_at = forms.DateTimeField(label=_("To"), required=False, widget=WHEN)
    is_sure = forms.BooleanField(label=_("Yes, end these exams now"), required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        action = values.get("action")
        if action in ("add", "pause", "close", "reopen", "incident") and not values.get("reason", "").strip():
            self._need("reason", _("Write why: the learners read it, and it stays in the log."))
        if action in ("add", "reopen") and values.get("minutes") is None:
            self._need("minutes", _("Say how many minutes, from 1 to 600."))
        if action == "message" and not values.get("text", "").strip():
            self._need("text", _("Write the message."))
        if action == "incident":
            self._check_period(values)
        if action == "close" and not values.get("is_sure"):
            self._need("is_sure", _("Tick this first: it can only be undone one by one."))
        if action == "reopen" and len(values.get("attempts") or ()) != 1:
            self.add_error(None, _("Select one submitted attempt to open it again."))
        elif action != "incident" and values.get("scope") != "all" and not values.get("attempts"):
            self.add_error(None, _("Select at least one learner in the list, or choose everybody."))
        return values

    def _check_period(self, values: dict[str, Any]) -> None:
        begun_at, ended_at = values.get("begun_at"), values.get("ended_at")
        if begun_at is None or ended_at is None:
            self._need("begun_at", _("Say from when to when."))
        elif begun_at >= ended_at:
            self._need("ended_at", _("The end must come after the beginning."))

    def _need(self, field: str, words: Any) -> None:
        if field not in self.errors:
            self.add_error(field, words)
