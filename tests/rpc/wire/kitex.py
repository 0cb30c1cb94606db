"""The bytes of a real Kitex, by name, and the service that they belong to."""

import functools
import re
from pathlib import Path
from types import ModuleType

from pie.thrift import Frame, FrameSplitter, load_module

HERE = Path(__file__).parent
_SECTION = re.compile(r"^\[(.+)\]\n((?:#.*\n)*)((?:[0-9a-f ]+\n)+)", re.MULTILINE)
_HEAD = re.compile(rb"\x80\x01\x00[\x01-\x04]\x00\x00\x00.", re.DOTALL)

VECTORS = {
    name: bytes.fromhex(digits)
    for name, _, digits in _SECTION.findall((HERE / "kitex.vectors").read_text())
}


def frame_of(data: bytes) -> Frame:
    """The one frame that bytes hold."""
    splitter = FrameSplitter()
    splitter.feed(data)
    frame = splitter.take()
    assert frame is not None
    assert splitter.pending == 0
    return frame


def numbered(name: str, seqid: int) -> bytes:
    """A vector with another sequence id, in its headers and in its message."""
    data = bytearray(VECTORS[name])
    number = seqid.to_bytes(4, "big")
    if data[4:6] == b"\x10\x00":
        data[8:12] = number
    head = next(_HEAD.finditer(data))
    end = head.end() + data[head.end() - 1]
    data[end : end + 4] = number
    return bytes(data)


@functools.cache
def service() -> ModuleType:
    """The generated module of kitex.thrift."""
    return load_module((HERE / "kitex.thrift").read_text())
