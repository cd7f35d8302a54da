from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from exams import offering
from exams.assembly import AssemblyError
from questions.formats.blueprint import parse_blueprint
from questions.formats.reading import FormatError
from questions.models import Blueprint


class Command(BaseCommand):
    help = "Load an exam's folder: blueprint and questions as load_bank does, then its mock exams and their papers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="A folder with blueprint.yaml and questions/*.yaml.")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        path = folder / "blueprint.yaml"
        if not path.is_file():
            raise CommandError(
                f"There is no {path}. Name a folder that holds an exam, such as fixtures/mla-c01."
            )
        call_command(
            "load_bank", str(folder), stdout=self.stdout, stderr=self.stderr, no_color=options["no_color"]
        )
        try:
            spec = parse_blueprint(path.read_bytes(), filename=path.name)
            papers = offering.offer_mocks(
                Blueprint.objects.get(code=spec.code), spec.mocks, now=timezone.now()
            )
        except FormatError as error:
            raise CommandError(str(error)) from error
        except AssemblyError as error:
            raise CommandError(f"The bank is too small for its mock exams: {error}") from error
        self.stdout.write(f"{len(spec.mocks)} mock exams, {len(papers)} papers assembled.")
