from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from exams import population
from exams.statistics import rebuilding

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Compute every statistic anew from the stored responses and replace what is there. "
        "With --check: change nothing, name the rows that differ, and end with 1 if there are any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        now, begun = timezone.now(), time.monotonic()
        if check:
            checked = rebuilding.check(now=now)
            for line in checked.differences[:SHOWN]:
                self.stderr.write(line)
            if (more := len(checked.differences) - SHOWN) > 0:
                self.stderr.write(f"and {more} more")
            if checked.differences:
                raise CommandError(
                    f"{len(checked.differences)} of {checked.rows} rows differ; "
                    "`manage.py rebuild_statistics` mends them.",
                    returncode=1,
                )
            self.stdout.write(f"{checked.rows} rows agree with {checked.attempts} sittings.")
            return
        rebuilt = rebuilding.rebuild(now=now)
        population.refit_priors(now=now)
        seconds = time.monotonic() - begun
        self.stdout.write(f"{rebuilt.rows} rows written from {rebuilt.attempts} sittings in {seconds:.1f} s.")
