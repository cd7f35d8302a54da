"""The specification of an exam: all of them, one, its editor, and the exam's next version."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access
from questions import blueprint_page, blueprint_spec, blueprints
from questions.blueprint_forms import WHAT, BlueprintForm, CopyForm
from questions.models import Blueprint, Domain, TaskStatement, Topic

PER_PAGE = 20
MODELS: dict[str, type[Domain | TaskStatement | Topic]] = {
    "d": Domain,
    "t": TaskStatement,
    "p": Topic,
}


@never_cache
@require_safe
@access.permission_required(access.EDIT_BLUEPRINTS)
def blueprint_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(blueprint_page.listed(), PER_PAGE).get_page(request.GET.get("page"))
    counts = blueprint_page.question_counts()
    nothing = blueprint_page.Counts()
    rows = [(each, counts.get(each.pk, nothing)) for each in page]
    return render(request, "questions/blueprints.html", {"rows": rows, "page": page})


@never_cache
@require_safe
@access.permission_required(access.EDIT_BLUEPRINTS)
def blueprint(request: HttpRequest, code: str) -> HttpResponse:
    page = blueprint_page.blueprint_page(_blueprint(code))
    return render(request, "questions/blueprint.html", {"page": page})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.EDIT_BLUEPRINTS)
def create_blueprint(request: HttpRequest) -> HttpResponse:
    form = BlueprintForm(request.POST if request.method == "POST" else None, is_new=True)
    if request.method != "POST":
        form.outline.act("add d")
        return _editor(request, form)
    if _is_a_row_button(request, form, None):
        return _editor(request, form)
    if form.is_valid():
        try:
            made = blueprints.create_blueprint(form.spec(), code=form.cleaned_data["code"])
        except blueprints.BlueprintError as error:
            form.add_error("code" if error.code == "code_taken" else None, _message(error))
        else:
            messages.success(request, _("The blueprint is there. Its questions and mocks come next."))
            return redirect("questions:blueprint", made.code)
    return _editor(request, form, status=400)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.EDIT_BLUEPRINTS)
def edit_blueprint(request: HttpRequest, code: str) -> HttpResponse:
    """Row buttons give the form back with the row added, moved or gone; saving stores it as a whole."""
    chosen = _blueprint(code)
    if request.method != "POST":
        spec = blueprint_spec.spec_of(chosen)
        form = BlueprintForm(spec=spec)
        return _editor(request, form, blueprint=chosen, seen=blueprint_spec.fingerprint(spec))
    form = BlueprintForm(request.POST)
    seen = request.POST.get("seen", "")
    if _is_a_row_button(request, form, chosen):
        return _editor(request, form, blueprint=chosen, seen=seen)
    changes: list[blueprint_spec.Difference] = []
    if form.is_valid():
        try:
            blueprints.edit_blueprint(chosen, form.spec(), seen=seen, now=timezone.now())
        except blueprints.BlueprintError as error:
            form.add_error(None, _message(error))
            if error.code == "changed_meanwhile":
                stored = blueprint_spec.spec_of(chosen)
                seen, changes = (
                    blueprint_spec.fingerprint(stored),
                    blueprint_spec.differences(stored, form.spec()),
                )
        else:
            messages.success(request, _("The blueprint is saved."))
            return redirect("questions:blueprint", chosen.code)
    return _editor(request, form, blueprint=chosen, seen=seen, changes=changes, status=400)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.EDIT_BLUEPRINTS)
def copy_blueprint(request: HttpRequest, code: str) -> HttpResponse:
    """The exam's next version, with what became of each task."""
    old = _blueprint(code)
    form = CopyForm(request.POST if request.method == "POST" else None, old=blueprint_spec.spec_of(old))
    if request.method == "POST" and form.is_valid():
        try:
            made = blueprints.copy_blueprint(
                old,
                code=form.cleaned_data["code"],
                title=form.cleaned_data["title"],
                became=form.became,
            )
        except blueprints.BlueprintError as error:
            form.add_error("code" if error.code == "code_taken" else None, _message(error))
        else:
            messages.success(request, _("The next version is there. Check its weights and topics."))
            return redirect("questions:edit_blueprint", made.code)
    context = {"form": form, "old": old, "what": WHAT}
    return render(request, "questions/blueprint_copy.html", context, status=400 if form.errors else 200)


# ── parts ──


def _blueprint(code: str) -> Blueprint:
    # A database that holds text can't be asked for a NUL.
    return get_object_or_404(Blueprint.objects.select_related("follows"), code=code.replace("\x00", "�"))


def _is_a_row_button(request: HttpRequest, form: BlueprintForm, blueprint: Blueprint | None) -> bool:
    """Do what the button asks; a row that something needs stays, with the reason beside it."""
    action = request.POST.get("action", "save")
    if action == "save":
        return False
    form.leave_unjudged()
    verb, _space, ref = action.partition(" ")
    found = form.outline.find(ref)
    if verb == "remove" and blueprint is not None and found is not None:
        uses = _uses(blueprint, ref)
        if uses:
            found[0].errors["row"] = _in_use(uses)
            return True
    form.outline.act(action)
    return True


def _uses(blueprint: Blueprint, ref: str) -> list[blueprints.Use]:
    kind, _dot, key = ref.partition(".")
    if kind not in MODELS or not re.fullmatch("[0-9]{1,18}", key):
        return []
    path = {"d": "blueprint", "t": "domain__blueprint", "p": "task__domain__blueprint"}[kind]
    part = MODELS[kind]._default_manager.filter(pk=int(key), **{path: blueprint}).first()
    return blueprints.uses_of(part) if part is not None else []


def _editor(
    request: HttpRequest,
    form: BlueprintForm,
    *,
    blueprint: Blueprint | None = None,
    seen: str = "",
    changes: Any = (),
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "outline": form.outline,
        "blueprint": blueprint,
        "seen": seen,
        "changes": changes,
    }
    is_fragment = getattr(request, "htmx", False) and request.POST.get("action", "save") != "save"
    name = "questions/blueprint_edit.html#outline" if is_fragment else "questions/blueprint_edit.html"
    return render(request, name, context, status=status)


def _message(error: blueprints.BlueprintError) -> str:
    return {
        "code_taken": _("Another blueprint has this code. Choose another."),
        "no_domains": _("It needs at least one domain."),
        "weights": _("The weights add up to %(total)s, not to 100. Mend them.") % {"total": error.detail},
        "code_twice": _("These codes stand twice: %(codes)s.") % {"codes": error.detail},
        "in_use": _("%(code)s can't go. %(uses)s")
        % {"code": error.detail, "uses": _in_use(error.uses) if error.uses else ""},
        "changed_meanwhile": _(
            "Somebody has saved this blueprint since you opened it. Nothing of yours is stored yet: compare below, "
            "then save again, and what you have typed takes the place of theirs."
        ),
        "unknown_part": _("A line of the outline is gone meanwhile. Open the page again."),
        "unmapped": _("Say of each task what became of it: %(codes)s.") % {"codes": error.detail},
    }[error.code]


def _in_use(uses: Any) -> str:
    """A sentence that names what needs the part."""
    words = []
    for use in uses:
        named = ", ".join(use.examples)
        more = use.count - len(use.examples)
        rest = ngettext(" and %(n)s more", " and %(n)s more", more) % {"n": more} if more > 0 else ""
        words.append(f"{use.count} {use.what} ({named}{rest})" if named else f"{use.count} {use.what}")
    return _("It stays, for it is needed by %(what)s. It can be renamed and moved.") % {
        "what": "; ".join(words)
    }
