"""Where a message without a length ends. Twin: ``unframed.c``."""

from pie.thrift.codec import DEFAULT_MAX_DEPTH
from pie.thrift.codec.binary_skip import BinarySkipper
from pie.thrift.codec.compact import CompactType
from pie.thrift.codec.compact_skip import CompactSkipper
from pie.thrift.codec.protocol import Protocol
from pie.thrift.codec.skip import Skipper
from pie.thrift.errors import CodecError, FrameError
from pie.thrift.types import TType
from pie.thrift.wire.message_head import find_body, protocol_of

_BODIES: dict[Protocol, tuple[type[Skipper], int]] = {
    Protocol.BINARY: (BinarySkipper, TType.STRUCT),
    Protocol.COMPACT: (CompactSkipper, CompactType.STRUCT),
}


class MessageEnd:
    """Finds the end of one message by its structure, step by step."""

    def __init__(self) -> None:
        self._protocol: Protocol | None = None
        self._skipper: Skipper | None = None

    def find(self, data: bytearray) -> int:
        """Where the message at the front ends; more than there is, if its end is not here yet.

        Raises:
            FrameError: the bytes are no message.
        """
        protocol = self._protocol = self._protocol or protocol_of(data) or Protocol.BINARY
        try:
            if self._skipper is None:
                start, known = find_body(data, protocol)
                if not known:
                    return start
                skipper, code = _BODIES[protocol]
                self._skipper = skipper(code, start, DEFAULT_MAX_DEPTH)
            return self._skipper.advance(data) or self._skipper.position
        except CodecError as error:
            raise FrameError(f"a message that is not {protocol}: {error}") from None
