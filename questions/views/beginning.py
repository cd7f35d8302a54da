"""A new question: its type, topic and code, then the editor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import access
from accounts.requests import SignedInRequest
from questions import authoring, draft_form, editing
from questions.authoring import AuthoringError, DraftFields
from questions.content import ItemType
from questions.draft_form import DraftForm
from questions.models import Blueprint, Scenario

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAKEN = {"new"}
"""What an address of the bank means already."""


@dataclass(frozen=True)
class _Begun:
    """What was chosen so far; `code` is empty unless somebody wrote one of their own."""

    form: DraftForm
    fields: DraftFields
    code: str
    problems: dict[str, str]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def new(request: SignedInRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    blueprints = list(Blueprint.objects.order_by("code"))
    blueprint = _blueprint(blueprints, draft_form.cleaned(data.get("blueprint", "")))
    if blueprint is None:
        return render(request, "questions/new.html", {"blueprints": blueprints})
    begun = _read(data, blueprint)
    if request.method == "POST" and not begun.problems:
        try:
            draft = authoring.create_draft(
                blueprint, fields=begun.fields, by=request.user, now=timezone.now(), code=begun.code
            )
            return redirect("questions:edit", draft.question.code)
        except AuthoringError as error:
            said = _("There is a question with the code %(code)s already.")
            begun.problems["code"] = said % {"code": error.detail}
    context = {
        "blueprints": blueprints,
        "blueprint": blueprint,
        "begun": begun,
        "suggested": authoring.next_code(blueprint, begun.fields.topic),
        "topics": editing.topics_of(blueprint),
        "scenarios": Scenario.objects.filter(blueprint=blueprint).order_by("code"),
    }
    status = 400 if begun.problems and request.method == "POST" else 200
    return render(request, "questions/new.html", context, status=status)


def _blueprint(blueprints: list[Blueprint], code: str) -> Blueprint | None:
    """The one that is named, or the only one; None while there is a choice."""
    if code:
        found = next((each for each in blueprints if each.code == code), None)
        if found is None:
            raise Http404
        return found
    return blueprints[0] if len(blueprints) == 1 else None


def _read(data: QueryDict, blueprint: Blueprint) -> _Begun:
    kind = draft_form.item_type(data.get("type", "")) or ItemType.MULTIPLE_CHOICE
    topic, scenario, code = (
        draft_form.cleaned(data.get(name, "")).strip() for name in ("topic", "scenario", "code")
    )
    form = DraftForm(kind, topic=topic, scenario=scenario)
    blank = DraftFields(authoring.empty_content(kind))
    chosen, problems = draft_form.to_fields(form, blueprint=blueprint, stored=blank)
    if code == data.get("suggested"):
        # Nobody chose it: it follows the topic, and two who begin at once get one each.
        code = ""
    if code and (not _CODE.fullmatch(code) or code in _TAKEN):
        problems["code"] = _("A code has letters, digits, dots, hyphens and underscores, at most 64.")
    fields = DraftFields(blank.content, topic=chosen.topic, scenario=chosen.scenario)
    return _Begun(form, fields, code, problems)
