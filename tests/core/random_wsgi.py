"""Random requests, applications and servers of WSGI, and what one twin makes of them."""

import gc
import io
from collections.abc import Callable, Iterator
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple
from wsgiref.util import FileWrapper

from pie.call import Course, Gates
from pie.model import SYSTEM_CLOCK, Call, Failure, Kind, current_call
from pie.model.fields import CallFields
from pie.web.peers import TrustedPeers
from pie.web.wsgi import Edge

LOGID = "2017041721432901000304821652640c"
TIMES = {"received", "queued", "started", "start", "attempt_start", "end"}
ERRORS: list[Callable[[], BaseException]] = [
    lambda: ValueError("a bug"), lambda: KeyError("missing"), lambda: SystemExit(3),
    KeyboardInterrupt, GeneratorExit, StopIteration,
    lambda: StopIteration(5), lambda: ConnectionError("gone"), BrokenPipeError,
    lambda: Failure(Kind.CONFLICT, "taken"), lambda: Failure(Kind.BUSINESS, "sold out", code=7),
    lambda: Failure(Kind.UNAVAILABLE, "away", never_sent=True), lambda: RuntimeError("\ud800"),
]  # fmt: skip


class Text(str):
    """No exact str."""


class Scenario(NamedTuple):
    """What happens: all that is random is decided by ``seed``, the same way for every twin."""

    environ: dict[Any, Any]
    edge: Edge
    method: str
    seed: int


def scenario(random: Random) -> Scenario:
    """A random request and the seed of what becomes of it."""
    trusted = TrustedPeers(random.choice([(), ("127.0.0.0/8",), ("unix",)]))
    query = random.choice(["none", "keys", "keys", "values"])
    return Scenario(
        environ(random), Edge(trusted, query), random.choice(["", "(unmatched)"]),
        random.randrange(1 << 30),
    )  # fmt: skip


# --- Requests. ---


def some_text(random: Random) -> str:
    plain = "abcXYZ019/:@!$'()+,-._~"
    alphabet = random.choice([plain, plain, plain + "=&", plain + '%#?"\x00\xff ', "ü&=\u20ac"])
    size = random.choice([0, 1, 5, 20, 64, 65, 300, 498, 499, 500, 600])
    return "".join(random.choice(alphabet) for _ in range(size))


def some_query(random: Random) -> str:
    pairs = random.choice([1, 2, 3, 32, 33, 40])
    keys = ["a", "", "token", "k" * 64, "k" * 65, "ü", "a b", "%41"]
    values = ["=1", "=", "", "=x=y", "=" + "v" * 70]
    return "&".join(random.choice(keys) + random.choice(values) for _ in range(pairs))


