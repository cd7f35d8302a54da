"""A learner's sitting: the attempt, its one current response per slot, and the log that proves both."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, User
from exams.models.paper import MockExam, Paper
from questions.models import Question, QuestionVersion


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def sat_by(self, user: User) -> Self:
        """The user's own, to sit them."""
        return self.filter(learner=user)

    def visible_to(self, user: User) -> Self:
        """Those whose result the user may read: their own, their cohorts' as instructor, all as admin."""
        if user.is_admin:
            return self
        taught = Membership.objects.taught_by(user).values("user")
        return self.filter(models.Q(learner=user) | models.Q(learner__in=taught))

    def overdue(self, now: datetime) -> Self:
        """Still open although deadline and grace have passed."""
        grace = timedelta(seconds=settings.GRACE_SECONDS)
        return self.filter(state=Attempt.State.IN_PROGRESS, deadline_at__lt=now - grace)

    def unscored(self) -> Self:
        return self.filter(state=Attempt.State.CLOSED)


class Attempt(models.Model):
    """One sitting of one paper. Its moves: in progress → closed → scored, and never back by itself."""

    class State(models.TextChoices):
        IN_PROGRESS = "in_progress", _("in progress")
        CLOSED = "closed", _("closed")
        SCORED = "scored", _("scored")

    class Purpose(models.TextChoices):
        MOCK = "mock", _("mock exam")
        PRACTICE = "practice", _("practice")
        PREVIEW = "preview", _("preview")
        STAFF = "staff", _("staff")

    class ClosedReason(models.TextChoices):
        SUBMITTED = "submitted", _("submitted")
        TIME_RAN_OUT = "time_ran_out", _("time ran out")
        CLOSED_BY_STAFF = "closed_by_staff", _("closed by an instructor")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="attempts")
    paper = models.ForeignKey(Paper, on_delete=models.PROTECT, related_name="attempts")
    mock = models.ForeignKey(
        MockExam, on_delete=models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    assignment = models.ForeignKey(
        "exams.Assignment", on_delete=models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    purpose = models.CharField(max_length=8, choices=Purpose)
    number = models.PositiveSmallIntegerField(
        default=1, help_text=_("The learner's first, second … of this mock.")
    )
    start_key = models.UUIDField(default=uuid.uuid4, help_text=_("Makes a repeated start find the first."))
    option_seed = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=State, default=State.IN_PROGRESS)

    # The parts of the deadline, and the deadline that follows from them (see starting.effective_deadline).
    started_at = models.DateTimeField()
    is_timed = models.BooleanField(default=True)
    seconds_allowed = models.PositiveIntegerField()
    time_factor = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal(1))
    extra_seconds = models.PositiveIntegerField(default=0)
    credit_seconds = models.PositiveIntegerField(default=0)
    window_ends_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The learner's own: with their extension, pauses and credits.")
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The clock stands; the deadline lies beyond the longest pause.")
    )
    deadline_at = models.DateTimeField()

    # What the player reports now and then: no answer depends on it.
    position = models.PositiveSmallIntegerField(default=1)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    seconds_by_slot = models.JSONField(default=dict)
    answered_so_far = models.PositiveSmallIntegerField(
        default=0, help_text=_("As of the last pulse; the receipt has its own count.")
    )
    last_saved_at = models.DateTimeField(null=True, blank=True, help_text=_("As of the last pulse."))
    control_revision = models.PositiveIntegerField(
        default=0, help_text=_("Grows with whatever an instructor does to it: the player then asks what.")
    )

    # The receipt.
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=16, choices=ClosedReason, blank=True)
    answered_count = models.PositiveSmallIntegerField(null=True)
    digest = models.CharField(max_length=64, blank=True)

    scored_at = models.DateTimeField(null=True, blank=True)
    folded_at = models.DateTimeField(null=True, blank=True, help_text=_("When it entered the statistics."))

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("-started_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("learner", "mock"),
                condition=models.Q(state="in_progress", mock__isnull=False) & ~models.Q(purpose="preview"),
                name="attempt_one_running_per_mock",
            ),
            models.UniqueConstraint(
                fields=("learner", "mock"),
                condition=models.Q(state="in_progress", mock__isnull=False, purpose="preview"),
                name="attempt_one_running_preview_per_mock",
            ),
            models.UniqueConstraint(fields=("learner", "start_key"), name="attempt_start_key_once"),
            models.CheckConstraint(
                condition=models.Q(state="in_progress", closed_at=None)
                | ~models.Q(state="in_progress") & ~models.Q(closed_at=None),
                name="attempt_closed_has_a_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("deadline_at",), condition=models.Q(state="in_progress"), name="attempt_running"
            ),
            models.Index(fields=("closed_at",), condition=models.Q(state="closed"), name="attempt_to_score"),
            models.Index(
                fields=("scored_at",),
                condition=models.Q(state="scored", folded_at=None),
                name="attempt_to_fold",
            ),
            models.Index(fields=("learner", "-started_at"), name="attempt_of_learner"),
            models.Index(
                fields=("assignment", "state"),
                condition=models.Q(assignment__isnull=False),
                name="attempt_of_assignment",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state == self.State.IN_PROGRESS

    @property
    def ended_at(self) -> datetime | None:
        """When the sitting was over for the learner: a sweep may close it some seconds later."""
        return min(self.closed_at, self.deadline_at) if self.closed_at else None


class Response(models.Model):
    """The one current answer to one slot. `revision` only grows; a lower one never overwrites."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="responses")
    slot = models.PositiveSmallIntegerField()
    version = models.ForeignKey(QuestionVersion, on_delete=models.PROTECT, related_name="responses")
    is_scored = models.BooleanField()
    answer = models.JSONField(null=True)
    revision = models.PositiveIntegerField(default=0)
    is_flagged = models.BooleanField(default=False)
    struck = models.JSONField(default=list)
    saved_at = models.DateTimeField(null=True)
    is_in_grace = models.BooleanField(
        default=False, help_text=_("Saved after the deadline, within the grace.")
    )
    checked_at = models.DateTimeField(null=True, help_text=_("Practice: when the feedback was shown."))
    is_correct = models.BooleanField(null=True, help_text=_("Written by scoring."))
    is_first_exposure = models.BooleanField(null=True, help_text=_("Written by scoring."))

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        ordering = ("attempt", "slot")
        constraints = (models.UniqueConstraint(fields=("attempt", "slot"), name="response_once_per_slot"),)

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.slot}"


class AttemptEvent(models.Model):
    """Append-only: everything that happened to a sitting, also what came too late to count."""

    class Kind(models.TextChoices):
        STARTED = "started", _("started")
        SAVED = "saved", _("saved")
        SAVED_IN_GRACE = "saved_in_grace", _("saved in the grace")
        STALE = "stale", _("older than what was stored: not counted")
        CAME_LATE = "came_late", _("came too late: not counted")
        CHECKED = "checked", _("feedback shown")
        DEADLINE_CHANGED = "deadline_changed", _("deadline changed")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        REOPENED = "reopened", _("reopened")
        MESSAGE = "message", _("message from an instructor")
        CLOSED = "closed", _("closed")
        SCORED = "scored", _("scored")

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind)
    slot = models.PositiveSmallIntegerField(null=True)
    revision = models.PositiveIntegerField(null=True)
    answer = models.JSONField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("attempt event")
        verbose_name_plural = _("attempt events")
        ordering = ("attempt", "id")

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.kind}"


class Exposure(models.Model):
    """That a learner has met a question, and in which sitting first."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exposures")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="exposures")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="exposures")

    class Meta:
        verbose_name = _("exposure")
        verbose_name_plural = _("exposures")
        constraints = (models.UniqueConstraint(fields=("learner", "question"), name="exposure_first_only"),)

    def __str__(self) -> str:
        return f"{self.learner_id} {self.question_id}"
