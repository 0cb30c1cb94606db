"""Messages: a call, a reply or an exception, alone and as a whole frame."""

from dataclasses import dataclass, replace

from pie.thrift.codec import decode, encode_into
from pie.thrift.codec.protocol import Protocol
from pie.thrift.codec.source import DEFAULT_DECODED_LIMIT
from pie.thrift.errors import shown
from pie.thrift.service import Method, Service
from pie.thrift.structs import Struct
from pie.thrift.wire.application import ApplicationError, ApplicationErrorType
from pie.thrift.wire.frames import Frame, encode_frame
from pie.thrift.wire.message_head import MessageHeader, MessageType, encode_head, read_message
from pie.thrift.wire.transport import Headers, Transport
from pie.thrift.wire.ttheader import TTHeader

_SERVICE_SEPARATOR = ":"


@dataclass(frozen=True, slots=True)
class Request:
    """A call that was read."""

    header: MessageHeader
    method: Method
    args: Struct


def encode_message(
    name: str,
    type: MessageType,  # noqa: A002 - the field's name in every Thrift implementation
    seqid: int,
    body: Struct,
    protocol: Protocol = Protocol.BINARY,
) -> bytes:
    """A message, with nothing around it.

    Raises:
        CodecError: the body does not fit its struct, or the sequence id its 32 bits.
    """
    out = encode_head(MessageHeader(name, type, seqid), protocol)
    encode_into(out, body, protocol=protocol)
    return bytes(out)


def encode_call(
    method: Method,
    args: Struct,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
    protocol: Protocol = Protocol.BINARY,
) -> bytes:
    """The frame of a call. Headers are given this sequence id, too.

    Raises:
        CodecError: an argument does not fit.
        FrameError: the headers do not fit.
    """
    kind = MessageType.ONEWAY if method.oneway else MessageType.CALL
    payload = encode_message(method.name, kind, seqid, args, protocol)
    return _framed(payload, seqid, transport, header, protocol)


def encode_reply(
    method: Method,
    result: Struct,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
    protocol: Protocol = Protocol.BINARY,
) -> bytes:
    """The frame of an answer: a value or a declared exception. Raises as ``encode_call``."""
    payload = encode_message(method.name, MessageType.REPLY, seqid, result, protocol)
    return _framed(payload, seqid, transport, header, protocol)


def encode_exception(
    name: str,
    error: ApplicationError,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
    protocol: Protocol = Protocol.BINARY,
) -> bytes:
    """The frame of an answer that is none of the declared ones. Raises as ``encode_call``."""
    payload = encode_message(name, MessageType.EXCEPTION, seqid, error, protocol)
    return _framed(payload, seqid, transport, header, protocol)


def decode_call(
    service: type[Service], frame: Frame, *, decoded_limit: int = DEFAULT_DECODED_LIMIT
) -> Request:
    """The call a frame holds.

    Args:
        service: that is called.
        frame: a whole message.
        decoded_limit: bytes of memory that the arguments may take.

    Raises:
        ApplicationError: the service has no such method, or the message is no call. Answer it.
        CodecError: the bytes are not the method's arguments.
    """
    header, start = read_message(frame.payload, frame.protocol)
    if header.type not in (MessageType.CALL, MessageType.ONEWAY):
        raise ApplicationError(
            f"{service.name} takes calls, this message is a {header.type.name.lower()}",
            ApplicationErrorType.INVALID_MESSAGE_TYPE,
        )
    method = find_method(service, header.name)
    if method is None:
        raise _unknown(service, header.name)
    args = decode(
        method.args,
        frame.payload,
        start,
        protocol=frame.protocol,
        decoded_limit=decoded_limit,
    )
    return Request(header, method, args)


def served_names(service: type[Service]) -> tuple[str, ...]:
    """The names by which a multiplexed client may call a service: its own, and those of the
    services that it extends."""
    return tuple(dict.fromkeys((service.name, *(m.service for m in service.methods.values()))))


def find_method(service: type[Service], name: str) -> Method | None:
    """The method that a message names; None if there is none. Clients of Apache Thrift that use
    ``TMultiplexedProtocol`` put the name of the service before it, ``Shop:GetItem``."""
    prefix, separator, bare = name.partition(_SERVICE_SEPARATOR)
    if not separator:
        return service.methods.get(name)
    return service.methods.get(bare) if prefix in served_names(service) else None


def _unknown(service: type[Service], name: str) -> ApplicationError:
    prefix, separator, bare = name.partition(_SERVICE_SEPARATOR)
    if separator and prefix not in served_names(service):
        return ApplicationError(
            f"{service.name} is served here, not {shown(prefix)}, which the message names before "
            f"its method {shown(bare)}",
            ApplicationErrorType.UNKNOWN_METHOD,
        )
    return ApplicationError(
        f"{service.name} has no method {shown(bare or name)}: it has "
        f"{', '.join(service.methods) or 'none'}; compare the IDLs of both sides",
        ApplicationErrorType.UNKNOWN_METHOD,
    )


def decode_reply(method: Method, frame: Frame, seqid: int | None = None) -> Struct:
    """The result struct a frame holds. ``Method.unpack`` makes it a value.

    Args:
        method: that was called.
        frame: the answer.
        seqid: of the call; None to take any answer.

    Raises:
        ApplicationError: the peer's own, or the answer is to something else.
        CodecError: the bytes are not the method's result.
    """
    header, start = read_message(frame.payload, frame.protocol)
    if header.type is MessageType.EXCEPTION:
        raise decode(ApplicationError, frame.payload, start, protocol=frame.protocol)
    what = f"the answer to {method.service}.{method.name}"
    if header.type is not MessageType.REPLY or method.result is None:
        raise ApplicationError(
            f"{what} is a {header.type.name.lower()}", ApplicationErrorType.INVALID_MESSAGE_TYPE
        )
    if header.name != method.name:
        raise ApplicationError(
            f"{what} is for {shown(header.name)}", ApplicationErrorType.WRONG_METHOD_NAME
        )
    if seqid is not None and header.seqid != seqid:
        raise ApplicationError(
            f"{what} number {seqid} has number {header.seqid}",
            ApplicationErrorType.BAD_SEQUENCE_ID,
        )
    return decode(method.result, frame.payload, start, protocol=frame.protocol)


def _framed(
    payload: bytes, seqid: int, transport: Transport, header: TTHeader | None, protocol: Protocol
) -> bytes:
    if transport.headers is not Headers.NONE:
        header = replace(header, seqid=seqid) if header is not None else TTHeader(seqid)
    return encode_frame(payload, transport, header, protocol)
