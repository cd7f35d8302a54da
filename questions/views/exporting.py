"""Questions on their way out: what is selected, what its format can't carry, the file."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import access
from accounts.requests import SignedInRequest
from questions import bank_list, exporting, run_files, runs, tasks
from questions.bank_list import Filters
from questions.exporting import ExportingError
from questions.formats import registry
from questions.models import ExportRun
from questions.transfer_forms import ExportForm

State = ExportRun.State
BUSY = (State.WAITING, State.CHECKING, State.WRITING)
EARLIER = 10


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def exports(request: SignedInRequest) -> HttpResponse:
    """The address has the filter of the bank list, which the form sends back."""
    asked = QueryDict(request.POST.get("query", "")) if request.method == "POST" else request.GET
    filters = Filters.parse(asked)
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        query = QueryDict(filters.query())
        try:
            run = exporting.begin_export(query, **_choice(form), by=request.user, now=timezone.now())
        except ExportingError as error:
            form.add_error(None, _message(error))
        else:
            if run.total <= exporting.AT_ONCE:
                exporting.check(run.pk, now=timezone.now())
            else:
                tasks.enqueue(tasks.check_export, run.pk)
            return redirect("questions:export_run", run.pk)
    earlier = ExportRun.objects.visible_to(request.user).defer("selection", "losses")[:EARLIER]
    count = bank_list.rows(filters, user=request.user).count()
    context = {"form": form, "filters": filters, "query": filters.query(), "count": count, "earlier": earlier}
    return render(request, "questions/export.html", context, status=400 if form.errors else 200)


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def export_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    is_quiet = runs.is_quiet(run, now=timezone.now())
    if request.htmx and not request.htmx.history_restore_request:
        if run.state not in BUSY:
            return HttpResponseClientRefresh()
        return render(request, "questions/export_run.html#progress", {"run": run, "is_quiet": is_quiet})
    context = {"run": run, "is_busy": run.state in BUSY, "known": registry.FORMATS[run.format_name]}
    context |= {"is_quiet": is_quiet}
    context |= {"selection": run.selection, "written": run.total - run.left_out}
    return render(request, "questions/export_run.html", context)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def write_export(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    try:
        exporting.start_writing(run, now=timezone.now())
    except ExportingError as error:
        messages.error(request, _message(error))
    else:
        if run.total <= exporting.AT_ONCE:
            exporting.write_file(run.pk, now=timezone.now())
        else:
            tasks.enqueue(tasks.write_export, run.pk)
    return redirect("questions:export_run", run.pk)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def cancel_export(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    try:
        exporting.cancel(run, now=timezone.now())
    except ExportingError as error:
        messages.error(request, _message(error))
    return redirect("questions:export_run", run.pk)


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def download(request: SignedInRequest, run_id: uuid.UUID) -> StreamingHttpResponse:
    run = _run(request, run_id)
    if run.state != State.READY:
        raise Http404
    is_zip = run.filename.endswith(".zip")
    media_type = "application/zip" if is_zip else registry.FORMATS[run.format_name].media_type
    response = StreamingHttpResponse(run_files.streamed(run), content_type=media_type)
    response["Content-Length"] = str(run.size)
    response["Content-Disposition"] = content_disposition_header(True, run.filename) or "attachment"
    return response


def _run(request: SignedInRequest, run_id: uuid.UUID) -> ExportRun:
    return get_object_or_404(ExportRun.objects.visible_to(request.user), pk=run_id)


def _choice(form: ExportForm) -> dict[str, Any]:
    return {"format_name": form.cleaned_data["format"], "text": form.cleaned_data["text"]}


def _message(error: ExportingError) -> str:
    return {
        "unknown_format": _("There is no such format."),
        "read_only": _("This format can only be read."),
        "nothing": _("No question fits this selection. Widen the filter in the bank list."),
        "not_checked": _(
            "This export is not waiting to be written any more. The page shows where it stands."
        ),
        "too_late": _("It is too late to cancel: the export is over."),
    }[error.code]
