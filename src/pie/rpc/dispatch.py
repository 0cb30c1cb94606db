"""From a frame to its reply: decode, run the handler as a Call, encode."""

import logging
from typing import Any

from pie.call import Driver
from pie.model import BUSINESS_CODE_MIN, Call, Failure, Kind, current_call
from pie.observe import Identity
from pie.rpc.metadata import (
    application_error,
    name_from_peer,
    read_base_info,
    read_request_header,
    reply_header,
)
from pie.thrift import (
    DEFAULT_DECODED_LIMIT,
    ApplicationError,
    CodecError,
    Frame,
    Method,
    Service,
    Struct,
    StructException,
    Transport,
    TTHeader,
    decode_call,
    encode_exception,
    encode_reply,
    fill_base_resp,
    read_base,
    read_base_resp,
    read_message,
)

logger = logging.getLogger(__name__)


class Dispatcher:
    """Answers frames of one service."""

    def __init__(
        self,
        service: type[Service],
        handler: Any,
        identity: Identity,
        driver: Driver,
        *,
        decoded_limit: int = DEFAULT_DECODED_LIMIT,
    ) -> None:
        self._service = service
        self._handler = handler
        self._identity = identity
        self._driver = driver
        self._decoded_limit = decoded_limit
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
            closing: the reply is to say that the connection is about to end.

        Returns:
            The reply's bytes, or None for a one-way call.

        Raises:
            CodecError: not even a message header could be read: the connection is unusable.
        """
        name, seqid = self._message_name(frame)
        call = Call(
            "server",
            "thrift",
            caller="",
            callee=self._identity.psm,
            callee_cluster=self._identity.cluster,
            method=name_from_peer(name),
            peer=peer,
        )
        call.received = received
        call.request_bytes = frame.size
        if frame.header is not None:
            read_request_header(call, frame.header)
        method = self._service.methods.get(name)
        reply = _Reply(frame, name, seqid, closing)
        try:
            data: bytes | None = self._run(call, frame, method, reply)
        except Failure as failure:
            data = reply.of_failure(failure, call)
        return None if method is not None and method.oneway else data

    @staticmethod
    def _message_name(frame: Frame) -> tuple[str, int]:
        header, _ = read_message(frame.payload, frame.protocol)
        return header.name, header.seqid

    def _run(
        self, call: Call, frame: Frame, method: Method | None, reply: "_Reply"
    ) -> bytes | None:
        def handle(call: Call) -> bytes | None:
            args = self._arguments(call, frame)
            assert method is not None
            return reply.of_result(method, self._handle(call, method, args), call)

        outer = current_call.get()
        current_call.set(call)
        try:
            data: bytes | None = self._driver.run(call, handle)
        except Failure as failure:
            if failure.__cause__ is not None:
                logger.error(
                    "%s failed: %s", call.method, failure.message, exc_info=failure.__cause__
                )
            raise
        finally:
            current_call.set(outer)
        return data

    def _handle(self, call: Call, method: Method, args: Struct) -> Struct | None:
        """Run the handler; None for a one-way method."""
        try:
            value = getattr(self._handler, method.attr)(*method.arguments(args))
        except StructException as error:
            declared = method.failure(error)
            if declared is None:
                raise
            call.business(BUSINESS_CODE_MIN, f"{type(error).__name__}: {error}")
            return declared
        if method.oneway:
            return None
        fill_base_resp(value)
        status = read_base_resp(value)
        if status is not None and status.code:
            call.business(status.code, status.message)
        return method.success(value)

    def _arguments(self, call: Call, frame: Frame) -> Struct:
        try:
            args = decode_call(self._service, frame, decoded_limit=self._decoded_limit).args
        except ApplicationError as error:
            raise Failure(
                Kind.UNIMPLEMENTED,
                f"{self._identity.psm} ({self._service.name}): {error.message}",
            ) from None
        except CodecError as error:
            raise Failure(
                Kind.INVALID, f"cannot read the arguments of {call.method}: {error}"
            ) from None
        if frame.transport is not Transport.TTHEADER:
            base = read_base(args)
            if base is not None:
                read_base_info(call, base)
        return args


class _Reply:
    """Puts an answer into the form its request came in."""

    def __init__(self, frame: Frame, name: str, seqid: int, closing: bool) -> None:
        self._frame = frame
        self._name = name
        self._seqid = seqid
        self._closing = closing

    def of_result(self, method: Method, result: Struct | None, call: Call) -> bytes | None:
        if result is None:
            return None
        transport, header = self._frame.transport, self._header(call)
        protocol = self._frame.protocol
        data = encode_reply(method, result, self._seqid, transport, header, protocol)
        call.response_bytes = len(data)
        return data

    def of_failure(self, failure: Failure, call: Call) -> bytes:
        error = application_error(failure, call)
        transport, header = self._frame.transport, self._header(call)
        protocol = self._frame.protocol
        return encode_exception(self._name, error, self._seqid, transport, header, protocol)

    def _header(self, call: Call) -> TTHeader | None:
        if self._frame.header is None:
            return None
        header = reply_header(call, closing=self._closing)
        header.framed = self._frame.header.framed
        header.compressed = self._frame.header.compressed
        return header
