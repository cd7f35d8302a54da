"""What an orchestrator is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from config import health
from config.celery import app
from exams import sweeps

pytestmark = pytest.mark.django_db


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/readyz")
    return response.status_code, response.json()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that answers, whichever this run is configured for."""
    monkeypatch.setattr(health, "_broker", lambda: "ok")


def test_the_process_answers_without_a_query(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_with_a_fresh_sweep(client: Client, broker: None) -> None:
    sweeps.close_overdue(now=timezone.now() - timedelta(seconds=5))

    status, body = ready(client)

    assert (status, body["status"], body["database"], body["broker"], body["sweep"]) == (
        200,
        "ok",
        "ok",
        "ok",
        "ok",
    )
    assert 5 <= body["sweep_age_seconds"] < 60


def test_a_late_sweep_is_said_but_takes_the_site_from_nobody(client: Client, broker: None) -> None:
    assert ready(client) == (
        200,
        {"status": "ok", "database": "ok", "broker": "ok", "sweep": "late", "sweep_age_seconds": None},
    )
    sweeps.close_overdue(now=timezone.now() - timedelta(minutes=10))

    status, body = ready(client)

    assert (status, body["sweep"]) == (200, "late")


def test_without_a_broker_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(app, "connection_for_write", refuse)

    status, body = ready(client)

    assert (status, body["status"], body["broker"], body["database"]) == (
        503,
        "unavailable",
        "unreachable",
        "ok",
    )


def test_without_a_database_it_is_not_ready(
    client: Client, broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def cursor(self) -> None:
            raise OperationalError("the server closed the connection")

    monkeypatch.setattr(health, "connection", Gone())

    status, body = ready(client)

    assert (status, body["database"], body["sweep_age_seconds"]) == (503, "unreachable", None)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_sign_in_and_make_no_session(client: Client, path: str) -> None:
    assert "sessionid" not in client.get(path).cookies
