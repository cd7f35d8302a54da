"""What a view behind `login_required` is given, for the type checker."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class SignedInRequest(HttpRequest):
    """Never made: the middlewares set both attributes on the request that Django makes."""

    user: User
    htmx: HtmxDetails
