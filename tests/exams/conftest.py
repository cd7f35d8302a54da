from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.factories import NOW


class Clock:
    """The server's clock, standing still at `NOW` until a test moves it."""

    def __init__(self) -> None:
        self.now: datetime = NOW

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def ana_client(clock: Clock, ana: User) -> Client:
    """Ana's browser, under the clock."""
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def cleo_client(clock: Clock, cleo: User) -> Client:
    client = Client()
    client.force_login(cleo)
    return client
