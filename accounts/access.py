"""Roles → permissions, in this one place. What somebody may see is the `visible_to` of each model."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NewType

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import Role, User

Permission = NewType("Permission", str)

TAKE_EXAMS: Final = Permission("take_exams")
WRITE_QUESTIONS: Final = Permission("write_questions")
EDIT_BLUEPRINTS: Final = Permission("edit_blueprints")
BUILD_MOCKS: Final = Permission("build_mocks")
SEE_COHORT_RESULTS: Final = Permission("see_cohort_results")
SET_ACCOMMODATIONS: Final = Permission("set_accommodations")
ADMINISTER: Final = Permission("administer")

_LEARNER = frozenset({TAKE_EXAMS})
_INSTRUCTOR = _LEARNER | {
    WRITE_QUESTIONS,
    EDIT_BLUEPRINTS,
    BUILD_MOCKS,
    SEE_COHORT_RESULTS,
    SET_ACCOMMODATIONS,
}

PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    Role.LEARNER: _LEARNER,
    Role.INSTRUCTOR: _INSTRUCTOR,
    Role.ADMIN: _INSTRUCTOR | {ADMINISTER},
}

View = Callable[..., HttpResponseBase]


def may(user: User | AnonymousUser, permission: Permission) -> bool:
    """Nobody may anything who isn't signed in, or whose account was closed."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return permission in PERMISSIONS.get(user.role, frozenset())


def permission_required(permission: Permission) -> Callable[[View], View]:
    """Sign in first; without the right the page looks as if it weren't there."""

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not may(request.user, permission):
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorator


def is_last_admin(user: User) -> bool:
    """Whether nobody could administer any more without this account."""
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    return user.role == Role.ADMIN and user.is_active and not others.exists()
