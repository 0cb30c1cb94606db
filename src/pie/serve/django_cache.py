"""The backend that Pie names in Django's ``CACHES``."""

from typing import Any

from django.core.cache.backends import redis

from pie.serve.redis_cache import django_backend

RedisCache: Any = django_backend(redis.RedisCache)
