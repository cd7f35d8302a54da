"""Figures on their way out: written by a worker, in pieces, kept for a while."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Cohort, User
from exams.models.assignment import Assignment


class ReportRunQuerySet(models.QuerySet["ReportRun"]):
    def visible_to(self, user: User) -> Self:
        """One's own, as long as one teaches the cohort."""
        return self.filter(by=user, cohort__in=Cohort.objects.taught_by(user))


class ReportRun(models.Model):
    class Kind(models.TextChoices):
        SCORES = "scores", _("scores")
        DOMAINS = "domains", _("domains and tasks")
        RESPONSES = "responses", _("responses")
        ITEMS = "items", _("item statistics")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WRITING = "writing", _("writing")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        XLSX = "xlsx", _("Excel")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="reports")
    assignment = models.ForeignKey(
        Assignment,
        on_delete=models.CASCADE,
        null=True,
        related_name="reports",
        help_text=_("None: all of them."),
    )
    kind = models.CharField(_("figures"), max_length=12, choices=Kind)
    format_name = models.CharField(_("format"), max_length=4, choices=Format)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    claim = models.UUIDField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveIntegerField(default=0, help_text=_("Rows written."))
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    wants_cancel = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReportRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.kind} {self.cohort_id}"


class ReportChunk(models.Model):
    """A piece of the file: in the database, because web and worker share no disk."""

    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="report_chunk_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}"
