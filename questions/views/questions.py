"""One question: what it says, how it came to say it, and what can be done with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from questions import authoring, question_page, reviewing
from questions.authoring import AuthoringError
from questions.draft_form import cleaned
from questions.models import Draft, Question
from questions.views.drafts import answer_first

MAX_COMMENT = 4_000
MAX_REASON = 2_000
MAX_NUMBER = 2**31 - 1


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def question(request: SignedInRequest, code: str) -> HttpResponse:
    found = _question(code)
    page = question_page.question_page(found, number=_number(request.GET.get("version")), viewer=request.user)
    if page is None:
        raise Http404
    if page.shown == 0 and _is_blind(found, request):
        return answer_first(request, code)
    return render(request, "questions/question.html", {"page": page})


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def compare(request: SignedInRequest, code: str) -> HttpResponse:
    """Two versions of a question side by side; 0 is the draft."""
    old, new = _number(request.GET.get("old")), _number(request.GET.get("new"))
    found = _question(code)
    page = question_page.comparison(found, old=old, new=new) if None not in (old, new) else None  # type: ignore[arg-type]
    if page is None:
        raise Http404
    if 0 in (old, new) and _is_blind(found, request):
        return answer_first(request, code)
    return render(request, "questions/compare.html", {"page": page})


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def begin(request: SignedInRequest, code: str) -> HttpResponse:
    """Begin the next version, from the current one or from an older one (`number`)."""
    found = _question(code)
    number = _number(request.POST.get("number"))
    try:
        authoring.open_draft(found, by=request.user, now=timezone.now(), number=number)
    except AuthoringError as error:
        if error.code == "retired":
            messages.warning(request, _("This question is retired. Bring it back into use first."))
            return redirect("questions:question", code)
        if error.code != "has_draft":
            raise Http404 from error
        messages.warning(request, _("There is a draft already. Edit it, or discard it first."))
    return redirect("questions:edit", code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def copy(request: SignedInRequest, code: str) -> HttpResponse:
    draft = authoring.copy_question(_question(code), by=request.user, now=timezone.now())
    messages.success(
        request, _("This is %(new)s, a copy of %(old)s.") % {"new": draft.question.code, "old": code}
    )
    return redirect("questions:edit", draft.question.code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def retire(request: SignedInRequest, code: str) -> HttpResponse:
    try:
        authoring.retire(
            _question(code),
            reason=cleaned(request.POST.get("reason", ""))[:MAX_REASON],
            by=request.user,
            now=timezone.now(),
        )
    except AuthoringError as error:
        messages.error(request, _retire_message(error.code))
    else:
        messages.success(request, _("Retired. Papers that nobody has begun get another question instead."))
    return redirect("questions:question", code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def restore(request: SignedInRequest, code: str) -> HttpResponse:
    try:
        authoring.restore(_question(code), by=request.user, now=timezone.now())
    except AuthoringError:
        messages.warning(request, _("This question is in use already."))
    else:
        messages.success(request, _("In use again."))
    return redirect("questions:question", code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def tag(request: SignedInRequest, code: str) -> HttpResponse:
    """Set the tags to what the field says: names with commas between."""
    found = _question(code)
    wanted = set(authoring.clean_tags(request.POST.get("tags", "")[:4_000].split(",")))
    had = set(found.tags.values_list("name", flat=True))
    try:
        authoring.retag(found, add=wanted, remove=had - wanted, by=request.user, now=timezone.now())
    except AuthoringError:
        messages.error(request, _("At most %(n)d tags.") % {"n": authoring.MAX_TAGS})
    return redirect("questions:question", code)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def comment(request: SignedInRequest, code: str) -> HttpResponse:
    """A word on the draft, or on the version that the page shows."""
    found = _question(code)
    text = cleaned(request.POST.get("text", "")).strip()
    if not text or len(text) > MAX_COMMENT:
        messages.error(request, _("Write a comment of at most %(n)s characters.") % {"n": f"{MAX_COMMENT:,}"})
    else:
        number = _number(request.POST.get("number")) or None
        reviewing.comment(found, text=text, by=request.user, now=timezone.now(), number=number)
    return redirect(request.POST.get("next") == "review" and "questions:review" or "questions:question", code)


def _question(code: str) -> Question:
    if "\0" in code:
        raise Http404
    return get_object_or_404(Question.objects.select_related("blueprint", "current"), code=code)


def _is_blind(found: Question, request: SignedInRequest) -> bool:
    draft = Draft.objects.filter(question=found).first()
    return draft is not None and reviewing.is_blind(draft, request.user)


def _number(text: str | None) -> int | None:
    """A version's number; None for none, and for what is no number: the page then shows the current one."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:10]), MAX_NUMBER)


def _retire_message(code: str) -> str:
    if code == "no_reason":
        return _("Say why it is retired: others will ask.")
    return _("This question is retired already.")
