from __future__ import annotations

from typing import Any

import allauth.mfa.admin  # noqa: F401  (registers what is registered anew below)
from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import access, accommodations
from accounts.models import (
    Accommodation,
    AccommodationChange,
    Cohort,
    CohortEvent,
    Invitation,
    Membership,
    Notice,
    Role,
    User,
)
from accounts.read_only_admin import KeptAdmin, ReadOnlyAdmin

# Our own sign-in guards the admin too: its rate limits and the second step hold there as everywhere.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = _("Cutscore administration")
# Roles decide (accounts/access.py); groups would be a second source.
admin.site.unregister(Group)
# allauth's own page shows the secrets of authenticator apps.
admin.site.unregister(Authenticator)


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned is None:
            return None
        stays = cleaned.get("role") == Role.ADMIN and cleaned.get("is_active", True)
        if not stays and access.is_last_admin(User.objects.get(pk=self.instance.pk)):
            raise forms.ValidationError(_("This is the only admin. Make somebody else an admin first."))
        return cleaned


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name", "role")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Accounts are never deleted here: their owners anonymise them, or `active` is taken away."""

    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "role", "is_active", "is_demo", "date_joined", "last_login")
    list_filter = ("role", "is_active", "is_demo", "memberships__cohort")
    search_fields = ("email", "name")
    ordering = ("email",)
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined", "anonymised_at", "is_demo")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "role", "is_active")}),
        (_("Profile"), {"fields": ("time_zone", "theme")}),
        (_("Dates"), {"fields": ("date_joined", "last_login", "anonymised_at", "is_demo")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "role", "usable_password", "password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Accommodation)
class AccommodationAdmin(KeptAdmin):
    """To take one away: factor 1 and 0 minutes, which the log keeps."""

    list_display = ("learner", "time_factor", "extra_minutes", "set_by", "updated_at")
    list_select_related = ("learner", "set_by")
    search_fields = ("learner__email", "learner__name")
    autocomplete_fields = ("learner",)
    fields = ("learner", "time_factor", "extra_minutes", "set_by", "updated_at")
    readonly_fields = ("set_by", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Accommodation | None = None) -> tuple[str, ...]:
        return ("learner", *self.readonly_fields) if obj else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: Accommodation, form: ModelForm[Accommodation], change: bool
    ) -> None:
        assert isinstance(request.user, User)
        accommodations.set_accommodation(
            obj.learner,
            by=request.user,
            time_factor=obj.time_factor,
            extra_minutes=obj.extra_minutes,
            now=timezone.now(),
        )
        stored = Accommodation.objects.filter(learner=obj.learner).first()
        if stored is None:
            # The standard time for somebody who has it: nothing to store, but the admin wants a row to show.
            obj.set_by = request.user
            super().save_model(request, obj, form, change)
        else:
            obj.pk = stored.pk


@admin.register(AccommodationChange)
class AccommodationChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "learner", "by", "before", "after")
    list_select_related = ("learner", "by")
    search_fields = ("learner__email", "learner__name", "by__email")
    date_hierarchy = "at"


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "subject", "read_at", "mailed_at")
    list_select_related = ("recipient",)
    search_fields = ("recipient__email", "subject")


@admin.register(Cohort)
class CohortAdmin(KeptAdmin):
    list_display = ("title", "created_at", "archived_at", "is_demo")
    list_filter = ("is_demo", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("title",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Not an inline of the cohort: Django's log would write names there, out of anonymising's reach."""

    list_display = ("user", "cohort", "part", "joined_at")
    list_filter = ("part", "cohort")
    list_select_related = ("user", "cohort")
    search_fields = ("user__email", "user__name", "cohort__title")
    autocomplete_fields = ("user", "cohort")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("cohort", "part", "email", "created_at", "expires_at", "revoked_at", "uses")
    list_select_related = ("cohort",)
    search_fields = ("cohort__title", "email")
    exclude = ("code",)


@admin.register(CohortEvent)
class CohortEventAdmin(ReadOnlyAdmin):
    list_display = ("cohort", "kind", "at", "by", "subject")
    list_filter = ("kind",)
    list_select_related = ("cohort", "by", "subject")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Deleted for somebody who lost phone, key and recovery codes."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
