"""Configuration values and switches for the length of a test."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pie.call.switches import SWITCHES
from pie.state.config.live import LIVE


@contextmanager
def configured(values: Mapping[str, Any]) -> Iterator[None]:
    """Put values in front of all others while the block runs; watchers are called in it.

        with configured({"feed.page_size": 5}):
            ...

    Raises:
        ValueError: a value does not fit what the code expects.
    """
    restore = LIVE.override(values)
    try:
        yield
    finally:
        restore()


@contextmanager
def switched(switches: Mapping[str, bool]) -> Iterator[None]:
    """Switch parts off (True) or on (False) while the block runs, whatever the rules say.

    with switched({"recommend": True}):
        ...
    """
    restore = SWITCHES.override(switches)
    try:
        yield
    finally:
        restore()
