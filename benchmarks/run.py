"""The benchmarks on one throw-away database, which `__main__` has made and names in the environment."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from importlib import import_module

import django
from django.core.management import call_command


def main() -> None:
    # The servers and workers that a benchmark has started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)

    from benchmarks import reporting, sizes

    for name in options.names:
        begun = time.monotonic()
        rows = list(import_module(f"benchmarks.{name}").run(sizes.TINY if options.tiny else sizes.PROMISED))
        print("\n".join(reporting.lines(name, rows)))
        print(f"({time.monotonic() - begun:.0f} s)\n", flush=True)


if __name__ == "__main__":
    main()
