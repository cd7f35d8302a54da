from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from exams import demo


class Command(BaseCommand):
    help = "Remove the demo accounts, their cohort and their sittings, and take these out of the statistics."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = demo.remove(now=timezone.now())
        self.stdout.write(f"Removed {removed.accounts} demo accounts and {removed.attempts} sittings.")
