"""Loaded before the settings (`-p tests.environment`): what a test run needs of its environment.

Each of several test processes gets its own Redis database as a cache, for tests empty the cache.
"""

from __future__ import annotations

import os
import re

# The same site on either database: what production only has as a default is asked for by the tests that mean it.
os.environ.setdefault("SECRET_KEY", "no-secret: the tests' own")
os.environ.setdefault("HTTPS", "0")
os.environ.setdefault("BEHIND_PROXY", "0")
os.environ.setdefault("EMAIL_VERIFICATION", "none")

if cache_url := re.fullmatch(r"(redis\w*://.*/)(\d+)", os.environ.get("CACHE_URL", "")):
    process = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["CACHE_URL"] = f"{cache_url[1]}{int(cache_url[2]) + int(process)}"
