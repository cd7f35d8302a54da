"""Questions with a stable code, and the numbered versions that nobody can change once published."""

from __future__ import annotations

from functools import cached_property
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from questions.content import ItemType, Level, QuestionContent
from questions.models.blueprint import Blueprint, Topic

ITEM_TYPES = [(str(t), str(t).replace("_", " ")) for t in ItemType]
LEVELS = [(str(v), str(v)) for v in Level]


class Scenario(models.Model):
    """The case of a case study: one text, several questions."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="scenarios")
    code = models.CharField(_("code"), max_length=64, unique=True)
    current = models.ForeignKey("ScenarioVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class ScenarioVersion(models.Model):
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"))
    rendered = models.TextField(help_text=_("The text as safe HTML; may be rendered anew, unlike the text."))
    published_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("scenario version")
        verbose_name_plural = _("scenario versions")
        ordering = ("scenario", "number")
        constraints = (
            models.UniqueConstraint(fields=("scenario", "number"), name="scenario_version_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.scenario} v{self.number}"


class QuestionQuerySet(models.QuerySet["Question"]):
    def published(self) -> Self:
        return self.filter(state=Question.State.PUBLISHED)


class Question(models.Model):
    """A stable code; what it says is in its versions. Never deleted: retired."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="questions")
    code = models.CharField(_("code"), max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.DRAFT)
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("The bank file that it was loaded from.")
    )
    current = models.ForeignKey("QuestionVersion", on_delete=models.PROTECT, null=True, related_name="+")
    origin = models.CharField(
        _("origin"),
        max_length=200,
        blank=True,
        help_text=_("The other system's format and identifier, so that a repeated import knows it again."),
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_because = models.TextField(_("reason for retiring"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("code",)
        indexes = (
            models.Index(fields=("blueprint", "state"), name="question_by_state"),
            models.Index(
                fields=("blueprint", "origin"), condition=~models.Q(origin=""), name="question_by_origin"
            ),
        )

    def __str__(self) -> str:
        return self.code


class QuestionVersion(models.Model):
    """What a question says. From `published_at` on, a database trigger refuses every change of it."""

    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="versions")
    scenario_version = models.ForeignKey(
        ScenarioVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="question_versions"
    )
    item_type = models.CharField(_("type"), max_length=20, choices=ITEM_TYPES)
    level = models.CharField(_("level"), max_length=8, choices=LEVELS)
    difficulty = models.DecimalField(
        _("difficulty"),
        max_digits=3,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Expected share correct among just-qualified candidates (modified Angoff)."),
    )
    keeps_order = models.BooleanField(
        default=False, help_text=_("Its options have a natural order: not shuffled.")
    )
    content = models.JSONField()
    rendered = models.JSONField(
        help_text=_("The content as safe HTML; may be rendered anew, unlike the content.")
    )
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of everything that a version fixes."))
    tags = models.JSONField(default=list, blank=True)
    checked = models.JSONField(
        null=True, blank=True, help_text=_("Who answered it blind, and whether they agreed.")
    )
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("question version")
        verbose_name_plural = _("question versions")
        ordering = ("question", "number")
        constraints = (
            models.UniqueConstraint(fields=("question", "number"), name="question_version_number_once"),
            models.CheckConstraint(
                condition=models.Q(difficulty__gte=0, difficulty__lte=1),
                name="question_version_difficulty_is_a_share",
            ),
        )

    def __str__(self) -> str:
        return f"{self.question} v{self.number}"

    @cached_property
    def parsed(self) -> QuestionContent:
        return QuestionContent.from_json(self.content)
