"""What is counted when a sitting is scored: whole numbers only, so that adding and taking away are exact.

Only `exams.statistics` writes these rows; figures for pages are worked out from them then, not by the page.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from exams.models.assignment import Assignment
from exams.models.paper import MockExam, Paper
from exams.models.results import PartScore
from questions.models import Blueprint, Domain, QuestionVersion, TaskStatement


class ItemTally(models.Model):
    """A question version in one mock, over first attempts in which the learner met it for the first time.

    A rest score is the number of right answers to the other scored questions of the sitting.
    """

    version = models.ForeignKey(QuestionVersion, on_delete=models.CASCADE, related_name="tallies")
    mock = models.ForeignKey(MockExam, on_delete=models.CASCADE, related_name="item_tallies")
    right = models.JSONField(default=dict, help_text=_("Rest score → how many answered it right."))
    wrong = models.JSONField(default=dict, help_text=_("Rest score → how many did not, blanks included."))
    choices = models.JSONField(default=dict, help_text=_("Option id → rest score → how many chose it."))
    seconds = models.JSONField(default=dict, help_text=_("Seconds spent → how many."))
    omitted = models.PositiveIntegerField(default=0, help_text=_("Seen and left blank."))
    not_reached = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("item tally")
        verbose_name_plural = _("item tallies")
        constraints = (models.UniqueConstraint(fields=("version", "mock"), name="item_tally_once"),)

    def __str__(self) -> str:
        return f"{self.version_id} in {self.mock_id}"


class PaperTally(models.Model):
    """A paper over first attempts of its mock: what alpha, its error and the worth of domain scores follow from."""

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="tally")
    scores = models.JSONField(default=dict, help_text=_("Right answers → how many attempts."))
    right = models.JSONField(
        default=dict,
        help_text=_("Scored slot → [how many answered it right, the sum of their right answers]."),
    )
    domains = models.JSONField(
        default=dict,
        help_text=_("Domain id → [sum, sum of squares, sum of products with the total] of right answers."),
    )

    class Meta:
        verbose_name = _("paper tally")
        verbose_name_plural = _("paper tallies")

    def __str__(self) -> str:
        return str(self.paper_id)


class MockStatistic(models.Model):
    """The figures of a mock over first attempts, worked out when one is folded in."""

    mock = models.OneToOneField(
        MockExam, on_delete=models.CASCADE, primary_key=True, related_name="statistic"
    )
    n = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    scores = models.JSONField(default=dict, help_text=_("Right answers → how many attempts."))
    figures = models.JSONField(default=dict, help_text=_("exams.statistics.mock_figures says which."))
    updated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mock statistic")
        verbose_name_plural = _("mock statistics")

    def __str__(self) -> str:
        return f"{self.mock_id}: {self.n}"


class AssignmentTally(models.Model):
    """An assignment over its sittings, the first of each learner and the later ones apart."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="tallies")
    is_first = models.BooleanField()
    n = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    scores = models.JSONField(default=dict, help_text=_("Scaled score → how many."))
    domains = models.JSONField(
        default=dict, help_text=_("Domain id → [learners, right, seen, right², seen², right × seen].")
    )
    tasks = models.JSONField(
        default=dict, help_text=_("Task id → [learners, right, seen, right², seen², right × seen].")
    )
    positions = models.JSONField(
        default=dict, help_text=_("Slot → [sittings that looked at it, seconds, blank, not reached].")
    )
    weeks = models.JSONField(default=dict, help_text=_("ISO week of the end → [sittings, scaled, passed]."))

    class Meta:
        verbose_name = _("assignment tally")
        verbose_name_plural = _("assignment tallies")
        constraints = (
            models.UniqueConstraint(fields=("assignment", "is_first"), name="assignment_tally_once"),
        )

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.is_first}: {self.n}"


class AssignmentQuestion(models.Model):
    """A question version in the first sittings of an assignment."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="question_tallies")
    version = models.ForeignKey(QuestionVersion, on_delete=models.CASCADE, related_name="+")
    n = models.PositiveIntegerField(default=0, help_text=_("Learners who were shown it."))
    correct = models.PositiveIntegerField(default=0)
    blank = models.PositiveIntegerField(default=0)
    choices = models.JSONField(default=dict, help_text=_("Option id → how many chose it."))

    class Meta:
        verbose_name = _("question of an assignment")
        verbose_name_plural = _("questions of assignments")
        constraints = (
            models.UniqueConstraint(fields=("assignment", "version"), name="assignment_question_once"),
        )

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.version_id}: {self.correct}/{self.n}"


class Standing(models.Model):
    """Where a learner stands in an exam after their last scored mock."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="standings")
    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="standings")
    sittings = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True, help_text=_("End of the last scored mock."))
    first_scaled = models.PositiveSmallIntegerField(null=True)
    last_scaled = models.PositiveSmallIntegerField(null=True)
    best_scaled = models.PositiveSmallIntegerField(null=True)
    trend = models.FloatField(
        null=True, help_text=_("Least-squares slope over the last four mocks, scaled points a sitting.")
    )
    chance = models.FloatField(null=True, help_text=_("Of passing; None below ten questions."))
    chance_questions = models.PositiveIntegerField(default=0)
    chance_sittings = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        constraints = (models.UniqueConstraint(fields=("learner", "blueprint"), name="standing_once"),)

    def __str__(self) -> str:
        return f"{self.learner_id} {self.blueprint_id}"


class PartStanding(PartScore):
    """A learner in a domain, or in one of its tasks: first exposures on mocks, pooled over sittings."""

    standing = models.ForeignKey(Standing, on_delete=models.CASCADE, related_name="parts")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="+")
    task = models.ForeignKey(
        TaskStatement,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text=_("None: the whole domain."),
    )

    class Meta:
        verbose_name = _("standing in a part")
        verbose_name_plural = _("standings in parts")
        constraints = (
            models.UniqueConstraint(fields=("standing", "task"), name="part_standing_once_per_task"),
            models.UniqueConstraint(
                fields=("standing", "domain"),
                condition=models.Q(task=None),
                name="part_standing_once_per_domain",
            ),
        )

    def __str__(self) -> str:
        return f"{self.standing_id} {self.task_id or self.domain_id} {self.correct}/{self.seen}"
