"""Caches on a Redis server that may be away, for Flask and for Django. Needs the package redis."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pie.serve.outage import forgiving

TIMEOUT_S = 1.0
"""A service does not wait longer for its cache."""
_AWAY = (redis.ConnectionError, redis.TimeoutError, OSError)


def client_options() -> dict[str, Any]:
    """Of a client: it connects once more if the server has closed an idle connection."""
    return {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 1),
    }


def flask_cache(server: str, prefix: str) -> Any:
    """A cachelib cache."""
    from cachelib import RedisCache

    kind = forgiving(
        RedisCache,
        _AWAY,
        {name: lambda *_, **__: None for name in ("get", "inc", "dec")}
        | {name: lambda *_, **__: False for name in ("set", "add", "delete", "has", "clear")}
        | {name: lambda *_, **__: [] for name in ("set_many", "delete_many")}
        | {"get_many": lambda _, *keys: [None] * len(keys)},
    )
    return kind(redis.Redis.from_url(server, **client_options()), key_prefix=prefix)


def django_backend(kind: type) -> type:
    """Django's own backend, forgiving."""

    def get(_: Any, key: Any, default: Any = None, version: Any = None) -> Any:
        return default

    def incr(_: Any, key: Any, delta: int = 1, version: Any = None) -> int:
        raise ValueError(f"Key '{key}' not found.")  # As for one that is not there.

    return forgiving(
        kind,
        _AWAY,
        {name: lambda *_, **__: False for name in ("add", "touch", "delete", "has_key", "clear")}
        | {name: lambda *_, **__: None for name in ("set", "delete_many")}
        | {"get": get, "incr": incr, "get_many": lambda *_, **__: {}}
        | {"set_many": lambda _, data, *__, **___: list(data)},
    )
