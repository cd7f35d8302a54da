"""What can be sat, and the lists of exact question versions that are sat."""

from __future__ import annotations

from fractions import Fraction
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import access
from accounts.models import User
from exams import review_policy
from questions.models import Blueprint, QuestionVersion


class MockExamQuerySet(models.QuerySet["MockExam"]):
    def visible_to(self, user: User) -> Self:
        """Published ones; who builds mocks sees drafts too."""
        return self if access.may(user, access.BUILD_MOCKS) else self.filter(is_published=True)


class MockExam(models.Model):
    """A mock that learners can sit: length, time, and what they see when."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="mocks")
    code = models.CharField(_("code"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=120)
    items = models.PositiveSmallIntegerField(
        _("questions"), validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    unscored = models.PositiveSmallIntegerField(_("of them unscored"), default=0)
    seconds = models.PositiveIntegerField(
        _("seconds"), validators=[MinValueValidator(1), MaxValueValidator(86400)]
    )
    papers_wanted = models.PositiveSmallIntegerField(
        _("papers"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Assembled ahead; each learner gets the one with the fewest questions they have met."),
    )
    is_per_learner = models.BooleanField(
        _("a paper for each learner"),
        default=False,
        help_text=_("Assembled at the start, of questions that the learner has not met."),
    )
    is_held_back = models.BooleanField(
        _("held back"), default=False, help_text=_("A final check: its questions appear in nothing else.")
    )
    fixed_cut = models.DecimalField(
        _("cut"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("Else the paper's Angoff mean."),
    )
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    review_policy = models.JSONField(
        _("what learners see when"), default=review_policy.default, validators=[review_policy.validate]
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_published = models.BooleanField(_("published"), default=True)

    objects = MockExamQuerySet.as_manager()

    class Meta:
        verbose_name = _("mock exam")
        verbose_name_plural = _("mock exams")
        ordering = ("position", "title")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(unscored__lt=models.F("items")), name="mock_has_scored_items"
            ),
            models.CheckConstraint(
                condition=models.Q(opens_at=None)
                | models.Q(closes_at=None)
                | models.Q(opens_at__lt=models.F("closes_at")),
                name="mock_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=~models.Q(is_per_learner=True, is_held_back=True),
                name="mock_held_back_has_fixed_papers",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def minutes(self) -> int:
        """Whole minutes, rounded up."""
        return -(-self.seconds // 60)


class Paper(models.Model):
    """An assembled list of question versions; the seed gives the same list again from the same bank."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="papers")
    mock = models.ForeignKey(MockExam, on_delete=models.PROTECT, null=True, blank=True, related_name="papers")
    number = models.PositiveIntegerField(default=1)
    title = models.CharField(_("title"), max_length=200)
    seed = models.BigIntegerField()
    cut_numerator = models.PositiveBigIntegerField()
    cut_denominator = models.PositiveBigIntegerField()
    item_count = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("paper")
        verbose_name_plural = _("papers")
        constraints = (
            models.UniqueConstraint(
                fields=("mock", "number"),
                condition=models.Q(mock__isnull=False),
                name="paper_number_once_per_mock",
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} #{self.number}"

    @property
    def cut(self) -> Fraction:
        return Fraction(self.cut_numerator, self.cut_denominator)


class PaperItem(models.Model):
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="items")
    slot = models.PositiveSmallIntegerField()
    version = models.ForeignKey(QuestionVersion, on_delete=models.PROTECT, related_name="paper_items")
    is_scored = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("paper item")
        verbose_name_plural = _("paper items")
        ordering = ("paper", "slot")
        constraints = (
            models.UniqueConstraint(fields=("paper", "slot"), name="paper_item_slot_once"),
            models.UniqueConstraint(fields=("paper", "version"), name="paper_item_version_once"),
        )

    def __str__(self) -> str:
        return f"{self.paper} {self.slot}"
