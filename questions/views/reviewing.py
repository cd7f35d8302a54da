"""Reviews: what waits for one, the blind answer, and the verdict."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from questions import question_page, reviewing
from questions.answers import AnswerError
from questions.authoring import AuthoringError
from questions.content import ItemType, QuestionContent
from questions.draft_form import cleaned
from questions.models import Draft, Review

PER_PAGE = 20


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def reviews(request: SignedInRequest) -> HttpResponse:
    """What one can review, the longest wait first; and one's own that wait for others."""
    drafts = Draft.objects.select_related("question__listing", "topic__task", "saved_by", "reviewer")
    waiting = drafts.waiting_for(request.user).order_by("submitted_at", "pk")
    own = drafts.filter(authors=request.user).exclude(state=Draft.State.DRAFT).order_by("-submitted_at", "pk")
    page = Paginator(waiting, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "questions/reviews.html", {"page": page, "own": own[:50]})


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def review(request: SignedInRequest, code: str) -> HttpResponse:
    draft = _draft(code)
    if draft is None:
        messages.info(request, _("This question isn't in review."))
        return redirect("questions:question", code)
    return _page(request, draft)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def answer(request: SignedInRequest, code: str) -> HttpResponse:
    """The blind answer. It can be given once for each state of the text."""
    draft = _draft(code)
    if draft is None:
        return _gone(request, code)
    revision = request.POST.get("revision", "")
    given = answer_from(request.POST, draft.parsed)
    try:
        if given is None:
            raise AnswerError("blank")
        reviewing.answer_blind(
            draft,
            answer=given,
            revision=int(revision)
            if revision.isascii() and revision.isdigit() and len(revision) < 10
            else -1,
            by=request.user,
            now=timezone.now(),
        )
    except AnswerError:
        error = _("Give a whole answer, as a learner would.")
        return _page(request, draft, error=error, given=request.POST, status=400)
    except AuthoringError as error:
        messages.warning(request, message_of(error.code))
    return redirect("questions:review", code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def decide(request: SignedInRequest, code: str) -> HttpResponse:
    """Approve and publish, or ask for changes."""
    draft = _draft(code)
    if draft is None:
        return _gone(request, code)
    own = get_object_or_404(
        Review.objects.select_related("question"), draft=draft, reviewer=request.user, revision=draft.revision
    )
    words = cleaned(request.POST.get("words", ""))[: reviewing.MAX_WORDS]
    verdict = request.POST.get("verdict")
    try:
        if verdict == "approve":
            version = reviewing.publish(own, words=words, by=request.user, now=timezone.now())
            messages.success(request, _("Version %(n)d is published.") % {"n": version.number})
            return redirect("questions:question", code)
        if verdict == "changes":
            reviewing.request_changes(own, words=words, by=request.user, now=timezone.now())
            messages.success(request, _("The authors have been told."))
            return redirect("questions:reviews")
    except AuthoringError as error:
        if error.code in ("no_reason", "blocked"):
            return _page(request, draft, error=message_of(error.code), words=words, status=400)
        messages.warning(request, message_of(error.code))
    return redirect("questions:review", code)


def answer_from(data: QueryDict, content: QuestionContent) -> Any:
    """`answer` for choices, `place-<option>` for steps, `match-<prompt>` for pairs; None where it is not whole."""
    match content.item_type:
        case ItemType.MULTIPLE_CHOICE:
            return data.get("answer") or None
        case ItemType.MULTIPLE_RESPONSE:
            chosen = sorted(data.getlist("answer"))
            return chosen if len(chosen) == content.select_count else None
        case ItemType.ORDERING:
            places = [(data.get(f"place-{o.id}", ""), o.id) for o in content.options]
            used = [(int(place), o) for place, o in places if re.fullmatch("[0-9]{1,9}", place)]
            is_whole = sorted(place for place, _o in used) == list(range(1, len(used) + 1))
            return [o for _place, o in sorted(used)] if used and is_whole else None
        case ItemType.MATCHING:
            pairs = {p.id: data.get(f"match-{p.id}", "") for p in content.prompts}
            return pairs if all(pairs.values()) else None


def message_of(code: str) -> str:
    """What a reviewer is told when a move isn't possible."""
    return {
        "conflict": _("The text has changed since you saw it. This is how it stands now: answer it anew."),
        "own_draft": _("You have written or changed this draft: somebody else has to review it."),
        "not_in_review": _("The authors have taken it back. It comes again when they send it again."),
        "already_decided": _("You have already decided this one."),
        "no_reason": _("Say why: the authors can't see your thoughts."),
        "blocked": _("A finding stops publication. Ask for changes."),
    }.get(code, _("That isn't possible now."))


def _draft(code: str) -> Draft | None:
    if "\0" in code:
        raise Http404
    draft = get_object_or_404(
        Draft.objects.select_related(
            "question__blueprint", "question__current", "topic__task", "scenario", "based_on__topic"
        ),
        question__code=code,
    )
    return draft if draft.state == Draft.State.IN_REVIEW else None


def _gone(request: SignedInRequest, code: str) -> HttpResponse:
    messages.warning(request, message_of("not_in_review"))
    return redirect("questions:question", code)


def _page(
    request: SignedInRequest,
    draft: Draft,
    *,
    error: str = "",
    words: str = "",
    given: QueryDict | None = None,
    status: int = 200,
) -> HttpResponse:
    page = question_page.review_page(draft, viewer=request.user, given=given)
    context = {"page": page, "error": error, "words": words}
    return render(request, "questions/review.html", context, status=status)
