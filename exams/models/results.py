"""What scoring wrote: everything a result page shows, so that a page only reads."""

from __future__ import annotations

from fractions import Fraction

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from exams.models.attempt import Attempt
from exams.psychometrics import Verdict
from questions.models import Blueprint, Domain, TaskStatement


class Result(models.Model):
    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, primary_key=True, related_name="result")
    method = models.CharField(max_length=40)
    correct = models.PositiveSmallIntegerField()
    scored_items = models.PositiveSmallIntegerField()
    cut_numerator = models.PositiveBigIntegerField()
    cut_denominator = models.PositiveBigIntegerField()
    scaled_score = models.PositiveSmallIntegerField()
    scaled_low = models.PositiveSmallIntegerField()
    scaled_high = models.PositiveSmallIntegerField()
    passed = models.BooleanField()
    first_exposures = models.PositiveSmallIntegerField(
        help_text=_("Scored questions the learner had not met before.")
    )
    right_to_wrong = models.PositiveSmallIntegerField(default=0)
    wrong_to_right = models.PositiveSmallIntegerField(default=0)
    chance_before = models.FloatField(
        null=True, help_text=_("Told before this sitting: the calibration's evidence.")
    )
    chance_of_passing = models.FloatField(null=True)
    chance_questions = models.PositiveIntegerField(default=0)
    chance_sittings = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")

    def __str__(self) -> str:
        return f"{self.scaled_score}"

    @property
    def cut(self) -> Fraction:
        return Fraction(self.cut_numerator, self.cut_denominator)


class PartScore(models.Model):
    """A share with its count, its interval and its verdict, as they were when the sitting was scored."""

    correct = models.PositiveSmallIntegerField()
    seen = models.PositiveSmallIntegerField()
    mean = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    target = models.FloatField()
    verdict = models.CharField(max_length=20, choices=[(str(v), str(v)) for v in Verdict])
    prior_learners = models.PositiveIntegerField(default=0, help_text=_("0: the default prior."))

    class Meta:
        abstract = True


class DomainScore(PartScore):
    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="domain_scores")
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="scores")

    class Meta:
        verbose_name = _("domain score")
        verbose_name_plural = _("domain scores")
        constraints = (models.UniqueConstraint(fields=("result", "domain"), name="domain_score_once"),)

    def __str__(self) -> str:
        return f"{self.domain_id} {self.correct}/{self.seen}"


class TaskScore(PartScore):
    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="task_scores")
    task = models.ForeignKey(TaskStatement, on_delete=models.PROTECT, related_name="scores")

    class Meta:
        verbose_name = _("task score")
        verbose_name_plural = _("task scores")
        constraints = (models.UniqueConstraint(fields=("result", "task"), name="task_score_once"),)

    def __str__(self) -> str:
        return f"{self.task_id} {self.correct}/{self.seen}"


class Evidence(models.Model):
    """A learner's first exposures in one task, mocks and practice apart; the facility is that of its items."""

    class Kind(models.TextChoices):
        MOCK = "mock", _("mock exams")
        PRACTICE = "practice", _("practice")

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="evidence")
    task = models.ForeignKey(TaskStatement, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=8, choices=Kind)
    correct = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    facility_shift = models.FloatField(
        default=0, help_text=_("Sum, over the items seen, of known facility minus the task's mean facility.")
    )

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        constraints = (models.UniqueConstraint(fields=("learner", "task", "kind"), name="evidence_once"),)

    def __str__(self) -> str:
        return f"{self.learner_id} {self.task_id} {self.correct}/{self.seen}"


class ExamPlan(models.Model):
    """The exam a learner prepares for, and when."""

    learner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plan")
    blueprint = models.ForeignKey(
        Blueprint, on_delete=models.PROTECT, related_name="plans", verbose_name=_("exam")
    )
    exam_on = models.DateField(_("date of the exam"), null=True, blank=True)

    class Meta:
        verbose_name = _("exam plan")
        verbose_name_plural = _("exam plans")

    def __str__(self) -> str:
        return f"{self.learner}: {self.blueprint}"
