"""The product's settings, with the floor's addresses beside its own and a queue that nobody else reads."""

from __future__ import annotations

import os

from config.settings import *
from config.settings import CELERY_BROKER_TRANSPORT_OPTIONS, EMBEDDED

ROOT_URLCONF = "benchmarks.floor"
ALLOWED_HOSTS = ["127.0.0.1"]
if not EMBEDDED:
    CELERY_BROKER_TRANSPORT_OPTIONS = {  # type: ignore[assignment]
        **CELERY_BROKER_TRANSPORT_OPTIONS,
        "global_keyprefix": os.environ["BENCHMARK_QUEUES"],
    }
