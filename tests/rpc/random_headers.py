"""Random and damaged headers of TTHeader frames, as bytes."""

import struct

from hypothesis import strategies as st

LOGID = b"20261130071500127000000001ab0001"
FOREIGN = b"02173300000000000000000000000000000ffff0a0b0c0d1e2f3a"
_SPAN = b"00-" + LOGID + b"-00f067aa0ba902b7-01"
_KEYS = [
    b"RPC_PERSIST_", b"RPC_PERSIST_A", b"RPC_PERSIST_PIE_TRAFFIC", b"RPC_PERSIST_\xff",
    b"RPC_TRANSIT_B", b"RPC_TRANSIT_", b"RPC_BACKWARD_C", b"RPC_BACKWARD_", b"COST", b"crrst",
    b"biz-status", b"biz-message", b"biz-extra", b"rip", b"isn", b"pie-kind", b"pie-code",
    b"pie-unsent", b"pie-to", b"", b"\xc3",
]  # fmt: skip
_VALUES = [
    b"", b"0", b"1", b"-7", b"250", b"1201", b"99999999999", b"unavailable", b"503", b"a.b.c",
    "茶".encode(), b"\xff\xfe", b"\xe8\x8c", b"a\x1bb\x7f", LOGID, LOGID.upper(), FOREIGN, _SPAN,
    _SPAN.upper(), _SPAN.replace(b"00-2", b"01-2"), b"{}", b'{"a":"b"}', b"0" * 32, b"x" * 300,
    b"\xed\xa0\x80", b"toutiao.my.server",
]  # fmt: skip
_NUMBERS = [2, 3, 4, 10, 12, 18, 21, 21, 22, 19, 300, 65535]


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _block(kind: int, entries: list[bytes]) -> bytes:
    return bytes((kind,)) + struct.pack(">H", len(entries)) + b"".join(entries)


keys = st.sampled_from(_KEYS) | st.binary(max_size=12)
values = st.sampled_from(_VALUES) | st.binary(max_size=12)
pairs = st.lists(st.tuples(keys, values).map(lambda each: _sized(each[0]) + _sized(each[1])))
numbers = st.lists(
    st.tuples(st.sampled_from(_NUMBERS), values).map(
        lambda each: struct.pack(">H", each[0]) + _sized(each[1])
    )
)
blocks = st.lists(
    pairs.map(lambda each: _block(0x01, each))
    | numbers.map(lambda each: _block(0x10, each))
    | values.map(lambda each: b"\x11" + _sized(each))
    | st.just(b"\0"),
    max_size=4,
).map(b"".join)
"""The blocks of whole headers."""
damaged = st.tuples(blocks, st.integers(0, 200), st.binary(min_size=1, max_size=3)).map(
    lambda each: each[0][: each[1]] + each[2] + each[0][each[1] + len(each[2]) :]
)
"""Likewise, with some bytes changed."""


def frame(blocks: bytes, message: bytes, seqid: int = 1, *, framed: bool = False) -> bytes:
    """A TTHeader frame with these blocks."""
    body = b"\0\0" + blocks
    body += bytes(-len(body) % 4)
    if framed:
        message = len(message).to_bytes(4, "big") + message
    rest = b"\x10\0\0\0" + struct.pack(">iH", seqid, len(body) // 4) + body + message
    return len(rest).to_bytes(4, "big") + rest
