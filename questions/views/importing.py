"""A file on its way in: upload, progress, preview with its mapping of folders, import."""

from __future__ import annotations

import contextlib
import io
import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import access
from accounts.requests import SignedInRequest
from questions import applying, importing, run_files, runs, tasks
from questions.formats import csv_files, registry, xlsx_files
from questions.formats.exchange import MAX_FILE
from questions.import_page import BUSY, EARLIER, line, pages_of, rows_of, run_page
from questions.importing import ImportingError
from questions.models import Blueprint, ImportRun, Topic
from questions.transfer_forms import TOO_LARGE, UploadForm

PER_PAGE = 50
CATEGORIES_PER_PAGE = 50
_FORM_BYTES = 100_000
_MOST_READ_PAST = 1024**3
_TEMPLATES = {"csv": csv_files.write_template, "xlsx": xlsx_files.write_template}


# Exempt out here, protected below: Django looks for the token in the body, and would read all of a file that
# is too large before anybody could refuse it.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def imports(request: SignedInRequest) -> HttpResponseBase:
    length = (request.META.get("CONTENT_LENGTH") or "0")[:12]
    if request.method == "POST" and length.isdecimal() and int(length) > MAX_FILE + _FORM_BYTES:
        _read_past(request)
        form = UploadForm()
        return _upload_page(request, form, problem=str(TOO_LARGE), status=413)
    return _imports(request)


@csrf_protect
def _imports(request: SignedInRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method != "POST" or not form.is_valid():
        return _upload_page(request, form, status=400 if form.is_bound else 200)
    data = form.cleaned_data
    run = importing.begin_import(
        data["file"].file,
        filename=data["file"].name,
        size=data["file"].size,
        format_name=data["format"],
        blueprint=data["blueprint"],
        topic=data["topic"],
        by=request.user,
        now=timezone.now(),
    )
    tasks.enqueue(tasks.read_import, run.pk)
    return redirect("questions:import_run", run.pk)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def bring_questions(request: SignedInRequest, code: str) -> HttpResponse:
    """Preview what the exam before has for this one; nothing is in before it is imported."""
    blueprint = get_object_or_404(Blueprint.objects.select_related("follows"), code=code)
    try:
        run = importing.begin_following(blueprint, by=request.user, now=timezone.now())
    except ImportingError as error:
        raise Http404 from error
    tasks.enqueue(tasks.read_import, run.pk)
    return redirect("questions:import_run", run.pk)


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def import_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    is_quiet = runs.is_quiet(run, now=timezone.now())
    if request.htmx and not request.htmx.history_restore_request:
        if run.state not in BUSY:
            return HttpResponseClientRefresh()
        return render(request, "questions/import_run.html#progress", {"run": run, "is_quiet": is_quiet})
    outcome = request.GET.get("outcome", "")
    rows = pages_of(run, outcome, per_page=PER_PAGE).get_page(request.GET.get("page"))
    folders = Paginator(importing.categories(run), CATEGORIES_PER_PAGE).get_page(request.GET.get("folders"))
    context = {
        "run": run,
        "page": run_page(run),
        "rows": rows,
        "lines": [line(row) for row in rows_of(run, outcome, rows)],
    }
    context |= {"folders": folders, "outcome": outcome, "is_quiet": is_quiet}
    return render(request, "questions/import_run.html", context)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def cancel_import(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    try:
        importing.cancel(run, now=timezone.now())
    except ImportingError as error:
        messages.error(request, _message(error))
    return redirect("questions:import_run", run.pk)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def map_folders(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """The fields come in pairs: the folder's name, and the topic chosen for it."""
    run = _run(request, run_id)
    topics = {str(t.pk): t for t in Topic.objects.filter(task__domain__blueprint=run.blueprint_id)}
    pairs = zip(request.POST.getlist("folder"), request.POST.getlist("topic"), strict=False)
    chosen = {folder[:400].replace("\0", ""): topics.get(topic) for folder, topic in pairs}
    try:
        importing.map_categories(run, chosen)
    except ImportingError as error:
        messages.error(request, _message(error))
    else:
        messages.success(request, _("The folders have their topics; the next file remembers them."))
    return redirect("questions:import_run", run.pk)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def apply_import(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    try:
        applying.start(run, tag=request.POST.get("tag", "")[:200].replace("\0", ""), now=timezone.now())
    except ImportingError as error:
        messages.error(request, _message(error))
    else:
        tasks.enqueue(tasks.apply_import, run.pk)
    return redirect("questions:import_run", run.pk)


@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def template(request: SignedInRequest, name: str) -> FileResponse:
    if name not in _TEMPLATES:
        raise Http404
    out = io.BytesIO()
    _TEMPLATES[name](out)
    out.seek(0)
    known = registry.by_name(name)
    filename = f"questions-template{known.extension}"
    return FileResponse(out, as_attachment=True, filename=filename, content_type=known.media_type)


def _read_past(request: SignedInRequest) -> None:
    """Take what is sent and keep none of it: a browser cut off while it sends shows no answer at all."""
    with contextlib.suppress(OSError):
        for _piece in range(_MOST_READ_PAST // run_files.PIECE):
            if not request.read(run_files.PIECE):
                return


def _run(request: SignedInRequest, run_id: uuid.UUID) -> ImportRun:
    related = ImportRun.objects.visible_to(request.user).select_related("blueprint", "by", "topic")
    return get_object_or_404(related, pk=run_id)


def _upload_page(
    request: SignedInRequest, form: UploadForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    earlier = ImportRun.objects.visible_to(request.user).select_related("blueprint", "by")[:EARLIER]
    context: dict[str, Any] = {"form": form, "earlier": earlier, "problem": problem}
    context |= {"blueprints": Blueprint.objects.all(), "max_mb": MAX_FILE // 1024**2}
    return render(request, "questions/import.html", context, status=status)


def _message(error: ImportingError) -> str:
    return {
        "not_ready": _("This import is not waiting to be decided any more. The page shows where it stands."),
        "too_late": _("It is too late to cancel: the import is over, or its questions are in already."),
    }[error.code]
