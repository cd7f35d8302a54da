"""Where the learner stands: the home page and the weak spots."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from exams import home as home_reads
from exams import standing, study
from exams.models import MockExam
from questions.models import Blueprint


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What to do next; for who isn't signed in, what this is."""
    if not request.user.is_authenticated:
        mocks = MockExam.objects.filter(is_published=True).select_related("blueprint")[:6]
        return render(request, "exams/welcome.html", {"mocks": mocks})
    page = home_reads.home_page(request.user, now=timezone.now())
    return render(request, "exams/home.html", {"page": page})


@never_cache
@require_safe
@login_required
def weak_spots(request: SignedInRequest) -> HttpResponse:
    """Domains and tasks, weakest first, each with its practice."""
    source = request.GET.get("from", "")
    code = request.GET.get("blueprint", "")
    blueprints = list(Blueprint.objects.filter(papers__attempts__learner=request.user).distinct())
    asked = next((each for each in blueprints if each.code == code), None)
    blueprint = asked or standing.blueprint_of(request.user)
    page, rows = None, []
    if blueprint is not None:
        source = source if source in standing.SOURCES else "both"
        page = standing.standing(request.user, blueprint, now=timezone.now(), source=source)
        notes = study.notes_by_task(blueprint)
        rows = [(task, notes.get(task.code, ())) for task in page.tasks]
    return render(request, "exams/weak_spots.html", {"page": page, "rows": rows, "blueprints": blueprints})
