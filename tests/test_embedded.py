"""The embedded mode: a worker and a beat that live and die with the one web process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, free_port, wait_for


class Server:
    """`manage.py run_embedded` with data of its own, without the demo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        mine = {
            name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "PATH", "TMPDIR")
        }
        return {**mine, "VAR_DIR": str(self.folder), "DEMO": "0"}

    def start(self) -> None:
        command = [sys.executable, "manage.py", "run_embedded", "--port", str(self.port)]
        with (self.folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        wait_for(lambda: self.ready().get("sweep") == "ok", seconds=120, what=f"a sweep; {self.log()}")

    def ready(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as response:
                body: dict[str, Any] = json.load(response)
                return body
        except OSError:
            return {}

    def log(self) -> str:
        path = self.folder.parent / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)

    def children(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "var"
    folder.mkdir()
    server = Server(folder)
    try:
        yield server
    finally:
        server.end()


@pytest.mark.processes
def test_one_process_serves_sweeps_survives_its_worker_and_ends_when_asked(server: Server) -> None:
    server.start()
    [worker] = server.children()
    assert (server.folder / "secret_key").stat().st_mode & 0o077 == 0

    # A second start on the same data is refused, with the address of the first.
    second = server.manage("run_embedded", "--port", str(free_port()))
    assert second.returncode == 1
    assert (
        f"Cutscore already runs with the data in {server.folder}: http://127.0.0.1:{server.port}/"
        in second.stderr
    )

    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: server.ready() and server.children() != [worker], what="a new web process")

    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(15) == 0

    # What is there stays, and the second start does no set-up again.
    key = (server.folder / "secret_key").read_text()
    assert "Questions of" in server.log()
    (server.folder.parent / "server.log").unlink()
    server.start()
    assert "Questions of" not in server.log()
    assert (server.folder / "secret_key").read_text() == key


@pytest.mark.processes
def test_the_web_process_ends_when_its_parent_was_killed(server: Server) -> None:
    server.start()
    [worker] = server.children()
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not is_running(worker), what="the orphan's end")
