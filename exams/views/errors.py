"""What every address that also answers JSON shares: who asks for it, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

View = Callable[..., HttpResponse]


class RequestError(Exception):
    """A request that is malformed before any rule is asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.response = JsonResponse({"code": code, "message": message}, status=400)


def wants_json(request: HttpRequest) -> bool:
    """Whether JSON is preferred to a page: `Accept: application/json`."""
    return request.accepts("application/json") and not request.accepts("text/html")


def json_login_required(view: View) -> View:
    """Like `login_required`, but a script is told 401 instead of being sent to a page."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if wants_json(request) or request.content_type == "application/json":
            return JsonResponse(
                {"code": "signed_out", "message": _("Sign in again; nothing is lost.")}, status=401
            )
        return redirect_to_login(request.get_full_path())

    return wrapper
