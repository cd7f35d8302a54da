"""What learners' answers say about a question: for who may write questions."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams.statistics import item_page
from questions.models import Question


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def item_statistics(request: SignedInRequest, code: str) -> HttpResponse:
    if "\0" in code:
        raise Http404
    question = get_object_or_404(Question, code=code)
    wanted = request.GET.get("version", "")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else None
    page = item_page.item_page(question, number=number)
    if number is not None and page.version is None:
        raise Http404
    return render(request, "exams/item_statistics.html", {"page": page})
