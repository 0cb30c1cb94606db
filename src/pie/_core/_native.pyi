from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

S = TypeVar("S")

# --- the Call, its gates and its record; see the twins ---

class CallFields:
    """Twin: ``pie.model.fields.CallFields``."""

class LogidCounter:
    """Twin: ``pie.model.logid.PythonLogidCounter``."""

    def restart(self, counter: int, clock: object, /) -> None: ...
    def __call__(self) -> str: ...

class GateLock:
    """Twin: ``pie.call.gates.PythonGateLock``."""

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
    def renew(self) -> None: ...

class GateList:
    """Twin: ``pie.call.gates.GateList``."""

    def __init__(self, gates: Iterable[object], lock: GateLock) -> None: ...
    def replace(self, gates: Iterable[object], /) -> None: ...
    @property
    def gates(self) -> tuple[tuple[object, bool], ...]: ...

class Counts:
    """Twin: ``pie.govern.verdicts.PythonCounts``."""

    def count(self, verdict: int, counted: list[Any], /) -> None: ...
    def take_calls(self) -> tuple[int, ...]: ...

class Ruled:
    """Of a gate that has rules; see ``ruled.h``."""

    def __init__(
        self,
        answer: Callable[[Any, float], object],
        refuse: Callable[[Any, Any], object] | None,
        counted: list[Any],
        sets: int = 1024,
    ) -> None: ...

class RoutePlan:
    """Twin: ``pie.govern.route.plan.Plan``."""

    def __init__(
        self, candidates: object, root: object, user_key: str, by_call: bool, tally: Counts | None
    ) -> None: ...

class Times:
    """Twin: ``pie.govern.timeout.Times``."""

    def __init__(self, times: object) -> None: ...

class Decision:
    """Twin: ``pie.govern.access.Decision``."""

    def __init__(
        self, refused: object, note: str | None, counted: tuple[tuple[Counts, int], ...]
    ) -> None: ...

class LevelFields:
    """Twin: ``pie.govern.level.LevelFields``."""

    calls: float
    at: float
    rate: float
    empty: float
    stored: float
    synced: float
    asked: float
    passed: float
    came: float
    part: float
    gone: bool

class Share:
    """Twin: ``pie.govern.share.PythonShare``."""

    part: float

class Limits:
    """What the rules of a rate say of calls."""

    def __init__(self, passing: bool, limits: tuple[Any, ...]) -> None: ...

class Course:
    """Twin: ``pie.call.course.PythonCourse``."""

    gates: GateList
    clock: object
    attempt_gates: GateList | None
    retry: object
    on_attempt: Callable[[Any], object] | None
    def __init__(
        self,
        gates: GateList,
        clock: object,
        attempt_gates: GateList | None = None,
        retry: object = None,
        on_attempt: Callable[[Any], object] | None = None,
    ) -> None: ...

class OpenCall:
    """Twins: ``pie.call.sync.PythonOpenCall`` and the generator of ``pie.call.flow``."""

    def __init__(
        self, call: CallFields, course: object, sleep: Callable[[float], None] | None = None, /
    ) -> None: ...
    def run(self, action: Callable[[Any], Any], /) -> Any: ...
    def start(self) -> bool: ...
    def succeed(self, result: object = None, /) -> bool: ...
    def fail(self, error: BaseException, /) -> bool: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> float | str: ...
    def send(self, value: object, /) -> float | str: ...
    def throw(self, error: BaseException, /) -> float | str: ...
    def close(self) -> None: ...

class CallLog:
    """Twin: ``pie.observe.record.call_log.CallLog``."""

    def __init__(
        self,
        *,
        row: Iterable[object],
        aggregates: Iterable[object],
        env: str,
        version: str,
        location: str,
        who: str,
        per_second: int,
        slow_us: int,
        notable_per_second: int,
        stamp: Callable[[int], str],
        wake: Callable[[], None],
        limit: int,
        prepare: Callable[[], None] | None,
        levels: dict[str, str] = ...,
    ) -> None: ...
    def attach(self, name: str, memory: memoryview, /) -> None: ...
    def attach_halves(self, what: str, memory: memoryview, /) -> None: ...
    def take_half(self, what: str, /) -> tuple[float, bytes, int] | None: ...
    def release_half(self, what: str, half: int, /) -> None: ...
    def begin(self) -> None: ...
    def enter(self, call: CallFields, /) -> None: ...
    def leave(self, call: CallFields, /) -> None: ...
    def record(self, call: CallFields, /) -> None: ...
    def take(self, what: str, /) -> list[tuple[float, bytes]]: ...
    def release(self, name: str, slot: int, /) -> None: ...
    def take_totals(self, name: str, before: float, /) -> list[tuple[Any, int]]: ...
    @property
    def counting(self) -> bool: ...
    @property
    def serving(self) -> int: ...
    @property
    def asking(self) -> int: ...
    @property
    def lost(self) -> int: ...

def new_span_id() -> str: ...
def histogram_bucket(duration_us: int, /) -> int: ...
def setup_call(
    call: type,
    failure: type[Exception],
    kind: type,
    failure_of: Callable[[BaseException, str], Exception],
    /,
) -> None: ...
def setup_context(current_call: object, /) -> None: ...
def setup_clock(clock: object, /) -> None: ...
def setup_gate(name: str, cls: type, /) -> None: ...
def give_readings(
    now: float | None, chances: Iterable[float] | None, wall: float | None = None, /
) -> None:
    """For tests: what policies see of time and chance; see ``base/readings.h``."""

