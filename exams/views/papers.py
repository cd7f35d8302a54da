"""Choosing what to sit: mock exams, practice, and the exam one prepares for."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from exams import delivery, offers, practice, starting
from exams.cohorts import assigned
from exams.forms import ExamPlanForm, PracticeForm, practice_message
from exams.models import ExamPlan, MockExam
from exams.views.errors import json_login_required, wants_json
from questions.models import Blueprint


@never_cache
@require_safe
@json_login_required
def mocks(request: SignedInRequest) -> HttpResponse:
    """The mock exams that can be sat."""
    rows = offers.offers(request.user)
    if wants_json(request):
        return JsonResponse({"mocks": [_mock_json(row.mock) for row in rows]})
    given = assigned.given_to(request.user, now=timezone.now())
    return render(request, "exams/mocks.html", {"offers": rows, "given": given})


@never_cache
@require_safe
@login_required
def mock(request: SignedInRequest, mock_id: int) -> HttpResponse:
    """What to know before the clock starts."""
    chosen = _visible_mock(request, mock_id)
    return render(
        request, "exams/mock.html", {"page": offers.start_page(chosen, request.user, now=timezone.now())}
    )


@require_POST
@json_login_required
def start(request: SignedInRequest, mock_id: int) -> HttpResponse:
    """Start, or come back to what was started: a double click and a second tab reach the same attempt."""
    chosen = _visible_mock(request, mock_id)
    try:
        attempt = starting.start_attempt(chosen, learner=request.user, now=timezone.now())
    except delivery.DeliveryError as error:
        message = {
            "not_open_yet": _("This mock exam is not open yet."),
            "window_over": _("The time for this mock exam is over."),
            "no_paper": _(
                "The question bank is too small for this mock exam at present. Your instructors can mend it."
            ),
        }[error.code]
        if wants_json(request):
            return JsonResponse({"code": error.code, "message": message}, status=409)
        messages.error(request, message)
        return redirect("exams:mock", mock_id)
    return redirect("exams:attempt", attempt.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def practise(request: SignedInRequest) -> HttpResponse:
    """Choose domains and tasks, and start; `?task=1.1`, `?domain=1` or `?topic=1.1.1` preselects."""
    blueprint = _blueprint_for(request.user, request.POST.get("blueprint") or request.GET.get("blueprint"))
    if blueprint is None:
        return render(request, "exams/practice.html", {"domains": (), "form": None}, status=200)
    form = PracticeForm(request.POST if request.method == "POST" else None, blueprint=blueprint)
    if request.method == "POST" and form.is_valid():
        try:
            attempt = practice.start_practice(
                blueprint,
                learner=request.user,
                task_ids=form.cleaned_data["tasks"],
                topic_ids=form.cleaned_data["topics"],
                questions=form.cleaned_data["questions"],
                start_key=form.cleaned_data["start_key"],
                now=timezone.now(),
            )
        except practice.PracticeError as error:
            form.add_error(None, practice_message(error.code))
        else:
            return redirect("exams:attempt", attempt.pk)
    chosen = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {
        "form": form,
        "blueprint": blueprint,
        "blueprints": Blueprint.objects.all(),
        "domains": practice.choices(blueprint, request.user),
        "chosen_tasks": chosen.getlist("task"),
        "chosen_domains": chosen.getlist("domain"),
        "chosen_topics": practice.topics_of(blueprint, chosen.getlist("topic")),
        "start_key": uuid.uuid4(),
    }
    return render(request, "exams/practice.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def plan(request: SignedInRequest) -> HttpResponse:
    """The exam one prepares for, and its date."""
    current = ExamPlan.objects.filter(learner=request.user).first() or ExamPlan(learner=request.user)
    form = ExamPlanForm(request.POST if request.method == "POST" else None, instance=current)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your exam is noted."))
        return redirect("exams:home")
    return render(request, "exams/plan.html", {"form": form}, status=400 if form.errors else 200)


def _visible_mock(request: SignedInRequest, mock_id: int) -> MockExam:
    return get_object_or_404(
        MockExam.objects.visible_to(request.user).select_related("blueprint"), pk=mock_id
    )


def _blueprint_for(user: User, code: str | None) -> Blueprint | None:
    """The one asked for, else the one the learner prepares for, else the first."""
    blueprints = Blueprint.objects.all()
    if code and (asked := blueprints.filter(code=code).first()):
        return asked
    return blueprints.filter(plans__learner=user).first() or blueprints.first()


def _mock_json(row: MockExam) -> dict[str, Any]:
    return {
        "id": row.pk,
        "title": row.title,
        "blueprint": row.blueprint.code,
        "items": row.items,
        "minutes": row.minutes,
        "start": reverse("exams:start", args=[row.pk]),
    }
