from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User, validate_time_zone


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail address and password don't belong together."),
        "too_many_login_attempts": _(
            "Too many failed sign-ins for this account. Wait five minutes, then try again."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Times are shown in the browser's zone from the start, where its script told us."""
        time_zone = request.POST.get("time_zone", "")
        try:
            validate_time_zone(time_zone)
        except ValidationError:
            pass
        else:
            user.time_zone = time_zone
        saved: User = super().save_user(request, user, form, commit=commit)
        return saved

    def format_email_subject(self, subject: str) -> str:
        return f"Cutscore: {subject}"
