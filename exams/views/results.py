"""After a sitting: the wait, the result, one domain opened, the review, and all sittings."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.requests import SignedInRequest
from exams import closing, disclosure, domain_page, earlier, history, result_page, results, review, standing
from exams.cohorts import trail
from exams.earlier import PartRow
from exams.models import Attempt
from exams.result_page import ResultPage
from exams.views.delivery import receipt_json
from exams.views.errors import json_login_required, wants_json

STUCK_AFTER = timedelta(seconds=20)


@never_cache
@require_safe
@json_login_required
def attempt_results(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """The result; before there is one, the page that waits for it."""
    now = timezone.now()
    sitting = _finished(request, attempt_id, now)
    if sitting.is_open:
        if wants_json(request):
            return JsonResponse({"state": sitting.state})
        return _running(request, sitting)
    if sitting.state == Attempt.State.CLOSED:
        if wants_json(request):
            return JsonResponse({"state": sitting.state})
        return _waiting(request, sitting, now)
    if request.htmx and request.GET.get("waiting"):
        return HttpResponseClientRedirect(reverse("exams:results", args=[attempt_id]))
    page = result_page.result_page(sitting, viewer=request.user, now=now)
    if wants_json(request):
        return JsonResponse(_result_json(sitting, page))
    done_by_staff = trail.visible_to_learner(sitting)
    return render(request, "exams/results.html", {"page": page, "trail": done_by_staff})


@never_cache
@require_safe
@login_required
def domain_tasks(request: SignedInRequest, attempt_id: uuid.UUID, code: str) -> HttpResponse:
    """A domain's tasks and topics: a fragment for HTMX, a page of its own without."""
    now = timezone.now()
    sitting = _finished(request, attempt_id, now)
    page = None if sitting.is_open else domain_page.domain_page(sitting, code, viewer=request.user, now=now)
    if page is None:
        raise Http404
    return render(request, "exams/domain.html#tasks" if request.htmx else "exams/domain.html", {"page": page})


@never_cache
@require_safe
@login_required
def attempt_review(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """The questions as sat; before scoring the way to the result, while sitting the way back."""
    now = timezone.now()
    sitting = _finished(request, attempt_id, now)
    if sitting.is_open:
        return _running(request, sitting)
    if sitting.state != Attempt.State.SCORED:
        return redirect("exams:results", attempt_id)
    choice = review.Choice.of(request.GET)
    page = review.review_page(sitting, choice, viewer=request.user, now=now)
    return render(request, "exams/review.html", {"page": page})


@never_cache
@require_safe
@login_required
def attempts(request: SignedInRequest) -> HttpResponse:
    """All sittings of the learner, newest first."""
    now = timezone.now()
    history.close_overdue_of(request.user, now=now)
    blueprint = standing.blueprint_of(request.user)
    page = history.history_page(request.user, blueprint, page_number=request.GET.get("page"), now=now)
    return render(request, "exams/history.html", {"page": page})


# ── parts ──


def _finished(request: SignedInRequest, attempt_id: uuid.UUID, now: datetime) -> Attempt:
    """The attempt, closed if its time is over, and scored if nobody else has done it.

    A GET writes here on purpose: a worker that is down or a message that was lost must not leave a learner
    waiting for ever. Closing and scoring are idempotent, and a sweep does the same for who doesn't look.
    """
    visible = _visible(request)
    sitting = get_object_or_404(visible, pk=attempt_id)
    was_open = sitting.is_open
    sitting = closing.close_if_overdue(sitting, now=now)
    is_stuck = (
        sitting.state == Attempt.State.CLOSED
        and sitting.closed_at is not None
        and now - sitting.closed_at > STUCK_AFTER
    )
    if is_stuck:
        results.score_attempt(attempt_id, now=now)
    return visible.get(pk=attempt_id) if is_stuck or was_open != sitting.is_open else sitting


def _visible(request: SignedInRequest) -> QuerySet[Attempt]:
    return Attempt.objects.visible_to(request.user).select_related(
        "assignment", "learner", "mock", "paper__blueprint", "result"
    )


def _running(request: SignedInRequest, sitting: Attempt) -> HttpResponse:
    """Back to the player; staff, who can't sit a learner's exam, are told that it runs."""
    if sitting.learner_id == request.user.pk:
        return redirect("exams:attempt", sitting.pk)
    return render(request, "exams/waiting.html", {"sitting": sitting, "title": earlier.title_of(sitting)})


def _waiting(request: SignedInRequest, sitting: Attempt, now: datetime) -> HttpResponse:
    """Poll each second while it is likely to be seconds, then ease off."""
    assert sitting.closed_at is not None
    waited = int((now - sitting.closed_at).total_seconds())
    context = {
        "sitting": sitting,
        "title": earlier.title_of(sitting),
        "shows": disclosure.of(sitting, now=now),
        "waited": waited,
        "poll_seconds": 1 if waited < 10 else 3 if waited < 60 else 10,
    }
    is_poll = request.htmx and request.GET.get("waiting")
    return render(request, "exams/waiting.html#status" if is_poll else "exams/waiting.html", context)


def _result_json(sitting: Attempt, page: ResultPage) -> dict[str, Any]:
    """A practice has no scaled score, so none is sent; nor is anything that may not be shown yet."""
    receipt = receipt_json(sitting)
    if not page.shows.score:
        return {"state": sitting.state, "shown_from": page.shows.score_from, "receipt": receipt}
    score = page.score
    return {
        "state": sitting.state,
        "scaled_score": score.scaled_score if score else None,
        "scaled_low": score.scaled_low if score else None,
        "scaled_high": score.scaled_high if score else None,
        "passed": score.passed if score else None,
        "correct": page.correct,
        "scored_items": page.scored_items,
        "cut": float(score.cut) if score else None,
        "domains": [_part_json(row) for row in page.domains],
        "tasks": [_part_json(row) for row in page.tasks],
        "receipt": receipt,
    }


def _part_json(row: PartRow) -> dict[str, Any]:
    figure = row.figure
    return {
        "code": row.code,
        "correct": figure.correct,
        "seen": figure.seen,
        "mean": round(figure.mean, 6),
        "low": round(figure.low, 6),
        "high": round(figure.high, 6),
        "target": round(figure.target, 6),
        "verdict": figure.verdict,
    }