def some_trace(random: Random) -> str:
    trace = random.choice([LOGID, "4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32, "A" * 32, "f" * 31])
    span = random.choice(["00f067aa0ba902b7", "0" * 16, "00F067AA0BA902B7"])
    flags = random.choice(["00", "01", "03", "ff", "0g", "1"])
    version = random.choice(["00", "00", "00", "01", "ff", "0"])
    rest = random.choice(["", "", "", "-more", " "])
    return f"{version}-{trace}-{span}-{flags}{rest}"


def odd(random: Random, value: Any) -> Any:
    """Mostly the value; else one that no server gives."""
    others: list[Any] = [None, "", 0, 7, True, b"bytes", Text("text"), Text(""), "ü", "\ud800", 1.5]
    return random.choice(others) if random.random() < 0.06 else value


def environ(random: Random) -> dict[Any, Any]:
    """Of a request, not always of a sound server."""
    logids = [LOGID, LOGID.upper(), "0" * 32, "-", "foreign", "02" + "1" * 40, "\xff", " " + LOGID]
    lengths = ["0", "", "4", "4", "5", "10", "-1", "x", "9" * 18, "9" * 19, "٣", " 4"]
    given: dict[str, Callable[[], Any]] = {
        "REQUEST_METHOD": lambda: random.choice(["GET", "GET", "POST", "HEAD", "", "ü"]),
        "REMOTE_ADDR": lambda: random.choice(["127.0.0.1", "10.0.0.1", "::1", "", "x"]),
        "REMOTE_PORT": lambda: random.choice(["80", "", 80, 0, 65535]),
        "SCRIPT_NAME": lambda: random.choice(["", "", "/api", some_text(random)]),
        "PATH_INFO": lambda: random.choice(["/", "/a/b", some_text(random)]),
        "QUERY_STRING": lambda: random.choice(["", "a=1", some_query(random), some_text(random)]),
        "CONTENT_LENGTH": lambda: random.choice(lengths),
        "pie.received": lambda: random.choice([0.0, 1.5]),
        "HTTP_X_TT_LOGID": lambda: random.choice(logids),
        "HTTP_TRACEPARENT": lambda: some_trace(random),
        "HTTP_TRACESTATE": lambda: random.choice(["", "a=1", "A=1", "a=1,b=2"]),
        "HTTP_RPC_PERSIST_A_B": lambda: random.choice(["v", "ü", "x" * 2000]),
        "HTTP_RPC_TRANSIT_C": lambda: "w",
        "HTTP_RPC_OTHER": lambda: "w",
        "HTTP_PIE_TO": lambda: random.choice(["a.b.c", "a.b.c/i", "a.b.c/other", "d.e.f", "\x00"]),
        "HTTP_TRANSFER_ENCODING": lambda: "chunked",
        "HTTP_UPGRADE": lambda: random.choice(["websocket", "WebSocket", "h2c"]),
        "wsgi.file_wrapper": lambda: FileWrapper,
        "wsgi.input_terminated": lambda: True,
        "uwsgi.version": lambda: b"2",
    }
    usual = ("REQUEST_METHOD", "PATH_INFO", "REMOTE_ADDR")
    rare = ("HTTP_TRANSFER_ENCODING", "HTTP_PIE_TO", "uwsgi.version")
    made: dict[Any, Any] = {}
    for name, make in given.items():
        chance = 0.95 if name in usual else 0.08 if name in rare else 0.35
        if random.random() < chance:
            made[name] = odd(random, make())
    made["wsgi.input"] = io.BytesIO(b"body")
    return made


# --- Applications and servers. ---


class World:
    """One run of a scenario: an application and a server, whose acts and events are noted."""

    def __init__(self, plan: Scenario) -> None:
        self._random = Random(plan.seed)
        self.events: list[Any] = []
        self.ended: list[Any] = []

    def note(self, *event: Any) -> None:
        self.events.append(event)

    def app(self, environ: dict[str, Any], start: Any) -> Any:
        call = current_call.get()
        assert call is not None
        self.note("call", call.side, call.method, call.path)
        if self._random.random() < 0.3:
            call.method = "named"
        if self._random.random() < 0.15:
            self.note("read", self._attempt(environ["wsgi.input"].read))
        self._act(environ, start)
        return self._body(environ, start)

    def _attempt(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            if self._random.random() < 0.5:
                raise
            return told(error)

    def _act(self, environ: dict[str, Any], start: Any) -> None:
        """Some steps of an application, most of which start an answer once."""
        random = self._random
        for _ in range(random.choice([1, 1, 1, 1, 0, 2, 3])):
            step = random.random()
            if step < 0.75:
                self._start(start)
            elif step < 0.8:
                environ["pie.error"] = random.choice([random.choice(ERRORS)(), "text", None])
                self._start(start)
            elif step < 0.85:
                raise random.choice(ERRORS)()
            elif step < 0.9:
                environ.clear()
            else:
                self._start(start, "named")

    def _start(self, start: Any, how: str = "") -> None:
        random = self._random
        status: Any = random.choice(
            ["200 OK"] * 6 + ["204 None", "304 Same", "101 Up", "404 Lost", "500 Oops", "503 Away"]
        )
        if random.random() < 0.05:
            status = random.choice(
                ["fine", 200, "20", "2x0 A", Text("201 A"), " 20", b"200 OK", "٣٣٣ A"]
            )
        headers: Any = [("Content-Type", "text/plain"), ("A", "b")]
        if random.random() < 0.3:
            headers += random.choice([
                [("Content-Length", "4")], [("content-length", "x")], [("CONTENT-LENGTH", 4)],
                [("X-TT-Logid", "its")], [("pie-unsent", "1"), ("PIE-UNSENT", "2")], [("ü", "x")],
                [["list", "x"]], [(Text("Text"), "x")], [("one",)], [("Content-Length", "٣")],
                [("X-Tt\x0cLogid", "x")], [(b"bytes-name", b"x")],
            ])  # fmt: skip
        if random.random() < 0.1:
            headers = random.choice([tuple(headers), iter(headers), None, {}, 7])
        arguments: dict[str, Any] = {}
        if random.random() < 0.15:
            error = random.choice(ERRORS)()
            arguments["exc_info"] = (type(error), error, None)
        if random.random() < 0.05:
            arguments["exc_info"] = None

        def act() -> Any:
            write = (
                start(status=status, headers=headers, **arguments)
                if how
                else start(status, headers, *arguments.values())
            )
            if random.random() < 0.15:
                self.note("written", write(random.choice([b"", b"four", "text", None])))

        self._attempt(act)

    def _body(self, environ: dict[str, Any], start: Any) -> Any:
        random = self._random
        kind = random.choice(["list", "list", "tuple", "generator", "object", "odd", "file"])
        chunks: list[Any] = [b"one", b"", b"three"][: random.randint(0, 3)]
        if random.random() < 0.1:
            chunks.append(random.choice(["text", None, 7, bytearray(b"x"), FunnyBytes(b"xyz")]))
        if kind == "list":
            return chunks
        if kind == "tuple":
            return tuple(chunks)
        if kind == "generator":
            return self._generate(chunks, environ, start)
        if kind == "object":
            return Body(self, chunks)
        wrap = environ.get("wsgi.file_wrapper")
        if kind == "file" and callable(wrap):
            return wrap(io.BytesIO(b"content" * random.randint(0, 3)), random.choice([4, 8192]))
        return random.choice([None, b"whole", "text", 7, {}, {b"a": 1}, Body])

    def _generate(self, chunks: list[Any], environ: Any, start: Any) -> Iterator[Any]:
        random = self._random
        try:
            if random.random() < 0.3:
                self._act(environ, start)
            for each in chunks:
                yield each
                if random.random() < 0.1:
                    self._act(environ, start)
                    assert current_call.get() is not None
        finally:
            self.note("generator ends")
            if random.random() < 0.1:
                raise random.choice(ERRORS)()

    def serve(self, middleware: Any, environ: dict[str, Any]) -> None:
        """What a server does with a request."""
        random, body = self._random, None
        most = random.choice([99, 99, 99, 0, 1, 2])
        try:
            body = middleware(environ, self._server_start)
            self.note("body", type(body).__name__ in ("Response", "PythonResponse"))
            for at, chunk in enumerate(body):
                self.note("chunk", bytes(chunk))
                if at >= most:
                    break
        except BaseException as error:
            self.note("raised", told(error))
        for _ in range(random.choice([1, 1, 1, 1, 0, 2])):
            try:
                if hasattr(body, "close"):
                    body.close()  # type: ignore[union-attr]
            except BaseException as error:
                self.note("close raised", told(error))
        assert current_call.get() is None

    def _server_start(self, status: Any, headers: Any, exc_info: Any = None) -> Any:
        self.note("start", status, repr(headers), exc_info and told(exc_info[1]))
        random = self._random.random()
        if random < 0.03:
            raise AssertionError("headers are sent")
        return None if random < 0.06 else lambda data: self.note("write", data)


class FunnyBytes(bytes):
    """No exact bytes."""


class Body:
    """An iterable that breaks where it likes."""

    def __init__(self, world: Any, chunks: Any) -> None:
        self._world, self._random, self._left = world, world._random, list(chunks)
        if self._random.random() < 0.2:
            self.close = None  # type: ignore[method-assign, assignment]

    def _may_break(self, chance: float) -> None:
        if self._random.random() < chance:
            raise self._random.choice(ERRORS)()

    def __iter__(self) -> Any:
        self._may_break(0.1)
        return self

    def __next__(self) -> Any:
        self._may_break(0.1)
        if not self._left:
            raise StopIteration
        return self._left.pop(0)

    def close(self) -> None:
        self._world.note("closed")
        self._may_break(0.2)


def told(error: BaseException | None) -> Any:
    """An exception, to be compared."""
    return error and (type(error).__name__, ascii(error), type(error.__cause__).__name__)


# --- Running it. ---


class Watch:
    """A gate that gives a call its names, and notes how it ended; it rejects some."""

    def __init__(self, world: World, rejects: BaseException | None) -> None:
        self._world = world
        self._rejects = rejects

    def enter(self, call: Call) -> None:
        call.logid = call.logid or "f" * 32
        self._world.note("enter", call.method, current_call.get())
        if self._rejects is not None:
            raise self._rejects

    def leave(self, call: Call) -> None:
        values = {
            name: told(value) if isinstance(value, BaseException) else repr(value)
            for name in CallFields.__slots__
            if name not in TIMES
            for value in [getattr(call, name)]
        }
        self._world.ended.append((values, call.received))


class Outer:
    """A gate before all others: it sees a rejected call, too."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        self._watch.leave(call)


def run(twin: Any, plan: Scenario) -> dict[str, Any]:
    """All that can be seen of a scenario run by a twin."""
    world = World(plan)
    random = Random(plan.seed + 1)
    rejects = random.choice(ERRORS)() if random.random() < 0.05 else None
    watch = Watch(world, rejects)

    def server(reply: Any) -> Course:
        return Course(Gates([Outer(watch), *reply, watch]), SYSTEM_CLOCK)

    runtime = SimpleNamespace(
        identity=SimpleNamespace(psm="a.b.c", cluster="default", instance="i"),
        policies=SimpleNamespace(server=server),
    )
    environ = dict(plan.environ)
    environ["wsgi.input"] = io.BytesIO(b"body")
    world.serve(twin(world.app, runtime, plan.edge, method=plan.method), environ)
    shown = {repr(key): type(value).__name__ for key, value in environ.items()}
    environ.clear()
    # A response that nobody closed ends with its last reference, and so do generators.
    gc.collect()
    return {"events": world.events, "ended": world.ended, "environ": shown}
