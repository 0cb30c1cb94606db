"""Walking over a value without reading it: unknown fields, and where a bare message ends."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from pie.thrift.errors import CodecError

_STRUCT = -1


class Skipper(ABC):
    """Finds the end of one value, and remembers how far it is when the bytes are not all here yet.

    Args:
        code: the value's wire type.
        start: where it begins in the data.
        max_depth: of structs and containers within each other.
    """

    __slots__ = ("_max_depth", "_pending", "_stack", "position")
    sizes: ClassVar[Mapping[int, int]]
    """Bytes of the types that always take the same."""

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
            code = self._pending
            if code is not None:
                size = self.sizes.get(code)
                if size is not None:
                    self.position += size
                else:
                    needed = self._enter(data, code)
                    if needed:
                        return needed
                self._pending = None
            elif self._stack:
                needed = self._next(data)
                if needed:
                    return needed
            else:
                return 0 if self.position <= len(data) else self.position

    def _next(self, data: bytes | bytearray) -> int:
        """Choose the next value in the innermost open struct or container, or close that.

        Returns 0, or how long the data must be for a struct's next field.
        """
        top = self._stack[-1]
        if top[2] == _STRUCT:
            if self.position >= len(data):
                return self.position + 1
            return self._field(data)
        if top[2]:
            self._pending = top[0]
            top[0], top[1] = top[1], top[0]
            top[2] -= 1
        else:
            self._stack.pop()
        return 0

    @abstractmethod
    def _field(self, data: bytes | bytearray) -> int:
        """Step over a field's head, whose first byte is here, and make its type the pending one.

        Returns 0, or how long the data must be for that.
        """

    @abstractmethod
    def _enter(self, data: bytes | bytearray, code: int) -> int:
        """Step over a value whose size is not fixed, or over its head if it has parts.

        Returns 0, or how long the data must be for that.
        """

    def _open_struct(self) -> None:
        self._open([0, 0, _STRUCT])

    def _close_struct(self) -> None:
        self.position += 1
        self._stack.pop()

    def _elements(self, codes: tuple[int, ...], count: int) -> None:
        """Step over elements whose sizes are fixed, or open their container."""
        sizes = [self.sizes.get(code, 0) for code in codes]
        if all(sizes):
            self.position += count * sum(sizes)
        elif count:
            self._open([codes[0], codes[-1], count * len(codes)])

    def _open(self, entry: list[int]) -> None:
        if len(self._stack) >= self._max_depth:
            raise CodecError(f"nested deeper than {self._max_depth} levels")
        self._stack.append(entry)


def no_such_type(code: int, at: int) -> CodecError:
    """The error for a type code that stands for nothing."""
    return CodecError(f"type code {code} at byte {at} does not exist")
