"""The client's fast path in C (``client/fast_path.c``), and the functions that it calls.

The fast path makes the ordinary call: no options in force, a connection for each call in flight, no
TLS, a reply that is a value. It leaves every other call to the twin, which is the channel. Both
take their connections from the same pools and raise the same failures.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from pie._core import native
from pie.call import Course
from pie.model import Call, Endpoint, Failure, trace_id_of
from pie.rpc.client import connection
from pie.rpc.client.binding import Bound
from pie.rpc.client.channel import Channel, attempt
from pie.rpc.client.exclusive_pool import InstancePool
from pie.rpc.client.options import Options, current_options
from pie.rpc.client.pool import shared_pool
from pie.rpc.wire.conversation import Answer, native_way, read_answer
from pie.rpc.wire.conversation import unwritable as unwritable_failure
from pie.rpc.wire.native_methods import method_plans
from pie.rpc.wire.refusal import Stale, no_reply
from pie.state.registry.view import View
from pie.thrift import CodecError, Frame, FrameError, FrameSplitter, Method, Service

Caller = Callable[..., Any]
_METHODS = "_pie_client_methods"
"""Attribute of a service that keeps its methods as C knows them."""


class ClientPlan(NamedTuple):
    """What is true of a client's calls until its process is set up anew or its file changes.

    Attributes:
        usable: calls may take the fast path.
        bound: the client, for ``port``, ``twin``, ``read`` and ``failed``.
        course: gates and attempts of its calls.
        source: the endpoints, or the view that has them.
        note: first note of each call; None = none.
        caller, caller_cluster, host: this process.
        callee, callee_cluster: whom it calls.
        service: the name of that in the IDL.
        timeout, usual_timeout: see ``Callee``; NaN = none.
        next_look: when the file is to be looked at again (monotonic seconds; inf = never).
        max_idle: idle connections that are kept for each instance.
        idle_seconds: for how long.
        look_after: a connection is polled before it is used if it was idle for so many seconds.
    """

    usable: bool
    bound: Bound
    course: Course
    source: tuple[Endpoint, ...] | View
    note: str | None
    caller: str
    caller_cluster: str
    callee: str
    callee_cluster: str
    service: str
    host: str
    pin: str
    timeout: float
    usual_timeout: float
    next_look: float
    max_idle: int
    idle_seconds: float
    look_after: float


class Port(NamedTuple):
    """How an endpoint is reached.

    Attributes:
        pool: its connections; None = not by C.
        transport, protocol: their numbers in ``frame.h`` and ``codec.h``.
        addressee: whom requests name as the one that they are for; empty = nobody.
        keeps_quiet: see ``Target``.
    """

    pool: InstancePool | None
    transport: int
    protocol: int
    addressee: str
    keeps_quiet: bool


class FastPathHooks(NamedTuple):
    """What C gets of Python. The functions are those of this module.

    Attributes:
        options: options of single calls; with any in force the twin makes the call.
        stale: raised when a connection had been closed before it was used again.
        stale_note: what the call notes then.
        answer: class of the answers of ``twin`` and ``read``.
    """

    methods: Callable[[type[Service]], Any]
    plan: Callable[[Channel], ClientPlan]
    port: Callable[[Call, Bound, Endpoint], Port]
    twin: Callable[[Call, Method, tuple[Any, ...], Bound], Answer]
    unwritable: Callable[[Call, Method, Exception], None]
    read: Callable[[Call, Method, Frame | bytes, int, Bound], Answer]
    failed: Callable[[Call, Bound, BaseException], None]
    trace_id: Callable[[str], str]
    options: ContextVar[Options | None]
    stale: type[Stale]
    stale_note: str
    answer: type[Answer]


class TwinCaller:
    """Makes calls by a channel: given a method's name on the wire and its arguments."""

    __slots__ = ("_methods", "channel")

    def __init__(self, channel: Channel, service: type[Service]) -> None:
        self.channel = channel
        self._methods = service.methods

    def __call__(self, name: str, *args: Any) -> Any:
        method = self._methods[name]
        return self.channel.invoke(method, method.args(*args))


def caller(channel: Channel, service: type[Service]) -> Caller:
    """The callable that a client's methods call."""
    twin = TwinCaller(channel, service)
    if native is None:
        return twin
    fast_path: Caller = native.FastPath(channel, service, twin)
    return fast_path


# --- Called by C. ---


def methods(service: type[Service]) -> Any:
    """The service's methods as C knows them."""
    found = service.__dict__.get(_METHODS)
    if found is None:
        assert native is not None
        found = native.client_methods(method_plans(service))
        setattr(service, _METHODS, found)
    return found


def plan(channel: Channel) -> ClientPlan:
    """The plan of a channel's calls as they stand now."""
    bound = channel.bound()
    callee, runtime, link = bound.callee, bound.runtime, bound.callee.link
    who, limits = runtime.identity, link.limits
    return ClientPlan(
        usable=link.tls is None and not link.multiplex,
        bound=bound,
        course=bound.course,
        source=callee.endpoints or runtime.directory.view(callee.psm),
        note=callee.source or None,
        caller=who.psm,
        caller_cluster=who.cluster,
        callee=callee.psm,
        callee_cluster=callee.cluster,
        service=bound.service,
        host=who.host,
        pin=bound.pin,
        timeout=math.nan if callee.timeout is None else callee.timeout,
        usual_timeout=math.nan if callee.usual_timeout is None else callee.usual_timeout,
        next_look=bound.next_look,
        max_idle=limits.max_idle,
        idle_seconds=limits.idle_seconds,
        look_after=connection.LOOK_AFTER_SECONDS,
    )


def port(call: Call, bound: Bound, endpoint: Endpoint) -> Port:
    """How the endpoint of a call is reached."""
    way = native_way(endpoint)
    if way is None:
        return Port(None, 0, 0, "", keeps_quiet=False)
    target = bound.target(endpoint)
    pool = shared_pool.of(target)
    return Port(
        pool if isinstance(pool, InstancePool) else None,
        *way,
        addressee=bound.addressee(call, endpoint),
        keeps_quiet=target.keeps_quiet,
    )


def twin(call: Call, method: Method, args: tuple[Any, ...], bound: Bound) -> Answer:
    """A whole attempt."""
    return attempt(call, method, method.args(*args), bound)


def unwritable(call: Call, method: Method, error: Exception) -> None:
    """Raise the Failure for arguments that do not match the IDL."""
    raise unwritable_failure(call, method, error) if isinstance(error, CodecError) else error


def read(call: Call, method: Method, frame: Frame | bytes, seqid: int, bound: Bound) -> Answer:
    """The answer in an unusual reply."""
    if isinstance(frame, bytes):
        splitter = FrameSplitter()
        splitter.feed(frame)
        try:
            taken = splitter.take()
        except FrameError as error:
            raise no_reply(call, error) from None
        if taken is None:
            raise no_reply(call, "its frame is shorter than its length says")
        frame = taken
    bound.answered = True
    return read_answer(call, method, frame, seqid)


def failed(call: Call, bound: Bound, error: BaseException) -> None:
    """Add to a failure what may be behind it."""
    if isinstance(error, Failure) and call.target is not None:
        bound.explain(call, call.target, error)


if native is not None:
    native.setup_fast_path(
        FastPathHooks(
            methods=methods,
            plan=plan,
            port=port,
            twin=twin,
            unwritable=unwritable,
            read=read,
            failed=failed,
            trace_id=trace_id_of,
            options=current_options,
            stale=Stale,
            stale_note=Stale.note,
            answer=Answer,
        )
    )
