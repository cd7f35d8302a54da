"""Make a mock exam with its papers, for rehearsals and load tests; prints it as JSON."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from exams import assembly
from exams.models import MockExam
from questions.models import Blueprint


class Command(BaseCommand):
    help = "Make a mock exam with its papers and print {id, title}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--blueprint", required=True, help="the blueprint's code, such as MLA-C01")
        parser.add_argument("--items", type=int, required=True)
        parser.add_argument("--seconds", type=int, required=True)
        parser.add_argument("--unscored", type=int, default=0)
        parser.add_argument("--papers", type=int, default=1, help="papers assembled ahead (default 1)")
        parser.add_argument("--title", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        blueprint = Blueprint.objects.filter(code=options["blueprint"]).first()
        if blueprint is None:
            known = ", ".join(Blueprint.objects.values_list("code", flat=True)) or "none: run load_bank first"
            raise CommandError(f"There is no blueprint {options['blueprint']}. Known: {known}.")
        mock = MockExam(
            blueprint=blueprint,
            code=f"made-{uuid.uuid4().hex[:12]}",
            title=options["title"] or f"{options['items']} questions in {options['seconds']} seconds",
            items=options["items"],
            unscored=options["unscored"],
            seconds=options["seconds"],
            papers_wanted=options["papers"],
            position=100,
        )
        try:
            mock.full_clean()
            with transaction.atomic():
                mock.save()
                assembly.ensure_papers(mock, now=timezone.now())
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except assembly.AssemblyError as error:
            raise CommandError(f"The bank is too small. Domains short of questions: {error}.") from error
        self.stdout.write(json.dumps({"id": mock.pk, "title": mock.title}))
