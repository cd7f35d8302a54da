"""The forms of import and export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from questions import exporting
from questions.formats import registry
from questions.formats.exchange import MAX_FILE
from questions.models import Blueprint, Topic

TOO_LARGE = _("The file is larger than %(limit)s MB. Split it into several.") % {"limit": MAX_FILE // 1024**2}


def outlines(blueprints: QuerySet[Blueprint]) -> list[tuple[str, list[Topic]]]:
    """Topics under their task, for a select; the exam is named where there are several."""
    named = ("code", "title", "task__code", "task__title", "task__domain__blueprint__code")
    # Not the whole exam with its patterns once for each of its topics.
    topics = (
        Topic.objects.filter(task__domain__blueprint__in=blueprints)
        .select_related("task__domain__blueprint")
        .only(*named, "task", "task__domain", "task__domain__blueprint")
    )
    order = ("task__domain__blueprint", "task__domain__position", "task__position", "position")
    several = len({blueprint.pk for blueprint in blueprints}) > 1
    groups: dict[str, list[Topic]] = {}
    for topic in topics.order_by(*order):
        exam = f"{topic.task.domain.blueprint.code} · " if several else ""
        groups.setdefault(f"{exam}{topic.task}", []).append(topic)
    return list(groups.items())


_CHOOSE = {"invalid_choice": _("Choose one of the list.")}


class UploadForm(forms.Form):
    blueprint = forms.ModelChoiceField(
        Blueprint.objects.all(), to_field_name="code", empty_label=None, error_messages=_CHOOSE
    )
    file = forms.FileField(
        max_length=None,
        error_messages={
            "required": _("Choose a file."),
            "empty": _("The file is empty. Choose the one that holds the questions."),
        },
    )
    format = forms.ChoiceField(
        choices=[(registry.AUTO, _("find out")), *((f.name, f.label) for f in registry.FORMATS.values())],
        error_messages=_CHOOSE,
    )
    topic = forms.ModelChoiceField(Topic.objects.none(), required=False, error_messages=_CHOOSE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topics = self.fields["topic"]
        assert isinstance(topics, forms.ModelChoiceField)
        topics.queryset = Topic.objects.select_related("task__domain")

    @cached_property
    def groups(self) -> list[tuple[str, list[Topic]]]:
        return outlines(Blueprint.objects.all())

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE:
            raise forms.ValidationError(TOO_LARGE)
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        blueprint, topic = data.get("blueprint"), data.get("topic")
        if blueprint and topic and topic.task.domain.blueprint_id != blueprint.pk:
            self.add_error("topic", _("This topic belongs to another exam. Choose one of the same."))
        return data


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        choices=[(f.name, f.label) for f in registry.FORMATS.values() if f.render is not None],
        error_messages=_CHOOSE,
    )
    text = forms.ChoiceField(
        choices=[
            (exporting.PUBLISHED, _("published versions: drafts stay here")),
            (exporting.NEWEST, _("the newest text: the draft where there is one")),
        ],
        error_messages=_CHOOSE,
    )
