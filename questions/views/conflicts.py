"""Two people wrote the same draft: the second sees both texts and says which stands. Nothing is overwritten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import access
from accounts.models import User
from accounts.requests import SignedInRequest
from questions import authoring, differences, draft_form, reviewing
from questions.authoring import AuthoringError, DraftFields
from questions.draft_form import DraftForm, Problems
from questions.models import Draft, Question
from questions.views import drafts

_PLAIN = ("topic", "scenario", "level", "difficulty", "tags", "references", "stem")


def show(request: SignedInRequest, question: Question, form: DraftForm, *, reason: str) -> HttpResponse:
    """Both texts. `reason` is `conflict`, `in_review` or `no_draft`."""
    question = drafts.question_of(question.code)
    draft, theirs = drafts.draft_of(question), authoring.fields_of(question)
    mine, problems = draft_form.to_fields(form, blueprint=question.blueprint, stored=theirs)
    context = {
        "question": question,
        "draft": draft,
        "reason": reason,
        "units": differences.units(differences.compare(theirs, mine)),
        "typed": draft_form.pairs(form),
        "revision": draft.revision if draft else 0,
        "problems": problems,
        "why": drafts.words_of(AuthoringError(reason)),
    }
    return render(request, "questions/conflict.html", context, status=409)


@never_cache
@require_POST
@access.permission_required(access.WRITE_QUESTIONS)
def resolve(request: SignedInRequest, code: str) -> HttpResponse:
    """Store what was chosen, on top of the text that was shown beside it."""
    question, form = drafts.question_of(code), draft_form.read(request.POST)
    is_all_mine = request.POST.get("keep") == "mine"
    chosen = (name.removeprefix("take:") for name, side in request.POST.items() if side == "theirs")
    take = set() if is_all_mine else set(chosen)
    try:
        saved, problems = _store(
            question,
            form,
            take=take,
            revision=drafts.revision_of(request, drafts.draft_of(question)),
            by=request.user,
            now=timezone.now(),
        )
    except AuthoringError as error:
        return show(request, question, form, reason=error.code)
    if problems:
        shown = _with_typed(draft_form.of_fields(saved), form, problems, take)
        return drafts.show(request, question, form=shown, problems=problems, status=400)
    messages.success(request, _("Saved: the text as you chose it."))
    return redirect("questions:edit", code)


@transaction.atomic
def _store(
    question: Question, form: DraftForm, *, take: set[str], revision: int, by: User, now: Any
) -> tuple[DraftFields, Problems]:
    theirs = authoring.fields_of(question)
    mine, problems = draft_form.to_fields(form, blueprint=question.blueprint, stored=theirs)
    fields = DraftFields(**differences.merge(mine, theirs, take=take))
    draft = drafts.draft_of(question)
    if draft is None:
        if revision:
            raise AuthoringError("no_draft")
        draft = authoring.open_draft(question, by=by, now=now)
        revision = draft.revision
    elif draft.state == Draft.State.IN_REVIEW:
        draft = reviewing.withdraw(draft, by=by, now=now)
    authoring.save_draft(draft, fields=fields, revision=revision, by=by, now=now)
    return fields, problems


def _with_typed(shown: DraftForm, typed: DraftForm, problems: Problems, take: set[str]) -> DraftForm:
    """What is stored, and in the fields that could not be stored what was typed there."""
    kept = {name: getattr(typed, name) for name in _PLAIN if name in problems and name not in take}
    options = {row.id: row for row in typed.options}
    prompts = {row.id: row for row in typed.prompts}
    return replace(
        shown,
        **kept,
        options=tuple(_row(row, options.get(row.id), "option", problems, take) for row in shown.options),
        prompts=tuple(_row(row, prompts.get(row.id), "prompt", problems, take) for row in shown.prompts),
    )


def _row(row: Any, typed: Any, kind: str, problems: Problems, take: set[str]) -> Any:
    if typed is None or f"{kind}s.{row.id}" in take:
        return row
    number, kept = typed.number, {}
    for part in ("text", "rationale", "position"):
        if problem := problems.pop(f"{kind}-{number}-{part}", None):
            kept[part] = getattr(typed, part)
            problems[f"{kind}-{row.number}-{part}"] = problem
    return replace(row, **kept)
