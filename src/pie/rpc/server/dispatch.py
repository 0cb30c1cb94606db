"""From a frame to its reply: decode, run the handler as a Call, encode.

The server in C (``pie/_core/server/request.c``) answers ordinary requests itself and calls this
module for the rest: failures, declared exceptions, business codes, unknown methods.
"""

import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, NoReturn, Self

from pie.call import Driver
from pie.loop.complaints import Complaints
from pie.model import (
    ADDRESSEE,
    BUSINESS_CODE_MIN,
    Call,
    Failure,
    Kind,
    current_call,
    describe_error,
    failure_of,
    is_a,
    is_for,
    misdirected,
    text_of,
)
from pie.observe import Identity
from pie.rpc.server.unserved import Unserved
from pie.rpc.wire.business import BusinessError, BusinessStatus
from pie.rpc.wire.metadata import (
    application_error,
    name_from_peer,
    read_base_info,
    read_request_header,
    reply_header,
)
from pie.thrift import (
    BUFFERED,
    DEFAULT_DECODED_LIMIT,
    FRAMED,
    TTHEADER,
    ApplicationError,
    ApplicationErrorType,
    CodecError,
    Frame,
    FrameError,
    FrameSplitter,
    Headers,
    MessageHeader,
    MessageType,
    Method,
    Protocol,
    Service,
    Struct,
    StructException,
    ThriftError,
    Transport,
    TTHeader,
    decode_call,
    encode_exception,
    encode_reply,
    fill_base_resp,
    find_method,
    protocol_of,
    read_base,
    read_base_resp,
    read_message,
)

logger = logging.getLogger(__name__)


class Form(NamedTuple):
    """The form of a reply on the wire, which is that of its request.

    Attributes:
        seqid: of the request.
        framed: the message has a length of its own within the headers.
        compressed: with zlib, in a THeader.
        closing: the reply asks the peer to use another connection from now on.
    """

    transport: Transport
    protocol: Protocol
    seqid: int
    framed: bool = False
    compressed: bool = False
    closing: bool = False

    @classmethod
    def of(cls, frame: Frame, seqid: int, *, closing: bool) -> Self:
        """The form that answers a frame."""
        header = frame.header
        return cls(
            frame.transport,
            frame.protocol,
            seqid,
            header is not None and header.framed,
            header is not None and header.compressed,
            closing,
        )

    @classmethod
    def of_native(
        cls, *, transport: int, protocol: int, seqid: int, framed: bool, closing: bool
    ) -> Self:
        """The form in the numbers of ``frame.h`` and ``codec.h``."""
        return cls(
            (TTHEADER, FRAMED, BUFFERED)[transport],
            (Protocol.BINARY, Protocol.COMPACT)[protocol],
            seqid,
            framed,
            closing=closing,
        )

    @property
    def has_header(self) -> bool:
        """Whether a reply can carry headers beside its message."""
        return self.transport.headers is not Headers.NONE

    def header(
        self, call: Call, business: BusinessStatus | None = None, *, unsent: bool = False
    ) -> TTHeader | None:
        """The headers of the reply; None where the transport has none."""
        if not self.has_header:
            return None
        header = reply_header(call, closing=self.closing, business=business, unsent=unsent)
        header.framed = self.framed
        header.compressed = self.compressed
        return header


