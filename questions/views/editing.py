"""The editor: a draft is begun, saved as one types, sent to review, given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts.requests import SignedInRequest
from questions import advice, authoring, draft_form, draft_rows, editing, pictures, reviewing
from questions.authoring import AuthoringError, DraftFields
from questions.content import ItemType
from questions.draft_form import DraftForm
from questions.models import Draft, Question
from questions.views import conflicts
from questions.views.drafts import answer_first, draft_of, question_of, revision_of, show, words_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def edit(request: SignedInRequest, code: str) -> HttpResponse:
    """The editor; every button of its form posts the whole of it here, so that none loses what was typed."""
    question, action = question_of(code), request.POST.get("action", "save")
    draft = draft_of(question)
    if request.method != "POST":
        if draft is not None and reviewing.is_blind(draft, request.user):
            return answer_first(request, code)
        return show(request, question)
    if draft is None:
        return conflicts.show(request, question, draft_form.read(request.POST), reason="no_draft")
    problems = _comment_problem(request) if action == "comment" else {}
    if action == "comment" and draft.state == Draft.State.IN_REVIEW:
        # The other fields are shut then, and come empty.
        if problems:
            return show(request, question, problems=problems, status=400)
        return _then(request, question, draft, action, "")
    pressed = _press(request, action)
    try:
        draft, _fields, unstored = _save(request, question, draft, pressed.form)
    except AuthoringError as error:
        return conflicts.show(request, question, pressed.form, reason=error.code)
    problems |= pressed.problems | unstored
    if problems or pressed.lost:
        change = {"to": pressed.wanted, "lost": pressed.lost} if pressed.lost else None
        given: dict[str, Any] = {
            "form": pressed.form,
            "problems": problems,
            "alts": pressed.alts,
            "change": change,
        }
        return show(request, question, **given, status=400)
    return _then(request, question_of(code), draft, action, pressed.anchor)


@never_cache
@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def autosave(request: SignedInRequest, code: str) -> HttpResponse:
    """Store what was typed so far; the reply is what stands beside the form."""
    question = question_of(code)
    form, draft = draft_form.read(request.POST), draft_of(question)
    try:
        if draft is None:
            raise AuthoringError("no_draft")
        draft, fields, problems = _save(request, question, draft, form)
    except AuthoringError as error:
        return JsonResponse({"code": error.code, "message": words_of(error)}, status=409)
    context = {
        "draft": draft,
        "advice": advice.advice(question, fields, form),
        "problems": problems,
        "question": question,
    }
    return render(request, "questions/edit.html#saved", context)


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def add_picture(request: SignedInRequest, code: str) -> HttpResponse:
    """Keep one picture for the script, which puts the Markdown where the caret is."""
    question_of(code)
    upload, alt = request.FILES.get("picture"), request.POST.get("alt", "")
    markdown, problem = pictures.keep(upload, alt, by=request.user, now=timezone.now())
    if problem:
        return JsonResponse({"message": problem}, status=400)
    return JsonResponse({"markdown": markdown})


@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def withdraw(request: SignedInRequest, code: str) -> HttpResponse:
    """Back from review, to write on."""
    draft = draft_of(question_of(code))
    if draft is None:
        raise Http404
    try:
        reviewing.withdraw(draft, by=request.user, now=timezone.now())
    except AuthoringError as error:
        messages.info(request, words_of(error))
    return redirect("questions:edit", code)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.WRITE_QUESTIONS)
def discard(request: SignedInRequest, code: str) -> HttpResponse:
    """Give the draft up, after a page that says what that means."""
    question = question_of(code)
    draft = draft_of(question)
    is_gone = question.state == Question.State.RETIRED and question.current is None
    if draft is None or is_gone:
        return redirect("questions:edit", code)
    if request.method == "POST":
        try:
            authoring.discard_draft(draft, by=request.user, now=timezone.now())
        except AuthoringError as error:
            messages.warning(request, words_of(error))
        else:
            messages.success(request, _("The draft is given up; the trail keeps what it said."))
        return redirect("questions:question", code)
    return render(request, "questions/discard.html", {"question": question, "draft": draft})


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def alike(request: SignedInRequest, code: str, other: str) -> HttpResponse:
    """The draft and a question that is much like it, side by side."""
    one, two = question_of(code), question_of(other)
    if one.blueprint_id != two.blueprint_id or one.pk == two.pk:
        raise Http404
    for each in (one, two):
        draft = draft_of(each)
        if draft is not None and reviewing.is_blind(draft, request.user):
            return answer_first(request, each.code)
    return render(request, "questions/alike.html", {"page": editing.pair_page(one, two)})


# Inside


@dataclass(frozen=True)
class _Pressed:
    """The form after its pictures, its row's button and its type."""

    form: DraftForm
    problems: dict[str, str]
    alts: dict[str, str]
    anchor: str
    wanted: ItemType | None
    lost: list[str]


