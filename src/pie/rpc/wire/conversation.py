"""Requests that a client writes and replies that it reads, without I/O."""

import itertools
from collections.abc import Collection
from typing import Any, NamedTuple

from pie.govern import remaining
from pie.model import BUSINESS_CODE_MIN, Call, Endpoint, Failure, Kind, describe_error
from pie.rpc.wire.business import BusinessError, BusinessStatus, read_status
from pie.rpc.wire.metadata import peer_failure, read_reply_header, request_base, request_header
from pie.thrift import (
    CRRST,
    FRAMED,
    TTHEADER,
    ApplicationError,
    ApplicationErrorType,
    CodecError,
    Flag,
    Frame,
    FrameError,
    Headers,
    MessageType,
    Method,
    Protocol,
    Struct,
    StructException,
    Transport,
    decode_reply,
    encode_call,
    fill_base,
    parse_transport,
    read_base_resp,
    read_message,
)

_NATIVE = (TTHEADER, FRAMED)
_MAX_SEQID = 0x7FFFFFFF
_STOPS = "none"
_numbers = itertools.count()


def next_seqid() -> int:
    """A number that no other call in flight has, for clients may share a connection; never 0, which
    a stopping peer uses."""
    return next(_numbers) % _MAX_SEQID + 1


class Answer(NamedTuple):
    """A value, or an exception that is an answer."""

    value: Any = None
    error: StructException | BusinessError | None = None
    business: BusinessStatus | None = None

    def get(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def spoken(call: Call, endpoint: Endpoint, *, multiplex: bool) -> tuple[Transport, Protocol]:
    """The transport and protocol of an endpoint.

    Raises:
        Failure: it has one that this client does not speak.
    """
    try:
        transport, protocol = parse_transport(endpoint.transport)
    except ValueError:
        raise Failure(
            Kind.INVALID,
            f"{call.callee} at {call.peer} speaks {endpoint.transport}, not Thrift: "
            "it cannot be called by a Thrift client",
            never_sent=True,
        ) from None
    if multiplex and transport.headers is not Headers.FULL:
        raise Failure(
            Kind.INVALID,
            f"{call.callee} at {call.peer} speaks {transport}, which cannot be multiplexed: leave "
            "`multiplex` out, or let it speak ttheader",
            never_sent=True,
        )
    return transport, protocol


def native_way(endpoint: Endpoint) -> tuple[int, int] | None:
    """The numbers of its transport and protocol in ``frame.h`` and ``codec.h``; None if the fast
    path does not speak them."""
    try:
        transport, protocol = parse_transport(endpoint.transport)
    except ValueError:
        return None
    if transport not in _NATIVE:
        return None
    return _NATIVE.index(transport), int(protocol is Protocol.COMPACT)


def write_request(
    call: Call,
    method: Method,
    args: Struct,
    seqid: int,
    way: tuple[Transport, Protocol],
    host: str,
    *,
    multiplex: bool = False,
    service: str = "",
    to: str = "",
) -> bytes:
    """The bytes of a request.

    Args:
        call: that is made.
        method: that is called, with
        args: its arguments.
        seqid: number of the request.
        way: how to write it.
        host: our own address.
        multiplex: the reply may come out of order.
        service: that has the method, by its name in the IDL.
        to: whom the request is for; empty = whoever is there.

    Raises:
        Failure: the arguments do not match the IDL.
    """
    transport, protocol = way
    fill_base(args, request_base(call, f"pie/{method.service}", host))
    header = None
    if transport.headers is Headers.FULL:
        header = request_header(call, remaining(call), service=service, to=to)
        header.flags |= Flag.OUT_OF_ORDER if multiplex else 0
    try:
        request = encode_call(method, args, seqid, transport, header, protocol)
    except (CodecError, FrameError) as error:
        raise unwritable(call, method, error) from None
    call.request_bytes = len(request)
    return request


def unwritable(call: Call, method: Method, error: Exception) -> Failure:
    """The failure of a call whose arguments do not match the IDL."""
    what = f"cannot send {call.callee}.{method.name}: {error}"
    return Failure(Kind.INVALID, what, raised_by="self")


def leaves_usable(frame: Frame, seqid: int) -> bool:
    """Whether the connection of a reply to this request can be used again, as far as that says.

    One that answers something else is out of step: it would spoil the next call, too. After an
    application exception some servers (Kitex) close the connection, and a transport without headers
    cannot announce that.
    """
    try:
        head = read_message(frame.payload, frame.protocol)[0]
    except CodecError:
        return False
    if head.seqid != seqid:
        return False
    return frame.header is not None or head.type is not MessageType.EXCEPTION


def answers_other(frame: Frame, seqid: int, unanswered: Collection[tuple[int, str]]) -> bool:
    """Whether a frame that came on a connection for one call at a time is none of that call's.

    Args:
        frame: that came.
        seqid: of the request that waits.
        unanswered: sequence ids and methods of oneway calls made on the connection before; some
            servers answer those that they cannot serve.

    The other kind is the sign of a multiplexed Kitex server that stops: a reply to ``none``.
    """
    try:
        head = read_message(frame.payload, frame.protocol)[0]
    except CodecError:
        return False
    if (head.seqid, head.name) in unanswered:
        return True
    stops = head.seqid == 0 != seqid and head.name == _STOPS and head.type is MessageType.REPLY
    return stops and frame.header is not None and CRRST in frame.header.strings


def read_answer(call: Call, method: Method, frame: Frame | None, seqid: int) -> Answer:
    """The answer in a reply; a frame of None is that to a oneway call. Metadata and a business
    status go into the call.

    Raises:
        Failure: the peer's own, or its reply cannot be read.
    """
    if frame is None:
        return Answer()
    call.response_bytes = frame.size
    business = None
    if frame.header is not None:
        read_reply_header(call, frame.header)
        business = read_status(frame.header.strings)
    try:
        return _answer(method, decode_reply(method, frame, seqid), call, business)
    except ApplicationError as error:
        raise peer_failure(error, frame.header, call.callee) from None
    except CodecError as error:
        raise Failure(
            Kind.INTERNAL,
            f"cannot read the reply of {call.callee}.{method.name} from {call.peer}: {error}",
            raised_by="peer",
        ) from None


def _answer(method: Method, result: Struct, call: Call, business: BusinessStatus | None) -> Answer:
    value = None
    try:
        value = method.unpack(result)
    except ApplicationError as error:
        if business is None or error.type != ApplicationErrorType.MISSING_RESULT:
            raise
    except StructException as error:
        business = business or BusinessStatus(BUSINESS_CODE_MIN, describe_error(error), {})
        call.business(business.code, business.message)
        return Answer(None, error, business)
    if business is not None:
        call.business(business.code, business.message)
        code, message, extra = business
        return Answer(None, BusinessError(code, message, extra, value=value), business)
    status = read_base_resp(value)
    if status is not None and status.code:
        business = BusinessStatus(status.code, status.message, status.extra)
        call.business(business.code, business.message)
    return Answer(value, None, business)
