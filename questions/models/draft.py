"""The next version of a question while it is written, what reviewers say of it, and who did what when."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from questions.content import QuestionContent
from questions.models.blueprint import Topic
from questions.models.question import ITEM_TYPES, LEVELS, Question, QuestionVersion, Scenario


class DraftQuerySet(models.QuerySet["Draft"]):
    def waiting_for(self, user: Any) -> Self:
        """In review, and not written by this person: what they can review, asked or not."""
        return self.filter(state=Draft.State.IN_REVIEW).exclude(authors=user)


class Draft(models.Model):
    """One at a time for each question; publishing turns it into a `QuestionVersion`.

    Unlike a version it may be unfinished: without topic, level, difficulty, key or reasons.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        CHANGES_REQUESTED = "changes_requested", _("changes requested")

    MOVES: ClassVar = {
        State.DRAFT: {State.IN_REVIEW},
        State.IN_REVIEW: {State.DRAFT, State.CHANGES_REQUESTED},
        State.CHANGES_REQUESTED: {State.IN_REVIEW},
    }

    question = models.OneToOneField(Question, on_delete=models.CASCADE, related_name="draft")
    based_on = models.ForeignKey(
        QuestionVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT)
    revision = models.PositiveIntegerField(
        default=1, help_text=_("Grows with every change; a save names the one that it was made from.")
    )
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, null=True, blank=True, related_name="drafts")
    scenario = models.ForeignKey(
        Scenario, on_delete=models.PROTECT, null=True, blank=True, related_name="drafts"
    )
    item_type = models.CharField(_("type"), max_length=20, choices=ITEM_TYPES)
    level = models.CharField(_("level"), max_length=8, choices=LEVELS, blank=True)
    difficulty = models.DecimalField(
        _("difficulty"),
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    keeps_order = models.BooleanField(default=False)
    content = models.JSONField()
    authors = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        related_name="+",
        help_text=_("Everybody who has changed it: none of them may review it."),
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Who was asked; empty: anybody who may."),
    )
    created_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        indexes = (models.Index(fields=("state", "submitted_at"), name="draft_by_state"),)

    def __str__(self) -> str:
        return f"{self.question} {self.state}"

    @cached_property
    def parsed(self) -> QuestionContent:
        return QuestionContent.from_json(self.content)


class Review(models.Model):
    """One person's reading of a draft: answered blind first, then judged with the key in sight."""

    class Verdict(models.TextChoices):
        OPEN = "open", _("open")
        APPROVED = "approved", _("approved")
        CHANGES_REQUESTED = "changes_requested", _("changes requested")

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="reviews")
    draft = models.ForeignKey(Draft, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews")
    version = models.ForeignKey(
        QuestionVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    revision = models.PositiveIntegerField(help_text=_("The draft's, when it was answered."))
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="reviews"
    )
    answer = models.JSONField(null=True, help_text=_("In the shape of a learner's answer; None is blank."))
    key = models.JSONField(null=True, help_text=_("What the draft said when it was answered."))
    agreed = models.BooleanField()
    answered_at = models.DateTimeField()
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict, default=Verdict.OPEN)
    words = models.TextField(_("words"), blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ("-answered_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("draft", "revision", "reviewer"), name="review_once_per_revision_and_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.question} {self.reviewer}: {self.verdict}"


class Comment(models.Model):
    """A word on a draft or a version; `where` names a part of it, such as `options.2`."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="comments")
    draft = models.ForeignKey(
        Draft, on_delete=models.SET_NULL, null=True, blank=True, related_name="comments"
    )
    version = models.ForeignKey(
        QuestionVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="comments"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    text = models.TextField(_("text"), help_text=_("Plain text."))
    where = models.CharField(_("where"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.question} {self.at:%Y-%m-%d}"


class QuestionEvent(models.Model):
    """A line of a question's audit trail. None is ever changed or taken out.

    `detail` says what changed: `before`, a snapshot of the draft, for edits; `reason` or `words` in other
    kinds; `codes`, `tags` and the like where they say more than the kind.
    """

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        IMPORTED = "imported", _("imported")
        LOADED = "loaded", _("loaded from a bank file")
        OPENED = "opened", _("opened for the next version")
        EDITED = "edited", _("edited")
        SUBMITTED = "submitted", _("sent to review")
        WITHDRAWN = "withdrawn", _("taken back from review")
        ANSWERED = "answered", _("answered blind")
        CHANGES_REQUESTED = "changes_requested", _("changes requested")
        PUBLISHED = "published", _("approved and published")
        SCENARIO_CHANGED = "scenario_changed", _("published again with the case's new text")
        DISCARDED = "discarded", _("draft discarded")
        RETIRED = "retired", _("retired")
        RESTORED = "restored", _("offered again")
        TAGGED = "tagged", _("tags changed")
        COMMENTED = "commented", _("commented")

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="events")
    number = models.PositiveIntegerField(null=True, blank=True, help_text=_("Of the version it is about."))
    kind = models.CharField(max_length=20, choices=Kind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("event of a question")
        verbose_name_plural = _("events of questions")
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("question", "-at"), name="question_event_trail"),)

    def __str__(self) -> str:
        return f"{self.question} {self.kind} {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A line of this log is never changed.")
        super().save(*args, **kwargs)