def _press(request: SignedInRequest, action: str) -> _Pressed:
    alts = _alts(request)
    form, problems = pictures.insert(
        draft_form.read(request.POST), request.FILES, alts, by=request.user, now=timezone.now()
    )
    form, anchor = draft_rows.act(form, action) or (form, "")
    confirmed = action.removeprefix("change-to-") if action.startswith("change-to-") else ""
    wanted = draft_form.item_type(confirmed or request.POST.get("type", ""))
    lost = draft_rows.losses(form, wanted) if wanted else []
    if wanted and (confirmed or not lost):
        form, lost = draft_rows.change_type(form, wanted), []
    return _Pressed(form, problems, alts, anchor, wanted, lost)


def _save(
    request: SignedInRequest, question: Question, draft: Draft, form: DraftForm
) -> tuple[Draft, DraftFields, dict[str, str]]:
    stored = authoring.fields_of(question)
    fields, problems = draft_form.to_fields(form, blueprint=question.blueprint, stored=stored)
    revision = revision_of(request, draft)
    draft = authoring.save_draft(draft, fields=fields, revision=revision, by=request.user, now=timezone.now())
    return draft, fields, problems


def _then(
    request: SignedInRequest, question: Question, draft: Draft, action: str, anchor: str
) -> HttpResponse:
    """What the button says beside saving."""
    code, by, now = question.code, request.user, timezone.now()
    if action == "submit":
        return _submit(request, question, draft)
    if action == "copy":
        copy = authoring.copy_question(question, by=by, now=now)
        messages.success(request, _("This is a copy of %(code)s, under a code of its own.") % {"code": code})
        return redirect("questions:edit", copy.question.code)
    if action == "comment":
        reviewing.comment(question, text=_comment(request), by=by, now=now)
        anchor = "comments"
    elif action == "save":
        messages.success(request, _("Saved."))
    return redirect(reverse("questions:edit", args=[code]) + (f"#{anchor}" if anchor else ""))


def _submit(request: SignedInRequest, question: Question, draft: Draft) -> HttpResponse:
    if question.state == Question.State.RETIRED:
        messages.warning(request, _("A retired question isn't reviewed. Bring it back first."))
        return redirect("questions:edit", question.code)
    chosen = request.POST.get("reviewer", "")
    able = {str(user.pk): user for user in reviewing.reviewers(draft)}
    if chosen and chosen not in able:
        messages.warning(request, _("This person can't review the draft. Choose somebody else."))
        return redirect("questions:edit", question.code)
    try:
        reviewing.submit(draft, by=request.user, now=timezone.now(), reviewer=able.get(chosen))
    except AuthoringError as error:
        messages.warning(request, words_of(error))
    else:
        messages.success(request, _("Sent to review. Whoever answers it sees no key first."))
    return redirect("questions:edit", question.code)


def _alts(request: SignedInRequest) -> dict[str, str]:
    typed = [(name, request.POST.get(name, "")) for name in request.POST if name.startswith("alt-")]
    return {name.removeprefix("alt-"): draft_form.cleaned(text)[:1_000] for name, text in typed if text}


def _comment(request: SignedInRequest) -> str:
    return draft_form.cleaned(request.POST.get("comment", "")).strip()


def _comment_problem(request: SignedInRequest) -> dict[str, str]:
    if 0 < len(_comment(request)) <= reviewing.MAX_WORDS:
        return {}
    return {"comment": _("A comment has 1 to %(n)s characters.") % {"n": f"{reviewing.MAX_WORDS:,}"}}
