"""The cache of an HTTP service: a server when there is one, else this process's memory."""

import logging
from typing import Any, NamedTuple

from pie.serve.settings.keys import Settings
from pie.serve.settings.masking import masked_url

logger = logging.getLogger(__name__)


class Cache(NamedTuple):
    """Which cache a service uses: ``server`` is a URL, or empty for memory; keys of different
    services are told apart by ``prefix``."""

    server: str
    prefix: str

    def announce(self) -> str:
        """The line a service prints at its start."""
        if self.server:
            return f"I will use cache server {masked_url(self.server)}"
        return "I will use in-memory cache"

    def of_flask(self) -> Any:
        """A cachelib cache."""
        if not self.server:
            from cachelib import SimpleCache

            return SimpleCache()
        from pie.serve.redis_cache import flask_cache

        return flask_cache(self.server, f"{self.prefix}:")

    def of_django(self) -> dict[str, Any]:
        """An entry of Django's ``CACHES``."""
        if not self.server:
            return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
        from pie.serve.redis_cache import client_options

        return {
            "BACKEND": "pie.serve.django_cache.RedisCache",
            "LOCATION": self.server,
            "KEY_PREFIX": self.prefix,
            "OPTIONS": client_options(),
        }


def choose_cache(settings: Settings) -> Cache:
    """The server of the settings if it answers; else memory, and the reason in the log."""
    server = settings.CACHE
    trouble = trouble_with(server) if server else ""
    if trouble:
        logger.warning("CACHE: the cache server %s cannot be used: %s", masked_url(server), trouble)
        server = ""
    return Cache(server, settings.PSM)


def trouble_with(server: str) -> str:
    """Why a cache server is of no use; empty if it answers."""
    try:
        import redis

        from pie.serve.redis_cache import client_options

        connection = redis.Redis.from_url(server, **client_options())
    except ImportError:
        return "the package redis is not installed (pip install redis)"
    except ValueError as error:
        return masked_url(str(error))
    try:
        connection.ping()
    except Exception as error:
        return masked_url(f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    return ""
