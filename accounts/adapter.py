from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import Invitation, User, validate_time_zone


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail address and password don't belong together."),
        "too_many_login_attempts": _(
            "Too many failed sign-ins for this account. Wait five minutes, then try again."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Who comes from an invitation may always: else it would lead nowhere."""
        return bool(settings.SIGN_UP_OPEN) or self._invitation(request) is not None

    def clean_email(self, email: str) -> str:
        """Where sign-up is closed, an invitation opens it for its own address alone."""
        cleaned: str = super().clean_email(email)
        if not settings.SIGN_UP_OPEN and self._is_signing_up():
            invitation = self._invitation(self.request)
            if invitation and invitation.email and invitation.email.lower() != cleaned.lower():
                raise ValidationError(_("Sign up with the address that the invitation was sent to."))
        return cleaned

    def _is_signing_up(self) -> bool:
        match = getattr(self.request, "resolver_match", None)
        return match is not None and match.view_name == "account_signup"

    def _invitation(self, request: HttpRequest) -> Invitation | None:
        """The usable one whose page they go on to."""
        from accounts import inviting

        try:
            match = resolve(request.POST.get("next") or request.GET.get("next") or "")
        except Resolver404:
            return None
        if match.view_name != "cohorts:join":
            return None
        return inviting.lets_sign_up(match.kwargs["code"], now=timezone.now())

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

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Who was invited by e-mail goes on to the invitation, by way of signing in."""
        from accounts import inviting

        invitation = inviting.waiting_for(email_address.user, now=timezone.now()).first()
        if invitation is None:
            url: str = super().get_email_verification_redirect_url(email_address)
            return url
        path = inviting.path_of(invitation)
        if self.request.user.is_authenticated:
            return path
        return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': path})}"

    def format_email_subject(self, subject: str) -> str:
        return f"Cutscore: {subject}"
