"""Giving a cohort something to sit, exceptions for its learners, and the learner's way into it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts.models import Cohort, Membership, User
from accounts.requests import SignedInRequest
from exams import offers, practice
from exams.cohorts import assigned as assigned_reads
from exams.cohorts import assigning, sitting
from exams.cohorts.assigning import AssigningError
from exams.cohorts.assignment_forms import FIELD_OF, AssignmentForm, ExceptionForm, assigning_message
from exams.cohorts.terms import Refusal
from exams.mock_forms import PARTS
from exams.models import Assignment
from exams.views.errors import json_login_required, wants_json
from questions.models import Blueprint

MAX_ID = 2**63 - 1


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def assign(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """A new one: of `?mock=ID`, or with `?practice=1` of tasks (`&task=1.2`, `&blueprint=CODE`)."""
    cohort = _taught(request, cohort_id)
    chosen = request.POST if request.method == "POST" else request.GET
    blueprint = _blueprint(cohort, chosen.get("blueprint")) if chosen.get("practice") else None
    if cohort.archived_at is not None:
        messages.error(request, assigning_message(AssigningError("archived")))
        return redirect("cohorts:cohort", cohort.pk)
    if request.method != "POST":
        initial = {"tasks": chosen.getlist("task"), "mock": chosen.get("mock")}
        return _editor(request, cohort, AssignmentForm(blueprint=blueprint, initial=initial))
    form = AssignmentForm(request.POST, blueprint=blueprint)
    if not form.is_valid():
        return _editor(request, cohort, form, status=400)
    try:
        made = assigning.create(cohort, form.spec(), by=request.user, now=timezone.now())
    except AssigningError as error:
        _refuse(form, error)
        return _editor(request, cohort, form, status=400)
    messages.success(request, _("“%(title)s” is assigned.") % {"title": made.title})
    return redirect("cohorts:given_learners", cohort.pk, made.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def edit_assignment(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    assignment = _assignment(request, cohort_id, assignment_id)
    blueprint = assignment.blueprint if assignment.is_practice else None
    if request.method != "POST":
        form = AssignmentForm(assignment=assignment, blueprint=blueprint)
        return _editor(request, assignment.cohort, form, assignment=assignment)
    form = AssignmentForm(request.POST, assignment=assignment, blueprint=blueprint)
    if not form.is_valid():
        return _editor(request, assignment.cohort, form, assignment=assignment, status=400)
    try:
        assigning.edit(assignment, form.spec(), by=request.user, now=timezone.now())
    except AssigningError as error:
        _refuse(form, error)
        return _editor(request, assignment.cohort, form, assignment=assignment, status=400)
    messages.success(request, _("Saved. Running sittings follow at once."))
    return redirect("cohorts:given_learners", cohort_id, assignment_id)


@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def withdraw(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    assignment = _assignment(request, cohort_id, assignment_id)
    try:
        assigning.withdraw(assignment, by=request.user, now=timezone.now())
    except AssigningError as error:
        messages.info(request, assigning_message(error))
    else:
        messages.success(request, _("Withdrawn: nobody can start it any more. Results stay."))
    return redirect("cohorts:given_learners", cohort_id, assignment_id)


@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def restore(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    assignment = _assignment(request, cohort_id, assignment_id)
    try:
        assigning.restore(assignment, by=request.user, now=timezone.now())
    except AssigningError as error:
        messages.info(request, assigning_message(error))
    else:
        messages.success(request, _("Given again: learners can start it within its window."))
    return redirect("cohorts:given_learners", cohort_id, assignment_id)


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def given_learners(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    """What each learner will see, and why."""
    assignment = _assignment(request, cohort_id, assignment_id)
    now = timezone.now()
    rows, page = assigned_reads.learner_rows(assignment, page_number=request.GET.get("page"), now=now)
    context = {
        "cohort": assignment.cohort,
        "assignment": assignment,
        "state": assigned_reads.state_of(assignment, now=now),
        "notes": assigned_reads.window_notes(assignment),
        "rows": rows,
        "page": page,
        "tasks": list(assignment.tasks.all()),
    }
    return render(request, "cohorts/assignment_learners.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def override(request: SignedInRequest, cohort_id: int, assignment_id: int, learner_id: int) -> HttpResponse:
    """The exception for one learner."""
    assignment = _assignment(request, cohort_id, assignment_id)
    members = Membership.objects.learners().filter(cohort=assignment.cohort)
    learner = get_object_or_404(
        User.objects.filter(pk__in=members.values("user")).select_related("accommodation"),
        pk=min(learner_id, MAX_ID),
    )
    now = timezone.now()
    (row,) = assigned_reads.rows_for(assignment, [learner], now=now)
    data = request.POST if request.method == "POST" else None
    form = ExceptionForm(data, override=row.override, is_timed=row.terms.is_timed)
    if request.method == "POST" and form.is_valid():
        try:
            assigning.set_exception(assignment, learner=learner, spec=form.spec(), by=request.user, now=now)
        except AssigningError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("Saved. A running sitting follows at once."))
            return redirect("cohorts:override", cohort_id, assignment_id, learner_id)
    context = {
        "cohort": assignment.cohort,
        "assignment": assignment,
        "row": row,
        "form": form,
        "events": assignment.events.filter(learner=learner).select_related("by")[:20],
    }
    return render(request, "cohorts/assignment_exception.html", context, status=400 if form.errors else 200)


# ── the learner ──


@never_cache
@require_safe
@login_required
def assigned(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    """What to know before the clock starts, with the terms that hold for this learner."""
    now = timezone.now()
    given = assigned_reads.given(_given(request, cohort_id, assignment_id), request.user, now=now)
    if not given.assignment.is_practice:
        return render(request, "exams/mock.html", {"page": offers.assigned_page(given, now=now)})
    tasks = given.assignment.tasks.order_by("domain__position", "position")
    return render(request, "cohorts/assignment_practice.html", {"given": given, "tasks": tasks})


@require_POST
@json_login_required
def start_assigned(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    """Start, or come back to what was started: a double click and a second tab reach the same attempt."""
    assignment = _given(request, cohort_id, assignment_id)
    try:
        attempt = sitting.start_assigned(assignment, learner=request.user, now=timezone.now())
    except sitting.SittingError as error:
        message = _refusal_message(error.code, error.refusal)
        if wants_json(request):
            return JsonResponse({"code": error.code, "message": message}, status=409)
        messages.error(request, message)
        return redirect("cohorts:assigned", cohort_id, assignment_id)
    return redirect("exams:attempt", attempt.pk)


def _refusal_message(code: str, refusal: Refusal | None) -> str:
    at = assigning.in_words(refusal.at) if refusal and refusal.at else ""
    return {
        "not_found": _("It is not assigned to you any more."),
        "not_open_yet": _("It is not open yet: it opens on %(at)s."),
        "window_over": _("It is over: it closed on %(at)s."),
        "no_attempts_left": _("You have used all your attempts."),
        "too_soon": _("There is a pause between two attempts: you can start again on %(at)s."),
        "running_elsewhere": _("You are sitting this mock exam already. Finish that sitting first."),
        "no_paper": _("The question bank is too small for this at present. Your instructors can mend it."),
    }[code] % {"at": at}


# ── what they share ──


def _taught(request: SignedInRequest, cohort_id: int) -> Cohort:
    return get_object_or_404(Cohort.objects.taught_by(request.user), pk=min(cohort_id, MAX_ID))


def _assignment(request: SignedInRequest, cohort_id: int, assignment_id: int) -> Assignment:
    taught = Assignment.objects.taught_by(request.user).select_related("cohort", "mock", "blueprint")
    return get_object_or_404(taught, pk=min(assignment_id, MAX_ID), cohort=min(cohort_id, MAX_ID))


def _given(request: SignedInRequest, cohort_id: int, assignment_id: int) -> Assignment:
    given = Assignment.objects.given_to(request.user).select_related("cohort", "mock__blueprint", "blueprint")
    return get_object_or_404(given, pk=min(assignment_id, MAX_ID), cohort=min(cohort_id, MAX_ID))


def _blueprint(cohort: Cohort, code: str | None) -> Blueprint:
    """The one asked for, else that of the cohort's latest assignment, else the first."""
    blueprints = Blueprint.objects.order_by("code")
    if code:
        return get_object_or_404(blueprints, code=code.replace("\0", ""))
    latest = cohort.assignments.select_related("blueprint").first()
    return latest.blueprint if latest else get_object_or_404(blueprints[:1])


def _refuse(form: Any, error: AssigningError) -> None:
    field = FIELD_OF.get(error.code)
    form.add_error(field if field in form.fields else None, assigning_message(error))


def _editor(
    request: SignedInRequest,
    cohort: Cohort,
    form: AssignmentForm,
    *,
    assignment: Assignment | None = None,
    status: int = 200,
) -> HttpResponse:
    blueprint = form.blueprint
    context = {
        "cohort": cohort,
        "assignment": assignment,
        "form": form,
        "blueprint": blueprint,
        "blueprints": Blueprint.objects.order_by("code"),
        "domains": practice.choices(blueprint, request.user) if blueprint else (),
        "parts": PARTS.values(),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "cohorts/assignment_edit.html", context, status=status)
