"""Pictures in questions: checked, encoded anew, and named by what they hold."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Image(models.Model):
    """Kept in the database, so that one backup holds everything and every web process can serve it.

    `name` is 32 hex digits of the SHA-256, width × height and a suffix: a text that names it can never come
    to show anything else. Nothing deletes one; a published version may show it.
    """

    name = models.CharField(max_length=64, unique=True)
    data = models.BinaryField()
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text=_("Bytes."))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    uploaded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ("-uploaded_at",)

    def __str__(self) -> str:
        return self.name
