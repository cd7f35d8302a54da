"""Who somebody is, what they may do, and what time they get."""

from __future__ import annotations

import zoneinfo
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone, such as Europe/Berlin."), params={"name": name}
        )


class Role(models.TextChoices):
    LEARNER = "learner", _("learner")
    INSTRUCTOR = "instructor", _("instructor")
    ADMIN = "admin", _("admin")


class Theme(models.TextChoices):
    AUTO = "auto", _("as the system")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class EmailUserManager(UserManager["User"]):
    """Accounts are found and made by their e-mail address, in any case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(  # type: ignore[override]
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(  # type: ignore[override]
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        return self.create_user(email, password, **{"role": Role.ADMIN, **fields})

    def learners_visible_to(self, user: User) -> models.QuerySet[User]:
        """Whom the user may give more time: an admin everybody, an instructor the learners they teach."""
        people = self.filter(anonymised_at=None)
        if user.is_admin:
            return people
        if user.role != Role.INSTRUCTOR:
            return people.none()
        from accounts.models.cohorts import Membership  # it points to User

        return people.filter(pk__in=Membership.objects.taught_by(user).values("user"))


class User(AbstractUser):
    """An account. Anonymising keeps the row, so that answers stay in the statistics without a name."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.LEARNER)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    theme = models.CharField(_("colours"), max_length=5, choices=Theme, default=Theme.AUTO)
    is_demo = models.BooleanField(default=False, help_text=_("Made by the demo, removable with it."))
    anonymised_at = models.DateTimeField(null=True, blank=True)
    unread_notices = models.PositiveIntegerField(
        default=0, help_text=_("Kept with the account, so that every page can show it without asking.")
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[EmailUserManager] = EmailUserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),)

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Django's own admin asks these two; the role is the one source of both.
        self.is_staff = self.is_superuser = self.role == Role.ADMIN
        if "role" in (fields := kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = {*fields, "is_staff", "is_superuser"}
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name.strip() else self.email.split("@")[0]

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


class Accommodation(models.Model):
    """More time, as a profile: it applies to every timed exam that the learner starts."""

    learner = models.OneToOneField(User, on_delete=models.CASCADE, related_name="accommodation")
    time_factor = models.DecimalField(
        _("time factor"),
        max_digits=3,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(1), MaxValueValidator(3)],
        help_text=_("1.25 gives a quarter more; 1 to 3."),
    )
    extra_minutes = models.PositiveSmallIntegerField(
        _("extra minutes"),
        default=0,
        validators=[MaxValueValidator(600)],
        help_text=_("Added after the factor."),
    )
    set_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("accommodation")
        verbose_name_plural = _("accommodations")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(time_factor__gte=1, time_factor__lte=3),
                name="accommodation_factor_from_1_to_3",
            ),
        )

    def __str__(self) -> str:
        return f"{self.learner}: × {self.time_factor} + {self.extra_minutes} min"


class AccommodationChange(models.Model):
    """Append-only: who changed a learner's time, when, from what to what."""

    learner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="accommodation_changes")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    before = models.JSONField(help_text=_("time_factor and extra_minutes"))
    after = models.JSONField(help_text=_("time_factor and extra_minutes"))

    class Meta:
        verbose_name = _("change of accommodation")
        verbose_name_plural = _("changes of accommodations")
        ordering = ("learner", "-at", "-id")

    def __str__(self) -> str:
        return f"{self.learner} {self.at:%Y-%m-%d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A line of this log is never changed.")
        super().save(*args, **kwargs)
