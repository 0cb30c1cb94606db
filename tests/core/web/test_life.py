"""Responses in C leave nothing behind, and survive whatever is done to them."""

import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType
from typing import Any

import pytest
from tests.core.random_wsgi import run, scenario
from tests.leaks import growth

from pie._core import native
from pie.model import current_call
from pie.serve.in_flight import calls_in_flight
from pie.web.wsgi import Middleware

pytestmark = [
    pytest.mark.skipif(native is None, reason="this process does without the extension"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),  # Forking with threads.
]

ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "REMOTE_ADDR": "127.0.0.1"}


def hello(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def nothing(*_: Any) -> None: ...


def serve(middleware: Any, **environ: Any) -> list[bytes]:
    body = middleware({**ENVIRON, **environ}, nothing)
    chunks = list(body)
    body.close()
    return chunks


# --- Memory. ---


@pytest.mark.slow
def test_ordinary_requests_leave_nothing_behind(bench: Any) -> None:
    middleware = Middleware(hello, bench.runtime)
    serve(middleware)
    assert growth(lambda: serve(middleware), 300) < 100


def test_no_request_leaves_anything_behind(
    native: ModuleType, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.getsignal", lambda number: None)
    caplog.set_level(100, "pie.web")
    plans = [scenario(Random(seed)) for seed in range(100)]

    def act() -> None:
        for plan in plans:
            run(native.Middleware, plan)

    gc.collect()
    gc.freeze()
    try:
        act()
        assert growth(act, 1) < len(plans)
    finally:
        gc.unfreeze()


class Tracked:
    """Something that can be watched."""


def test_a_cycle_through_a_response_is_found(bench: Any) -> None:
    seen: list[weakref.ref[Any]] = []

    def app(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        tracked = environ["self"] = Tracked()
        environ["start"] = start  # Whose response has the environ.
        seen.append(weakref.ref(tracked))
        start("200 OK", [])
        yield b"one"
        yield b"two"

    body: Any = Middleware(app, bench.runtime)(dict(ENVIRON), nothing)
    assert next(body) == b"one"
    del body
    gc.collect()
    assert seen[0]() is None
    (row,) = bench.facts()
    assert row["outcome"] == "cancelled"


def test_a_cycle_through_a_middleware_is_found(bench: Any) -> None:
    class App:
        def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
            return hello(environ, start)

    app: Any = App()
    app.wrapped = Middleware(app, bench.runtime)
    assert serve(app.wrapped) == [b"hello"]
    seen = weakref.ref(app)
    del app
    gc.collect()
    assert seen() is None


# --- Misuse of the objects themselves. ---


def test_subclasses_may_do_more(bench: Any) -> None:
    class Counting(Middleware):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.count = 0

        def __call__(self, environ: Any, start_response: Any) -> Any:
            self.count += 1
            return super().__call__(environ, start_response)

    counting = Counting(hello, bench.runtime, method="named")
    assert serve(counting) == [b"hello"]
    assert counting.count == 1
    assert weakref.ref(counting)() is counting
    assert bench.facts()[0]["method"] == "named"


def test_one_that_was_not_made_says_so(native: ModuleType, bench: Any) -> None:
    bare = native.Middleware.__new__(native.Middleware)
    with pytest.raises(RuntimeError, match="__init__"):
        bare({}, nothing)
    made = native.Middleware(hello, bench.runtime)
    with pytest.raises(RuntimeError, match="__init__ has been called before"):
        made.__init__(hello, bench.runtime)
    assert serve(made) == [b"hello"]
    with pytest.raises(TypeError):
        native.Middleware(hello)
    with pytest.raises(TypeError):
        native.Response()
    with pytest.raises(AttributeError):
        native.Middleware(hello, object())


def test_names_of_arguments_and_other_mappings(bench: Any) -> None:
    class Environ(dict):  # type: ignore[type-arg]
        pass

    middleware = Middleware(hello, bench.runtime)
    assert list(middleware(environ=dict(ENVIRON), start_response=nothing)) == [b"hello"]
    assert list(middleware(Environ(ENVIRON), nothing)) == [b"hello"]
    assert len(bench.facts()) == 2


def test_an_application_may_start_after_the_end(bench: Any) -> None:
    kept: list[Any] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        kept.append(start)
        return hello(environ, start)

    serve(Middleware(app, bench.runtime))
    kept[0]("500 Oops", [])
    with pytest.raises(TypeError, match="start_response takes"):
        kept[0]("200 OK")
    with pytest.raises(TypeError, match="start_response takes"):
        kept[0]("200 OK", [], status="200 OK")
    assert bench.facts()[0]["status"] == 200


def test_a_body_that_iterates_its_own_response(bench: Any) -> None:
    bodies: list[Any] = []

    def app(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"one"
        yield next(bodies[0], b"none")

    bodies.append(Middleware(app, bench.runtime)(dict(ENVIRON), nothing))
    assert next(bodies[0]) == b"one"
    with pytest.raises(ValueError, match="already executing"):
        next(bodies[0])
    bodies[0].close()
    (row,) = bench.facts()
    assert row["outcome"] == "internal"


# --- Threads and processes. ---


def test_calls_are_listed_while_they_run(bench: Any) -> None:
    found: list[Any] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        found.extend(calls_in_flight())
        assert found[0].call is current_call.get()
        return hello(environ, start)

    middleware = Middleware(app, bench.runtime)
    thread = threading.Thread(target=lambda: serve(middleware), name="of the server")
    thread.start()
    thread.join()
    assert [(each.call.path, each.thread) for each in found] == [("/x", "of the server")]
    assert calls_in_flight() == []


def test_requests_on_many_threads(bench: Any) -> None:
    middleware = Middleware(hello, bench.runtime)

    def work() -> None:
        for _ in range(200):
            assert serve(middleware) == [b"hello"]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(row["weight"] for row in bench.facts()) == 800


def test_a_child_lists_its_own_calls_alone(bench: Any) -> None:
    begun, over, counts = threading.Event(), threading.Event(), list[int]()

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/long":
            begun.set()
            assert over.wait(60)
        else:
            child = os.fork()
            if child == 0:
                os._exit(len(calls_in_flight()))
            counts.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            counts.append(len(calls_in_flight()))
        return hello(environ, start)

    middleware = Middleware(app, bench.runtime)
    thread = threading.Thread(target=lambda: serve(middleware, PATH_INFO="/long"))
    thread.start()
    assert begun.wait(60)
    serve(middleware)
    over.set()
    thread.join()
    assert counts == [1, 2]


def fork_in(where: str, raises: bool, children: list[int]) -> Callable[..., Iterator[bytes]]:
    def fork() -> None:
        child = os.fork()
        if child:
            children.append(child)
        elif raises:
            raise SystemExit(7)

    def chunks() -> Iterator[bytes]:
        yield b"one"
        if where == "the body":
            fork()
        yield b"two"

    def app(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        if where == "the application":
            fork()
        start("200 OK", [])
        return chunks()

    return app


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("where", ["the application", "the body"])
def test_a_child_that_comes_back_ends(bench: Any, where: str, raises: bool) -> None:
    children: list[int] = []
    middleware = Middleware(fork_in(where, raises, children), bench.runtime)
    assert serve(middleware) == [b"one", b"two"]
    ((_, status),) = [os.waitpid(each, 0) for each in children]
    assert os.waitstatus_to_exitcode(status) == (7 if raises else 0)
    assert [row["outcome"] for row in bench.facts()] == ["ok"]
