from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from exams import demo


class Command(BaseCommand):
    help = "Load the demo accounts and the demo cohort with its history; needs DEMO=1. Repeated, nothing changes."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                f"The demo accounts have the well-known password “{demo.PASSWORD}”. "
                "Set DEMO=1 if this is a site to try things on."
            )
        loaded = demo.load(now=timezone.now())
        was = "is loaded" if loaded.is_new else "was there already"
        self.stdout.write(f"{loaded.cohort.title} {was}: {len(loaded.learners)} learners.")
