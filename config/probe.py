"""Health checks of the containers: `python config/probe.py http` and `… fresh FOLDER SECONDS`.

Run as a file and made of the standard library alone: it starts every few seconds beside the real work.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path


def answers(url: str = "http://127.0.0.1:8000/healthz") -> bool:
    """Does the web server answer? Under its own name, for it refuses any other."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].lstrip(".")
    request = urllib.request.Request(url, headers={"Host": "localhost" if host == "*" else host})
    try:
        with urllib.request.urlopen(request, timeout=3) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def is_fresh(folder: Path, seconds: float) -> bool:
    """Was a file of the folder written within `seconds`? Beat writes its schedule every three minutes."""
    written = [path.stat().st_mtime for path in folder.glob("*")]
    return bool(written) and time.time() - max(written) < seconds


def main(arguments: list[str]) -> int:
    match arguments:
        case ["http", *url]:
            return 0 if answers(*url) else 1
        case ["fresh", folder, seconds]:
            return 0 if is_fresh(Path(folder), float(seconds)) else 1
    print("usage: probe.py http [URL] | fresh FOLDER SECONDS", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
