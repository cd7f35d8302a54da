"""What the views of the editor share: the question of an address, the words for a refusal."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.requests import SignedInRequest
from questions import authoring, draft_form, editing
from questions.authoring import AuthoringError
from questions.draft_form import DraftForm
from questions.models import Draft, Question

MAX_CODE = 64
_LONGEST_NUMBER = 9


def question_of(code: str) -> Question:
    """With everything that its editor shows."""
    if len(code) > MAX_CODE or "\0" in code:
        raise Http404
    rows = Question.objects.select_related(
        "blueprint",
        "current__topic__task",
        "current__scenario_version__scenario",
        "draft__topic__task__domain",
        "draft__scenario",
        "draft__saved_by",
        "draft__reviewer",
        "draft__based_on",
    )
    return get_object_or_404(rows, code=code)


def draft_of(question: Question) -> Draft | None:
    return getattr(question, "draft", None)


def revision_of(request: SignedInRequest, draft: Draft | None) -> int:
    """The state that the form was made from; 0, which none has, if that isn't said or is another draft's.

    The next version's draft begins to count anew: a page that was left open must not write into it unasked.
    """
    text = request.POST.get("revision", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    is_other = draft is not None and request.POST.get("draft") != str(draft.pk)
    return int(text) if is_number and not is_other else 0


def words_of(error: AuthoringError) -> str:
    words = {
        "conflict": _("Somebody else has saved this draft meanwhile."),
        "in_review": _("The draft is in review. Take it back to write on."),
        "not_in_review": _("The draft is not in review any more."),
        "blocked": _("A finding blocks this. Mend it, then send the question to review."),
        "own_draft": _("Who has written it can't review it. Choose somebody else."),
        "no_draft": _("There is no draft any more: it was published or given up meanwhile."),
        "too_many_tags": _("There are too many tags."),
        "foreign_topic": _("Topic or case study belong to another exam."),
    }
    return words.get(error.code, _("That is not possible any more. Reload the page to see why."))


def answer_first(request: SignedInRequest, code: str) -> HttpResponse:
    """Where somebody who can still answer a draft blind would have seen its key."""
    messages.info(request, _("This draft is in review. Answer it blind first, then you see all of it."))
    return redirect("questions:review", code)


def show(
    request: SignedInRequest,
    question: Question,
    *,
    form: DraftForm | None = None,
    problems: dict[str, str] | None = None,
    alts: dict[str, str] | None = None,
    change: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The editor with what is stored, or with what was typed and why it isn't."""
    question = question_of(question.code)
    draft = draft_of(question)
    if draft is None:
        return render(request, "questions/begin.html", {"question": question}, status=status)
    fields = authoring.fields_of(question)
    page = editing.editor_page(
        question,
        draft,
        fields,
        form or draft_form.of_fields(fields),
        problems=problems or {},
        alts=alts or {},
    )
    context = {"page": page, "draft": draft, "advice": page.advice, "problems": problems, "change": change}
    context |= {"question": question, "comment": draft_form.cleaned(request.POST.get("comment", ""))}
    return render(request, "questions/edit.html", context, status=status)
