from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count

from exams.models import Challenge, ItemStatistic
from exams.statistics import item_figures
from questions import listing

BATCH = 500


class Command(BaseCommand):
    help = (
        "Write every line of the bank list anew, with what learners' answers and challenges say: "
        "once after an upgrade from 0.1, or to repair it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = listing.refresh_all()
        met = list(ItemStatistic.objects.filter(n__gt=0).values_list("pk", flat=True))
        for start in range(0, len(met), BATCH):
            item_figures.note_in_bank(met[start : start + BATCH])
        waiting = Challenge.objects.waiting().order_by().values_list("version__question")
        for question_id, n in waiting.annotate(n=Count("pk")):
            listing.note_challenges(question_id, waiting=n)
        self.stdout.write(f"{count} questions are listed.")
