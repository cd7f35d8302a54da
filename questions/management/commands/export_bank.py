"""Write the published questions back as bank files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from questions import bank_export, bank_folder, notes
from questions.models import Blueprint


class Command(BaseCommand):
    help = (
        "Writes the published questions as bank files, one for each task statement, and the study notes into "
        "the folder notes."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--blueprint", metavar="CODE", help="needed where several are loaded")
        parser.add_argument("--out", type=Path, metavar="DIR", help="the folder to write to; made if missing")
        parser.add_argument(
            "--task",
            metavar="CODE",
            help="one task statement only, without notes; without --out, to the output",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        blueprint = find_blueprint(options["blueprint"])
        files = bank_export.export_bank(blueprint)
        note_texts = {}
        if options["task"]:
            name = f"{options['task']}.yaml"
            if name not in files:
                raise CommandError(f"The task statement {options['task']} has no published questions.")
            files = {name: files[name]}
        else:
            note_texts = notes.export_notes(blueprint)
        folder: Path | None = options["out"]
        if folder is None:
            if len(files) != 1:
                raise CommandError(f"There are {len(files)} files: name a folder (--out DIR) or one --task.")
            self.stdout.write(next(iter(files.values())), ending="")
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
            if note_texts:
                (folder / bank_folder.NOTES_FOLDER).mkdir(exist_ok=True)
            for name, text in note_texts.items():
                (folder / bank_folder.NOTES_FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CommandError(f"{folder} cannot be written to: {error.strerror}.") from error
        and_notes = (
            f", and {len(note_texts)} notes in its folder {bank_folder.NOTES_FOLDER}" if note_texts else ""
        )
        self.stdout.write(f"{len(files)} files are in {folder}{and_notes}.")


def find_blueprint(code: str | None) -> Blueprint:
    """The blueprint with this code; without one, the only blueprint there is."""
    found = Blueprint.objects.filter(code=code) if code else Blueprint.objects.all()
    if len(found) == 1:
        return found[0]
    codes = ", ".join(Blueprint.objects.values_list("code", flat=True))
    if not codes:
        raise CommandError("No blueprint is loaded.")
    raise CommandError(f"Name one with --blueprint. Loaded: {codes}.")
