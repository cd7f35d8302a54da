"""Figures of a cohort as files: what, in which format, how far it is, the download."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import access
from accounts.models import Cohort
from accounts.requests import SignedInRequest
from exams import tasks
from exams.cohorts import reports as rules
from exams.models import Assignment, ReportRun
from questions import runs

EARLIER = 10
KINDS = (
    (ReportRun.Kind.SCORES, gettext_lazy("Scores"), gettext_lazy("a row for each sitting")),
    (
        ReportRun.Kind.DOMAINS,
        gettext_lazy("Domains and tasks"),
        gettext_lazy("a row for each sitting and domain, and for each of its tasks"),
    ),
    (
        ReportRun.Kind.RESPONSES,
        gettext_lazy("Responses"),
        gettext_lazy("a row for each question of a sitting"),
    ),
    (
        ReportRun.Kind.ITEMS,
        gettext_lazy("Item statistics"),
        gettext_lazy("a row for each question of an assignment, first sittings only"),
    ),
)
_CHOOSE = {
    "required": gettext_lazy("Choose one of the list."),
    "invalid_choice": gettext_lazy("Choose one of the list."),
}


class ReportForm(forms.Form):
    kind = forms.ChoiceField(choices=ReportRun.Kind.choices, error_messages=_CHOOSE)
    format = forms.ChoiceField(choices=ReportRun.Format.choices, error_messages=_CHOOSE)
    assignment = forms.ModelChoiceField(Assignment.objects.none(), required=False, error_messages=_CHOOSE)

    def __init__(self, cohort: Cohort, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assignment"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Assignment.objects.filter(cohort=cohort)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def reports(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """`?assignment=` and `?kind=` choose beforehand."""
    cohort = get_object_or_404(Cohort.objects.taught_by(request.user), pk=cohort_id)
    form = ReportForm(cohort, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        run, is_new = rules.begin(
            cohort,
            kind=chosen["kind"],
            format_name=chosen["format"],
            assignment=chosen["assignment"],
            by=request.user,
            now=timezone.now(),
        )
        if is_new:
            tasks.enqueue_report(run.pk)
        return redirect("cohorts:report", cohort.pk, run.pk)
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "cohort": cohort,
        "form": form,
        "kinds": KINDS,
        "formats": ReportRun.Format.choices,
        "chosen": {
            "kind": asked.get("kind") or ReportRun.Kind.SCORES,
            "format": asked.get("format") or ReportRun.Format.CSV,
            "assignment": asked.get("assignment", ""),
        },
        "assignments": Assignment.objects.filter(cohort=cohort),
        "earlier": _runs(request, cohort_id).select_related("assignment")[:EARLIER],
    }
    return render(request, "cohorts/reports.html", context, status=400 if form.errors else 200)


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def report(request: SignedInRequest, cohort_id: int, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, cohort_id, run_id)
    is_busy = run.state in rules.BUSY
    context = {"run": run, "cohort": run.cohort, "is_busy": is_busy}
    context |= {"is_quiet": runs.is_quiet(run, now=timezone.now())}
    if request.htmx and not request.htmx.history_restore_request:
        if not is_busy:
            return HttpResponseClientRefresh()
        return render(request, "cohorts/report.html#progress", context)
    context |= {"filename": rules.filename(run), "title": {str(k): t for k, t, _about in KINDS}[run.kind]}
    if run.state == ReportRun.State.READY:
        context |= {"size": rules.size(run), "kept_until": run.touched_at + rules.KEPT_FOR}
    return render(request, "cohorts/report.html", context)


@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def cancel_report(request: SignedInRequest, cohort_id: int, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, cohort_id, run_id)
    try:
        rules.cancel(run, now=timezone.now())
    except rules.ReportError:
        messages.error(request, _("It is too late to cancel: this report is over."))
    return redirect("cohorts:report", cohort_id, run.pk)


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def download_report(request: SignedInRequest, cohort_id: int, run_id: uuid.UUID) -> StreamingHttpResponse:
    run = _run(request, cohort_id, run_id)
    if run.state != ReportRun.State.READY:
        raise Http404
    response = StreamingHttpResponse(rules.streamed(run), content_type=rules.MEDIA_TYPES[run.format_name])
    response["Content-Length"] = str(rules.size(run))
    response["Content-Disposition"] = content_disposition_header(True, rules.filename(run)) or "attachment"
    return response


def _runs(request: SignedInRequest, cohort_id: int) -> Any:
    return ReportRun.objects.visible_to(request.user).filter(cohort=cohort_id)


def _run(request: SignedInRequest, cohort_id: int, run_id: uuid.UUID) -> ReportRun:
    found: ReportRun = get_object_or_404(
        _runs(request, cohort_id).select_related("cohort", "assignment"), pk=run_id
    )
    return found
