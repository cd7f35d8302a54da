"""A learner's page for those who teach them."""

from __future__ import annotations

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Cohort, Membership
from accounts.requests import SignedInRequest
from exams import standing
from exams.cohorts import learner_page, links
from exams.views.errors import wants_json
from questions.models import Blueprint

MAX_ID = 2**63 - 1


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def learner(request: SignedInRequest, cohort_id: int, learner_id: int) -> HttpResponse:
    """Of a learner in the cohort; who left it, and everybody else, isn't there."""
    membership = get_object_or_404(
        Membership.objects.learners()
        .filter(cohort__in=Cohort.objects.taught_by(request.user))
        .select_related("cohort", "user"),
        cohort=min(cohort_id, MAX_ID),
        user=min(learner_id, MAX_ID),
    )
    asked = request.GET.get("blueprint", "").replace("\0", "")
    found = Blueprint.objects.filter(code=asked).first() if asked else None
    blueprint = found or standing.blueprint_of(membership.user)
    if blueprint is None:
        raise Http404
    page = learner_page.learner_page(
        membership, blueprint, page_number=request.GET.get("page"), now=timezone.now()
    )
    if wants_json(request):
        return JsonResponse(links.plain(page))
    return render(request, "cohorts/learner.html", {"page": page, "cohort": membership.cohort})
