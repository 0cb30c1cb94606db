"""A cache server that goes away while the service runs: the cache is empty until it is back."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from pie.model import text_of

logger = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
"""A server that did not answer is not asked for so long: no request waits for it twice."""


def forgiving(
    kind: type, errors: tuple[type[Exception], ...], instead: Mapping[str, Callable[..., Any]]
) -> type:
    """The class of a cache whose server may be away.

    Args:
        kind: of the cache.
        errors: that say that the server cannot be reached.
        instead: method by name, and what stands for its answer then, given the same arguments.
    """
    outage = _Outage(errors)
    methods = {name: outage.guard(getattr(kind, name), each) for name, each in instead.items()}
    return type(kind.__name__, (kind,), methods)


class _Outage:
    """Whether the server is away, as far as this process knows. Threads may race for it: each sees
    the state or the one before."""

    def __init__(self, errors: tuple[type[Exception], ...]) -> None:
        self._errors = errors
        self._away = False
        self._until = 0.0

    def guard(self, method: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def guarded(*arguments: Any, **options: Any) -> Any:
            if self._away and time.monotonic() < self._until:
                return instead(*arguments, **options)
            try:
                answer = method(*arguments, **options)
            except self._errors as error:
                self._went(error)
            else:
                if self._away:
                    self._came_back()
                return answer
            return instead(*arguments, **options)

        return guarded

    def _went(self, error: Exception) -> None:
        self._until = time.monotonic() + _PAUSE_SECONDS
        if not self._away:
            self._away = True
            logger.warning("the cache server is away, and the cache empty: %s", text_of(error))

    def _came_back(self) -> None:
        self._away = False
        logger.info("the cache server is back")
