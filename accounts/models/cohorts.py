"""With whom somebody learns: cohorts, memberships, and how one gets in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class Part(models.TextChoices):
    LEARNER = "learner", _("learner")
    INSTRUCTOR = "instructor", _("instructor")


class CohortQuerySet(models.QuerySet["Cohort"]):
    def visible_to(self, user: User) -> Self:
        """Those the user is in, all for an admin."""
        if user.is_admin:
            return self
        return self.filter(pk__in=Membership.objects.active().filter(user=user).values("cohort"))

    def taught_by(self, user: User) -> Self:
        """Those whose learners' results the user may read, all for an admin."""
        if user.is_admin:
            return self
        teaching = Membership.objects.active().filter(user=user, part=Part.INSTRUCTOR)
        return self.filter(pk__in=teaching.values("cohort"))


class Cohort(models.Model):
    """A group that learns together."""

    title = models.CharField(_("title"), max_length=120)
    term = models.CharField(
        _("term"), max_length=40, blank=True, help_text=_("Such as “Autumn 2026”: terms are compared by it.")
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = CohortQuerySet.as_manager()

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ("title",)

    def __str__(self) -> str:
        return self.title


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> Self:
        return self.filter(left_at=None)

    def learners(self) -> Self:
        return self.active().filter(part=Part.LEARNER)

    def taught_by(self, user: User) -> Self:
        """The learners of the cohorts that the user teaches."""
        teaching = Membership.objects.active().filter(user=user, part=Part.INSTRUCTOR)
        return self.learners().filter(cohort__in=teaching.values("cohort"))


class Membership(models.Model):
    """Somebody's part in a cohort. Who leaves keeps the row: their data stays, the access goes."""

    Part = Part

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    part = models.CharField(_("part"), max_length=12, choices=Part, default=Part.LEARNER)
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (models.UniqueConstraint(fields=("cohort", "user"), name="membership_once_per_cohort"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.cohort}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self, now: datetime) -> Self:
        """Not expired, not revoked, not used up, of a cohort that isn't archived."""
        is_left = models.Q(max_uses=None) | models.Q(uses__lt=models.F("max_uses"))
        return self.filter(is_left, expires_at__gt=now, revoked_at=None, cohort__archived_at=None)


class Invitation(models.Model):
    """A way into a cohort: its code is typed, or is the end of a link; with an address it is that person's alone."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="invitations")
    part = models.CharField(_("part"), max_length=12, choices=Part, default=Part.LEARNER)
    code = models.CharField(_("code"), max_length=20, unique=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("uses at most"), null=True, blank=True)
    uses = models.PositiveIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                models.F("cohort"),
                Lower("email"),
                condition=models.Q(revoked_at=None, uses=0) & ~models.Q(email=""),
                name="invitation_open_once_per_address",
            ),
        )

    def __str__(self) -> str:
        return f"{self.cohort}: {self.email or self.code}"


class CohortEvent(models.Model):
    """Append-only: who did what to a cohort or its members, when."""

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        ARCHIVED = "archived", _("archived")
        RESTORED = "restored", _("taken out of the archive")
        INVITED = "invited", _("invited")
        REVOKED = "revoked", _("invitation revoked")
        JOINED = "joined", _("joined")
        LEFT = "left", _("left")
        REMOVED = "removed", _("removed")
        PART_CHANGED = "part_changed", _("part changed")
        ROSTER = "roster", _("roster applied")

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("Whom it concerns."),
    )
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("cohort event")
        verbose_name_plural = _("cohort events")
        ordering = ("cohort", "-at", "-id")

    def __str__(self) -> str:
        return f"{self.cohort} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A line of this log is never changed.")
        super().save(*args, **kwargs)
