"""What somebody is told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class Notice(models.Model):
    """A line of somebody's inbox. `path` is where it leads, on this site."""

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("text"), blank=True)
    path = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("recipient", "-created_at"), name="notice_of_recipient"),)

    def __str__(self) -> str:
        return self.subject
