"""Ports for tests that run side by side, also beside another run on the same machine."""

import contextlib
import errno
import fcntl
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FIRST, LAST = 12_000, 32_000
"""Below the range from which kernels take the local port of a connection."""
_LOCK = Path(tempfile.gettempdir()) / "pie-tests-documented-ports.lock"
_random = random.SystemRandom()


def free_port() -> int:
    """A port that nobody listens on.

    It is below the kernel's own range, and random, so that no connection and hardly another test
    takes it before its user binds it.
    """
    while not _is_free(port := _random.randrange(FIRST, LAST)):
        pass
    return port


@contextlib.contextmanager
def documented_ports(*ports: int, patience: float = 300) -> Iterator[None]:
    """Hold the ports that documents name: one test at a time on this machine.

    Raises:
        AssertionError: another test, or somebody else, does not give them up.
    """
    give_up = time.monotonic() + patience
    with _LOCK.open("a") as lock:
        while not _is_locked(lock.fileno()):
            assert time.monotonic() < give_up, f"another test holds {_LOCK}"
            time.sleep(0.05)
        give_up = time.monotonic() + 30
        while taken := [port for port in ports if not _is_free(port)]:
            assert time.monotonic() < give_up, f"ports that documents name are in use: {taken}"
            time.sleep(0.05)
        yield


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
