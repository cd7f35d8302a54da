from __future__ import annotations

from decimal import Decimal
from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, anonymising
from accounts import accommodations as rules
from accounts import inbox as notices
from accounts.access import SET_ACCOMMODATIONS, permission_required
from accounts.forms import AccommodationForm, AnonymiseForm, ProfileForm
from accounts.models import Accommodation, Theme, User

LEARNERS_A_PAGE = 25
NOTICES_A_PAGE = 30
CHANGES_SHOWN = 50


def current_user(request: HttpRequest) -> User:
    """The signed-in user, for views behind `login_required` or `permission_required`."""
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    # A refused form must not show its values in the header: it gets its own copy of the user.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Profile saved."))
        return redirect("accounts:profile")
    context = {
        "form": form,
        "extra_time": _extra_time(user),
        "cohorts": user.memberships.active().select_related("cohort").order_by("cohort__title"),
        "may_set_accommodations": access.may(user, SET_ACCOMMODATIONS),
    }
    return render(request, "accounts/profile.html", context)


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What one was told, the newest first."""
    page = Paginator(current_user(request).notices.all(), NOTICES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/inbox.html", {"page": page})


@login_required
@require_POST
def open_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Mark it as read, and go where it leads."""
    notice = get_object_or_404(current_user(request).notices.all(), pk=min(notice_id, 2**63 - 1))
    notices.read(notice, now=timezone.now())
    return redirect(notice.path)


@login_required
@require_POST
def read_notices(request: HttpRequest) -> HttpResponse:
    notices.read_all(current_user(request), now=timezone.now())
    return redirect("accounts:inbox")


@login_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme")
    if chosen not in Theme.values:
        return HttpResponseBadRequest(_("Choose one of: auto, light, dark."), content_type="text/plain")
    user = current_user(request)
    user.theme = chosen
    user.save(update_fields=["theme"])
    return HttpResponse(status=204)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def anonymise(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    form = AnonymiseForm(request.POST or None, user=user)
    if request.method == "POST":
        # Who found a signed-in browser must not be able to try passwords here.
        if not ratelimit.consume(request, action="reauthenticate", user=user):
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        if form.is_valid():
            try:
                anonymising.anonymise(user, now=timezone.now())
            except anonymising.AnonymisingError:
                form.add_error(None, _("You are the only admin. Make somebody else an admin first."))
            else:
                logout(request)
                messages.success(
                    request, _("The account is anonymised; nobody can sign in with it any more.")
                )
                return redirect("account_login")
    context = {"form": form, "is_last_admin": access.is_last_admin(user)}
    return render(request, "accounts/anonymise.html", context)


@permission_required(SET_ACCOMMODATIONS)
@require_safe
def accommodations(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    search = request.GET.get("q", "").strip()
    learners = User.objects.learners_visible_to(user).select_related("accommodation")
    if search:
        learners = learners.filter(Q(name__icontains=search) | Q(email__icontains=search))
    page = Paginator(learners.order_by("name", "email"), LEARNERS_A_PAGE).get_page(request.GET.get("page"))
    rows = [(learner, _extra_time(learner)) for learner in page]
    return render(request, "accounts/accommodations.html", {"page": page, "rows": rows, "search": search})


def _in_words(logged: dict[str, Any]) -> str:
    return rules.in_words(Decimal(logged["time_factor"]), logged["extra_minutes"])


def _extra_time(learner: User) -> str:
    if not hasattr(learner, "accommodation"):
        return ""
    return rules.in_words(learner.accommodation.time_factor, learner.accommodation.extra_minutes)


@permission_required(SET_ACCOMMODATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def accommodation(request: HttpRequest, user_id: int) -> HttpResponse:
    user = current_user(request)
    learner = get_object_or_404(User.objects.learners_visible_to(user), pk=user_id)
    stored = Accommodation.objects.filter(learner=learner).first()
    form = AccommodationForm(request.POST or None, instance=stored)
    if request.method == "POST" and form.is_valid():
        return _store_accommodation(request, learner, form)
    context = {
        "learner": learner,
        "form": form,
        "changes": [
            (change, _in_words(change.before), _in_words(change.after))
            for change in learner.accommodation_changes.select_related("by")[:CHANGES_SHOWN]
        ],
    }
    return render(request, "accounts/accommodation.html", context)


def _store_accommodation(request: HttpRequest, learner: User, form: AccommodationForm) -> HttpResponse:
    change = rules.set_accommodation(
        learner,
        by=current_user(request),
        time_factor=form.cleaned_data["time_factor"],
        extra_minutes=form.cleaned_data["extra_minutes"],
        now=timezone.now(),
    )
    if change is None:
        messages.info(request, _("Nothing changed."))
    else:
        saved = _("Saved. It holds for the exams that %(name)s starts from now on.")
        messages.success(request, saved % {"name": learner})
    return redirect("accounts:accommodation", user_id=learner.pk)
