"""One struct at a time: values to bytes and back. In C where the extension is, which does the same
as ``codec.python`` and raises the same errors."""

from typing import TYPE_CHECKING

from pie._core import native
from pie.thrift.codec.python import DEFAULT_MAX_DEPTH

if TYPE_CHECKING or native is None:
    from pie.thrift.codec.python import decode, encode, encode_into
else:
    decode, encode, encode_into = native.decode, native.encode, native.encode_into

__all__ = ["DEFAULT_MAX_DEPTH", "decode", "encode", "encode_into"]
