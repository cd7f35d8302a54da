"""Statistics over many learners: folded in after scoring, never computed by a page."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from exams.models.paper import MockExam
from exams.models.results import Evidence
from questions.models import Domain, QuestionVersion, TaskStatement


class ItemStatistic(models.Model):
    """An item over first attempts on mock exams in which the learner met it for the first time.

    Worked out from its `ItemTally` rows whenever one of them changes.
    """

    version = models.OneToOneField(
        QuestionVersion, on_delete=models.CASCADE, primary_key=True, related_name="statistic"
    )
    n = models.PositiveIntegerField(default=0)
    correct = models.PositiveIntegerField(default=0)
    omitted = models.PositiveIntegerField(default=0)
    not_reached = models.PositiveIntegerField(default=0)
    facility_low = models.FloatField(null=True, help_text=_("Of Wilson's 95 % interval."))
    facility_high = models.FloatField(null=True)
    discrimination = models.FloatField(
        null=True, help_text=_("Corrected item-rest correlation; None where nobody differs.")
    )
    median_seconds = models.FloatField(null=True)
    options = models.JSONField(
        default=list, help_text=_("exams.statistics.item_figures says what per option.")
    )
    flags = models.JSONField(default=list, help_text=_("Codes of exams.statistics.item_figures."))
    updated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("item statistic")
        verbose_name_plural = _("item statistics")

    def __str__(self) -> str:
        return f"{self.correct}/{self.n}"


class MockScoreCount(models.Model):
    """How many first attempts of a mock got one scaled score: the percentile reads these."""

    mock = models.ForeignKey(MockExam, on_delete=models.CASCADE, related_name="score_counts")
    scaled_score = models.PositiveSmallIntegerField()
    n = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("score count")
        verbose_name_plural = _("score counts")
        constraints = (models.UniqueConstraint(fields=("mock", "scaled_score"), name="score_count_once"),)

    def __str__(self) -> str:
        return f"{self.scaled_score}: {self.n}"


class PopulationPrior(models.Model):
    """Mean and strength of the population in a domain, or in one of its tasks, fitted to the evidence."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="priors")
    task = models.ForeignKey(
        TaskStatement,
        on_delete=models.CASCADE,
        null=True,
        related_name="priors",
        help_text=_("None: the whole domain."),
    )
    kind = models.CharField(max_length=8, choices=Evidence.Kind)
    mean = models.FloatField()
    strength = models.FloatField()
    learners = models.PositiveIntegerField()
    fitted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("population prior")
        verbose_name_plural = _("population priors")
        constraints = (
            models.UniqueConstraint(fields=("task", "kind"), name="prior_once_per_task"),
            models.UniqueConstraint(
                fields=("domain", "kind"), condition=models.Q(task=None), name="prior_once_per_domain"
            ),
        )

    def __str__(self) -> str:
        return f"{self.task or self.domain} {self.mean:.2f} ({self.learners})"


class Sweep(models.Model):
    """When a periodic job last ran through: readiness reports its age."""

    name = models.CharField(max_length=40, primary_key=True)
    finished_at = models.DateTimeField()
    handled = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("sweep")
        verbose_name_plural = _("sweeps")

    def __str__(self) -> str:
        return self.name
