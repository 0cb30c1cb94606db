"""What TTHeader and THeader have in common: a frame with headers between its length and message.

Both begin with 14 bytes, big-endian: u32 length of what follows, u16 mark, u16 flags, i32 sequence
id, u16 size of the headers in words of four bytes.
"""

import struct

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError, shown
from pie.thrift.wire.transport import THEADER_MAGIC, TTHEADER_MAGIC

MAX_HEADER_BYTES = 0xFFFF * 4
PROTOCOL_IDS = {Protocol.BINARY: 0, Protocol.COMPACT: 2}

_NAMES = {TTHEADER_MAGIC: "TTHeader", THEADER_MAGIC: "THeader"}
_fixed = struct.Struct(">I2sHiH")


def pack_frame(magic: bytes, flags: int, seqid: int, headers: bytearray, payload: bytes) -> bytes:
    """The whole frame; zeros are put behind the headers up to a whole word.

    Raises:
        FrameError: the headers are larger than 262,140 bytes, or a number does not fit its bits.
    """
    headers += bytes(-len(headers) % 4)
    if len(headers) > MAX_HEADER_BYTES:
        raise FrameError(
            f"headers of {len(headers)} bytes, {_NAMES[magic]} holds {MAX_HEADER_BYTES}"
        )
    total = _fixed.size - 4 + len(headers) + len(payload)
    try:
        fixed = _fixed.pack(total, magic, flags, seqid, len(headers) // 4)
    except struct.error as error:
        raise FrameError(f"a number does not fit the {_NAMES[magic]}: {error}") from None
    return b"".join((fixed, headers, payload))


def unpack_frame(magic: bytes, frame: bytes) -> tuple[int, int, bytes, bytes]:
    """Flags, sequence id, headers and payload of a whole frame.

    Raises:
        FrameError: the frame ends too early, or is not of this kind.
    """
    name = _NAMES[magic]
    try:
        _, mark, flags, seqid, words = _fixed.unpack_from(frame)
    except struct.error:
        raise FrameError(f"a {name} frame of only {len(frame)} bytes") from None
    if mark != magic:
        raise FrameError(f"no {name}: its mark is {mark.hex()}, not {magic.hex()}")
    end = _fixed.size + words * 4
    if end > len(frame) or words == 0:
        raise FrameError(f"headers of {words * 4} bytes in a frame of {len(frame)}")
    return flags, seqid, frame[_fixed.size : end], frame[end:]


def header_text(text: str, key: str) -> bytes:
    """The bytes of a header's key or value.

    Raises:
        FrameError: it cannot be written as UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FrameError(f"header {shown(key)} is not valid Unicode text") from None


def protocol_by_id(magic: bytes, number: int) -> Protocol:
    """The protocol that the headers name.

    Raises:
        FrameError: it is not spoken here.
    """
    for protocol, known in PROTOCOL_IDS.items():
        if number == known:
            return protocol
    raise FrameError(
        f"{_NAMES[magic]} with protocol {number}: 0 (binary) and 2 (compact) are spoken here"
    )


def check_payload(magic: bytes, found: Protocol | None, named: Protocol, payload: bytes) -> None:
    """Hold the message against the protocol that the headers name.

    Raises:
        FrameError: it is of another one, or no message.
    """
    if found is not named:
        raise FrameError(f"{_NAMES[magic]} around {payload[:6].hex(' ')}: expected {named}")
