"""The product's own processes, started for a benchmark and ended with it: web server and Celery workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from django.conf import settings

from config.celery import app

NAME = f"benchmark-{os.getpid()}"
START_SECONDS = 60
STOP_SECONDS = 30


@contextmanager
def web(*, workers: int | None = None, threads: int | None = None, celery: bool = False) -> Iterator[int]:
    """A server as it runs on this database (docs/decisions/0002): yields its port.

    Embedded: one process of eight threads, with a worker and a beat inside when `celery` is asked for.
    """
    workers = workers or (1 if settings.EMBEDDED else 4)
    threads = threads or (8 if settings.EMBEDDED else 1)
    port = _free_port()
    command = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "error"),
        *("--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)),
        "config.wsgi:application",
    )
    with started(command, RUN_EMBEDDED_CELERY="1" if celery and settings.EMBEDDED else ""):
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield port


@contextmanager
def workers() -> Iterator[None]:
    """The Celery workers and the beat of production; in the embedded mode the web process has its own."""
    if settings.EMBEDDED:
        yield
        return
    celery = (sys.executable, "-m", "celery", "--app", "config")
    worker = (*celery, "worker", "--without-gossip", "--without-mingle", "--loglevel", "ERROR")
    schedule = str(settings.VAR_DIR / "beat-schedule")
    with (
        started((*worker, "--queues", "default", "--concurrency", "2", "--hostname", f"{NAME}-default@%h")),
        started(
            (*worker, "--queues", "deadlines", "--concurrency", "1", "--hostname", f"{NAME}-deadlines@%h")
        ),
        started((*celery, "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "ERROR")),
    ):
        _wait_for_workers(2)
        yield


def forget_messages() -> None:
    """Empty the run's own queues: what an earlier benchmark left there is not this one's work."""
    with app.connection_for_write() as broker:
        for queue in ("default", "deadlines"):
            app.amqp.queues[queue](broker.default_channel).purge()


@contextmanager
def started(command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    # Banners go to the output, errors to the log.
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONWARNINGS": "ignore", **environment}, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {START_SECONDS} s")


def _wait_for_workers(count: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        answers = app.control.inspect(timeout=0.5).ping() or {}
        if sum(NAME in name for name in answers) >= count:
            return
    raise TimeoutError(f"the Celery workers did not answer within {START_SECONDS} s")