class Dispatcher:
    """Answers frames of one service.

    Args:
        service: the generated service.
        handler: an object with its methods.
        identity: of this process.
        driver: takes each request through the gates.
        decoded_limit: bytes of memory that the arguments of one request may take.

    Attributes:
        complaints: what the server logs of its peers.

    Raises:
        TypeError: the handler lacks a method.
    """

    def __init__(
        self,
        service: type[Service],
        handler: Any,
        identity: Identity,
        driver: Driver,
        *,
        decoded_limit: int = DEFAULT_DECODED_LIMIT,
    ) -> None:
        self.service = service
        self.handler = handler
        self.identity = identity
        self._driver = driver
        self._decoded_limit = decoded_limit
        self.complaints = Complaints()
        missing = [m.attr for m in service.methods.values() if not hasattr(handler, m.attr)]
        if missing:
            raise TypeError(
                f"{type(handler).__name__} does not implement {', '.join(missing)} "
                f"of {service.name}: add the method{'s' if len(missing) > 1 else ''}"
            )

    def answer(self, frame: Frame, peer: str, received: float, *, closing: bool) -> bytes | None:
        """Serve one frame.

        Args:
            frame: a whole message.
            peer: address of the caller.
            received: when its first byte came (monotonic seconds).
            closing: the reply asks the peer to use another connection from now on.

        Returns:
            The reply's bytes, or None for a one-way call.

        Raises:
            CodecError: not even a message header could be read: the connection is unusable.
        """
        head, _ = read_message(frame.payload, frame.protocol)
        method = find_method(self.service, head.name)
        form = Form.of(frame, head.seqid, closing=closing)

        def handle(call: Call) -> bytes | None:
            who = self.identity
            to = frame.header.strings.get(ADDRESSEE, "") if frame.header is not None else ""
            if not is_for(to, who.psm, who.instance):
                raise _unserved(misdirected(to, who.psm, who.instance))
            args = self._arguments(call, frame)
            assert method is not None
            return self._handle(call, method, args, form)

        call = self._new_call(frame, head.name if method is None else method.name, peer, received)
        return self._run(call, handle, head, method, form)

    # --- Called by the server in C. ---

    def answer_bytes(
        self, data: bytes, peer: str, received: float, closing: bool
    ) -> bytes | Literal[False] | None:
        """``answer`` for the bytes of a frame; False if they cannot be answered."""
        try:
            return self.answer(_frame(data), peer, received, closing=closing)
        except ThriftError as error:
            self.complaints.closed.warning("closed the connection of %s: %s", peer, error)
            return False

    def refuse(
        self, data: bytes, peer: str, received: float, closing: bool
    ) -> bytes | Literal[False] | None:
        """The reply to a frame for which no thread was free in time; False as ``answer_bytes``."""

        def reason(frame: Frame) -> Failure:
            return Unserved(
                Kind.EXHAUSTED,
                f"{self.identity.psm} is overloaded: all of its threads have been busy for too "
                "long; try again, or let it run more threads or instances",
            )

        return self._reject(data, peer, received, closing, reason)

    def misdirect(
        self, data: bytes, peer: str, received: float, closing: bool
    ) -> bytes | Literal[False] | None:
        """The reply to a frame that is for another process; False as ``answer_bytes``."""

        def reason(frame: Frame) -> Failure:
            to = frame.header.strings.get(ADDRESSEE, "") if frame.header is not None else ""
            return _unserved(misdirected(to, self.identity.psm, self.identity.instance))

        return self._reject(data, peer, received, closing, reason)

    def _reject(
        self,
        data: bytes,
        peer: str,
        received: float,
        closing: bool,
        reason: Callable[[Frame], Failure],
    ) -> bytes | Literal[False] | None:
        """The reply to a frame whose handler does not run; False as ``answer_bytes``."""
        try:
            frame = _frame(data)
            head, _ = read_message(frame.payload, frame.protocol)
        except ThriftError as error:
            self.complaints.closed.warning("closed the connection of %s: %s", peer, error)
            return False

        def handle(call: Call) -> bytes | None:
            raise reason(frame)

        method = find_method(self.service, head.name)
        form = Form.of(frame, head.seqid, closing=closing)
        call = self._new_call(frame, head.name if method is None else method.name, peer, received)
        return self._run(call, handle, head, method, form)

    def unreadable(self, method: Method, call: Call, error: object) -> NoReturn:
        """Fail a call whose arguments cannot be read.

        Raises:
            Failure: always.
        """
        raise Failure(
            Kind.INVALID, f"cannot read the arguments of {call.method}: {error}"
        ) from None

    def raised(
        self, method: Method, call: Call, error: Exception, form: dict[str, Any]
    ) -> bytes | None:
        """The reply for a declared exception or BusinessError, else None."""
        return self._raised(method, call, error, Form.of_native(**form))

    def fill(self, call: Call, value: Any) -> None:
        """Fill the BaseResp of what a handler returned, and take its status into the call."""
        fill_base_resp(value)
        status = read_base_resp(value)
        if status is not None and status.code:
            call.business(status.code, status.message)

    def reply(self, method: Method, result: Struct, call: Call, form: dict[str, Any]) -> bytes:
        """The reply that carries a result struct."""
        return self._encode(method, result, call, Form.of_native(**form))

    def failed(
        self, method: Method, error: BaseException, call: Call, form: dict[str, Any]
    ) -> bytes:
        """The reply for a failure, whose cause is logged."""
        return self._failed(error, call, method.name, Form.of_native(**form))

    # --- Parts of an answer. ---

    def _new_call(self, frame: Frame, name: str, peer: str, received: float) -> Call:
        call = Call(
            "server",
            "thrift",
            caller="",
            callee=self.identity.psm,
            callee_cluster=self.identity.cluster,
            method=name_from_peer(name),
            peer=peer,
        )
        call.received = received
        call.request_bytes = frame.size
        if frame.transport.headers is Headers.FULL and frame.header is not None:
            read_request_header(call, frame.header)
        return call

    def _run(
        self, call: Call, handle: Any, head: MessageHeader, method: Method | None, form: Form
    ) -> bytes | None:
        """Take a call through the gates around ``handle``; None where no reply is waited for: the
        method is oneway, or the message, be its method known or not."""
        oneway = head.type is MessageType.ONEWAY or (method is not None and method.oneway)
        outer = current_call.get()
        current_call.set(call)
        data: bytes | None
        try:
            data = self._driver.run(call, handle)
            if not oneway and not isinstance(data, bytes):  # A gate gave the call its result.
                if method is None:
                    raise KeyError(head.name)
                data = self._encode(method, method.success(data), call, form)
        except BaseException as error:  # SystemExit of a handler, too, gets a reply.
            data = self._failed(error, call, head.name if method is None else method.name, form)
        finally:
            current_call.set(outer)
        return None if oneway else data

    def _arguments(self, call: Call, frame: Frame) -> Struct:
        try:
            args = decode_call(self.service, frame, decoded_limit=self._decoded_limit).args
        except ApplicationError as error:
            raise Failure(
                Kind.UNIMPLEMENTED,
                f"{self.identity.psm} ({self.service.name}): {error.message}",
            ) from None
        except CodecError as error:
            raise Failure(
                Kind.INVALID, f"cannot read the arguments of {call.method}: {error}"
            ) from None
        if frame.transport.headers is not Headers.FULL:
            base = read_base(args)
            if base is not None:
                read_base_info(call, base)
        return args

    def _handle(self, call: Call, method: Method, args: Struct, form: Form) -> bytes | None:
        """Run the handler; the reply, None for a one-way method."""
        try:
            value = getattr(self.handler, method.attr)(*method.arguments(args))
        except (StructException, BusinessError) as error:
            reply = self._raised(method, call, error, form)
            if reply is None:
                raise
            return reply
        if method.oneway:
            return None
        self.fill(call, value)
        return self._encode(method, method.success(value), call, form)

    def _raised(self, method: Method, call: Call, error: Exception, form: Form) -> bytes | None:
        if is_a(error, BusinessError):
            call.business(error.code, error.message)
            return self._business(method, call, error, form)
        result = method.failure(error)
        if result is None:
            return None
        call.business(BUSINESS_CODE_MIN, describe_error(error))
        return self._encode(method, result, call, form)

    def _business(self, method: Method, call: Call, error: BusinessError, form: Form) -> bytes:
        """A reply with a status in its headers, without a value or beside one."""
        if method.result is None:
            return b""
        if not form.has_header:
            error_reply = ApplicationError(text_of(error), ApplicationErrorType.INTERNAL_ERROR)
            return encode_exception(
                method.name, error_reply, form.seqid, form.transport, None, form.protocol
            )
        result = method.result() if error.value is None else method.success(error.value)
        return self._encode(method, result, call, form, error.status)

    @staticmethod
    def _encode(
        method: Method,
        result: Struct,
        call: Call,
        form: Form,
        business: BusinessStatus | None = None,
    ) -> bytes:
        header = form.header(call, business)
        data = encode_reply(method, result, form.seqid, form.transport, header, form.protocol)
        call.response_bytes = len(data)
        return data

    @staticmethod
    def _failed(error: BaseException, call: Call, name: str, form: Form) -> bytes:
        failure = failure_of(error, call.side)
        if failure is not error:
            failure.__cause__ = error
        if failure.__cause__ is not None:
            logger.error("%s failed: %s", call.method, failure.message, exc_info=failure.__cause__)
        error_reply = application_error(failure, call)
        # ``queued`` is set when the call has passed its gates. A handler's own failure says what
        # became of a call that the handler made, not of this one.
        unserved = isinstance(failure, Unserved) or call.queued == 0
        header = form.header(call, unsent=failure.never_sent and unserved)
        try:
            return encode_exception(
                name, error_reply, form.seqid, form.transport, header, form.protocol
            )
        except FrameError:  # Its backward values may be the cause.
            call.backward = {}
            return encode_exception(
                name, error_reply, form.seqid, form.transport, form.header(call), form.protocol
            )


def _unserved(failure: Failure) -> Unserved:
    return Unserved(failure.kind, failure.message)


def _frame(data: bytes) -> Frame:
    """The frame in bytes that are known to be one whole message."""
    protocol = protocol_of(data)
    if protocol is not None:
        # C has found its end; the walk of the twin takes a second for every megabyte.
        return Frame(BUFFERED, data, None, len(data), protocol)
    splitter = FrameSplitter(len(data))
    splitter.feed(data)
    frame = splitter.take()
    if frame is None:
        raise CodecError(f"{len(data)} bytes are not a whole message")
    return frame
