"""The study section: the outline with the learner's record, and one page a topic."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from exams import standing
from exams import study as study_reads
from questions.models import Blueprint


@never_cache
@require_safe
@login_required
def study(request: SignedInRequest) -> HttpResponse:
    """Domains, tasks and topics; `?blueprint=` chooses the exam where there are several."""
    blueprints = list(Blueprint.objects.all())
    code = request.GET.get("blueprint", "")
    asked = next((each for each in blueprints if each.code == code), None)
    blueprint = asked or standing.blueprint_of(request.user)
    page = study_reads.study_page(request.user, blueprint, now=timezone.now()) if blueprint else None
    return render(request, "exams/study.html", {"page": page, "blueprints": blueprints})


@never_cache
@require_safe
@login_required
def note(request: SignedInRequest, code: str) -> HttpResponse:
    """One topic: of the exam asked for, else of the learner's, else of any that has it."""
    asked = request.GET.get("blueprint")
    if asked is None:
        own = standing.blueprint_of(request.user)
        topic = study_reads.topic_called(code, blueprint=own)
        topic = topic or study_reads.topic_called(code, blueprint=None)
    else:
        blueprint = next((each for each in Blueprint.objects.all() if each.code == asked), None)
        topic = study_reads.topic_called(code, blueprint=blueprint) if blueprint else None
    if topic is None:
        raise Http404
    page = study_reads.note_page(request.user, topic, now=timezone.now())
    return render(request, "exams/note.html", {"page": page})
