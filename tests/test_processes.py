"""The commands of docker-compose.yml, started as they stand there, against PostgreSQL and Redis."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import probe
from tests import processes
from tests.processes import SERVICES, Site, compose, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    processes.require_services()
    with processes.running(tmp_path_factory.mktemp("site"), *SERVICES) as site:
        yield site


def swept_at(site: Site) -> Any:
    with site.database() as database:
        row = database.execute("SELECT finished_at FROM exams_sweep WHERE name = 'close-overdue'").fetchone()
        return row[0] if row else None


def test_the_site_gets_ready_and_sweeps(site: Site) -> None:
    site.wait_until_ready()
    first = swept_at(site)
    wait_for(lambda: swept_at(site) > first, what="the next sweep")
    assert site.get("/healthz") == (200, {"status": "ok"})


def test_a_sweep_is_made_again_after_its_worker_was_killed(site: Site) -> None:
    site.wait_until_ready()
    site.kill("deadlines")
    before = swept_at(site)
    site.start("deadlines")
    wait_for(lambda: swept_at(site) > before, what="a sweep by the new worker")


def test_pages_are_served_while_no_worker_and_no_beat_runs(site: Site) -> None:
    site.wait_until_ready()
    site.stop("worker", "deadlines", "beat")
    assert site.get("/healthz")[0] == 200
    assert site.get("/accounts/login/")[0] == 200
    site.start("worker", "deadlines", "beat")
    site.wait_until_ready()


def test_killed_web_workers_come_back(site: Site) -> None:
    site.wait_until_ready()
    assert site.kill_children("web")
    wait_for(lambda: site.get("/healthz")[0] == 200, what="new web workers")


def test_plain_http_is_sent_to_https_but_not_the_probes(site: Site) -> None:
    site.wait_until_ready()
    assert site.get("/accounts/login/", scheme="http")[0] == 301
    assert site.get("/healthz", scheme="http")[0] == 200
    assert site.get("/readyz", scheme="http")[0] == 200
    assert probe.answers(site.url("/healthz"))


def test_the_one_shot_service_migrates_and_loads_the_exam_twice_alike(site: Site) -> None:
    command = compose()["services"]["migrate"]["command"]
    assert command[:2] == ["sh", "-c"]
    steps = [step.split()[2:] for step in command[2].split(" && ")]
    for _ in range(2):
        said = [site.manage(*step) for step in steps]
    assert "0 papers assembled" in said[-1]


def test_the_documented_backup_can_be_restored(site: Site, tmp_path: Path) -> None:
    guide = (processes.ROOT / "docs/deploy.md").read_text()
    commands = {
        tool: re.search(rf"`({tool} [^`]*DATABASE_URL[^`]*)`", guide) for tool in ("pg_dump", "pg_restore")
    }

    def run(tool: str) -> None:
        found = commands[tool]
        assert found is not None
        path = {**site.env, "PATH": os.environ["PATH"]}
        subprocess.run(["sh", "-c", found[1]], cwd=tmp_path, env=path, check=True)

    site.wait_until_ready()
    run("pg_dump")
    site.stop(*SERVICES)
    with site.database() as database:
        database.execute("DELETE FROM exams_sweep")
    run("pg_restore")
    assert swept_at(site) is not None
    site.manage("migrate", "--check")
    site.start(*SERVICES)
    site.wait_until_ready()


def test_everything_has_a_health_check_and_secrets_come_from_outside(tmp_path: Path) -> None:
    described = compose()["services"]
    assert set(SERVICES) <= set(described)
    for name, service in described.items():
        assert "healthcheck" in service, name
    with pytest.raises(KeyError, match="SECRET_KEY"):
        processes.compose_environment("web", {**processes.SECRETS, "SECRET_KEY": ""})
