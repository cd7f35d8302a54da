"""`make run`: set everything up, then become the one web process, with Celery inside."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from exams import demo
from questions.models import Blueprint, Question

EXAMS = Path("fixtures")
THREADS = 8
"""Requests answered at a time. More would only queue for SQLite's one writer."""


class Command(BaseCommand):
    help = "Set Cutscore up in var/ and serve it in one process, with SQLite and without any other service."
    requires_system_checks = ()  # `make check` runs them; every start would pay for them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="The address to listen on: 0.0.0.0 for all.")
        parser.add_argument("--no-serve", action="store_true", help="Only set up.")

    def handle(self, *args: Any, port: int, host: str, no_serve: bool, **options: Any) -> None:
        try:
            self.run(port=port, host=host, is_served=not no_serve)
        except CommandError as error:
            # As a sentence: Django would put the name of the exception before it.
            self.stderr.write(str(error))
            sys.exit(1)

    def run(self, *, port: int, host: str, is_served: bool) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "CELERY_BROKER_URL is set, so this is a production set-up, and it has several processes: "
                "docs/deploy.md names their commands. Unset it to run everything in one process."
            )
        address = f"http://{host if ':' not in host else f'[{host}]'}:{port}/"
        # Held until the last process of this run has ended; exec and fork keep it.
        hold = hold_data(settings.VAR_DIR, address)
        check_port(host, port)
        self.say("Database …")
        call_command("migrate", verbosity=0)
        self.collect_static()
        for path in sorted((settings.BASE_DIR / EXAMS).glob("*/blueprint.yaml")):
            self.load_exam(path.parent)
        if settings.DEMO:
            self.say("Demo cohort …")
            call_command("load_demo", stdout=self.stdout)
        self.tell(address)
        if is_served:
            serve(host, port)
        hold.close()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def collect_static(self) -> None:
        stamp = settings.VAR_DIR / "static.stamp"
        now = fingerprint(static_files())
        if settings.DEBUG or (Path(settings.STATIC_ROOT).is_dir() and read(stamp) == now):
            return
        self.say("Styles and scripts …")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(now)

    def load_exam(self, folder: Path) -> None:
        """Load the exam if its files have changed since it was last loaded into this database."""
        stamp = settings.VAR_DIR / f"{folder.name}.stamp"
        now = fingerprint(sorted(folder.rglob("*.yaml")))
        is_loaded = Blueprint.objects.exists() and Question.objects.published().exists()
        if is_loaded and read(stamp) == now:
            return
        self.say(f"Questions of {folder.name} …")
        call_command("load_exam", os.path.relpath(folder), stdout=self.stdout, stderr=self.stderr)
        stamp.write_text(now)

    def tell(self, address: str) -> None:
        demo_accounts = User.objects.filter(
            is_demo=True, email__in=[account.email for account in demo.ACCOUNTS]
        )
        manage = f"{os.path.relpath(sys.executable)} manage.py"
        lines = ["", f"Cutscore: {address}", ""]
        if settings.DEMO:
            width = max(len(account.email) for account in demo.ACCOUNTS)
            lines += [f"  {account.email:<{width}}  {account.role}" for account in demo.ACCOUNTS]
            lines += ["", f"  The password of each is “{demo.PASSWORD}”."]
        elif demo_accounts.exists():
            lines += [f"  The demo accounts are still here. To remove them: {manage} remove_demo"]
        elif not User.objects.exists():
            lines += [f"  Nobody has an account yet. The first: {manage} createsuperuser"]
        self.say("\n".join([*lines, f"  The data is in {settings.VAR_DIR}. Stop with Ctrl-C.", ""]))


def hold_data(folder: Path, address: str) -> TextIO:
    """Let no second web process use this data: each would bring its own worker and its own queue."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hold = (folder / "running").open("a+")
    except OSError as error:
        raise CommandError(
            f"The folder {folder} can't be written ({error.strerror}). "
            "Make it writable, or name another: make run VAR_DIR=/some/folder"
        ) from error
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        hold.seek(0)
        running = hold.read().strip() or "another process"
        raise CommandError(
            f"Cutscore already runs with the data in {folder}: {running}. "
            "Stop it first, or use other data: make run VAR_DIR=/some/folder"
        ) from error
    hold.truncate(0)
    hold.write(address)
    hold.flush()
    os.set_inheritable(hold.fileno(), True)
    return hold


def check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise CommandError(f"{port} is not a port: 1 to 65535. Try: make run PORT=8001")
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except PermissionError as error:
        raise CommandError(f"Port {port} is kept for the system. Try: make run PORT=8001") from error
    except socket.gaierror as error:
        raise CommandError(f"{host} is no address of this machine. Try: make run HOST=127.0.0.1") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise CommandError(
                f"{host} is no address of this machine. Try: make run HOST=127.0.0.1"
            ) from error
        other = port + 1 if port < 65535 else 8000
        raise CommandError(f"Port {port} is in use. Try: make run PORT={other}") from error


def serve(host: str, port: int) -> NoReturn:
    """Become the web server: one process, for the queue and SQLite's writer are in it."""
    os.environ["RUN_EMBEDDED_CELERY"] = "1"
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", str(THREADS)),
        # A worker that dies is started again; one that doesn't end is ended.
        *("--respawn-failed-workers", "--workers-kill-timeout", "15"),
        *("--log-level", "error", "config.wsgi:application"),
    ]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def static_files() -> Iterator[Path]:
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=None):
            yield Path(storage.path(path))


def fingerprint(paths: Iterable[Path]) -> str:
    """Changes when one of the files does: by name, size and time, without reading them."""
    digest = hashlib.sha256()
    for path in paths:
        facts = path.stat()
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
