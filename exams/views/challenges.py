"""Challenges: raised from the review, answered from the queue, read by who raised them."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams import challenges, review
from exams.forms import ChallengeAnswerForm, ChallengeForm
from exams.models import Attempt

MAX_ID = 2**63 - 1


@require_POST
@login_required
def challenge(request: SignedInRequest, attempt_id: uuid.UUID, slot: int) -> HttpResponse:
    """Say why the question in this slot is wrong; back to it in the review."""
    own = Attempt.objects.sat_by(request.user).select_related("learner", "mock", "paper__blueprint", "result")
    attempt = get_object_or_404(own, pk=attempt_id)
    now = timezone.now()
    form = ChallengeForm(request.POST)
    try:
        if not form.is_valid():
            # Whoever may not challenge at all learns that first, and no review is shown to them.
            challenges.check_may_raise(attempt, slot=slot, learner=request.user, now=now)
            page = review.review_page(attempt, review.Choice(slot=slot), viewer=request.user, now=now)
            context = {"page": page, "challenge_form": form}
            return render(request, "exams/review.html", context, status=400)
        challenges.raise_challenge(
            attempt, slot=slot, learner=request.user, text=form.cleaned_data["text"], now=now
        )
    except challenges.ChallengeError as error:
        if error.code != "already_open":
            raise Http404 from error
        messages.warning(request, _("You have already challenged this question; that one is still open."))
    else:
        messages.success(request, _("Your challenge is with the instructors. The answer will stand here."))
    query = urlencode({"question": slot})
    return redirect(f"{reverse('exams:review', args=[attempt_id])}?{query}#challenge")


@never_cache
@require_safe
@login_required
def own(request: SignedInRequest) -> HttpResponse:
    """What one has challenged, and what came of it."""
    page, rows = challenges.own_page(request.user, page_number=request.GET.get("page"))
    return render(request, "exams/challenges.html", {"page": page, "rows": rows})


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def queue(request: SignedInRequest) -> HttpResponse:
    """Every challenge, the open ones first."""
    return _queue(request, request.GET.get("page"))


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def answer(request: SignedInRequest, challenge_id: int) -> HttpResponse:
    """Accept or decline, with a reason."""
    page_number = request.POST.get("page")
    if challenge_id > MAX_ID:
        raise Http404
    form = ChallengeAnswerForm(request.POST)
    if not form.is_valid():
        return _queue(request, page_number, form=form, failed_id=challenge_id)
    try:
        challenges.answer_challenge(
            challenge_id,
            by=request.user,
            accept=form.cleaned_data["verdict"] == "accept",
            words=form.cleaned_data["words"],
            now=timezone.now(),
        )
    except challenges.ChallengeError as error:
        if error.code != "already_answered":
            raise Http404 from error
        messages.warning(request, _("Somebody else has already answered this one; yours was not stored."))
    else:
        messages.success(request, _("The learner can read your answer now."))
    return redirect("exams:challenge_queue")


def _queue(
    request: SignedInRequest,
    page_number: str | None,
    *,
    form: ChallengeAnswerForm | None = None,
    failed_id: int | None = None,
) -> HttpResponse:
    page = challenges.queue_page(page_number=page_number)
    if failed_id is not None and all(row.id != failed_id for row in page.rows):
        raise Http404
    context = {"page": page, "form": form, "failed_id": failed_id}
    return render(request, "exams/challenge_queue.html", context, status=400 if form else 200)
