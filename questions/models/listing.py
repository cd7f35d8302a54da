"""What the bank list shows, filters and searches: written when a question changes, never worked out by a page."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from questions.models.blueprint import Blueprint, Domain, TaskStatement, Topic
from questions.models.draft import Draft
from questions.models.question import ITEM_TYPES, LEVELS, Question, Scenario


class QuestionTag(models.Model):
    """A word that somebody filed the question under. Tags can change without a new version."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("question", "name"), name="tag_once_per_question"),)
        indexes = (models.Index(fields=("name",), name="tag_by_name"),)

    def __str__(self) -> str:
        return self.name


class Listing(models.Model):
    """One row of the bank list: the draft where there is one, else the current version.

    The figures of learners' answers and challenges are written by whoever counts them.
    """

    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, primary_key=True, related_name="listing"
    )
    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=Question.State)
    draft_state = models.CharField(max_length=20, choices=Draft.State, blank=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, related_name="+")
    task = models.ForeignKey(TaskStatement, on_delete=models.CASCADE, null=True, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, related_name="+")
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="+")
    item_type = models.CharField(max_length=20, choices=ITEM_TYPES)
    level = models.CharField(max_length=8, choices=LEVELS, blank=True)
    difficulty = models.DecimalField(max_digits=3, decimal_places=2, null=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    summary = models.CharField(max_length=240, help_text=_("The stem's beginning, without markup."))
    search = models.TextField(help_text=_("Code, texts, tags and topic in lower case, without markup."))
    blocks = models.PositiveSmallIntegerField(default=0)
    warns = models.PositiveSmallIntegerField(default=0)
    hints = models.PositiveSmallIntegerField(default=0)
    finding_codes = models.JSONField(default=list)
    open_challenges = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0, help_text=_("First exposures of the current version."))
    facility = models.FloatField(null=True)
    is_suspect = models.BooleanField(default=False, help_text=_("Its statistics are out of range."))
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("line of the bank list")
        verbose_name_plural = _("lines of the bank list")
        ordering = ("-changed_at", "code")
        indexes = (
            models.Index(fields=("blueprint", "-changed_at", "code"), name="listing_newest"),
            models.Index(fields=("blueprint", "code"), name="listing_by_code"),
            models.Index(fields=("blueprint", "topic"), name="listing_by_topic"),
            models.Index(fields=("draft_state",), name="listing_by_draft_state"),
            models.Index(fields=("-changed_at", "code"), name="listing_changed_last"),
            # All that the list counts: it never reads the long texts to say how many there are.
            models.Index(
                fields=(
                    "blueprint",
                    "domain",
                    "task",
                    "topic",
                    "item_type",
                    "state",
                    "draft_state",
                    "level",
                    "author",
                    "blocks",
                    "warns",
                    "open_challenges",
                    "is_suspect",
                ),
                name="listing_facets",
            ),
        )

    def __str__(self) -> str:
        return self.code


class StemBand(models.Model):
    """A band of a stem's minhash (see `questions.likeness`): stems that share one may be near-duplicates."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="bands")
    band = models.BigIntegerField()

    class Meta:
        verbose_name = _("band of a stem")
        verbose_name_plural = _("bands of stems")
        indexes = (models.Index(fields=("band",), name="stem_band"),)

    def __str__(self) -> str:
        return str(self.band)