def setup_flow(
    too_long: Callable[[Any, float], Exception], no_wait: Callable[[Any, float], Exception], /
) -> None: ...

class Program:
    """A struct class compiled, as its ``_pie_program``."""

    @property
    def plain(self) -> bool: ...

def encode(value: object, /, *, protocol: str = ..., max_depth: int = ...) -> bytes: ...
def encode_into(
    out: bytearray, value: object, /, *, protocol: str = ..., max_depth: int = ...
) -> None: ...
def decode(
    cls: type[S],
    data: bytes | bytearray | memoryview,
    /,
    offset: int = ...,
    *,
    protocol: str = ...,
    max_depth: int = ...,
    decoded_limit: int = ...,
) -> S: ...

class Speaker:
    """A protocol as one server speaks it."""

class ThriftServer(Speaker):
    """A Thrift service that a loop serves; see pie.rpc.server."""

    def __init__(self, plan: Any, /) -> None:
        """From a ``pie.rpc.server.native_server.ServerPlan``."""

    @property
    def pending(self) -> int: ...

class HttpServer(Speaker):
    """A WSGI application that a loop serves; see pie.web.server."""

    def __init__(self, plan: Any, /) -> None:
        """From a ``pie.web.server.native_http.HttpPlan``."""

class Loop:
    """The loop of a server; see pie.loop."""

    def __init__(self, plan: Any, /) -> None:
        """From a ``pie.loop.native_loop.LoopPlan``."""

    def work(self) -> None: ...
    def refuse(self) -> None: ...
    def turn(self) -> bool: ...
    def fileno(self) -> int: ...
    def drain(self, seconds: float, /) -> None: ...
    def hold_elsewhere(self, held: int, /) -> None: ...
    @property
    def held(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def threads(self) -> int: ...

class Pending:
    """A request whose handler runs on an asyncio loop."""

    def finish(self, task: object, /) -> None: ...

def serving() -> list[CallFields]:
    """The calls that servers of this process are answering."""

def setup_metadata(hooks: Any, /) -> None:
    """Give C its ``pie.rpc.server.native_server.MetadataHooks``."""

# --- the client's fast path; see pie.rpc.client.fast_path ---

class ConnectionState:
    """Twin: ``pie.rpc.client.connection.ConnectionState``."""

    fd: int
    sent: int
    used: bool
    reusable: bool
    idle_since: float
    unanswered: list[tuple[int, str]] | None

class FastPath:
    """Twin: ``pie.rpc.client.fast_path.TwinCaller``."""

    def __init__(self, channel: object, service: type, twin: Callable[..., Any], /) -> None: ...
    def __call__(self, name: str, /, *args: Any) -> Any: ...
    @property
    def channel(self) -> Any: ...

def client_methods(plans: list[Any], /) -> object:
    """The methods of a service, from its ``pie.rpc.wire.native_methods.MethodPlan``s."""

def setup_fast_path(hooks: Any, /) -> None:
    """Give C a ``pie.rpc.client.fast_path.FastPathHooks``."""

def renew_plans() -> None:
    """Have every fast path get a new plan before its next call: this process was set up anew."""

# --- the Call around a WSGI application; see pie.web.wsgi ---

class Middleware:
    """Twin: ``pie.web.wsgi.PythonMiddleware``."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        runtime: Any,
        edge: Any = None,
        *,
        method: str = "",
    ) -> None: ...
    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]: ...

class Response:
    """Twin: ``pie.web.response.PythonResponse``; see ``pie.web.unusual.Answering``."""

    call: CallFields
    environ: dict[str, Any]
    input: Any
    server_start: Callable[..., Any]
    process: int
    body: Any
    error: BaseException | None
    late: BaseException | None
    length: int
    started: bool
    done: bool
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...
    def end(self) -> None: ...

def answering() -> list[tuple[CallFields, int]]:
    """The calls that WSGI applications of this process are answering, with the identifiers of the
    threads that worked on them last."""

def setup_web(hooks: Any, /) -> None:
    """Give C its ``pie.web.native_hooks.WebHooks``."""

# --- HTTP: for tests, which need no socket then ---

def http_head(
    data: bytes, line: int, head: int, fields: int, cuts: tuple[int, ...], /
) -> dict[str, Any] | tuple[int, str] | None:
    """The head at the front, read at each of the cuts and then whole, or why it is refused; None
    for a partial one; see ``http/head.h``."""

def http_chunks(
    parts: tuple[bytes, ...], most: int, /
) -> tuple[bytes, int | None] | tuple[int, str]:
    """The body, and after how many bytes it ends, or None; or why it is refused; see
    ``http/chunks.h``."""

def http_head_rounds(data: bytes, rounds: int, /) -> int:
    """How often a head was read whole: for measuring."""

def http_proxy(data: bytes, /) -> tuple[str, int, str]:
    """State, size, and the peer or why it is refused; see ``http/proxy.h``."""

def http_trusts(networks: tuple[str, ...], peer: str, /) -> bool:
    """Twin: ``pie.web.peers.TrustedPeers``; see ``http/networks.h``."""

def http_environ(
    fixed: dict[str, Any],
    head: bytes,
    peer: str,
    body: object,
    received: float,
    body_size: int,
    trusted: tuple[str, ...],
    rounds: int,
    /,
) -> dict[str, Any]:
    """The environ of a head, made that many times; see ``http/environ.h``."""

# --- the module itself ---

def after_fork() -> None:
    """In a forked child: give up what belongs to the parent. ``pie.model.fork`` calls it."""

def contract() -> dict[str, dict[str, str | int]]:
    """{dotted name: {field: kind or number}}; see ``base/named.h``."""
