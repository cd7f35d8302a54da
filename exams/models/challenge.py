"""“I think this is wrong because …”: a learner's word on a question as it was sat, and its answer."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import access
from accounts.models import User
from exams.models.attempt import Attempt
from questions.models import QuestionVersion


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def raised_by(self, user: User) -> Self:
        return self.filter(learner=user)

    def visible_to(self, user: User) -> Self:
        """All for who writes questions; else one's own."""
        return self if access.may(user, access.WRITE_QUESTIONS) else self.raised_by(user)

    def waiting(self) -> Self:
        return self.filter(state=Challenge.State.OPEN)


class Challenge(models.Model):
    """Its moves: open → accepted or declined, and never back. Tied to the version that was sat."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")

    version = models.ForeignKey(QuestionVersion, on_delete=models.PROTECT, related_name="challenges")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="challenges")
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="challenges")
    text = models.TextField(_("text"), help_text=_("Plain text."))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    answer = models.TextField(_("answer"), blank=True, help_text=_("Plain text, to the learner."))
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    created_at = models.DateTimeField(_("raised"))

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("learner", "version"),
                condition=models.Q(state="open"),
                name="challenge_one_open_per_version",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", answered_at=None)
                | ~models.Q(state="open") & ~models.Q(answered_at=None),
                name="challenge_answered_has_a_time",
            ),
        )
        indexes = (
            models.Index(fields=("created_at",), condition=models.Q(state="open"), name="challenge_waiting"),
            models.Index(fields=("learner", "-created_at"), name="challenge_of_learner"),
        )

    def __str__(self) -> str:
        return f"{self.version_id} {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
