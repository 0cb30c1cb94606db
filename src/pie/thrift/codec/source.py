"""Bytes being decoded, and a bound on the memory that their values take."""

from pie.thrift.errors import CodecError

DEFAULT_DECODED_LIMIT = 64 << 20
"""Bytes of memory that the values of one message may take, by a rough count."""

END = "the bytes end before the value does"


class Source(bytes):
    """Bytes being decoded, and how much memory their values may still take."""

    limit: int
    left: int

    @classmethod
    def of(cls, data: bytes | memoryview, limit: int) -> "Source":
        """The bytes with a whole budget."""
        source = cls(data)
        source.limit = source.left = limit
        return source

    def spend(self, memory: int) -> None:
        """Count memory that is about to be taken.

        Raises:
            CodecError: it is more than is left.
        """
        self.left -= memory
        if self.left < 0:
            raise CodecError(
                f"a message of {len(self)} bytes whose values take more than {self.limit} bytes "
                "of memory, the limit (decoded_limit): send less at once, or raise it"
            )
