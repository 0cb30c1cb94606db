"""Thrift on the loop in C: how it is made, and the functions that it calls.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from pie.call import Course
from pie.loop.crowd import Crowd
from pie.loop.native_loop import LoopLimits
from pie.model import Chain, addressee
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.options import ServerOptions
from pie.rpc.server.threaded import Connections
from pie.rpc.wire.business import BusinessError
from pie.rpc.wire.metadata import identity, name_from_peer
from pie.rpc.wire.native_methods import MethodPlan, method_plans
from pie.thrift import FrameSplitter, StructException, ThriftError, served_names


class ServerHooks(NamedTuple):
    """Functions that C calls; see the methods of ``NativeServer``."""

    adopt: Callable[[int, str, bytes], None]
    complain: Callable[[str, bytes], None]
    start_handler: Callable[[str, tuple[Any, ...], Any], None] | None


class ServerTwin(NamedTuple):
    """Methods of the ``Dispatcher``, which answers what C does not."""

    answer_bytes: Callable[..., Any]
    refuse: Callable[..., Any]
    misdirect: Callable[..., Any]
    unreadable: Callable[..., Any]
    raised: Callable[..., Any]
    fill: Callable[..., Any]
    reply: Callable[..., Any]
    failed: Callable[..., Any]


class ServerPlan(NamedTuple):
    """What a ``_native.ThriftServer`` is made of.

    Attributes:
        handler: the object whose methods C calls.
        names: that a message may put before the name of its method.
        addressee: of requests that are for this process, if they say for whom they are.
        answers: classes of exceptions that may be answers.
        frame_limit: bytes of one message.
        decoded_limit: bytes of memory that the arguments of one request may take.
        max_pending: requests that may be on the asyncio loop; 0 = handlers run on threads.
    """

    handler: Any
    methods: list[MethodPlan]
    course: Course
    twin: ServerTwin
    hooks: ServerHooks
    names: tuple[str, ...]
    psm: str
    cluster: str
    addressee: str
    answers: tuple[type[Exception], ...]
    frame_limit: int
    decoded_limit: int
    idle_timeout: float
    transfer_timeout: float
    max_pending: int


class MetadataHooks(NamedTuple):
    """Functions for the rare cases of metadata, which C leaves to Python."""

    name_from_peer: Callable[[str], str]
    identity: Callable[[str, str], Chain]


class NativeServer:
    """A ``_native.ThriftServer`` and its hooks: Thrift as one server speaks it.

    Args:
        native: the extension.
        handler: the object whose methods C calls.
        dispatcher: answers what C does not.
        course: of every call.
        options: bounds.
        crowd: counts what connections hold that C gives away.
        start_handler: starts a handler on the asyncio loop; None = handlers run on threads.
    """

    def __init__(
        self,
        native: ModuleType,
        handler: Any,
        dispatcher: Dispatcher,
        course: Course,
        options: ServerOptions,
        crowd: Crowd,
        start_handler: Callable[[str, tuple[Any, ...], Any], None] | None = None,
    ) -> None:
        self._options = options
        self._complaints = dispatcher.complaints
        # THeader has no loop in C: its connections get a thread each.
        self._threaded = Connections(dispatcher, options, crowd)
        native.setup_metadata(MetadataHooks(name_from_peer, identity))
        self.native = native.ThriftServer(
            ServerPlan(
                handler=handler,
                methods=method_plans(dispatcher.service),
                course=course,
                twin=_twin(dispatcher),
                hooks=ServerHooks(
                    adopt=self.adopt, complain=self.complain, start_handler=start_handler
                ),
                names=served_names(dispatcher.service),
                psm=dispatcher.identity.psm,
                cluster=dispatcher.identity.cluster,
                addressee=addressee(dispatcher.identity.psm, dispatcher.identity.instance),
                answers=(StructException, BusinessError),
                frame_limit=options.frame_limit,
                decoded_limit=options.decoded_limit,
                idle_timeout=options.idle_timeout,
                transfer_timeout=options.transfer_timeout,
                max_pending=0 if start_handler is None else options.max_in_flight,
            )
        )

    def begin_drain(self) -> None:
        """The loop has begun to drain."""
        self._threaded.drain.begin()

    def finish(self, seconds: float) -> None:
        """End within so many seconds the connections that C gave away."""
        self._threaded.finish(seconds)

    def adopt(self, descriptor: int, peer: str, received: bytes) -> None:
        """A connection whose transport C does not speak."""
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(True)
        self._threaded.open(sock, peer, received)

    def complain(self, peer: str, data: bytes) -> None:
        """A connection was closed because of a message that begins with these bytes."""
        splitter = FrameSplitter(self._options.frame_limit)
        splitter.feed(data)
        try:
            whole = splitter.take() is not None
            reason = (
                "the message in the frame cannot be read"
                if whole
                else f"a message that cannot be read, or of more than "
                f"{self._options.frame_limit} bytes"
            )
        except ThriftError as error:
            reason = str(error)
        self._complaints.closed.warning("closed the connection of %s: %s", peer, reason)


def limits_of(options: ServerOptions) -> LoopLimits:
    """The bounds of the loop of a server."""
    return LoopLimits(
        write_limit=options.write_limit,
        buffer_limit=options.held_limit,
        max_connections=options.max_connections,
        max_threads=options.max_threads,
        overload_timeout=options.overload_timeout,
    )


def _twin(dispatcher: Dispatcher) -> ServerTwin:
    return ServerTwin(
        answer_bytes=dispatcher.answer_bytes,
        refuse=dispatcher.refuse,
        misdirect=dispatcher.misdirect,
        unreadable=dispatcher.unreadable,
        raised=dispatcher.raised,
        fill=dispatcher.fill,
        reply=dispatcher.reply,
        failed=dispatcher.failed,
    )
