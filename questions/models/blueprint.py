"""An exam's specification as data: nothing in the code knows a vendor."""

from __future__ import annotations

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Blueprint(models.Model):
    """One version of an exam's specification. Another version is another blueprint, with another code."""

    code = models.CharField(_("code"), max_length=32, unique=True)
    title = models.CharField(_("title"), max_length=200)
    disclaimer = models.TextField(_("disclaimer"), blank=True)
    notice = models.TextField(_("notice"), blank=True, help_text=_("Shown wherever a mock of it is offered."))
    items = models.PositiveSmallIntegerField(_("items"))
    scored_items = models.PositiveSmallIntegerField(_("scored items"))
    minutes = models.PositiveSmallIntegerField(_("minutes"))
    scale_low = models.PositiveSmallIntegerField(default=100)
    scale_high = models.PositiveSmallIntegerField(default=1000)
    passing_score = models.PositiveSmallIntegerField(_("passing scaled score"), default=720)
    item_types = models.JSONField(_("item types"), default=list)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    coverage_per_topic = models.PositiveSmallIntegerField(default=3)
    forbidden = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Patterns of retired or out-of-scope things that no key may name."),
    )

    edited_at = models.DateTimeField(
        null=True, blank=True, help_text=_("On the site; loading its file again doesn't undo that.")
    )
    follows = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="followed_by",
        help_text=_("The version of the exam that this one was copied from."),
    )

    class Meta:
        verbose_name = _("blueprint")
        verbose_name_plural = _("blueprints")
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(scored_items__lte=models.F("items"), scored_items__gte=1),
                name="blueprint_scored_items_within_items",
            ),
            models.CheckConstraint(
                condition=models.Q(scale_low__lt=models.F("passing_score"))
                & models.Q(passing_score__lt=models.F("scale_high")),
                name="blueprint_passing_score_within_scale",
            ),
        )

    def __str__(self) -> str:
        return self.code

    def is_valid_on(self, day: date) -> bool:
        return (self.valid_from is None or day >= self.valid_from) and (
            self.valid_until is None or day <= self.valid_until
        )


class Domain(models.Model):
    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="domains")
    code = models.CharField(_("code"), max_length=16)
    title = models.CharField(_("title"), max_length=200)
    weight = models.DecimalField(
        _("weight in per cent of the scored items"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    cut = models.DecimalField(
        _("target share"),
        max_digits=4,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_("Else the paper's cut."),
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ("blueprint", "position", "code")
        constraints = (
            models.UniqueConstraint(fields=("blueprint", "code"), name="domain_code_once_per_blueprint"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class TaskStatement(models.Model):
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="tasks")
    code = models.CharField(_("code"), max_length=16)
    title = models.CharField(_("title"), max_length=200)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("task statement")
        verbose_name_plural = _("task statements")
        ordering = ("domain", "position", "code")
        constraints = (models.UniqueConstraint(fields=("domain", "code"), name="task_code_once_per_domain"),)

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Topic(models.Model):
    task = models.ForeignKey(TaskStatement, on_delete=models.CASCADE, related_name="topics")
    code = models.CharField(_("code"), max_length=16)
    title = models.CharField(_("title"), max_length=200)
    covers = models.TextField(_("covers"), blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ("task", "position", "code")
        constraints = (models.UniqueConstraint(fields=("task", "code"), name="topic_code_once_per_task"),)

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class TaskMapping(models.Model):
    """What a task of one version of an exam has become in the next: its questions can move along."""

    old = models.ForeignKey(TaskStatement, on_delete=models.CASCADE, related_name="became")
    new = models.ForeignKey(TaskStatement, on_delete=models.CASCADE, related_name="was")

    class Meta:
        verbose_name = _("mapping of a task")
        verbose_name_plural = _("mappings of tasks")
        constraints = (models.UniqueConstraint(fields=("old", "new"), name="task_mapping_once"),)

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"
