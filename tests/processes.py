"""Start the processes of docker-compose.yml on this machine, without Docker, and hurt them on purpose.

    with processes.running(tmp_path, "web", "worker", "deadlines", "beat") as site:
        site.wait_until_ready()
        site.kill("worker")
        site.start("worker")

Each site has a database of its own, which goes with it, and its own Redis where `redis-server` is installed.
Every process is started in a session of its own, so that a kill takes its children along and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("web", "worker", "deadlines", "beat")
STOP_SECONDS = 30.0
SECRETS = {
    "SECRET_KEY": "no-secret-it-only-has-the-length-and-the-variety-0123456789",
    "POSTGRES_PASSWORD": "unused",
    "ALLOWED_HOSTS": "localhost",
    "CSRF_TRUSTED_ORIGINS": "https://localhost",
}

Database = psycopg.Connection[tuple[Any, ...]]


# ── what the compose file says ──


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """`${NAME:-default}` and `${NAME:?message}` as Compose fills them in; `$$` is a dollar."""

    def value(match: re.Match[str]) -> str:
        name, mark, rest = match["name"], match["mark"], match["rest"]
        if given := values.get(name):
            return given
        if mark == ":?":
            raise KeyError(f"{name}: {rest}")
        return rest or ""

    filled = re.sub(r"\$\{(?P<name>\w+)(?:(?P<mark>:[-?])(?P<rest>[^}]*))?\}", value, text)
    return filled.replace("$$", "$")


def compose_environment(service: str, values: Mapping[str, str]) -> dict[str, str]:
    return {k: interpolate(str(v), values) for k, v in compose()["services"][service]["environment"].items()}


# ── a site of processes ──


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


@dataclass
class Site:
    folder: Path
    env: dict[str, str]
    port: int
    database_url: str
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def command(self, service: str) -> list[str]:
        """The service's own command, with this site's port and folder for the container's."""
        given: list[str] = compose()["services"][service]["command"]
        command = [part.replace("/tmp/beat", str(self.folder / "beat")) for part in given]
        if service == "web":
            command[command.index("--host") + 1] = "127.0.0.1"
            command[command.index("--port") + 1] = str(self.port)
        return command

    def start(self, *services: str) -> None:
        for service in services:
            assert service not in self.running, f"{service} runs already"
            self.running[service] = self._launch(self.command(service), service)

    def _launch(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, *services: str) -> None:
        """Ask each to end, as a deployment does, and wait until it has."""
        stopping = {service: self.running.pop(service) for service in services}
        for process in stopping.values():
            process.terminate()
        for service, process in stopping.items():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _kill_group(process)
                raise AssertionError(f"{service} did not end within {STOP_SECONDS} s of SIGTERM") from None
            finally:
                _kill_group(process)

    def kill(self, *services: str) -> None:
        """kill -9 of the process and all its children."""
        for service in services:
            _kill_group(self.running.pop(service))

    def kill_children(self, service: str) -> list[int]:
        """kill -9 of the children alone (a web server's or a Celery pool's workers); their parent lives."""
        parent = self.running[service].pid
        children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        return children

    def stop_all(self) -> None:
        # Redis last: the others say good-bye to it.
        last = [service for service in self.running if service == "redis"]
        self.stop(*[service for service in self.running if service != "redis"])
        self.stop(*last)

    # Redis of this site alone, where the program is installed.

    def start_redis(self) -> None:
        port = self.env["CELERY_BROKER_URL"].rsplit(":", 1)[1].split("/")[0]
        command = [*compose()["services"]["redis"]["command"], "--port", port, "--bind", "127.0.0.1"]
        self.running["redis"] = self._launch(command, "redis")
        wait_for(lambda: _redis_answers(self.env["CELERY_BROKER_URL"]), what="Redis")

    # What the tests ask.

    def url(self, path: str = "/") -> str:
        return f"http://localhost:{self.port}{path}"

    def get(self, path: str, *, scheme: str = "https") -> tuple[int, Any]:
        """Status and JSON (or text), as the TLS proxy in front would ask; redirects are not followed.

        Status 0: nobody answers.
        """
        request = urllib.request.Request(self.url(path), headers={"X-Forwarded-Proto": scheme})
        try:
            with _opener.open(request, timeout=10) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())
        except OSError:
            return 0, None

    def manage(self, *arguments: str) -> str:
        """The output of a management command in this site's environment."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"manage.py {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def database(self) -> Iterator[Database]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            yield connection

    def log(self, service: str) -> str:
        path = self.folder / f"{service}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_until_ready(self, *, seconds: float = 60) -> None:
        """Until the site answers, reaches its database and broker, and has swept."""

        def is_ready() -> bool:
            status, body = self.get("/readyz")
            return status == 200 and body["sweep"] == "ok"

        try:
            wait_for(is_ready, seconds=seconds, what="a ready site")
        except AssertionError as error:
            logs = "\n".join(f"── {name} ──\n{self.log(name)[-2000:]}" for name in SERVICES)
            raise AssertionError(f"{error}; it says {self.get('/readyz')}\n{logs}") from None


@contextmanager
def running(folder: Path, *services: str, environment: Mapping[str, str] | None = None) -> Iterator[Site]:
    """A site with a migrated database of its own and the named services; all of it is gone afterwards."""
    name = f"cutscore_ops_{uuid.uuid4().hex[:12]}"
    server = postgres_url()
    database_url = server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    own_redis = shutil.which("redis-server") is not None
    broker = f"redis://127.0.0.1:{free_port()}/0" if own_redis else redis_url()
    env = {
        # Nothing of the test run's own settings: a container has only what the compose file gives it.
        **{name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")},
        **compose_environment("web", SECRETS),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker,
        "CACHE_URL": broker.rsplit("/", 1)[0] + "/1" if own_redis else "locmemcache://",
        "VAR_DIR": str(folder / "var"),
        **(environment or {}),
    }
    site = Site(folder, env, free_port(), database_url)
    # A test run that is told to end takes its processes along; pytest itself would just drop dead.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if own_redis:
            site.start_redis()
        site.manage("migrate", "--no-input", "--verbosity", "0")
        site.manage("collectstatic", "--no-input", "--verbosity", "0")
        site.start(*services)
        yield site
    finally:
        signal.signal(signal.SIGTERM, before)
        try:
            site.stop_all()
        finally:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def wait_for(is_so: Callable[[], object], *, seconds: float = 30, what: str = "") -> None:
    """Ask again and again until it is so; an AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what or is_so}"
        time.sleep(0.1)


# ── what this machine has ──


def postgres_url() -> str:
    """A database of the server on which each site makes its own."""
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith("postgres") else "postgres://postgres@localhost:5432/postgres"


def redis_url() -> str:
    given = os.environ.get("CELERY_BROKER_URL", "")
    return given if given.startswith("redis") else "redis://localhost:6379/9"


def missing() -> str:
    """A sentence about what these tests lack here, or nothing."""
    try:
        psycopg.connect(postgres_url(), connect_timeout=3).close()
    except psycopg.Error:
        return "no PostgreSQL at DATABASE_URL or localhost:5432: the tests of real processes need one"
    if shutil.which("redis-server") is None and not _redis_answers(redis_url()):
        return "no redis-server installed and no Redis at CELERY_BROKER_URL or localhost:6379"
    return ""


def require_services() -> None:
    """Skip where PostgreSQL or Redis is missing; in CI that is a failure."""
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
