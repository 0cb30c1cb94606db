"""The client's hot path in C (``lane.c``), and what it asks of Python.

A lane makes the ordinary call: no options in force, a connection for each call in flight, no TLS, a
reply that is a value. For everything else it calls the twin, which is the channel. Both take their
connections from the same pools and say the same of what goes wrong.
"""

from collections.abc import Callable
from typing import Any

import pie.call.runtime
from pie._core import native
from pie.model import Call, Endpoint, Failure
from pie.rpc.client import exclusive
from pie.rpc.client.binding import Bound
from pie.rpc.client.channel import Channel, attempt
from pie.rpc.client.exclusive_pool import InstancePool
from pie.rpc.client.options import current_options
from pie.rpc.client.pool import Instance, shared_pool
from pie.rpc.wire.conversation import Answer, native_way, read_answer
from pie.rpc.wire.conversation import unwritable as unwritable_failure
from pie.rpc.wire.native_methods import method_plans
from pie.rpc.wire.refusal import Stale, no_reply
from pie.thrift import CodecError, Frame, FrameError, FrameSplitter, Method, Service

Caller = Callable[..., Any]
_METHODS = "_pie_client_methods"
"""Where a service keeps what C knows of its methods."""


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
    """What the methods of a client call."""
    twin = TwinCaller(channel, service)
    if native is None:
        return twin
    lane: Caller = native.Lane(channel, service, twin)
    return lane


# --- What C asks for. ---


def methods(service: type[Service]) -> Any:
    """The service's methods as C knows them."""
    found = service.__dict__.get(_METHODS)
    if found is None:
        assert native is not None
        found = native.client_methods(method_plans(service))
        setattr(service, _METHODS, found)
    return found


def plan(channel: Channel) -> tuple[Any, ...]:
    """What is true of a channel's calls until its process is set up anew or its file changes."""
    bound = channel.bound()
    callee, runtime, link = bound.callee, bound.runtime, bound.callee.link
    who, limits = runtime.identity, link.limits
    return (
        link.tls is None and not link.multiplex,
        runtime,
        bound,
        bound.course,
        callee.places or runtime.directory.view(callee.psm),
        callee.said or None,
        who.psm,
        who.cluster,
        callee.psm,
        callee.cluster,
        who.host,
        bound.pin,
        callee.timeout,
        bound.next_look,
        limits.max_idle,
        limits.idle_seconds,
        exclusive.LOOK_AFTER_SECONDS,
    )


def port(bound: Bound, endpoint: Endpoint) -> tuple[Instance | None, int, int]:
    """How an endpoint is reached: its connections, and the numbers of its transport and protocol.
    No connections = not by C."""
    way = native_way(endpoint)
    if way is None:
        return None, 0, 0
    instance = shared_pool.of(bound.target(endpoint))
    return (instance if isinstance(instance, InstancePool) else None, *way)


def twin(call: Call, method: Method, args: tuple[Any, ...], bound: Bound) -> Answer:
    """A whole attempt."""
    return attempt(call, method, method.args(*args), bound)


def unwritable(call: Call, method: Method, error: Exception) -> None:
    """Raise what is to be said of arguments that cannot be encoded."""
    raise unwritable_failure(call, method, error) if isinstance(error, CodecError) else error


def read(call: Call, method: Method, frame: Frame | bytes, seqid: int, bound: Bound) -> Answer:
    """What an unusual reply says."""
    if isinstance(frame, bytes):
        splitter = FrameSplitter()
        splitter.feed(frame)
        try:
            taken = splitter.take()
        except FrameError as error:
            raise no_reply(call, error) from None
        if taken is None:
            raise no_reply(call, "its frame is shorter than it says")
        frame = taken
    bound.answered = True
    return read_answer(call, method, frame, seqid)


def failed(call: Call, bound: Bound, error: BaseException) -> None:
    """Add to a failure what may be behind it."""
    if isinstance(error, Failure) and call.target is not None:
        bound.explain(call, call.target, error)


if native is not None:
    native.setup_lane(globals(), methods, current_options, vars(pie.call.runtime), Stale, Answer)
