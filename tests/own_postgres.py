"""A PostgreSQL server of a test's own: to be killed, which the machine's must not be."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.processes import free_port, wait_for


def postgres_programs() -> Path | None:
    """Where `initdb` and `postgres` are, or None."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[4]), reverse=True)
    found = shutil.which("initdb")
    return Path(found).parent if found else Path(folders[0]) if folders else None


class Postgres:
    """A PostgreSQL server of our own, to be killed."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None
        # It refuses to run as root; then it runs as the user whose it is on such machines.
        self.before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        folder.mkdir(mode=0o700)
        if self.before:
            shutil.chown(folder, "postgres", "postgres")
        made = [
            str(programs / "initdb"),
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "-D",
            str(folder / "data"),
        ]
        subprocess.run([*self.before, *made], check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"]
        self.process = subprocess.Popen(
            [*self.before, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        wait_for(self.is_up, what="PostgreSQL")

    def is_up(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def end(self, how: signal.Signals) -> None:
        """SIGINT: a fast shutdown. SIGQUIT: at once, as in a crash; the next start recovers from the log."""
        assert self.process is not None
        lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), how)
        self.process.wait(30)
        self.process = None
