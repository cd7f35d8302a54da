"""Getting in: the typed code, the page before joining, and the instructors' invitations."""

from __future__ import annotations

from allauth.core import ratelimit
from allauth.core.internal import ratelimit as guesses  # the public one passes over GET
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, cohorts, inviting
from accounts.cohort_forms import CodeForm, EmailForm, LinkForm
from accounts.models import Cohort, Invitation, Membership, Part, User
from accounts.requests import SignedInRequest
from exams.views.cohorts.cohorts import MAX_ID, taught

INVITATIONS_A_PAGE = 50


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """The code from a blackboard. Guessing is slowed down, for a class behind one address too."""
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if request.method == "POST" and form.is_valid():
        if not _may_try(request):
            return ratelimit.respond_429(request)  # type: ignore[no-any-return]
        try:
            invitation = inviting.find(form.cleaned_data["code"])
        except inviting.InvitingError as error:
            _count_miss(request)
            form.add_error("code", refusal(error))
        else:
            return redirect("cohorts:join", invitation.code)
    return render(request, "cohorts/enter_code.html", {"form": form}, status=400 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, code: str) -> HttpResponse:
    """What the cohort is and who will see what, before the button. Without an account: how to get one."""
    if not _may_try(request):
        return ratelimit.respond_429(request)  # type: ignore[no-any-return]
    now = timezone.now()
    user = request.user if isinstance(request.user, User) else None
    try:
        invitation = inviting.find(code)
    except inviting.InvitingError as error:
        _count_miss(request)
        return _refused(request, error, status=404)
    is_in = Membership.objects.active().filter(cohort=invitation.cohort, user=user)
    if user is not None and is_in.exists():
        return redirect("cohorts:cohort", invitation.cohort_id)
    try:
        inviting.require_usable(invitation, now=now)
        if user is not None:
            inviting.require_addressee(invitation, user)
            if request.method == "POST":
                inviting.accept(invitation, user, now=now)
                messages.success(request, _("Welcome to “%(cohort)s”.") % {"cohort": invitation.cohort})
                return redirect("cohorts:cohort", invitation.cohort_id)
            cohorts.require_fit(user, part=invitation.part)
    except (inviting.InvitingError, cohorts.CohortError) as error:
        return _refused(request, error, invitation=invitation, status=409)
    context = {
        "invitation": invitation,
        "cohort": invitation.cohort,
        "instructors": cohorts.instructors_of(invitation.cohort),
        "addressee": _masked(invitation.email),
        "query": urlencode({"next": inviting.path_of(invitation)}),
        "is_learner": invitation.part == Part.LEARNER,
    }
    return render(request, "cohorts/join.html", context)


def _refused(
    request: HttpRequest,
    error: inviting.InvitingError | cohorts.CohortError,
    *,
    status: int,
    invitation: Invitation | None = None,
) -> HttpResponse:
    context = {
        "problem": refusal(error),
        "is_other_address": error.code == "other_address",
        "addressee": _masked(invitation.email) if invitation else "",
        "form": CodeForm(),
    }
    return render(request, "cohorts/not_joined.html", context, status=status)


def _masked(email: str) -> str:
    """Enough for the addressee to know which of theirs it is."""
    name, _at, domain = email.partition("@")
    return f"{name[:1]}…@{domain}" if email else ""


def _may_try(request: HttpRequest) -> bool:
    return _consume(request, dry_run=True)


def _count_miss(request: HttpRequest) -> None:
    _consume(request, dry_run=False)


