"""Asking the addresses of a sitting as a script does: JSON in, JSON out."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from exams.models import Attempt

JSON = {"Accept": "application/json"}


def get(client: Client, address: str) -> Any:
    """The JSON of a page."""
    response = client.get(address, headers=JSON)
    assert response.status_code == 200, (response.status_code, response.content[:300])
    return response.json()


def post(client: Client, address: str, body: Any, **headers: str) -> Any:
    """The response to `body` as JSON; a string is sent as it stands."""
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post(address, text, content_type="application/json", headers={**JSON, **headers})


def of(attempt: Attempt | str, rest: str = "") -> str:
    return f"/attempts/{attempt.pk if isinstance(attempt, Attempt) else attempt}/{rest}"


def save(
    client: Client, attempt: Attempt | str, slot: int, answer: Any, *, revision: int = 1, **more: Any
) -> Any:
    return post(client, of(attempt, f"responses/{slot}/"), {"answer": answer, "revision": revision, **more})


def submit(client: Client, attempt: Attempt | str) -> Any:
    response = post(client, of(attempt, "submit/"), {})
    assert response.status_code == 200, response.content[:300]
    return response.json()


def slots(client: Client, attempt: Attempt | str) -> dict[int, Any]:
    return {row["slot"]: row for row in get(client, of(attempt))["slots"]}
