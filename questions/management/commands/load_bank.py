"""Load a bank of questions from a file or a folder."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from questions import bank_folder, listing, loading, notes
from questions.bank_folder import Bank
from questions.formats.native import BankFile
from questions.formats.reading import FormatError, Problem
from questions.loading import LoadReport
from questions.models import Blueprint
from questions.notes import NotesReport


class Command(BaseCommand):
    help = (
        "Loads PATH: a question file, or a folder of them. Loading the same again changes nothing; another "
        "content becomes the next version; a question that has gone from its file is retired. A folder with "
        "a blueprint.yaml at its top is the whole bank: what is in none of its files is retired too. Study notes "
        "are loaded from its folder notes; a note whose file has gone is removed."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="Follow the files also where somebody has published, retired or edited on the site.",
        )

    def handle(self, *args: Any, path: Path, overwrite: bool, **options: Any) -> None:
        now = timezone.now()
        try:
            bank = bank_folder.read(path)
        except FileNotFoundError:
            raise CommandError(f"{path} does not exist.") from None
        is_folder = path.is_dir()
        if bank.spec and is_folder:
            self._load_blueprint(bank, overwrite=overwrite)
        problems = list(bank.problems)
        loaded: list[tuple[BankFile, Blueprint]] = []
        retired: list[str] = []
        for file in bank.files:
            try:
                blueprint = _blueprint_of(file)
                report = loading.load_bank_file(
                    file,
                    blueprint=blueprint,
                    source=Path(file.filename).name,
                    now=now,
                    retire_gone=not is_folder,
                    overwrite=overwrite,
                )
            except FormatError as error:
                problems += error.problems
                continue
            loaded.append((file, blueprint))
            self.stdout.write(f"{file.filename}: {_summary(report)}")
            if report.kept:
                self.stdout.write(
                    f"  kept as on the site (--overwrite follows the file): {', '.join(report.kept)}"
                )
        if bank.has_notes:
            problems += self._load_notes(bank, loaded, are_all_good=not problems)
        if is_folder and not problems:
            retired = _retire_gone(bank, loaded, now=now)
            if retired:
                self.stdout.write(f"gone from the files, retired: {', '.join(retired)}")
        for problem in problems:
            self.stderr.write(str(problem))
        if problems:
            raise CommandError(_closing(problems, bank, is_folder=is_folder))
        listing.refresh_missing()
        count = sum(len(file.questions) for file, _ in loaded)
        self.stdout.write(self.style.SUCCESS(f"{count} questions in {len(loaded)} files are loaded."))

    def _load_blueprint(self, bank: Bank, *, overwrite: bool) -> None:
        assert bank.spec is not None
        try:
            blueprint = loading.load_blueprint(bank.spec, overwrite=overwrite)
        except loading.LoadingError as error:
            why = f"These have gone from the outline but are still in use: {error.detail}. Keep them in it."
            raise CommandError(str(Problem(bank.spec.filename, 1, bank.spec.code, why))) from error
        self.stdout.write(f"{bank.spec.filename}: blueprint {blueprint}, {len(bank.spec.topic_codes)} topics")

    def _load_notes(
        self, bank: Bank, loaded: list[tuple[BankFile, Blueprint]], *, are_all_good: bool
    ) -> tuple[Problem, ...]:
        """The notes belong to the folder's blueprint; in a part of a bank, to that of its questions."""
        codes = {bank.spec.code} if bank.spec else {blueprint.code for _, blueprint in loaded}
        blueprint = Blueprint.objects.filter(code__in=codes).first() if len(codes) == 1 else None
        if blueprint is None:
            why = "Whose notes these are is not clear: load them with the blueprint.yaml of their bank."
            return tuple(Problem(note.filename, note.line, "", why) for note in bank.notes[:1])
        is_whole = bank.spec is not None
        try:
            report = notes.load_notes(
                bank.notes, blueprint=blueprint, now=timezone.now(), remove_gone=is_whole and are_all_good
            )
        except FormatError as error:
            return error.problems
        self.stdout.write(f"notes: {_summary_of_notes(report)}")
        return ()


def _closing(problems: list[Problem], bank: Bank, *, is_folder: bool) -> str:
    spoilt = len({problem.file for problem in problems})
    errors = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
    kept = " Nothing was retired." if is_folder else ""
    return f"{errors} in {spoilt} of {max(bank.file_count, spoilt)} files.{kept}"


def _blueprint_of(file: BankFile) -> Blueprint:
    blueprint = Blueprint.objects.filter(code=file.blueprint).first()
    if blueprint is None:
        why = f"The blueprint “{file.blueprint}” is not loaded. Load the folder that has its blueprint.yaml."
        raise FormatError([Problem(file.filename, 1, "", why)])
    return blueprint


def _retire_gone(bank: Bank, loaded: list[tuple[BankFile, Blueprint]], *, now: datetime) -> list[str]:
    keep = [entry.code for file, _ in loaded for entry in file.questions]
    retired: list[str] = []
    for blueprint in {blueprint.pk: blueprint for _, blueprint in loaded}.values():
        is_whole = bank.spec is not None and bank.spec.code == blueprint.code
        sources = None if is_whole else [Path(file.filename).name for file, _ in loaded]
        retired += loading.retire_missing(blueprint, keep=keep, now=now, sources=sources)
    return retired


def _summary(report: LoadReport) -> str:
    counts = {
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "retired": report.retired,
        "restored": report.restored,
        "kept": report.kept,
    }
    return ", ".join(f"{len(codes)} {name}" for name, codes in counts.items() if codes) or "no questions"


def _summary_of_notes(report: NotesReport) -> str:
    counts = {
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
    }
    return ", ".join(f"{len(codes)} {name}" for name, codes in counts.items() if codes) or "none"
