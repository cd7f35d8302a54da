"""Case studies: the list, a new one, and the editor of a case's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from questions import differences, rendering, scenarios
from questions.draft_form import cleaned
from questions.models import Blueprint, Question, Scenario, ScenarioVersion
from questions.scenarios import ScenarioError
from questions.shape import MAX_STEM
from questions.views.drafts import MAX_CODE

PER_PAGE = 20
MAX_TITLE = 200
MAX_USES = 200
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class CaseForm:
    code: str = ""
    title: str = ""
    text: str = ""
    base: str = ""

    def problems(self) -> dict[str, str]:
        found = {}
        if not _CODE.fullmatch(self.code) or self.code == "new":
            found["code"] = _("A code has letters, digits, dots, hyphens and underscores, at most 64.")
        if not 0 < len(self.title) <= MAX_TITLE:
            found["title"] = _("Give it a title of at most %(n)d characters.") % {"n": MAX_TITLE}
        if not self.text.strip():
            found["text"] = _("Write the case: who it is about, what they have, what they need.")
        elif len(self.text) > MAX_STEM:
            given = {"length": f"{len(self.text):,}", "limit": f"{MAX_STEM:,}"}
            said = _("The text has %(length)s characters; at most %(limit)s are stored. Shorten it.")
            found["text"] = said % given
        return found


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def scenario_list(request: SignedInRequest) -> HttpResponse:
    newest = ScenarioVersion.objects.filter(scenario=OuterRef("pk")).order_by("-number")
    rows = (
        Scenario.objects.select_related("blueprint", "current")
        .annotate(
            title=Subquery(newest.values("title")[:1]),
            newest_published_at=Subquery(newest.values("published_at")[:1]),
            drafted=Count("drafts", distinct=True),
        )
        .order_by("blueprint__code", "code")
    )
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "questions/scenario_list.html", {"page": page})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def create_scenario(request: SignedInRequest) -> HttpResponse:
    blueprints = list(Blueprint.objects.order_by("code"))
    if request.method != "POST":
        return _page(request, CaseForm(), blueprints=blueprints)
    form = _read(request, code=cleaned(request.POST.get("code", "")).strip())
    wanted = request.POST.get("blueprint", "")
    blueprint = next((each for each in blueprints if each.code == wanted), None)
    problems = form.problems()
    if blueprint is None:
        problems["blueprint"] = _("Choose the exam that it belongs to.")
    if request.POST.get("action") == "preview":
        return _page(request, form, blueprints=blueprints, preview=rendering.render(form.text[:MAX_STEM]))
    if blueprint is not None and not problems:
        try:
            scenarios.create_scenario(blueprint, code=form.code, title=form.title, text=form.text)
        except ScenarioError:
            problems["code"] = _("There is a case with this code already.")
        else:
            messages.success(request, _("Stored. Choose it in the editor of each of its questions."))
            return redirect("questions:scenario", form.code)
    return _page(request, form, blueprints=blueprints, problems=problems, chosen=wanted, status=400)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def scenario(request: SignedInRequest, code: str) -> HttpResponse:
    """The text that the case's next question will be published with."""
    if len(code) > MAX_CODE or "\0" in code:
        raise Http404
    found = get_object_or_404(Scenario.objects.select_related("blueprint", "current"), code=code)
    shown = scenarios.latest(found)
    if shown is None:
        raise Http404
    stored = CaseForm(code, shown.title, shown.text, scenarios.stamp(shown))
    if request.method != "POST":
        return _page(request, stored, found=found, shown=shown)
    form = _read(request, code=code)
    if request.POST.get("action") == "preview":
        preview = rendering.render(form.text[:MAX_STEM])
        return _page(request, form, found=found, shown=shown, preview=preview)
    if problems := form.problems():
        return _page(request, form, found=found, shown=shown, problems=problems, status=400)
    try:
        scenarios.save_text(found, title=form.title, text=form.text, base=form.base, by=request.user)
    except ScenarioError:
        return _conflict(request, found, form)
    messages.success(request, _("Stored."))
    return redirect("questions:scenario", code)


def _read(request: SignedInRequest, *, code: str) -> CaseForm:
    return CaseForm(
        code=code,
        title=" ".join(cleaned(request.POST.get("title", "")).split()),
        text=cleaned(request.POST.get("text", "")),
        base=cleaned(request.POST.get("base", "")),
    )


def _conflict(request: SignedInRequest, found: Scenario, form: CaseForm) -> HttpResponse:
    """Both texts. The form stands on theirs now: storing it again is a choice."""
    shown = scenarios.latest(found)
    assert shown is not None
    theirs = {"title": shown.title, "text": shown.text, "words": differences.word_diff(shown.text, form.text)}
    form = CaseForm(form.code, form.title, form.text, scenarios.stamp(shown))
    return _page(request, form, found=found, shown=shown, theirs=theirs, status=409)


def _page(
    request: SignedInRequest,
    form: CaseForm,
    *,
    found: Scenario | None = None,
    shown: ScenarioVersion | None = None,
    blueprints: list[Blueprint] | None = None,
    chosen: str = "",
    problems: dict[str, str] | None = None,
    preview: SafeString | None = None,
    theirs: Mapping[str, object] | None = None,
    status: int = 200,
) -> HttpResponse:
    is_drafted = shown is not None and shown.published_at is None
    context = {
        "form": form,
        "scenario": found,
        "blueprints": blueprints,
        "chosen": chosen or request.GET.get("blueprint", ""),
        "problems": problems or {},
        "preview": preview if preview is not None else rendering.render(form.text[:MAX_STEM]),
        "is_preview": preview is not None,
        "theirs": theirs,
        "is_drafted": is_drafted,
        "uses": _uses(found) if found else (),
    }
    return render(request, "questions/scenario.html", context, status=status)


def _uses(found: Scenario) -> list[Question]:
    """The questions whose draft or current version is about this case."""
    of_it = Q(draft__scenario=found) | Q(current__scenario_version__scenario=found)
    rows = Question.objects.filter(of_it).select_related("draft", "current", "listing")
    return list(rows.order_by("code")[:MAX_USES])
