"""The bank list, the filters that somebody keeps, and moves of many questions at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.models import User
from accounts.requests import SignedInRequest
from questions import authoring, bank_list, bank_page, bulk, saved_filters
from questions.bank_list import Filters
from questions.bulk import BulkError, Outcome, Selection
from questions.draft_form import cleaned
from questions.models import SavedFilter
from questions.saved_filters import SavedFilterError

MOVES = ("tag", "submit", "retire")
MAX_REASON = 2_000
MAX_TYPED = 4_000
OUTCOME = "bulk_outcome"


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def bank(request: SignedInRequest) -> HttpResponse:
    page = bank_page.bank_page(Filters.parse(request.GET), user=request.user)
    is_swap = request.htmx and not request.htmx.history_restore_request
    context = {
        "page": page,
        "per_page": bank_list.PER_PAGE,
        "sorts": _sorts(),
    }
    return render(request, "questions/bank.html#swap" if is_swap else "questions/bank.html", context)


# Kept filters


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def filters(request: SignedInRequest) -> HttpResponse:
    saved = SavedFilter.objects.filter(user=request.user)
    return render(request, "questions/saved_filters.html", {"saved": saved})


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def save_filter(request: SignedInRequest) -> HttpResponse:
    query = request.POST.get("query", "")[:MAX_TYPED]
    try:
        saved = saved_filters.save(request.POST.get("name", ""), query=query, by=request.user)
    except SavedFilterError as error:
        messages.error(request, _saved_message(error.code))
    else:
        messages.success(request, _("Saved as “%(name)s”.") % {"name": saved.name})
        query = saved.query
    return redirect(_with_query(reverse("questions:bank"), Filters.parse(QueryDict(query)).query()))


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def rename_filter(request: SignedInRequest, saved_id: int) -> HttpResponse:
    try:
        saved_filters.rename(
            min(saved_id, bank_list.MAX_ID), name=request.POST.get("name", ""), by=request.user
        )
    except SavedFilterError as error:
        messages.error(request, _saved_message(error.code))
    return redirect("questions:filters")


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def delete_filter(request: SignedInRequest, saved_id: int) -> HttpResponse:
    saved_filters.delete(min(saved_id, bank_list.MAX_ID), by=request.user)
    return redirect("questions:filters")


# Many at once


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def selected(request: SignedInRequest) -> HttpResponse:
    """What was ticked, or all that match: how many they are, before anything happens to them."""
    is_all = request.GET.get("all") == "1"
    query = request.GET.get("filter", "")[:MAX_TYPED] if is_all else ""
    asked = Filters.parse(QueryDict(query) if is_all else request.GET)
    if not is_all:
        asked = Filters(codes=asked.codes)
    move = request.GET.get("do", "")
    if not is_all and not asked.codes:
        messages.warning(request, _("Tick the questions first, or choose all that match."))
        query = request.GET.get("filter", "")[:MAX_TYPED]
        return redirect(_with_query(reverse("questions:bank"), Filters.parse(QueryDict(query)).query()))
    if move == "export":
        return redirect(_with_query(reverse("questions:export"), asked.query()))
    selection = bulk.select(
        asked, user=request.user, after=request.GET.get("after", "").replace("\0", "")[:64]
    )
    return _selected(request, selection, move=move, query=asked.query() if is_all else "")


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def move_selected(request: SignedInRequest, move: str) -> HttpResponse:
    """Do it, question by question, and show what came of each."""
    if move not in MOVES:
        raise Http404
    codes = tuple(code.replace("\0", "")[:64] for code in request.POST.getlist("codes"))
    try:
        outcome = _move(request, move, codes)
    except BulkError as error:
        selection = Selection(codes[: bulk.LIMIT], len(codes), 0, "")
        return _selected(request, selection, move=move, query="", problem=_bulk_message(error.code))
    query, last = request.POST.get("query", "")[:MAX_TYPED], codes[-1]
    rest = urlencode({"all": 1, "filter": query, "do": move, "after": last}) if query else ""
    request.session[OUTCOME] = {
        "move": move,
        "done": len(outcome.done),
        "unchanged": len(outcome.unchanged),
        "refused": _explained(outcome),
        "rest": rest if request.POST.get("remaining", "0") != "0" else "",
        "query": Filters.parse(QueryDict(query)).query(),
    }
    return redirect("questions:bulk_outcome")


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def bulk_outcome(request: SignedInRequest) -> HttpResponse:
    outcome = request.session.get(OUTCOME)
    if outcome is None:
        return redirect("questions:bank")
    return render(request, "questions/bulk_outcome.html", {"outcome": outcome})


# Inside


def _move(request: SignedInRequest, move: str, codes: tuple[str, ...]) -> Outcome:
    by, now = request.user, timezone.now()
    if move == "tag":
        names = {field: request.POST.get(field, "")[:MAX_TYPED].split(",") for field in ("add", "remove")}
        return bulk.retag(codes, add=names["add"], remove=names["remove"], by=by, now=now)
    if move == "submit":
        return bulk.submit(codes, reviewer=_reviewer(request.POST.get("reviewer", "")), by=by, now=now)
    reason = cleaned(request.POST.get("reason", ""))[:MAX_REASON]
    return bulk.retire(codes, reason=reason, by=by, now=now)


def _selected(
    request: SignedInRequest, selection: Selection, *, move: str, query: str, problem: str = ""
) -> HttpResponse:
    context = {
        "selection": selection,
        "move": move if move in MOVES else "tag",
        "query": query,
        "problem": problem,
        "reviewers": _reviewers(),
        "limit": bulk.LIMIT,
    }
    return render(request, "questions/selected.html", context, status=400 if problem else 200)


def _reviewers() -> list[User]:
    """Whoever may review at all; the one who wrote a question is refused question by question."""
    roles = [role for role, allowed in access.PERMISSIONS.items() if access.WRITE_QUESTIONS in allowed]
    return list(
        User.objects.filter(role__in=roles, is_active=True, anonymised_at=None).order_by("name", "email")
    )


def _reviewer(text: str) -> User | None:
    return next((user for user in _reviewers() if str(user.pk) == text), None)


def _sorts() -> list[tuple[str, str]]:
    return [
        ("changed", _("Changed last")),
        ("code", _("Code")),
        ("suspect", _("Suspects first")),
        ("facility", _("Hardest seen")),
        ("difficulty", _("Hardest rated")),
    ]


def _with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address


def _explained(outcome: Outcome) -> list[tuple[str, str]]:
    return [(code, _refusal(why)) for code, why in outcome.refused]


def _refusal(code: str) -> str:
    words = {
        "missing": _("There is no such question."),
        "no_draft": _("It has no draft: nothing to review."),
        "in_review": _("It is in review already."),
        "blocked": _("Findings stop it: open it to see which."),
        "own_draft": _("The reviewer has written or changed it."),
        "already_retired": _("It is retired."),
        "too_many_tags": _("It would have more than %(n)d tags.") % {"n": authoring.MAX_TAGS},
    }
    return words.get(code, _("Somebody else has changed it meanwhile."))


def _bulk_message(code: str) -> str:
    words = {
        "none_chosen": _("No question was chosen."),
        "too_many": _("At most %(n)d questions at once.") % {"n": bulk.LIMIT},
        "no_tag": _("Name a tag to add or to take off."),
        "too_many_tags": _("At most %(n)d tags.") % {"n": authoring.MAX_TAGS},
        "no_reason": _("Say why they are retired: others will ask."),
    }
    return words[code]


def _saved_message(code: str) -> str:
    words: dict[str, Any] = {
        "no_name": _("Give the filter a name."),
        "name_taken": _("You have a filter of this name already."),
        "too_many": _("You keep %(n)d filters: delete one first.") % {"n": saved_filters.MAX_SAVED},
        "too_long": _("This filter is too long to keep."),
        "missing": _("This filter is gone."),
    }
    return str(words[code])
