"""A Redis cache that may go away: a cache without an answer is an empty cache, never an error page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core.cache.backends import redis as django_redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = {"socket_connect_timeout": 0.5, "socket_timeout": 1.0}
"""Seconds. Nothing that is asked here is worth more of a learner's time: the database has it all."""


class RedisCache(django_redis.RedisCache):
    """Sessions are in the database too; without the cache their reads cost a statement each."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**PATIENCE, **params.get("OPTIONS", {})}})

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _ask(lambda: super(RedisCache, self).add(key, value, timeout, version), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _ask(lambda: super(RedisCache, self).get(key, default, version), default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _ask(lambda: super(RedisCache, self).set(key, value, timeout, version), None)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _ask(lambda: super(RedisCache, self).touch(key, timeout, version), False)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return _ask(lambda: super(RedisCache, self).delete(key, version), False)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        return _ask(lambda: super(RedisCache, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return _ask(lambda: super(RedisCache, self).has_key(key, version), False)

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        return _ask(lambda: super(RedisCache, self).set_many(dict(data), timeout, version), list(data))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        _ask(lambda: super(RedisCache, self).delete_many(keys, version), None)


def _ask(cache: Callable[[], T], instead: T) -> T:
    try:
        return cache()
    except RedisError as error:
        log.warning("the cache is away: %s", error)
        return instead
