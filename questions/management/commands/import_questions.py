"""Read questions from a file of any known format, to see what would come in or to bring it in as drafts."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts import access
from accounts.models import User
from questions import applying, import_report, importing
from questions.formats import registry
from questions.formats.exchange import MAX_FILE, UnreadableFile
from questions.import_report import Report
from questions.management.commands.export_bank import find_blueprint
from questions.models import Topic

_WHY = {
    "too_large": f"The file is larger than {MAX_FILE // 1_048_576} MB. Split it into several.",
    "empty": "The file is empty. Choose the one that holds the questions.",
}


class Command(BaseCommand):
    help = (
        "Brings the questions of a file in as drafts: all of them that can be read, or none. With --dry-run it "
        "only says what would become of each, and needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--format",
            default=registry.AUTO,
            metavar="NAME",
            help=f"auto (the default) or one of: {', '.join(registry.FORMATS)}",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would become of each")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
        parser.add_argument("--blueprint", metavar="CODE", help="needed where several are loaded")
        parser.add_argument("--author", metavar="EMAIL", help="whose drafts they are")
        parser.add_argument("--topic", metavar="CODE", help="for questions whose topic isn't known")
        parser.add_argument("--tag", default="", metavar="NAME", help="to file all of them under")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if options["format"] != registry.AUTO:
            try:
                registry.by_name(options["format"])
            except UnreadableFile as error:
                raise CommandError(error.why) from None
        try:
            with path.open("rb") as file:
                report, is_readable = self._report(file, options)
        except OSError as error:
            raise CommandError(f"{path} can’t be read: {error.strerror}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write("\n".join(import_report.lines(report)))
        if not is_readable:
            sys.exit(1)

    def _report(self, file: BinaryIO, options: dict[str, Any]) -> tuple[Report, bool]:
        name = options["file"].name
        if options["dry_run"]:
            return import_report.read(file, name, format_name=options["format"])
        try:
            return self._import(file, name, options)
        except DatabaseError as error:
            raise CommandError(f"The database can’t be used ({error}). Run “migrate” first.") from error

    def _import(self, file: BinaryIO, name: str, options: dict[str, Any]) -> tuple[Report, bool]:
        blueprint = find_blueprint(options["blueprint"])
        author, topic = None, None
        if options["author"]:
            author = User.objects.filter(email__iexact=options["author"]).first()
            if author is None:
                raise CommandError(f"There is no account with the address {options['author']}.")
            if not access.may(author, access.WRITE_QUESTIONS):
                raise CommandError(f"{author.email} may not write questions. Name an instructor.")
        if options["topic"]:
            outline = Topic.objects.filter(task__domain__blueprint=blueprint)
            topic = outline.filter(code=options["topic"]).first()
            if topic is None:
                raise CommandError(f"The blueprint {blueprint.code} has no topic {options['topic']}.")
        try:
            run = applying.import_now(
                file,
                filename=name,
                size=file.seek(0, os.SEEK_END),
                format_name=options["format"],
                blueprint=blueprint,
                by=author,
                topic=topic,
                tag=options["tag"],
                now=timezone.now(),
            )
        except importing.ImportingError as error:
            raise CommandError(_WHY[error.code]) from None
        return import_report.of_run(run), not run.error
