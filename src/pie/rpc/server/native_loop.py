"""The common part of both loops in C: how they are made, and the functions that they call.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

import os
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from pie.call import Course
from pie.model import Chain, addressee, after_fork, end_forked_child
from pie.rpc.server.crowd import Crowd
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.options import ServerOptions
from pie.rpc.server.threaded import Connections
from pie.rpc.wire.business import BusinessError
from pie.rpc.wire.metadata import identity, name_from_peer
from pie.rpc.wire.native_methods import MethodPlan, method_plans
from pie.thrift import FrameSplitter, StructException, ThriftError, served_names

CUT_SECONDS = 0.3
"""A drain that is over has cut the last connections by then; only handlers that hang are left."""


class LoopLimits(NamedTuple):
    """Bounds of a loop; see ``ServerOptions``."""

    frame_limit: int
    write_limit: int
    buffer_limit: int
    max_connections: int
    max_threads: int
    idle_timeout: float
    transfer_timeout: float
    overload_timeout: float


class ServerHooks(NamedTuple):
    """Functions of a loop that C calls; see the methods of ``NativeLoop`` and its subclasses."""

    adopt: Callable[[int, str, bytes], None]
    complain: Callable[[str, bytes], None]
    refused: Callable[[str], None]
    cannot_accept: Callable[[int], None]
    crowded: Callable[[str, int], None]
    backlog_served: Callable[[], None]
    spawn: Callable[[], bool] | None
    start_handler: Callable[[str, tuple[Any, ...], Any], None] | None
    end_forked_child: Callable[[], None]


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
    """What a ``_native.Server`` is made of.

    Attributes:
        listener: descriptor of a listening socket.
        handler: the object whose methods C calls.
        names: that a message may put before the name of its method.
        addressee: of requests that are for this process, if they say for whom they are.
        answers: classes of exceptions that may be answers.
        decoded_limit: bytes of memory that the arguments of one request may take.
        max_pending: requests that may be on the asyncio loop; 0 = handlers run on threads.
    """

    listener: int
    handler: Any
    methods: list[MethodPlan]
    course: Course
    twin: ServerTwin
    hooks: ServerHooks
    limits: LoopLimits
    names: tuple[str, ...]
    psm: str
    cluster: str
    addressee: str
    answers: tuple[type[Exception], ...]
    decoded_limit: int
    max_pending: int


class MetadataHooks(NamedTuple):
    """Functions for the rare cases of metadata, which C leaves to Python."""

    name_from_peer: Callable[[str], str]
    identity: Callable[[str, str], Chain]


class NativeLoop:
    """A ``_native.Server`` and its hooks.

    Args:
        native: the extension.
        listener: bound and listening; closed when nothing more is accepted.
        handler: the object whose methods C calls.
        dispatcher: answers what C does not.
        course: of every call.
        options: bounds.
        spawn: starts one more thread, where handlers run on threads.
        start_handler: starts a handler on the asyncio loop, where they run on one.
        max_pending: 0 = handlers run on threads; else on an asyncio loop, so many at once.
    """

    def __init__(
        self,
        native: ModuleType,
        listener: socket.socket,
        handler: Any,
        dispatcher: Dispatcher,
        course: Course,
        options: ServerOptions,
        *,
        spawn: Callable[[], bool] | None = None,
        start_handler: Callable[[str, tuple[Any, ...], Any], None] | None = None,
        max_pending: int = 0,
    ) -> None:
        self._listener = listener
        self._options = options
        # THeader has no loop in C: its connections get a thread each.
        self._crowd = Crowd(
            options.held_limit,
            dispatcher.complaints,
            elsewhere=lambda: self._server.held,
            changed=lambda held: self._server.hold_elsewhere(held),  # noqa: PLW0108 - made below
        )
        self._threaded = Connections(dispatcher, options, self._crowd)
        self._complaints = dispatcher.complaints
        listener.setblocking(False)
        native.setup_metadata(MetadataHooks(name_from_peer, identity))
        self._process = os.getpid()
        after_fork(self._leave_to_parent)
        self._server = native.Server(
            ServerPlan(
                listener=listener.fileno(),
                handler=handler,
                methods=method_plans(dispatcher.service),
                course=course,
                twin=_twin(dispatcher),
                hooks=ServerHooks(
                    adopt=self.adopt,
                    complain=self.complain,
                    refused=self.refused,
                    cannot_accept=self.cannot_accept,
                    crowded=self.crowded,
                    backlog_served=self.backlog_served,
                    spawn=spawn,
                    start_handler=start_handler,
                    end_forked_child=self.end_forked_child,
                ),
                limits=_limits(options),
                names=served_names(dispatcher.service),
                psm=dispatcher.identity.psm,
                cluster=dispatcher.identity.cluster,
                addressee=addressee(dispatcher.identity.psm, dispatcher.identity.instance),
                answers=(StructException, BusinessError),
                decoded_limit=options.decoded_limit,
                max_pending=max_pending,
            )
        )

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

    def refused(self, peer: str) -> None:
        """A connection was one too many."""
        self._complaints.refused.warning(
            "refused %s: %d connections are open, the limit (max_connections)",
            peer,
            self._options.max_connections,
        )

    def cannot_accept(self, error: int) -> None:
        """The system gives no more connections."""
        self._complaints.refused.warning("cannot accept a connection: %s", os.strerror(error))

    def crowded(self, peer: str, held: int) -> None:
        """A connection is closed, for all of them hold too much."""
        self._crowd.complain(peer, held)

    def backlog_served(self) -> None:
        """Nothing more is accepted."""
        self._listener.close()

    def _leave_to_parent(self) -> None:
        """In a forked child: who connects reaches the parent only. C closes the connections."""
        self._listener.close()

    def end_forked_child(self) -> None:
        """A handler has come back in a child that it forked."""
        end_forked_child(self._process)


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


def _limits(options: ServerOptions) -> LoopLimits:
    return LoopLimits(
        frame_limit=options.frame_limit,
        write_limit=options.write_limit,
        buffer_limit=options.held_limit,
        max_connections=options.max_connections,
        max_threads=options.max_threads,
        idle_timeout=options.idle_timeout,
        transfer_timeout=options.transfer_timeout,
        overload_timeout=options.overload_timeout,
    )
