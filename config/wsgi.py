"""The WSGI application; in the embedded mode the process that serves it also runs Celery."""

from __future__ import annotations

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Pages are loaded with the process: otherwise its first visitor waits for all of them.
import_module("config.urls")

if os.environ.get("RUN_EMBEDDED_CELERY"):
    # Set by `manage.py run_embedded` alone. The server loads this module after its fork, in the one worker process.
    from config import embedded

    embedded.start()
