"""Building mock exams: all of them, one with its papers, the form, and the preview."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams import delivery, mock_building, starting
from exams.assembly import Shortage
from exams.mock_forms import PARTS, MockForm, suggested_code
from exams.models import Attempt, MockExam, Paper
from exams.statistics import mock_page
from questions.models import Blueprint

MAX_PAPER = 2_000_000_000


@never_cache
@require_safe
@access.permission_required(access.BUILD_MOCKS)
def mock_list(request: SignedInRequest) -> HttpResponse:
    """All mocks, of one blueprint with `?blueprint=CODE`."""
    code = request.GET.get("blueprint", "")
    chosen = get_object_or_404(Blueprint, code=_plain(code)) if code else None
    number = request.GET.get("page")
    rows, page = mock_building.rows(blueprint=chosen, page_number=number, now=timezone.now())
    blueprints = list(Blueprint.objects.order_by("code"))
    context = {"rows": rows, "page": page, "chosen": chosen, "blueprints": blueprints}
    return render(request, "exams/bank_mocks.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.BUILD_MOCKS)
def create_mock(request: SignedInRequest) -> HttpResponse:
    """A new mock; `?copy=CODE` begins with another's values, `?blueprint=CODE` with a blueprint's."""
    source = request.GET.get("copy")
    copied = _mock(source) if source else None
    if request.method != "POST":
        form = MockForm(mock=copied, is_new=True, initial=_suggestions(request, copied))
        return _editor(request, form)
    form = MockForm(request.POST, mock=copied, is_new=True)
    if not form.is_valid():
        return _editor(request, form, status=400)
    if request.POST.get("action") == "check":
        return _check(request, form, mock=None)
    spec = form.spec()
    code = form.cleaned_data["code"] or suggested_code(spec.blueprint, spec.title)
    try:
        outcome = mock_building.create_mock(spec, code=code, now=timezone.now())
    except mock_building.MockError as error:
        _refuse(form, error)
        return _editor(request, form, status=400)
    messages.success(request, _said(outcome))
    return redirect("exams:bank_mock", outcome.mock.code)


@never_cache
@require_safe
@access.permission_required(access.BUILD_MOCKS)
def mock(request: SignedInRequest, code: str) -> HttpResponse:
    chosen = _mock(code)
    papers = mock_building.paper_rows(chosen)
    ready = sum(row.paper.withdrawn_at is None for row in papers)
    context = {
        "mock": chosen,
        "state": mock_building.state_of(chosen, now=timezone.now()),
        "sittings": mock_building.sittings(chosen).count(),
        "papers": papers,
        "ready": ready,
        "missing": 0 if chosen.is_per_learner else max(0, chosen.papers_wanted - ready),
        "shared": mock_building.shared_questions(chosen),
        "policy": MockForm(mock=chosen).policy_rows(),
        "parts": PARTS.values(),
        "previews": mock_building.previews_of(chosen, request.user),
        "figures": mock_page.figures_of(chosen),
    }
    return render(request, "exams/bank_mock.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.BUILD_MOCKS)
def edit_mock(request: SignedInRequest, code: str) -> HttpResponse:
    chosen = _mock(code)
    if request.method != "POST":
        return _editor(request, MockForm(mock=chosen), mock=chosen, seen=mock_building.fingerprint(chosen))
    form = MockForm(request.POST, mock=chosen)
    seen = request.POST.get("seen", "")
    if not form.is_valid():
        return _editor(request, form, mock=chosen, seen=seen, status=400)
    if request.POST.get("action") == "check":
        return _check(request, form, mock=chosen, seen=seen)
    try:
        outcome = mock_building.edit_mock(chosen, form.spec(), seen=seen, now=timezone.now())
    except mock_building.MockError as error:
        _refuse(form, error)
        if error.code == "changed_meanwhile":
            stored = _mock(code)
            seen = mock_building.fingerprint(stored)
            return _editor(request, form, mock=stored, seen=seen, status=409, stored=MockForm(mock=stored))
        return _editor(request, form, mock=chosen, seen=seen, status=400)
    messages.success(request, _said(outcome))
    return redirect("exams:bank_mock", chosen.code)


@never_cache
@require_safe
@access.permission_required(access.BUILD_MOCKS)
def paper(request: SignedInRequest, code: str, number: int) -> HttpResponse:
    """The questions of one paper."""
    chosen = _mock(code)
    found = get_object_or_404(_papers(chosen, number))
    items = found.items.select_related("version__question", "version__topic__task").order_by("slot")
    context = {"mock": chosen, "paper": found, "items": items, "cut_percent": f"{float(100 * found.cut):.1f}"}
    return render(request, "exams/bank_paper.html", context)


@require_POST
@access.permission_required(access.BUILD_MOCKS)
def withdraw_paper(request: SignedInRequest, code: str, number: int) -> HttpResponse:
    chosen = _mock(code)
    get_object_or_404(_papers(chosen, number))
    try:
        mock_building.withdraw_paper(chosen, number=number, now=timezone.now())
    except mock_building.MockError as error:
        messages.info(request, _message(error))
    else:
        messages.success(request, _("Paper %(n)s is taken out: nobody gets it any more.") % {"n": number})
    return redirect("exams:bank_mock", chosen.code)


@require_POST
@access.permission_required(access.BUILD_MOCKS)
def assemble(request: SignedInRequest, code: str) -> HttpResponse:
    """The papers that the mock lacks."""
    chosen = _mock(code)
    try:
        made = mock_building.assemble_missing(chosen, now=timezone.now())
    except mock_building.MockError as error:
        messages.error(request, _message(error))
    else:
        words = ngettext("%(n)s paper was assembled.", "%(n)s papers were assembled.", made) % {"n": made}
        messages.success(request, words)
    return redirect("exams:bank_mock", chosen.code)


@require_POST
@access.permission_required(access.BUILD_MOCKS)
def preview(request: SignedInRequest, code: str) -> HttpResponse:
    """Sit it as a learner would meet it; what runs is continued."""
    chosen = _mock(code)
    try:
        attempt = starting.start_preview(chosen, by=request.user, now=timezone.now())
    except delivery.DeliveryError:
        messages.error(request, _("The bank is too small for a paper of this mock at present."))
        return redirect("exams:bank_mock", chosen.code)
    return redirect("exams:attempt", attempt.pk)


@never_cache
@require_safe
@access.permission_required(access.BUILD_MOCKS)
def previewed(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """From one's own preview back to the mock."""
    previews = Attempt.objects.sat_by(request.user).filter(purpose=Attempt.Purpose.PREVIEW)
    attempt = get_object_or_404(previews.select_related("mock"), pk=attempt_id)
    if attempt.mock is None:
        raise Http404
    return redirect("exams:bank_mock", attempt.mock.code)


