"""Walking over a binary value without reading it: unknown fields, and where a bare message ends."""

from pie.thrift.errors import CodecError
from pie.thrift.types import TType

FIXED_SIZE: dict[int, int] = {
    TType.BOOL: 1,
    TType.I8: 1,
    TType.I16: 2,
    TType.I32: 4,
    TType.I64: 8,
    TType.DOUBLE: 8,
}
MIN_SIZE: dict[int, int] = {
    **FIXED_SIZE,
    TType.STRING: 4,
    TType.STRUCT: 1,
    TType.LIST: 5,
    TType.SET: 5,
    TType.MAP: 6,
}
"""The fewest bytes a value takes; bounds how many elements a container can really have."""

_STRUCT = -1


class Skipper:
    """Finds the end of one value, and keeps its place when the bytes are not all here yet.

    Args:
        code: the value's wire type.
        start: where it begins in the data.
        max_depth: of structs and containers within each other.
    """

    __slots__ = ("_max_depth", "_pending", "_stack", "position")

    def __init__(self, code: int, start: int, max_depth: int) -> None:
        self.position = start
        """Everything before it has been walked over. It may lie beyond the data."""
        self._max_depth = max_depth
        self._pending: int | None = code
        # What is open, outermost first: [next element's type, the one after, elements left].
        self._stack: list[list[int]] = []

    def advance(self, data: bytes | bytearray) -> int:
        """Walk on. Returns 0 at the value's end, else how long the data must be to walk further.

        Raises:
            CodecError: no value looks like this.
        """
        while True:
            if self._pending is None and not self._next(data):
                if self._stack:
                    return self.position + 1
                return 0 if self.position <= len(data) else self.position
            if self._pending is not None:
                needed = self._enter(data, self._pending)
                if needed:
                    return needed
                self._pending = None

    def _next(self, data: bytes | bytearray) -> bool:
        """Choose the next value in the innermost open struct or container.

        Returns False if nothing is open, or if a struct's next field is not here yet.
        """
        while self._stack:
            top = self._stack[-1]
            if top[2] != _STRUCT:
                if top[2]:
                    self._pending = top[0]
                    top[0], top[1] = top[1], top[0]
                    top[2] -= 1
                    return True
                self._stack.pop()
                continue
            if self.position >= len(data):
                return False
            code = data[self.position]
            if code:
                self.position += 3
                self._pending = code
                return True
            self.position += 1
            self._stack.pop()
        return False

    def _enter(self, data: bytes | bytearray, code: int) -> int:
        """Step over a value's fixed part. Returns 0, or how long the data must be for that."""
        at = self.position
        size = FIXED_SIZE.get(code)
        if size is not None:
            self.position = at + size
        elif code == TType.STRUCT:
            self._open([0, 0, _STRUCT])
        elif code == TType.STRING:
            if at + 4 > len(data):
                return at + 4
            self.position = at + 4 + _size(data, at)
        elif code in (TType.LIST, TType.SET):
            if at + 5 > len(data):
                return at + 5
            self.position = at + 5
            self._elements((data[at],), _size(data, at + 1))
        elif code == TType.MAP:
            if at + 6 > len(data):
                return at + 6
            self.position = at + 6
            self._elements((data[at], data[at + 1]), _size(data, at + 2))
        else:
            raise CodecError(f"type code {code} at byte {at} does not exist")
        return 0

    def _elements(self, codes: tuple[int, ...], count: int) -> None:
        sizes = [FIXED_SIZE.get(code, 0) for code in codes]
        if all(sizes):
            self.position += count * sum(sizes)
        elif count:
            self._open([codes[0], codes[-1], count * len(codes)])

    def _open(self, entry: list[int]) -> None:
        if len(self._stack) >= self._max_depth:
            raise CodecError(f"nested deeper than {self._max_depth} levels")
        self._stack.append(entry)


def _size(data: bytes | bytearray, at: int) -> int:
    size = int.from_bytes(data[at : at + 4], "big", signed=True)
    if size < 0:
        raise CodecError(f"negative size {size} at byte {at}")
    return size
