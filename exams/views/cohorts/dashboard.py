"""The dashboard of an assignment."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams.cohorts import dashboard as dashboard_reads
from exams.cohorts import links
from exams.cohorts.heat_map import Asked
from exams.models import Assignment
from exams.views.errors import wants_json

MAX_ID = 2**63 - 1


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def assignment(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    """What its sittings say about the group; `?by=`, `?sort=`, `?show=` and `?page=` choose the heat map's rows."""
    chosen = get_object_or_404(
        Assignment.objects.taught_by(request.user).select_related("cohort", "mock", "blueprint"),
        pk=min(assignment_id, MAX_ID),
        cohort=min(cohort_id, MAX_ID),
    )
    page = dashboard_reads.dashboard(chosen, Asked.parse(request.GET))
    if wants_json(request):
        return JsonResponse(links.plain(page))
    context = {"page": page, "cohort": chosen.cohort, "assignment": chosen, "heat": page.heat_map}
    return render(request, "cohorts/assignment.html", context)
