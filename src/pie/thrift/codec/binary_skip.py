"""Walking over a value of the binary protocol."""

from collections.abc import Mapping
from typing import ClassVar

from pie.thrift.codec.skip import Skipper, no_such_type
from pie.thrift.errors import CodecError
from pie.thrift.types import TType


class BinarySkipper(Skipper):
    """See ``Skipper``."""

    __slots__ = ()
    sizes: ClassVar[Mapping[int, int]] = {
        TType.BOOL: 1,
        TType.I8: 1,
        TType.I16: 2,
        TType.I32: 4,
        TType.I64: 8,
        TType.DOUBLE: 8,
        TType.UUID: 16,
    }

    def _field(self, data: bytes | bytearray) -> int:
        code = data[self.position]
        if code == TType.STOP:
            self._close_struct()
        else:
            self.position += 3
            self._pending = code
        return 0

    def _enter(self, data: bytes | bytearray, code: int) -> int:
        at = self.position
        head = _HEADS.get(code)
        if head is None:
            raise no_such_type(code, at)
        if at + head > len(data):
            return at + head
        self.position = at + head
        if code == TType.STRUCT:
            self._open_struct()
        elif code == TType.STRING:
            self.position += _size(data, at)
        elif code == TType.MAP:
            self._elements((data[at], data[at + 1]), _size(data, at + 2))
        else:
            self._elements((data[at],), _size(data, at + 1))
        return 0


_HEADS: dict[int, int] = {
    TType.STRING: 4,
    TType.STRUCT: 0,
    TType.LIST: 5,
    TType.SET: 5,
    TType.MAP: 6,
}
"""Bytes that stand before the parts of a value."""

# A struct has its end at least.
MIN_SIZE: dict[TType, int] = {
    code: BinarySkipper.sizes.get(code) or max(1, _HEADS[code])
    for code in TType
    if code != TType.STOP
}
"""The fewest bytes a value takes; bounds how many elements a container can really have."""


def _size(data: bytes | bytearray, at: int) -> int:
    size = int.from_bytes(data[at : at + 4], "big", signed=True)
    if size < 0:
        raise CodecError(f"negative size {size} at byte {at}")
    return size
