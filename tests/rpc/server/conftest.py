"""Clients of bytes that a test opens and need not close."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from tests.rpc.peer import Peer


@pytest.fixture
def peer(demo) -> Iterator[Callable[[int], Peer]]:
    """Connects to a port; closed when the test ends."""
    with contextlib.ExitStack() as opened:

        def connect(port: int) -> Peer:
            made = Peer(demo, port)
            opened.callback(made.close)
            return made

        yield connect
