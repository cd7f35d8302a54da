"""Who is in a cohort: the list, a part changed, somebody removed, oneself out."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, cohorts
from accounts.cohort_forms import PartForm
from accounts.models import Cohort, Membership
from accounts.requests import SignedInRequest
from exams.cohorts import member_pages
from exams.views.cohorts.cohorts import MAX_ID, page_query, taught

WHICH = ("", "learner", "instructor", "left")


@never_cache
@require_safe
@access.permission_required(access.SEE_COHORT_RESULTS)
def members(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    chosen = taught(request, cohort_id)
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    which = request.GET.get("which", "")
    which = which if which in WHICH else ""
    shown = member_pages.member_list(chosen, search=search, which=which, page_number=request.GET.get("page"))
    context = {
        "cohort": chosen,
        "list": shown,
        "search": search,
        "which": which,
        "page_query": page_query(q=search, which=which),
        "lacks_instructor": shown.instructors == 0 and chosen.archived_at is None,
    }
    return render(request, "cohorts/members.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def member(request: SignedInRequest, cohort_id: int, user_id: int) -> HttpResponse:
    """One person's part in it: shown with what was noted, and changed."""
    chosen = taught(request, cohort_id)
    membership = _membership(chosen, user_id)
    if request.method == "POST":
        form = PartForm(request.POST)
        if form.is_valid():
            part = form.cleaned_data["part"]
            try:
                cohorts.change_part(chosen, membership.user, part=part, by=request.user, now=timezone.now())
            except cohorts.CohortError as error:
                messages.error(request, refusal(error, name=str(membership.user)))
            else:
                messages.success(request, _("Saved."))
                if not Cohort.objects.taught_by(request.user).filter(pk=chosen.pk).exists():
                    return redirect("cohorts:cohort", chosen.pk)
        return redirect("cohorts:member", chosen.pk, membership.user_id)
    events = chosen.events.filter(subject=membership.user).select_related("by").order_by("-at", "-pk")
    context = {"cohort": chosen, "membership": membership, "events": events[:50]}
    return render(request, "cohorts/member.html", context)


@never_cache
@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def remove(request: SignedInRequest, cohort_id: int, user_id: int) -> HttpResponse:
    chosen = taught(request, cohort_id)
    membership = _membership(chosen, user_id)
    name = str(membership.user)
    try:
        cohorts.remove(chosen, membership.user, by=request.user, now=timezone.now())
    except cohorts.CohortError as error:
        messages.error(request, refusal(error, name=name))
        return redirect("cohorts:member", chosen.pk, user_id)
    said = _("%(name)s is out of the cohort. What they sat is kept.")
    messages.success(request, said % {"name": name})
    if not Cohort.objects.taught_by(request.user).filter(pk=chosen.pk).exists():
        return redirect("cohorts:cohorts")
    return redirect("cohorts:members", chosen.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """Asks first."""
    mine = Membership.objects.active().filter(user=request.user)
    chosen = get_object_or_404(Cohort.objects.filter(pk__in=mine.values("cohort")), pk=min(cohort_id, MAX_ID))
    if request.method != "POST":
        part = mine.get(cohort=chosen).part
        return render(request, "cohorts/leave.html", {"cohort": chosen, "part": part})
    try:
        cohorts.leave(chosen, request.user, now=timezone.now())
    except cohorts.CohortError as error:
        messages.error(request, refusal(error, name=str(request.user)))
        return redirect("cohorts:leave", chosen.pk)
    messages.success(request, _("You have left “%(cohort)s”.") % {"cohort": chosen})
    return redirect("cohorts:cohorts")


def refusal(error: cohorts.CohortError, *, name: str) -> str:
    """In words."""
    said = {
        "archived": _("The cohort is archived. Take it out of the archive first."),
        "already_in": _("%(name)s is in the cohort already."),
        "not_in": _("%(name)s isn't in the cohort any more."),
        "last_instructor": _(
            "A cohort needs an instructor, and %(name)s is the only one. Make another member an instructor first."
        ),
        "not_instructor": _(
            "%(name)s has a learner's account, which can't teach. An admin can make it an instructor's account."
        ),
        "closed_account": _("The account of %(name)s is closed."),
    }
    return said[error.code] % {"name": name}


def _membership(chosen: Cohort, user_id: int) -> Membership:
    members = Membership.objects.filter(cohort=chosen).select_related("user")
    return get_object_or_404(members, user_id=min(user_id, MAX_ID))
