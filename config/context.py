"""What every template may know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, bool]:
    return {"is_demo": settings.DEMO, "is_sign_up_open": settings.SIGN_UP_OPEN}
