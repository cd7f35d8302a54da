"""Without Redis the cache is empty, and that is all."""

from __future__ import annotations

import pytest
from django.core.cache.backends.base import BaseCache

from config.cache import RedisCache
from tests.processes import free_port


@pytest.fixture
def away() -> BaseCache:
    """A cache on a port where nobody listens."""
    return RedisCache(f"redis://127.0.0.1:{free_port()}/0", {})


def test_reads_find_nothing(away: BaseCache) -> None:
    assert away.get("a") is None
    assert away.get("a", "default") == "default"
    assert away.get_many(["a", "b"]) == {}
    assert "a" not in away
    assert away.get_or_set("a", lambda: 7) == 7


def test_writes_are_no_error(away: BaseCache) -> None:
    away.set("a", 1)
    assert away.add("a", 1)
    assert away.set_many({"a": 1, "b": 2}) == ["a", "b"]
    assert not away.touch("a")
    assert not away.delete("a")
    away.delete_many(["a"])


def test_it_is_said_in_the_log(away: BaseCache, caplog: pytest.LogCaptureFixture) -> None:
    away.get("a")

    assert "the cache is away" in caplog.text
