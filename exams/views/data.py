"""The learner's own data, to take away."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from exams import data_export


@never_cache
@login_required
@require_safe
def download(request: HttpRequest) -> JsonResponse:
    assert isinstance(request.user, User)
    now = timezone.now()
    response = JsonResponse(
        data_export.everything_about(request.user, now=now),
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    response["Content-Disposition"] = f'attachment; filename="cutscore-data-{now:%Y-%m-%d}.json"'
    return response
