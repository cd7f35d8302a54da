"""Check a whole bank, on disk or in the database."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from questions import bank_checks, bank_export, bank_folder, linting, note_checks, notes
from questions.bank_checks import BankItem, CheckResult
from questions.content import ItemType, Level
from questions.formats.notes import NoteFile
from questions.linting import Forbidden
from questions.management.commands.export_bank import find_blueprint
from questions.models import Topic

_COLUMNS = [*(str(item_type) for item_type in ItemType), *(str(level) for level in Level), "all"]
_HEADINGS = ["choice", "response", "ordering", "matching", "recall", "apply", "analyse", "all"]


class Command(BaseCommand):
    help = (
        "Runs every check that a bank must pass, and fails if one doesn't. With PATH (a file or a folder) it "
        "needs no database; otherwise it checks the published questions of a blueprint."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, metavar="PATH")
        parser.add_argument("--blueprint", metavar="CODE")
        parser.add_argument("--lint", action="store_true", help="print what the linter says of each question")
        parser.add_argument("--all", action="store_true", help="print every offender, not the first eight")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["path"]
        if path is not None:
            items, topics, coverage, forbidden, written = self._from_files(path)
        else:
            blueprint = find_blueprint(options["blueprint"])
            items = bank_checks.bank_items(bank_export.published_files(blueprint))
            outline = Topic.objects.filter(task__domain__blueprint=blueprint)
            topics = list(outline.order_by("code").values_list("code", flat=True))
            coverage = blueprint.coverage_per_topic
            forbidden = [Forbidden(rule["pattern"], rule["why"]) for rule in blueprint.forbidden]
            # A bank without any note has chosen to have none.
            written = notes.note_files(blueprint) or None
        rows = bank_checks.check(items, topics=topics, coverage=coverage, forbidden=forbidden)
        if written is not None:
            rows += note_checks.check(written, topics=topics)
        self._print_coverage(items, topics)
        self._print_findings(items, forbidden, in_full=options["lint"])
        for warning in note_checks.warnings(written or ()):
            self.stdout.write(self.style.WARNING(f"warning: {warning}"))
        self._print_rows(rows, in_full=options["all"])
        failed = [row.name for row in rows if not row.passed]
        if failed:
            raise CommandError(f"{len(failed)} of {len(rows)} checks failed: {'; '.join(failed)}.")
        self.stdout.write(self.style.SUCCESS(f"All {len(rows)} checks passed ({len(items)} questions)."))

    def _from_files(
        self, path: Path
    ) -> tuple[list[BankItem], list[str], int, Sequence[Forbidden], Sequence[NoteFile] | None]:
        try:
            bank = bank_folder.read(path)
        except FileNotFoundError:
            raise CommandError(f"{path} does not exist.") from None
        for problem in bank.problems:
            self.stderr.write(str(problem))
        if bank.problems:
            raise CommandError("No check was run: mend the errors first.")
        items = bank_checks.bank_items(bank.files)
        if bank.spec is None:
            return items, sorted({item.topic for item in items}), 0, (), None
        is_whole = path.is_dir()
        topics = list(bank.spec.topic_codes) if is_whole else sorted({item.topic for item in items})
        written = bank.notes if bank.has_notes else None
        return items, topics, bank.spec.coverage_per_topic, bank.spec.forbidden, written

    def _print_coverage(self, items: Sequence[BankItem], topics: Sequence[str]) -> None:
        table = bank_checks.coverage_table(items, topics)
        self.stdout.write(f"{'topic':<10}" + "".join(f"{heading:>10}" for heading in _HEADINGS))
        total: Counter[str] = Counter()
        for topic, counts in table.items():
            total.update(counts)
            self.stdout.write(f"{topic:<10}" + "".join(f"{counts[column]:>10}" for column in _COLUMNS))
        self.stdout.write(f"{'all':<10}" + "".join(f"{total[column]:>10}" for column in _COLUMNS) + "\n")

    def _print_findings(
        self, items: Sequence[BankItem], forbidden: Sequence[Forbidden], *, in_full: bool
    ) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        for item in items:
            for finding in linting.lint(item.content, forbidden=forbidden):
                counts[str(finding.severity), finding.code] += 1
                if in_full:
                    where = f"{finding.severity:<5} {item.code} {finding.where}:"
                    self.stdout.write(f"{where} {finding.message} {finding.how_to_mend}")
        listed = ", ".join(f"{code} {count}" for (_, code), count in counts.most_common())
        self.stdout.write(f"linter: {listed or 'nothing to say'}\n")

    def _print_rows(self, rows: Sequence[CheckResult], *, in_full: bool) -> None:
        width = max(len(row.name) for row in rows) + 2
        for row in rows:
            verdict = self.style.SUCCESS("ok    ") if row.passed else self.style.ERROR("FAILED")
            self.stdout.write(f"{verdict} {row.name:<{width}} {row.value:<34} {row.bound}")
            shown = row.offenders if in_full else row.offenders[:8]
            for offender in shown:
                self.stdout.write(f"         {offender}")
            if len(shown) < len(row.offenders):
                self.stdout.write(f"         and {len(row.offenders) - len(shown)} more (--all)")
