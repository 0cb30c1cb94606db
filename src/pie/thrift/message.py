"""Messages: a call, a reply or an exception, alone and as a whole frame."""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from pie.thrift.application import ApplicationError, ApplicationErrorType
from pie.thrift.codec import decode, encode_into
from pie.thrift.errors import CodecError, shown
from pie.thrift.frames import Frame, encode_frame
from pie.thrift.service import Method, Service
from pie.thrift.source import DEFAULT_DECODED_LIMIT
from pie.thrift.structs import Struct
from pie.thrift.transport import Transport
from pie.thrift.ttheader import TTHeader

MAX_NAME_BYTES = 1024
_VERSION = 0x80010000
_VERSION_MASK = 0xFFFF0000
_head = struct.Struct(">II")
_seqid = struct.Struct(">i")


class MessageType(IntEnum):
    """What a message is."""

    CALL = 1
    REPLY = 2
    EXCEPTION = 3
    ONEWAY = 4


class MessageHeader(NamedTuple):
    """Which method, what kind of message, and which call (-2**31 to 2**31 - 1)."""

    name: str
    type: MessageType
    seqid: int


@dataclass(frozen=True, slots=True)
class Request:
    """A call that was read."""

    header: MessageHeader
    method: Method
    args: Struct


def encode_message(name: str, type: MessageType, seqid: int, body: Struct) -> bytes:  # noqa: A002 - the field's name in every Thrift implementation
    """A message, with nothing around it.

    Raises:
        CodecError: the body does not fit its struct, or the sequence id its 32 bits.
    """
    data = name.encode()
    try:
        out = bytearray(_head.pack(_VERSION | type, len(data)) + data + _seqid.pack(seqid))
    except struct.error:
        raise CodecError(f"sequence id {seqid} does not fit 32 bits") from None
    encode_into(out, body)
    return bytes(out)


def read_message(payload: bytes) -> tuple[MessageHeader, int]:
    """The header of a message, and where its body begins.

    Raises:
        CodecError: the bytes begin no strict binary message.
    """
    try:
        version, size = _head.unpack_from(payload)
        end = _head.size + size
        (seqid,) = _seqid.unpack_from(payload, end)
    except struct.error:
        raise CodecError("the message ends within its header") from None
    if version & _VERSION_MASK != _VERSION:
        raise CodecError(f"message version {version:08x}, expected 8001 (strict binary)")
    if size > MAX_NAME_BYTES:
        raise CodecError(f"a method name of {size} bytes, at most {MAX_NAME_BYTES} are read")
    try:
        kind = MessageType(version & 0xFF)
        name = payload[_head.size : end].decode()
    except UnicodeDecodeError:
        raise CodecError("the method's name is not UTF-8") from None
    except ValueError:
        raise CodecError(f"message type {version & 0xFF} does not exist") from None
    return MessageHeader(name, kind, seqid), end + _seqid.size


def encode_call(
    method: Method,
    args: Struct,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
) -> bytes:
    """The frame of a call. A TTHeader is given this sequence id too.

    Raises:
        CodecError: an argument does not fit.
        FrameError: the headers do not fit.
    """
    kind = MessageType.ONEWAY if method.oneway else MessageType.CALL
    payload = encode_message(method.name, kind, seqid, args)
    return _framed(payload, seqid, transport, header)


def encode_reply(
    method: Method,
    result: Struct,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
) -> bytes:
    """The frame of an answer: a value or a declared exception. Raises as ``encode_call``."""
    payload = encode_message(method.name, MessageType.REPLY, seqid, result)
    return _framed(payload, seqid, transport, header)


def encode_exception(
    name: str,
    error: ApplicationError,
    seqid: int,
    transport: Transport,
    header: TTHeader | None = None,
) -> bytes:
    """The frame of an answer that is none of the declared ones. Raises as ``encode_call``."""
    payload = encode_message(name, MessageType.EXCEPTION, seqid, error)
    return _framed(payload, seqid, transport, header)


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
    header, start = read_message(frame.payload)
    if header.type not in (MessageType.CALL, MessageType.ONEWAY):
        raise ApplicationError(
            f"{service.name} takes calls, this message is a {header.type.name.lower()}",
            ApplicationErrorType.INVALID_MESSAGE_TYPE,
        )
    method = service.methods.get(header.name)
    if method is None:
        raise ApplicationError(
            f"{service.name} has no method {shown(header.name)}: it has "
            f"{', '.join(service.methods) or 'none'}; compare the IDLs of both sides",
            ApplicationErrorType.UNKNOWN_METHOD,
        )
    args = decode(method.args, frame.payload, start, decoded_limit=decoded_limit)
    return Request(header, method, args)


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
    header, start = read_message(frame.payload)
    if header.type is MessageType.EXCEPTION:
        raise decode(ApplicationError, frame.payload, start)
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
    return decode(method.result, frame.payload, start)


def _framed(payload: bytes, seqid: int, transport: Transport, header: TTHeader | None) -> bytes:
    if transport is Transport.TTHEADER:
        header = replace(header, seqid=seqid) if header is not None else TTHeader(seqid)
    return encode_frame(payload, transport, header)
