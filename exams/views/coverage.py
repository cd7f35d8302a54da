"""How far a bank covers its blueprint."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams import coverage as coverage_map
from questions.blueprint_forms import ITEM_TYPE_NAMES
from questions.content import Level
from questions.models import Blueprint

LEVEL_NAMES = {Level.RECALL: _("recall"), Level.APPLY: _("apply"), Level.ANALYSE: _("analyse")}
BAND_NAMES = {"hard": _("hard"), "medium": _("medium"), "easy": _("easy")}


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def coverage(request: SignedInRequest, code: str) -> HttpResponse:
    # A database that holds text can't be asked for a NUL.
    blueprint = get_object_or_404(Blueprint, code=code.replace("\x00", "�"))
    context = {
        "page": coverage_map.coverage(blueprint),
        "types": [ITEM_TYPE_NAMES[each] for each in ITEM_TYPE_NAMES],
        "levels": [LEVEL_NAMES[each] for each in Level],
        "bands": [BAND_NAMES[name] for name, _low, _high in coverage_map.BANDS],
    }
    return render(request, "exams/coverage.html", context)
