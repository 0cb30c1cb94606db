"""A log call never ends its service, whatever the objects do that it was given."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pie.observe import Identity, Observer


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    observer = Observer(Identity(psm="a.b.c"), tmp_path, Path("nowhere"))
    observer.install()
    yield logging.getLogger("some.library")
    observer.close()


class Other(logging.Handler):
    """One of the application's."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


def raising(act: Any) -> Any:
    """Of a class whose text is made by an act."""

    class Value(Exception):
        def __str__(self) -> str:
            act()
            return "the value"

        __repr__ = __str__

    return Value()


def lines(folder: Path) -> list[str]:
    text = (folder / "a/log/python/a.b.c.log").read_text()
    return [line.partition(" data=")[2] for line in text.splitlines()]


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, BaseException])
def test_what_a_text_raises_stays_in_the_log_call(
    log: logging.Logger, tmp_path: Path, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error("3")

    value, other = raising(fail), Other()
    log.addHandler(other)
    log.warning("order %s", value)
    log.warning(value)
    try:
        raise value
    except Exception:
        log.exception("it failed")
    log.removeHandler(other)
    first, second, third = lines(tmp_path)
    assert first == f"order %s (cannot be formatted: {error.__name__})"
    assert second == f"an object of type Value (cannot be formatted: {error.__name__})"
    assert third.startswith("it failed\\nTraceback")
    assert other.seen == [first, second, "it failed"]


def test_an_interrupt_on_another_thread_is_none(log: logging.Logger, tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    # Its other handlers get what stands in the log.
    thread = threading.Thread(target=log.warning, args=("order %s", raising(fail)))
    thread.start()
    thread.join()
    assert lines(tmp_path) == ["order %s (cannot be formatted: KeyboardInterrupt)"]


def exits(*_: Any) -> None:
    raise SystemExit(5)


class Handlers:
    def exits(self, *_: Any) -> None:
        exits()


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (signal.default_int_handler, KeyboardInterrupt),
        (exits, SystemExit),
        (Handlers().exits, SystemExit),
    ],
)
def test_what_the_handler_of_a_signal_raises_goes_its_way(
    log: logging.Logger, handler: Any, error: type[BaseException]
) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(error):
            log.warning("order %s", raising(lambda: os.kill(os.getpid(), signal.SIGINT)))
    finally:
        signal.signal(signal.SIGINT, before)
