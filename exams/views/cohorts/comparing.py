"""The cohorts that somebody teaches, beside one another."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Cohort
from accounts.requests import SignedInRequest
from exams.cohorts import comparing, links
from exams.views.errors import wants_json


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def compare(request: SignedInRequest) -> HttpResponse:
    """By cohort, or with `?by=term` by term; `?blueprint=` and `?mock=` choose what is compared."""
    mock = request.GET.get("mock", "")
    page = comparing.comparison(
        Cohort.objects.taught_by(request.user),
        code=request.GET.get("blueprint", ""),
        mock_id=int(mock) if mock.isascii() and mock.isdigit() and len(mock) < 10 else None,
        by="term" if request.GET.get("by") == "term" else "cohort",
    )
    if wants_json(request):
        return JsonResponse(links.plain(page))
    return render(request, "cohorts/compare.html", {"page": page})