def _consume(request: HttpRequest, *, dry_run: bool) -> bool:
    """Who is signed in is counted alone, so that one guesser doesn't lock out the class at the same address."""
    is_known = isinstance(request.user, User)
    usage = guesses.consume(
        request,
        app="allauth.account",
        action="join_code_of_user" if is_known else "join_code",
        user=request.user if is_known else None,
        dry_run=dry_run,
        limit_get=True,
    )
    return usage is not None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def invite(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """The open invitations, and two forms: a link for many, an e-mail for one."""
    chosen = taught(request, cohort_id)
    action = request.POST.get("action", "")
    link_form = LinkForm(request.POST if action == "link" else None, prefix="link")
    email_form = EmailForm(request.POST if action == "email" else None, prefix="email")
    if action == "link" and link_form.is_valid() and _create_link(request, chosen, link_form):
        return redirect("cohorts:invite", chosen.pk)
    if action == "email" and email_form.is_valid() and _send(request, chosen, email_form):
        return redirect("cohorts:invite", chosen.pk)
    now = timezone.now()
    # An e-mail that ran out can be sent anew; a link is made anew.
    by_mail = chosen.invitations.filter(revoked_at=None, uses=0).exclude(email="")
    context = {
        "cohort": chosen,
        "link_form": link_form,
        "email_form": email_form,
        "links": [
            (each, inviting.address_of(each))
            for each in chosen.invitations.usable(now).filter(email="").select_related("created_by")[:50]
        ],
        "page": Paginator(by_mail, INVITATIONS_A_PAGE).get_page(request.GET.get("page")),
        "is_mailed": inviting.is_mailed(chosen),
        "code_page": f"{settings.SITE_ADDRESS}{reverse('cohorts:enter_code')}",
        "now": now,
    }
    return render(request, "cohorts/invitations.html", context, status=400 if action else 200)


def _create_link(request: SignedInRequest, chosen: Cohort, form: LinkForm) -> bool:
    try:
        inviting.create_link(
            chosen,
            by=request.user,
            expires_at=form.expires_at(),
            max_uses=form.cleaned_data["max_uses"],
            part=form.cleaned_data["part"],
            now=timezone.now(),
        )
    except inviting.InvitingError as error:
        form.add_error(None, refusal(error))
        return False
    messages.success(request, _("The link is there. Give it, or its code, to those who should join."))
    return True


def _send(request: SignedInRequest, chosen: Cohort, form: EmailForm) -> bool:
    email = form.cleaned_data["email"]
    try:
        inviting.invite(
            chosen,
            email=email,
            name=form.cleaned_data["name"],
            part=form.cleaned_data["part"],
            by=request.user,
            now=timezone.now(),
        )
    except inviting.InvitingError as error:
        form.add_error(None if error.code == "archived" else "email", refusal(error))
        return False
    messages.success(request, _("%(email)s is invited.") % {"email": email})
    return True


@never_cache
@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def revoke(request: SignedInRequest, cohort_id: int, invitation_id: int) -> HttpResponse:
    chosen, invitation = _invitation(request, cohort_id, invitation_id)
    inviting.revoke(invitation, by=request.user, now=timezone.now())
    messages.success(request, _("The invitation is taken back. Who has joined by it stays."))
    return redirect("cohorts:invite", chosen.pk)


@never_cache
@require_POST
@access.permission_required(access.SEE_COHORT_RESULTS)
def resend(request: SignedInRequest, cohort_id: int, invitation_id: int) -> HttpResponse:
    chosen, invitation = _invitation(request, cohort_id, invitation_id)
    try:
        inviting.resend(invitation, by=request.user, now=timezone.now())
    except inviting.InvitingError as error:
        messages.error(request, refusal(error))
    else:
        days = inviting.DAYS_OF_EMAIL
        said = ngettext(
            "Sent again; it holds for %(n)d day from now.",
            "Sent again; it holds for %(n)d days from now.",
            days,
        )
        messages.success(request, said % {"n": days})
    return redirect("cohorts:invite", chosen.pk)


def _invitation(request: SignedInRequest, cohort_id: int, invitation_id: int) -> tuple[Cohort, Invitation]:
    chosen = taught(request, cohort_id)
    return chosen, get_object_or_404(chosen.invitations.all(), pk=min(invitation_id, MAX_ID))


def refusal(error: inviting.InvitingError | cohorts.CohortError) -> str:
    """In words."""
    said = {
        "unknown": _(
            "There is no invitation with this code. Compare it letter by letter with what you were given, "
            "or ask for a new one."
        ),
        "revoked": _("This invitation was taken back. Ask who gave it to you for a new one."),
        "expired": _("This invitation has expired. Ask who gave it to you for a new one."),
        "used_up": _(
            "This invitation has been used as often as it may be. Ask who gave it to you for a new one."
        ),
        "archived": _("The cohort is archived: nobody can join it any more."),
        "other_address": _("This invitation was sent to another address than that of your account."),
        "already_in": _("Who has this address is in the cohort already."),
        "already_invited": _("This address is invited already. You can send it again from the list."),
        "just_sent": _("This was sent less than ten minutes ago. Wait a little before you send it again."),
        "not_by_mail": _("This invitation is open no longer: it was accepted or taken back."),
        "not_instructor": _(
            "This invitation is for instructors, and yours is a learner's account. "
            "Ask an admin of this site to make it an instructor's account, then open the link again."
        ),
        "closed_account": _("This account is closed."),
    }
    return said[error.code]