# ── parts ──


def _plain(code: str) -> str:
    """A database that holds text can't be asked for a NUL."""
    return code.replace("\x00", "�")


def _mock(code: str) -> MockExam:
    return get_object_or_404(MockExam.objects.select_related("blueprint"), code=_plain(code))


def _papers(chosen: MockExam, number: int) -> QuerySet[Paper]:
    if number > MAX_PAPER:
        raise Http404
    return chosen.papers.filter(number=number)


def _suggestions(request: SignedInRequest, copied: MockExam | None) -> dict[str, Any]:
    """A full mock of the blueprint that one comes from, as a draft."""
    if copied is not None:
        return {"title": _("Copy of %(title)s") % {"title": copied.title[:100]}, "is_published": False}
    code = request.GET.get("blueprint", "")
    blueprint = (
        Blueprint.objects.filter(code=_plain(code)).first() or Blueprint.objects.order_by("code").first()
    )
    if blueprint is None:
        return {}
    unscored = blueprint.items - blueprint.scored_items
    return {
        "blueprint": blueprint.code,
        "items": blueprint.items,
        "unscored": unscored,
        "minutes": blueprint.minutes,
    }


def _editor(
    request: SignedInRequest,
    form: MockForm,
    *,
    mock: MockExam | None = None,
    seen: str = "",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {"form": form, "mock": mock, "seen": seen, "parts": PARTS.values(), **more}
    return render(request, "exams/mock_edit.html", context, status=status)


def _check(
    request: SignedInRequest, form: MockForm, *, mock: MockExam | None, seen: str = ""
) -> HttpResponse:
    """Assemble for a trial and say how it went; nothing is stored."""
    try:
        outcome = mock_building.try_out(form.spec(), mock=mock, now=timezone.now())
    except mock_building.MockError as error:
        _refuse(form, error)
        return _editor(request, form, mock=mock, seen=seen, status=400)
    return _editor(request, form, mock=mock, seen=seen, checked=outcome)


def _refuse(form: MockForm, error: mock_building.MockError) -> None:
    field = {"code_taken": "code", "own_papers_held_back": "is_held_back"}.get(error.code)
    form.add_error(field if field in form.fields else None, _message(error))


def _message(error: mock_building.MockError) -> str:
    short = short_words(error.short)
    return {
        "code_taken": _("Another mock has this code. Choose another."),
        "changed_meanwhile": _(
            "Somebody has saved this mock since you opened it. Nothing of yours is stored yet: compare below, then "
            "save again, and what you have typed takes the place of theirs."
        ),
        "already_sat": _(
            "Somebody has sat it meanwhile. Its questions, its length and its cut stay, for scores rest on them. "
            "Copy it as a new mock."
        ),
        "bank_too_small": _(
            "The bank is too small for it: %(short)s. Write questions there, or ask for fewer."
        )
        % {"short": short},
        "not_fresh": _(
            "There are too few questions that stand in no other paper: %(short)s. Write questions there, withdraw "
            "papers of other mocks, or ask for fewer."
        )
        % {"short": short or _("a case study can't be taken apart")},
        "own_papers_held_back": _("A paper for each learner can't be held back."),
        "bad_policy": _("What learners see when can't be kept as ticked."),
        "not_found": _("This paper is gone."),
        "already_withdrawn": _("This paper was taken out before."),
    }[error.code]


def short_words(short: Iterable[Shortage]) -> str:
    return "; ".join(
        _("domain %(cell)s has %(available)s, it needs %(needed)s")
        % {"cell": each.cell, "available": each.available, "needed": each.needed}
        for each in short
    )


def _said(outcome: mock_building.Outcome) -> str:
    words = [_("The mock exam is saved.")]
    if outcome.made:
        words.append(
            ngettext("%(n)s paper was assembled.", "%(n)s papers were assembled.", outcome.made)
            % {"n": outcome.made}
        )
    if outcome.withdrawn:
        words.append(
            ngettext("%(n)s paper was taken out.", "%(n)s papers were taken out.", outcome.withdrawn)
            % {"n": outcome.withdrawn}
        )
    if outcome.shared:
        words.append(
            ngettext(
                "%(n)s question stands in more than one paper.",
                "%(n)s questions stand in more than one paper.",
                outcome.shared,
            )
            % {"n": outcome.shared}
        )
    return " ".join(words)
