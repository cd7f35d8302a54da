"""`python -m benchmarks [name …] [--sqlite] [--postgres]`: make a throw-away database, measure, remove it."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

NAMES = (
    *("save", "start", "sitting", "scoring", "statistics", "closing", "bank_list", "transfer"),
    *("dashboards", "control_room"),
)
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
BROKER = "redis://127.0.0.1:6379/8"


def main() -> int:
    # A run that is ended removes its database, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options()
    given = os.environ.get("DATABASE_URL", "")
    is_given = given.startswith("postgres")
    wants_postgres = options.postgres or (is_given and not options.sqlite)
    wants_sqlite = options.sqlite or not options.postgres
    ended = 0
    with tempfile.TemporaryDirectory(prefix="cutscore-benchmark-") as folder:
        common = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "VAR_DIR": folder,
            "SECRET_KEY": secrets.token_urlsafe(60),
            "HTTPS": "0",
            "BEHIND_PROXY": "0",
            "LOG_LEVEL": "ERROR",
            "CONN_MAX_AGE": "86400",  # a backend that is replaced takes its CPU time with it
        }
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "DEBUG", "DEMO"):
            common.pop(name, None)
        if wants_sqlite:
            print("═══ SQLite, embedded: one web process with Celery inside ═══\n", flush=True)
            ended |= _run(options, common)
        if wants_postgres:
            with _postgres(given if is_given else POSTGRES) as url, _queues() as queues:
                how = "Redis, Celery workers" if queues else "embedded: no Redis answers"
                print(f"═══ PostgreSQL, {how} ═══\n", flush=True)
                ended |= _run(options, {**common, "DATABASE_URL": url, **queues})
    return ended


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of: {' '.join(NAMES)}; all of them, when none is named")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite alone")
    parser.add_argument(
        "--postgres", action="store_true", help=f"on PostgreSQL: beside DATABASE_URL, else {POSTGRES}"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="only see that everything works: figures mean nothing"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - {*NAMES, "web_server"}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    return options


def _run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    command = [
        sys.executable,
        "-m",
        "benchmarks.run",
        *(options.names or NAMES),
        *(["--tiny"] if options.tiny else []),
    ]
    with subprocess.Popen(command, env=dict(environment)) as process:
        try:
            return process.wait()
        finally:
            process.terminate()


@contextmanager
def _postgres(server: str) -> Iterator[str]:
    """A database beside the one that is named, which is not touched itself."""
    name = f"cutscore_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _queues() -> Iterator[dict[str, str]]:
    """Queues under a prefix of their own in CELERY_BROKER_URL; nothing, where no Redis answers."""
    url = os.environ.get("CELERY_BROKER_URL", BROKER)
    prefix = f"cutscore-bench-{os.getpid()}-"
    try:
        server = redis.Redis.from_url(url)
        server.ping()
    except (redis.RedisError, ValueError):
        yield {}
        return
    try:
        yield {"CELERY_BROKER_URL": url, "BENCHMARK_QUEUES": prefix}
    finally:
        for key in server.scan_iter(f"{prefix}*"):
            server.delete(key)
        server.close()


if __name__ == "__main__":
    sys.exit(main())
