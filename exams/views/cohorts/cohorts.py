"""The list of cohorts, one cohort, and making, changing and putting one away."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access, cohorts, inviting
from accounts.cohort_forms import CohortForm
from accounts.models import Cohort
from accounts.requests import SignedInRequest
from exams.cohorts import member_pages
from exams.views.cohorts import overview

MAX_ID = 2**63 - 1


def taught(request: SignedInRequest, cohort_id: int) -> Cohort:
    """One that the user teaches; any other isn't there."""
    return get_object_or_404(Cohort.objects.taught_by(request.user), pk=min(cohort_id, MAX_ID))


def page_query(**chosen: str) -> str:
    """What a link to another page of the same list begins with."""
    kept = {name: value for name, value in chosen.items() if value}
    return f"{urlencode(kept)}&" if kept else ""


@never_cache
@login_required
@require_safe
def cohort_list(request: SignedInRequest) -> HttpResponse:
    """Those one is in, for admins all; `?archived=1` those that were put away."""
    now = timezone.now()
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    is_archived = request.GET.get("archived") == "1"
    shown = member_pages.cohort_list(
        request.user, search=search, is_archived=is_archived, page_number=request.GET.get("page")
    )
    context = {
        "list": shown,
        "search": search,
        "is_archived": is_archived,
        "page_query": page_query(q=search, archived="1" if is_archived else ""),
        "waiting": inviting.waiting_for(request.user, now=now),
        "may_create": access.may(request.user, access.SEE_COHORT_RESULTS),
    }
    return render(request, "cohorts/cohorts.html", context)


@never_cache
@login_required
@require_safe
def cohort(request: SignedInRequest, cohort_id: int) -> HttpResponseBase:
    """For who learns in it their own page, for who teaches it the overview."""
    chosen = get_object_or_404(Cohort.objects.visible_to(request.user), pk=min(cohort_id, MAX_ID))
    teaches = Cohort.objects.taught_by(request.user).filter(pk=chosen.pk).exists()
    if teaches and access.may(request.user, access.SEE_COHORT_RESULTS):
        return overview.overview(request, chosen)
    own = member_pages.own_cohort(chosen, request.user, now=timezone.now())
    return render(request, "cohorts/cohort.html", {"own": own, "cohort": chosen})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def create(request: SignedInRequest) -> HttpResponse:
    form = CohortForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = cohorts.create(
            title=form.cleaned_data["title"],
            term=form.cleaned_data["term"],
            by=request.user,
            now=timezone.now(),
        )
        messages.success(request, _("The cohort is there. Now let the learners in."))
        return redirect("cohorts:invite", made.pk)
    status = 400 if form.is_bound else 200
    return render(request, "cohorts/edit.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def edit(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    chosen = taught(request, cohort_id)
    form = CohortForm(request.POST or None, instance=taught(request, cohort_id))
    if request.method == "POST" and form.is_valid():
        is_changed = cohorts.change(
            chosen,
            title=form.cleaned_data["title"],
            term=form.cleaned_data["term"],
            by=request.user,
            now=timezone.now(),
        )
        messages.success(request, _("Saved.") if is_changed else _("Nothing changed."))
        return redirect("cohorts:members", chosen.pk)
    context = {"form": form, "cohort": chosen}
    return render(request, "cohorts/edit.html", context, status=400 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def archive(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """Asks first; of an archived one it takes it out again."""
    chosen = taught(request, cohort_id)
    if request.method != "POST":
        return render(request, "cohorts/archive.html", {"cohort": chosen})
    if request.POST.get("action") == "restore":
        cohorts.restore(chosen, by=request.user, now=timezone.now())
        messages.success(request, _("The cohort is out of the archive."))
    else:
        cohorts.archive(chosen, by=request.user, now=timezone.now())
        messages.success(request, _("The cohort is archived. Its results stay readable."))
    return redirect("cohorts:members", chosen.pk)
