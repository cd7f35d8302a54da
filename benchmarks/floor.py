"""What every figure is compared with: the least that Django can do for one save.

The middleware, the session, the sign-in, the JSON body and the reply are the product's. Between them stand one
UPDATE and one INSERT in one transaction, of the same columns and without a single question asked.
"""

from __future__ import annotations

import json
import uuid

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from exams.models import AttemptEvent, Response
from exams.views.errors import json_login_required


@require_POST
@json_login_required
def save(request: HttpRequest, attempt_id: uuid.UUID, slot: int) -> JsonResponse:
    now = timezone.now()
    body = json.loads(request.body)
    with transaction.atomic():
        Response.objects.filter(attempt=attempt_id, slot=slot).update(
            answer=body["answer"], revision=body["revision"], saved_at=now
        )
        AttemptEvent.objects.create(
            attempt_id=attempt_id,
            kind=AttemptEvent.Kind.SAVED,
            at=now,
            slot=slot,
            revision=body["revision"],
            answer=body["answer"],
        )
    return JsonResponse({"slot": slot, "revision": body["revision"], "saved_at": now.isoformat()})


urlpatterns = [
    path("", include("config.urls")),
    path("floor/<uuid:attempt_id>/responses/<int:slot>/", save, name="floor"),
]
