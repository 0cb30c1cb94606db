"""What both loops in C share: how they are made, and what they tell Python."""

import logging
import os
import socket
import time
from types import ModuleType
from typing import Any

from pie.call import Course
from pie.model import normalise_logid
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.options import ServerOptions
from pie.rpc.server.threaded import Connections
from pie.rpc.wire.business import BusinessError
from pie.rpc.wire.metadata import name_from_peer, parse_span
from pie.rpc.wire.native_methods import method_plans
from pie.thrift import FrameSplitter, StructException, ThriftError

logger = logging.getLogger(__name__)
_SAY_AGAIN_SECONDS = 1.0


class NativeLoop:
    """A ``_native.Server`` and its hooks.

    Args:
        native: the extension.
        listener: bound and listening; closed when nothing more is accepted.
        handler: whose methods C calls.
        dispatcher: answers what C does not.
        course: of every call.
        options: bounds.
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
        max_pending: int = 0,
    ) -> None:
        self._listener = listener
        self._options = options
        # THeader has no loop in C: its connections get a thread each.
        self._threaded = Connections(dispatcher, options)
        self._refused = _Seldom()
        listener.setblocking(False)
        native.setup_metadata(name_from_peer, parse_span, normalise_logid)
        self._server = native.Server(
            listener=listener.fileno(),
            handler=handler,
            methods=method_plans(dispatcher.service),
            course=course,
            twin=dispatcher,
            hooks=self,
            psm=dispatcher.identity.psm,
            cluster=dispatcher.identity.cluster,
            answers=(StructException, BusinessError),
            decoded_limit=options.decoded_limit,
            limits=(
                options.frame_limit,
                options.write_limit,
                options.max_connections,
                options.max_threads,
                options.idle_timeout,
                options.transfer_timeout,
                options.overload_timeout,
            ),
            max_pending=max_pending,
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
        logger.warning("closed the connection of %s: %s", peer, reason)

    def refused(self, peer: str) -> None:
        """A connection was one too many."""
        if self._refused.now():
            logger.warning(
                "refused %s: %d connections are open, the limit (max_connections)",
                peer,
                self._options.max_connections,
            )

    def cannot_accept(self, error: int) -> None:
        """The system gives no more connections."""
        if self._refused.now():
            logger.warning("cannot accept a connection: %s", os.strerror(error))

    def backlog_served(self) -> None:
        """Nothing more is accepted."""
        self._listener.close()


class _Seldom:
    """Lets one of many messages a second through."""

    def __init__(self) -> None:
        self._said = 0.0

    def now(self) -> bool:
        now = time.monotonic()
        if now - self._said < _SAY_AGAIN_SECONDS:
            return False
        self._said = now
        return True
