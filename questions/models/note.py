"""What there is to read on a topic."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from questions.models.blueprint import Topic


class StudyNote(models.Model):
    """A topic's one note. Nothing points to it, so it changes in place, unlike a question."""

    topic = models.OneToOneField(Topic, on_delete=models.CASCADE, related_name="note")
    title = models.CharField(_("title"), max_length=200)
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("The file that it was loaded from.")
    )
    text = models.TextField(_("text"))
    rendered = models.TextField(help_text=_("The text as safe HTML."))
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of title and text."))
    updated_at = models.DateTimeField(_("last changed"))

    class Meta:
        verbose_name = _("study note")
        verbose_name_plural = _("study notes")
        ordering = ("topic",)

    def __str__(self) -> str:
        return self.title
