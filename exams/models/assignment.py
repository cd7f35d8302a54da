"""What a cohort is given to sit, for whom it differs, and the trail of both."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Cohort, Membership, Part, User
from exams import review_policy
from exams.models.paper import MockExam
from questions.models import Blueprint, TaskStatement


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def visible_to(self, user: User) -> Self:
        """Those of the user's cohorts; learners don't see what was withdrawn."""
        if user.is_admin:
            return self
        mine = Membership.objects.active().filter(user=user)
        taught = mine.filter(part=Part.INSTRUCTOR).values("cohort")
        learnt = mine.filter(part=Part.LEARNER).values("cohort")
        return self.filter(models.Q(cohort__in=taught) | models.Q(cohort__in=learnt, withdrawn_at=None))

    def taught_by(self, user: User) -> Self:
        """Those whose learners' results the user may read, and which they may change."""
        return self.filter(cohort__in=Cohort.objects.taught_by(user))

    def given_to(self, user: User) -> Self:
        """Those that the user is to sit."""
        learnt = Membership.objects.learners().filter(user=user).values("cohort")
        return self.filter(cohort__in=learnt, withdrawn_at=None, cohort__archived_at=None)


class Assignment(models.Model):
    """A mock exam, or a practice of some tasks, given to a cohort for a time."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="assignments")
    mock = models.ForeignKey(
        MockExam, on_delete=models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="assignments")
    tasks = models.ManyToManyField(
        TaskStatement, blank=True, related_name="assignments", help_text=_("Of a practice.")
    )
    questions = models.PositiveSmallIntegerField(
        _("questions"), null=True, blank=True, help_text=_("Of a practice.")
    )
    title = models.CharField(_("title"), max_length=120)
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    attempts_allowed = models.PositiveSmallIntegerField(
        _("attempts allowed"),
        null=True,
        blank=True,
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Empty: as many as they like."),
    )
    delay_minutes = models.PositiveIntegerField(
        _("minutes between two attempts"), default=0, validators=[MaxValueValidator(525_600)]
    )
    review_policy = models.JSONField(
        _("what learners see when"), null=True, blank=True, validators=[review_policy.validate]
    )
    remind_hours = models.PositiveSmallIntegerField(
        _("reminder, hours before it closes"), null=True, blank=True, validators=[MaxValueValidator(720)]
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(opens_at=None)
                | models.Q(closes_at=None)
                | models.Q(opens_at__lt=models.F("closes_at")),
                name="assignment_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=models.Q(mock=None, questions__isnull=False)
                | models.Q(mock__isnull=False, questions=None),
                name="assignment_is_mock_or_practice",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_practice(self) -> bool:
        return self.mock_id is None


class LearnerOverride(models.Model):
    """What differs for one learner; None leaves what the assignment says."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="overrides")
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    attempts_allowed = models.PositiveSmallIntegerField(
        _("attempts allowed"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    extra_minutes = models.PositiveSmallIntegerField(
        _("extra minutes"),
        default=0,
        validators=[MaxValueValidator(600)],
        help_text=_("On top of an accommodation."),
    )
    note = models.CharField(_("reason"), max_length=300, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("learner's exception")
        verbose_name_plural = _("learners' exceptions")
        constraints = (
            models.UniqueConstraint(fields=("assignment", "learner"), name="override_once_per_learner"),
        )

    def __str__(self) -> str:
        return f"{self.assignment}: {self.learner}"


class AssignmentEvent(models.Model):
    """Append-only: what was done to an assignment, or through it to one learner. Each learner reads their own."""

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        WITHDRAWN = "withdrawn", _("withdrawn")
        RESTORED = "restored", _("given again")
        EXCEPTION = "exception", _("exception for a learner")
        REMINDED = "reminded", _("reminded")
        TIME_ADDED = "time_added", _("time added")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        REOPENED = "reopened", _("reopened")
        CLOSED = "closed", _("closed")
        MESSAGE = "message", _("message")

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="events")
    attempt = models.ForeignKey(
        "exams.Attempt", on_delete=models.CASCADE, null=True, related_name="staff_events"
    )
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text=_("None: all."),
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=Kind)
    reason = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("assignment event")
        verbose_name_plural = _("assignment events")
        ordering = ("assignment", "-at", "-id")

    def __str__(self) -> str:
        return f"{self.assignment} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A line of this log is never changed.")
        super().save(*args, **kwargs)


class Reminder(models.Model):
    """That a learner was reminded of an assignment: once per deadline."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="reminders")
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    closes_at = models.DateTimeField()
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = (
            models.UniqueConstraint(fields=("assignment", "learner", "closes_at"), name="reminder_once"),
        )

    def __str__(self) -> str:
        return f"{self.assignment}: {self.learner}"
