"""Celery inside the one web process: how Cutscore runs with nothing but Python and a folder.

The broker is a queue in memory, so it dies with the process. Nothing depends on it: at start-up
`sweeps.reconcile` finds in the database whatever was left undone (docs/decisions/0001-embedded-mode.md).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import util as multiprocessing_util
from typing import Any

from celery import Celery, beat
from celery.worker import WorkController
from celery.worker import state as worker_state
from django.db import connections
from django.utils import timezone

from config.celery import app as celery_app

log = logging.getLogger(__name__)

THREADS = 2
STOP_SECONDS = 8.0
"""How long a stop waits for running tasks. A task that takes longer is found again at the next start."""
RETRY_SECONDS = 1.0
_started: EmbeddedCelery | None = None


class EmbeddedCelery:
    """A worker and a beat, each in a thread that builds it anew when it dies."""

    def __init__(
        self, app: Celery, *, queues: tuple[str, ...] = ("default", "deadlines"), threads: int = THREADS
    ) -> None:
        self.app = app
        self.queues = queues
        self.threads = threads
        self.is_ready = threading.Event()
        self._stopping = threading.Event()
        self._beat: beat.Service | None = None
        self._running: list[threading.Thread] = []

    def start(self) -> None:
        worker_state.should_stop = None
        self._run("embedded-worker", self._restarted(self._work))
        self._run("embedded-beat", self._restarted(self._tick))

    def stop(self, *, timeout: float = STOP_SECONDS) -> bool:
        """End both; False if one of them still runs after `timeout` seconds."""
        self._stopping.set()
        # The worker looks at this between two messages and then waits for its running tasks.
        worker_state.should_stop = 0  # type: ignore[assignment]
        if self._beat is not None:
            self._beat.stop()
        for thread in self._running:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._running)

    def _run(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._running.append(thread)

    def _restarted(self, run: Callable[[], None]) -> Callable[[], None]:
        def loop() -> None:
            while not self._stopping.is_set():
                try:
                    run()
                except Exception:
                    log.exception("%s died", threading.current_thread().name)
                if not self._stopping.wait(RETRY_SECONDS):
                    log.error("%s ended by itself: starting it again", threading.current_thread().name)

        return loop

    def _work(self) -> None:
        embedded = self

        class Worker(WorkController):
            def on_consumer_ready(self, consumer: Any) -> None:
                embedded.is_ready.set()

        Worker(
            app=self.app,
            pool="threads",
            concurrency=self.threads,
            queues=list(self.queues),
            hostname="embedded@localhost",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        ).start()

    def _tick(self) -> None:
        # In memory: the plan is a few intervals, and a schedule file would be one more thing to go wrong.
        self._beat = beat.Service(self.app, max_interval=1, scheduler_cls=beat.Scheduler)
        self._beat.start()


def start() -> EmbeddedCelery:
    """Start Celery in this process, once, and end it when the process ends.

    Call it after the server's fork: threads don't survive one.
    """
    global _started
    if _started is None:
        _started = EmbeddedCelery(celery_app)
        _started.start()
        threading.Thread(target=_reconcile, name="embedded-reconcile", daemon=True).start()
        threading.Thread(target=_end_with, args=(os.getppid(),), name="embedded-parent", daemon=True).start()
        # A process forked by multiprocessing runs these and no atexit functions; any other process runs both.
        multiprocessing_util.Finalize(None, stop, exitpriority=100)
    return _started


def stop() -> None:
    global _started
    if _started is not None and not _started.stop():
        log.warning("a task still runs at the end of the process; the next start takes it up")
    _started = None


def _reconcile() -> None:
    """Close and score what ended while nothing ran; in its own thread, so that pages don't wait for it."""
    from exams import sweeps

    try:
        sweeps.reconcile(now=timezone.now())
    except Exception:
        # The sweeps of beat do the same work a few seconds later.
        log.exception("reconciling at start-up failed")
    finally:
        connections.close_all()


def _end_with(parent: int) -> None:
    """End when the server's main process is gone: an orphan would keep the port and the database."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(1)
    os.kill(os.getpid(), signal.SIGTERM)
