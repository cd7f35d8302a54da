"""Pictures in questions, for whoever is signed in: a name can't be guessed, and what it shows never changes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from questions.models import Image

YEAR = 365 * 24 * 60 * 60


@require_safe
@login_required
def image(request: HttpRequest, name: str) -> HttpResponse:
    if len(name) > 64 or "\0" in name:
        name = ""
    found = get_object_or_404(Image, name=name)
    response = HttpResponse(bytes(found.data), content_type=found.media_type)
    response["Cache-Control"] = f"private, max-age={YEAR}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
