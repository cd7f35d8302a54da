"""Files on their way in and out: uploaded in pieces, read by a worker, previewed, then applied whole or not."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from questions.models.blueprint import Blueprint, Topic
from questions.models.question import Question, QuestionVersion, Scenario


class RunQuerySet(models.QuerySet["ImportRun"]):
    def visible_to(self, user: User) -> Self:
        return self if user.is_admin else self.filter(by=user)


class ImportRun(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READING = "reading", _("reading")
        READY = "ready", _("ready")
        APPLYING = "applying", _("importing")
        LISTING = "listing", _("being listed")
        APPLIED = "applied", _("imported")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="imports")
    filename = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(help_text=_("Bytes."))
    format_name = models.CharField(max_length=20)
    topic = models.ForeignKey(
        Topic, on_delete=models.SET_NULL, null=True, related_name="+", help_text=_("Of what isn't mapped.")
    )
    tag = models.CharField(max_length=60, blank=True, help_text=_("That all its questions are filed under."))
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    claim = models.UUIDField(
        null=True, help_text=_("Of the worker that has it: another one's ends its work.")
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Workers that began this step."))
    done = models.PositiveIntegerField(default=0, help_text=_("Questions read, then questions imported."))
    total = models.PositiveIntegerField(default=0, help_text=_("0 while it isn't known."))
    counts = models.JSONField(default=dict, help_text=_("How many rows have each outcome."))
    error = models.TextField(blank=True)
    wants_cancel = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField(help_text=_("A run that nobody has touched for long lost its worker."))
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.filename


class ImportChunk(models.Model):
    """A piece of the file: in the database, because web and worker share no disk."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="import_chunk_once"),)

    def __str__(self) -> str:
        return f"{self.run} {self.number}"


class ImportRow(models.Model):
    """A question of the file, and what becomes of it."""

    class Outcome(models.TextChoices):
        IMPORTED = "imported", _("will be imported")
        DEGRADED = "degraded", _("imported with loss")
        DUPLICATE = "duplicate", _("already there")
        REJECTED = "rejected", _("rejected")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    where = models.CharField(max_length=300)
    title = models.CharField(max_length=240, blank=True)
    code = models.CharField(max_length=64, blank=True, help_text=_("Of the reason, where it is rejected."))
    why = models.TextField(blank=True)
    losses = models.JSONField(default=list)
    category = models.CharField(max_length=400, blank=True)
    payload = models.JSONField(null=True, help_text=_("The question as it will come in."))
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, related_name="+")
    names_topic = models.BooleanField(default=False, help_text=_("The file says a topic of this blueprint."))
    updates = models.BooleanField(default=False, help_text=_("It becomes the next draft of `same_as`."))
    same_as = models.ForeignKey(Question, on_delete=models.SET_NULL, null=True, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="import_row_once"),)
        indexes = (
            models.Index(fields=("run", "outcome", "number"), name="import_row_by_outcome"),
            models.Index(fields=("run", "category"), name="import_row_by_category"),
        )

    def __str__(self) -> str:
        return f"{self.run} {self.where}"


class ImportPicture(models.Model):
    row = models.ForeignKey(ImportRow, on_delete=models.CASCADE, related_name="pictures")
    name = models.CharField(max_length=120)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class ImportStage(models.Model):
    """A question about to come in, in the columns of its tables: one statement each then moves a whole file."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="stages")
    row = models.OneToOneField(ImportRow, on_delete=models.CASCADE, related_name="stage")
    code = models.CharField(max_length=64)
    origin = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64)
    question = models.ForeignKey(Question, on_delete=models.SET_NULL, null=True, related_name="+")
    number = models.PositiveIntegerField(default=1)
    based_on = models.ForeignKey(QuestionVersion, on_delete=models.CASCADE, null=True, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, related_name="+")
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="+")
    item_type = models.CharField(max_length=20)
    level = models.CharField(max_length=8, blank=True)
    difficulty = models.DecimalField(max_digits=3, decimal_places=2, null=True)
    keeps_order = models.BooleanField(default=False)
    content = models.JSONField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.code


class CategoryMapping(models.Model):
    """Where another system's folder or tag belongs here; remembered for the next file."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="category_mappings")
    category = models.CharField(max_length=400)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("mapping of a category")
        verbose_name_plural = _("mappings of categories")
        constraints = (
            models.UniqueConstraint(fields=("blueprint", "category"), name="category_mapped_once"),
        )

    def __str__(self) -> str:
        return f"{self.category} → {self.topic}"


class ExportQuerySet(models.QuerySet["ExportRun"]):
    def visible_to(self, user: User) -> Self:
        return self if user.is_admin else self.filter(by=user)


class ExportRun(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CHECKING = "checking", _("checking")
        CHECKED = "checked", _("checked")
        WRITING = "writing", _("writing")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    format_name = models.CharField(max_length=20)
    selection = models.JSONField(help_text=_("The list's filter, which text, and the questions it found."))
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    claim = models.UUIDField(
        null=True, help_text=_("Of the worker that has it: another one's ends its work.")
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Workers that began this step."))
    losses = models.JSONField(default=list, help_text=_("What the format can't carry, and of how many."))
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    filename = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text=_("Bytes."))
    error = models.TextField(blank=True)
    wants_cancel = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.filename or str(self.pk)


class ExportChunk(models.Model):
    run = models.ForeignKey(ExportRun, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="export_chunk_once"),)

    def __str__(self) -> str:
        return f"{self.run} {self.number}"
