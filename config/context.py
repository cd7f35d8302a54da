"""What every template may know."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.http import HttpRequest

from accounts import access
from exams import challenges


def site(request: HttpRequest) -> dict[str, bool | Callable[[], int | None]]:
    return {
        "is_demo": settings.DEMO,
        "is_sign_up_open": settings.SIGN_UP_OPEN,
        # Called by the navigation alone: a page without it counts nothing.
        "waiting_challenges": partial(_waiting_challenges, request),
    }


def _waiting_challenges(request: HttpRequest) -> int | None:
    """How many wait for an answer; None for who doesn't answer them."""
    user = getattr(request, "user", None)
    if user is None or not access.may(user, access.WRITE_QUESTIONS):
        return None
    return challenges.waiting_count()
