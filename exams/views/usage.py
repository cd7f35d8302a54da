"""Where a question is used: a page of its own, and a part of the question's."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams import usage
from questions.models import Question


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def question_usage(request: SignedInRequest, code: str) -> HttpResponse:
    if "\0" in code:
        raise Http404
    question = get_object_or_404(Question, code=code)
    template = "exams/usage.html#usage" if request.htmx else "exams/usage.html"
    return render(request, template, {"page": usage.usage_page(question)})
