"""Walking over a value of the compact protocol."""

from collections.abc import Mapping
from typing import ClassVar

from pie.thrift.codec.compact import CODES, CompactType, find_varint
from pie.thrift.codec.skip import Skipper, no_such_type
from pie.thrift.types import TType

_VARINTS = (CompactType.I16, CompactType.I32, CompactType.I64)


class CompactSkipper(Skipper):
    """See ``Skipper``. Begun at a bool, it walks over one that is an element, not a field."""

    __slots__ = ()
    sizes: ClassVar[Mapping[int, int]] = {
        CompactType.TRUE: 1,
        CompactType.FALSE: 1,
        CompactType.I8: 1,
        CompactType.DOUBLE: 8,
        CompactType.UUID: 16,
    }

    def _field(self, data: bytes | bytearray) -> int:
        head = data[self.position]
        if head == CompactType.STOP:
            self._close_struct()
            return 0
        at = self.position + 1
        if not head >> 4:
            found = find_varint(data, at)
            if found is None:
                return len(data) + 1
            at = found[1]
        self.position = at
        code = head & 0x0F
        if code not in (CompactType.TRUE, CompactType.FALSE):
            self._pending = code
        return 0

    def _enter(self, data: bytes | bytearray, code: int) -> int:
        at = self.position
        if code == CompactType.STRUCT:
            self._open_struct()
            return 0
        if code in (CompactType.LIST, CompactType.SET):
            return self._enter_list(data)
        if code not in (*_VARINTS, CompactType.BINARY, CompactType.MAP):
            raise no_such_type(code, at)
        found = find_varint(data, at)
        if found is None:
            return max(at, len(data)) + 1
        number, at = found
        if code == CompactType.BINARY:
            at += number
        elif code == CompactType.MAP and number:
            if at >= len(data):
                return at + 1
            self.position = at + 1
            self._elements((data[at] >> 4, data[at] & 0x0F), number)
            return 0
        self.position = at
        return 0

    def _enter_list(self, data: bytes | bytearray) -> int:
        at = self.position
        if at >= len(data):
            return at + 1
        count, code, at = data[at] >> 4, data[at] & 0x0F, at + 1
        if count == 0x0F:
            found = find_varint(data, at)
            if found is None:
                return len(data) + 1
            count, at = found
        self.position = at
        self._elements((code,), count)
        return 0


MIN_SIZE: dict[TType, int] = {code: CompactSkipper.sizes.get(CODES[code], 1) for code in CODES}
"""The fewest bytes a value takes; bounds how many elements a container can really have."""
