"""Write questions to a file of any format that can be written."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import QuerySet

from questions import exporting
from questions.formats import registry
from questions.formats.exchange import Format
from questions.management.commands.export_bank import find_blueprint
from questions.models import Question

_FORMATS = [name for name, known in registry.FORMATS.items() if known.render is not None]


class Command(BaseCommand):
    help = (
        "Writes questions to a file, and says what its format can’t carry. A file that is there is replaced."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", required=True, metavar="NAME", help=f"one of: {', '.join(_FORMATS)}")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")
        parser.add_argument("--blueprint", metavar="CODE", help="needed where several are loaded")
        parser.add_argument(
            "--status",
            choices=("published", "draft", "all"),
            default="published",
            help="published (the default): current versions; draft: drafts; all: drafts, else versions",
        )
        parser.add_argument("--task", action="append", default=[], metavar="CODE", help="only of this task")
        parser.add_argument("--topic", action="append", default=[], metavar="CODE", help="only of this topic")
        parser.add_argument("--code", action="append", default=[], metavar="CODE", help="only this question")
        parser.add_argument("--json", action="store_true", help="print what is lost as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            known = exporting.writable(options["format"])
        except exporting.ExportingError:
            raise CommandError(
                f"There is no format to write named “{options['format']}”. Use one of: {', '.join(_FORMATS)}."
            ) from None
        out: Path = options["out"]
        if out.is_dir():
            raise CommandError(f"{out} is a folder. Name the file to write.")
        text = exporting.PUBLISHED if options["status"] == "published" else exporting.NEWEST
        try:
            ids = list(_questions(options).values_list("pk", flat=True))
        except DatabaseError as error:
            raise CommandError(f"The database can’t be used ({error}). Run “migrate” first.") from error
        if not ids:
            raise CommandError("No question fits. Nothing is written.")
        account = exporting.Account()
        for question in exporting.exchanged(ids, text=text):
            account.add(question, known)
        written = account.count - account.left_out
        try:
            path = self._write(known, ids, text, out)
        except OSError as error:
            raise CommandError(f"{out} can’t be written: {error.strerror}.") from error
        if options["json"]:
            report = {"written": written, "left_out": account.left_out, "losses": account.listed()}
            self.stdout.write(json.dumps({"file": str(path), **report}))
            return
        for loss in account.listed():
            codes = ", ".join(example["code"] for example in loss["examples"])
            what = "left out" if loss["left_out"] else "with loss"
            self.stderr.write(f"{what}: {loss['count']} ({codes}): {loss['why']} ({loss['code']})")
        self.stdout.write(f"{path}: {written} written, {account.left_out} left out.")

    def _write(self, known: Format, ids: list[int], text: str, out: Path) -> Path:
        # Beside its place, then moved: whoever looks sees the old file or the new one, never half of it.
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            try:
                extension = exporting.write(known, exporting.exchanged(ids, text=text), cast(BinaryIO, file))
                file.close()
                if extension == ".zip" and known.extension != ".zip":
                    out = out.with_suffix(".zip")
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(file.name, 0o666 & ~mask)
                os.replace(file.name, out)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        return out


def _questions(options: dict[str, Any]) -> QuerySet[Question]:
    found = Question.objects.filter(blueprint=find_blueprint(options["blueprint"]))
    place = "current__topic"
    match options["status"]:
        case "published":
            found = found.published().filter(current__isnull=False)
        case "draft":
            found = found.exclude(state=Question.State.RETIRED).filter(draft__isnull=False)
            place = "draft__topic"
        case _:
            found = found.exclude(state=Question.State.RETIRED)
    if options["status"] == "all":
        place = "listing__topic"
    if options["task"]:
        found = found.filter(**{f"{place}__task__code__in": options["task"]})
    if options["topic"]:
        found = found.filter(**{f"{place}__code__in": options["topic"]})
    if options["code"]:
        found = found.filter(code__in=options["code"])
    order = ("task__domain__position", "task__position", "position")
    return found.order_by(*(f"{place}__{name}" for name in order), "code")
