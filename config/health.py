"""What an orchestrator asks: is the process alive, and is it ready for learners?"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.celery import app
from exams.models import Sweep
from exams.sweeps import CLOSE_OVERDUE


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker and the age of the last sweep; 503 with the reason where one of them fails.

    A late sweep alone does not take the site away from learners: every access closes too.
    """
    checks = {"database": _database(), "broker": _broker()}
    age = _sweep_age() if checks["database"] == "ok" else None
    is_late = age is None or age > timedelta(seconds=6 * settings.SWEEP_SECONDS)
    is_ready = all(value == "ok" for value in checks.values())
    body = {
        "status": "ok" if is_ready else "unavailable",
        **checks,
        "sweep": "late" if is_late else "ok",
        "sweep_age_seconds": None if age is None else round(age.total_seconds(), 1),
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
    except Exception:  # noqa: BLE001 every transport has its own errors; to readiness they are one
        return "unreachable"
    return "ok"


def _sweep_age() -> timedelta | None:
    finished_at = Sweep.objects.filter(name=CLOSE_OVERDUE).values_list("finished_at", flat=True).first()
    return timezone.now() - finished_at if finished_at else None
