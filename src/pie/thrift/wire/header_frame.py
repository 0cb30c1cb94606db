"""The frame of TTHeader and THeader: headers between its length and its message.

Both begin with 14 bytes, big-endian: u32 length of what follows, u16 mark, u16 flags, i32 sequence
id, u16 size of the headers in words of four bytes.
"""

import struct
from typing import NamedTuple

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError, shown

MAX_HEADER_BYTES = 0xFFFF * 4
PROTOCOL_IDS = {Protocol.BINARY: 0, Protocol.COMPACT: 2}

_fixed = struct.Struct(">I2sHiH")


class HeaderFrame(NamedTuple):
    """One of the two kinds: its name for people, and its mark."""

    name: str
    mark: bytes

    def pack(self, flags: int, seqid: int, headers: bytearray, payload: bytes) -> bytes:
        """The whole frame; zeros are put behind the headers up to a whole word.

        Raises:
            FrameError: the headers are larger than 262,140 bytes, or a number does not fit its
                bits.
        """
        headers += bytes(-len(headers) % 4)
        if len(headers) > MAX_HEADER_BYTES:
            raise FrameError(
                f"headers of {len(headers)} bytes, {self.name} holds {MAX_HEADER_BYTES}"
            )
        total = _fixed.size - 4 + len(headers) + len(payload)
        try:
            fixed = _fixed.pack(total, self.mark, flags, seqid, len(headers) // 4)
        except struct.error as error:
            raise FrameError(f"a number does not fit the {self.name}: {error}") from None
        return b"".join((fixed, headers, payload))

    def unpack(self, frame: bytes) -> tuple[int, int, bytes, bytes]:
        """Flags, sequence id, headers and payload of a whole frame.

        Raises:
            FrameError: the frame ends too early, or is not of this kind.
        """
        try:
            _, mark, flags, seqid, words = _fixed.unpack_from(frame)
        except struct.error:
            raise FrameError(f"a {self.name} frame of only {len(frame)} bytes") from None
        if mark != self.mark:
            raise FrameError(f"no {self.name}: its mark is {mark.hex()}, not {self.mark.hex()}")
        end = _fixed.size + words * 4
        if end > len(frame) or words == 0:
            raise FrameError(f"headers of {words * 4} bytes in a frame of {len(frame)}")
        return flags, seqid, frame[_fixed.size : end], frame[end:]

    def protocol_by_id(self, number: int) -> Protocol:
        """The protocol that the headers name.

        Raises:
            FrameError: it is not spoken here.
        """
        for protocol, known in PROTOCOL_IDS.items():
            if number == known:
                return protocol
        raise FrameError(
            f"{self.name} with protocol {number}: 0 (binary) and 2 (compact) are spoken here"
        )

    def check_payload(self, found: Protocol | None, named: Protocol, payload: bytes) -> None:
        """Hold the message against the protocol that the headers name.

        Raises:
            FrameError: it is of another one, or no message.
        """
        if found is not named:
            raise FrameError(f"{self.name} around {payload[:6].hex(' ')}: expected {named}")


def header_text(text: str, key: str) -> bytes:
    """The bytes of a header's key or value.

    Raises:
        FrameError: it cannot be written as UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FrameError(f"header {shown(key)} is not valid Unicode text") from None
