"""Everything stored about one sitting, in time order: the evidence in a dispute."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exams import closing
from exams.models import Attempt


class Command(BaseCommand):
    help = "Print everything stored about a sitting in time order."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("attempt", help="the attempt's id, as in its address")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            attempt_id = uuid.UUID(options["attempt"])
        except ValueError as error:
            raise CommandError(f"“{options['attempt']}” is not an attempt's id.") from error
        attempt = Attempt.objects.select_related("learner", "paper", "mock").filter(pk=attempt_id).first()
        if attempt is None:
            raise CommandError(f"There is no attempt {attempt_id}.")
        lines = [self._head(attempt)]
        lines += [
            {
                "at": event.at.isoformat(),
                "event": event.kind,
                **({"slot": event.slot} if event.slot is not None else {}),
                **(
                    {"revision": event.revision, "answer": event.answer} if event.revision is not None else {}
                ),
                **event.detail,
            }
            for event in attempt.events.order_by("at", "id")
        ]
        lines.append(self._tail(attempt))
        for line in lines:
            self.stdout.write(json.dumps(line, ensure_ascii=False) if options["json"] else self._plain(line))

    def _head(self, attempt: Attempt) -> dict[str, Any]:
        return {
            "at": attempt.started_at.isoformat(),
            "event": "attempt",
            "id": str(attempt.pk),
            "learner": attempt.learner.email,
            "paper": str(attempt.paper),
            "purpose": attempt.purpose,
            "seconds_allowed": attempt.seconds_allowed,
            "time_factor": str(attempt.time_factor),
            "extra_seconds": attempt.extra_seconds,
            "credit_seconds": attempt.credit_seconds,
            "window_ends_at": attempt.window_ends_at and attempt.window_ends_at.isoformat(),
            "deadline_at": attempt.deadline_at.isoformat(),
        }

    def _tail(self, attempt: Attempt) -> dict[str, Any]:
        """The state now, with the digest made anew from what is stored: equal means nothing was touched."""
        stored = attempt.responses.order_by("slot").values_list("slot", "revision", "answer")
        return {
            "event": "now",
            "state": attempt.state,
            "digest": attempt.digest,
            "digest_of_what_is_stored": closing.receipt_digest(stored),
            "answers": {str(slot): answer for slot, _, answer in stored if answer is not None},
        }

    def _plain(self, line: dict[str, Any]) -> str:
        at, event = line.pop("at", ""), line.pop("event")
        rest = "  ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in line.items())
        return f"{at:<33}{event:<16}{rest}".rstrip()
