"""The codec in Python: one struct at a time, in either protocol. Its twin is `pie._core`."""

from typing import TypeVar

from pie.thrift.codec.binary_read import BINARY_READ
from pie.thrift.codec.binary_write import BINARY_WRITE
from pie.thrift.codec.compact_read import COMPACT_READ
from pie.thrift.codec.compact_write import COMPACT_WRITE
from pie.thrift.codec.protocol import Protocol
from pie.thrift.codec.source import DEFAULT_DECODED_LIMIT, Source
from pie.thrift.codec.struct_read import struct_reader
from pie.thrift.codec.struct_write import struct_writer
from pie.thrift.errors import CodecError
from pie.thrift.structs import Struct

DEFAULT_MAX_DEPTH = 64
"""Structs and containers within each other, the outermost struct counted."""

_READ = {Protocol.BINARY: BINARY_READ, Protocol.COMPACT: COMPACT_READ}
_WRITE = {Protocol.BINARY: BINARY_WRITE, Protocol.COMPACT: COMPACT_WRITE}

S = TypeVar("S", bound=Struct)


def encode(
    value: Struct,
    /,
    *,
    protocol: Protocol = Protocol.BINARY,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> bytes:
    """A struct's bytes.

    Raises:
        CodecError: a value does not fit its field, a required field is not set, a union has not
            exactly one field set, or the value is nested deeper than ``max_depth``.
    """
    out = bytearray()
    encode_into(out, value, protocol=protocol, max_depth=max_depth)
    return bytes(out)


def encode_into(
    out: bytearray,
    value: Struct,
    /,
    *,
    protocol: Protocol = Protocol.BINARY,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> None:
    """Append a struct's bytes. See ``encode``; after an error ``out`` holds a part of them."""
    cls = type(value)
    try:
        struct_writer(cls, _WRITE[protocol])(out, value, max_depth)
    except CodecError as error:
        raise error.under(cls.__name__) from None


def decode(
    cls: type[S],
    data: bytes | memoryview,
    /,
    offset: int = 0,
    *,
    protocol: Protocol = Protocol.BINARY,
    max_depth: int = DEFAULT_MAX_DEPTH,
    decoded_limit: int = DEFAULT_DECODED_LIMIT,
) -> S:
    """The struct that ``data`` holds from ``offset`` to its end.

    Raises:
        CodecError: the bytes are not that struct, are nested deeper than ``max_depth``, or would
            take more memory than ``decoded_limit`` bytes.
    """
    source = Source.of(data, decoded_limit)
    try:
        value, end = struct_reader(cls, _READ[protocol])(source, offset, max_depth)
        if end != len(source):
            raise CodecError(f"{len(source) - end} bytes left over after the struct")
    except CodecError as error:
        raise error.under(cls.__name__) from None
    result: S = value
    return result
