"""A cohort for who teaches it, and what to teach it next."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Cohort
from accounts.requests import SignedInRequest
from exams.cohorts import assigned, links
from exams.cohorts import overview as overview_reads
from exams.cohorts import teaching as teaching_reads
from exams.cohorts.heat_map import Asked
from exams.cohorts.outline import outline
from exams.models import Assignment
from exams.views.errors import wants_json

MAX_ID = 2**63 - 1


def overview(request: SignedInRequest, cohort: Cohort) -> HttpResponse:
    """Called by `cohorts.cohort`, which has found that the user teaches this cohort."""
    now = timezone.now()
    rows = assigned.assignments_of(cohort, now=now)
    given = overview_reads.given([row.assignment for row in rows], request.GET.get("blueprint", ""))
    page = None
    if given is not None:
        asked = Asked.parse(request.GET, kept=("blueprint",))
        is_all = request.GET.get("risk") == "all"
        page = overview_reads.overview(cohort, given, asked, now=now, all_at_risk=is_all)
    if wants_json(request):
        return JsonResponse(links.plain(page) if page else {"cohort": links.plain(cohort)})
    context = {
        "page": page,
        "heat": page.heat_map if page else None,
        "cohort": cohort,
        "assignments": rows,
        "tab": "overview",
    }
    return render(request, "cohorts/overview.html", context)


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def teaching(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """All tasks, what the cohort would gain most by first."""
    cohort = get_object_or_404(Cohort.objects.taught_by(request.user), pk=min(cohort_id, MAX_ID))
    assignments = list(Assignment.objects.filter(cohort=cohort).select_related("blueprint", "mock"))
    given = overview_reads.given(assignments, request.GET.get("blueprint", ""))
    plan = outline(given.blueprint) if given else None
    lessons = (
        teaching_reads.lessons(plan, given.tasks, assignments=given.assignments, cohort_id=cohort.pk)
        if given and plan
        else ()
    )
    if wants_json(request):
        return JsonResponse({"cohort": links.plain(cohort), "lessons": links.plain(lessons)})
    context = {
        "cohort": cohort,
        "given": given,
        "plan": plan,
        "lessons": lessons,
        "seen": sum(lesson.row.share.figure.seen for lesson in lessons),
        "tab": "teaching",
    }
    return render(request, "cohorts/teaching.html", context)
