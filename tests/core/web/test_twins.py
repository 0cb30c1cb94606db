"""The middleware in C does what its twin does: with any request, application and server."""

import gc
import logging
from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.random_wsgi import run, scenario

from pie._core import native
from pie.web.wsgi import PythonMiddleware

pytestmark = [
    pytest.mark.skipif(native is None, reason="this process does without the extension"),
    # Generators that nobody closed raise where nobody hears them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Applications that break are logged; and garbage is looked for often, among few objects."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def off_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a server whose applications run on threads: no KeyboardInterrupt is Ctrl-C there."""
    monkeypatch.setattr("signal.getsignal", lambda number: None)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 60))
def test_a_random_request(native: ModuleType, seed: int) -> None:
    plan = scenario(Random(seed))
    assert run(native.Middleware, plan) == run(PythonMiddleware, plan)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(st.integers(0, 1 << 60))
def test_many_random_requests(native: ModuleType, seed: int) -> None:
    plan = scenario(Random(seed))
    assert run(native.Middleware, plan) == run(PythonMiddleware, plan)
