"""`manage.py create_accounts --count N --role learner --prefix p --password W` prints JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import bulk_accounts
from accounts.models import Role

SENTENCES = {
    "count": f"--count must be a whole number from 1 to {bulk_accounts.MOST}.",
    "role": f"--role must be one of: {', '.join(Role.values)}.",
    "prefix": "--prefix takes 1 to 40 lower-case letters, digits, dots, hyphens and underscores; "
    "it begins and ends with a letter or a digit.",
    "password": "--password must not be empty.",
}


class Command(BaseCommand):
    help = "Make accounts <prefix>-001@example.com … for rehearsals and load tests, and print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        # Checked by hand, so that a wrong value gets a sentence instead of a usage text.
        parser.add_argument("--count", required=True)
        parser.add_argument("--role", default=str(Role.LEARNER))
        parser.add_argument("--prefix", required=True)
        parser.add_argument("--password", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        count = str(options["count"])
        try:
            emails = bulk_accounts.create_accounts(
                count=int(count) if count.isascii() and count.isdigit() else 0,
                role=options["role"],
                prefix=options["prefix"],
                password=options["password"],
            )
        except bulk_accounts.BulkAccountsError as error:
            raise CommandError(SENTENCES[error.code]) from error
        self.stdout.write(json.dumps({"accounts": [{"email": email} for email in emails]}))
