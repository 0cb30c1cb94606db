"""THeader: against Apache Thrift's own, and what is wrong with others."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thrift.transport.THeaderTransport import (
    THeaderClientType,
    THeaderTransformID,
    THeaderTransport,
)
from thrift.transport.TTransport import TMemoryBuffer

from pie.thrift import (
    FRAMED_THEADER,
    THEADER,
    FrameError,
    FrameSplitter,
    MessageType,
    Protocol,
    TTHeader,
    decode_call,
    decode_theader,
    encode_call,
    encode_frame,
    encode_theader,
    read_message,
    sniff,
)

LIMIT = 1 << 20
MESSAGES = {
    Protocol.BINARY: bytes.fromhex("80010001 00000004 4563686f 00000001 00"),
    Protocol.COMPACT: bytes.fromhex("8221 01 04 4563686f 00"),
}
IDS = {Protocol.BINARY: 0, Protocol.COMPACT: 2}
STRINGS = {"logid": "2017", "RPC_PERSIST_LANE": "grün", "empty": ""}


def apache(content=b"", protocol=Protocol.BINARY):
    return THeaderTransport(TMemoryBuffer(content), [THeaderClientType.HEADERS], IDS[protocol])


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "zlib"])
@pytest.mark.parametrize("protocol", Protocol)
def test_apache_thrift_reads_ours_and_we_read_its(protocol, compressed):
    message = MESSAGES[protocol]
    header = TTHeader(-5, 3, strings=STRINGS, framed=False, compressed=compressed)
    data = encode_theader(header, message, protocol)

    reading = apache(data)
    assert reading.read(len(message)) == message
    assert (reading.sequence_id, reading.flags, reading.protocol_id) == (-5, 3, IDS[protocol])
    assert {k.decode(): v.decode() for k, v in reading.get_headers().items()} == STRINGS

    writing = apache(protocol=protocol)
    writing.sequence_id, writing.flags = -5, 3
    for key, value in STRINGS.items():
        writing.set_header(key.encode(), value.encode())
    if compressed:
        writing.add_transform(THeaderTransformID.ZLIB)
    writing.write(message)
    writing.flush()
    written = writing._transport.getvalue()
    assert written == data
    assert decode_theader(written, LIMIT) == (header, message)


@given(
    header=st.builds(
        TTHeader,
        seqid=st.integers(-(1 << 31), (1 << 31) - 1),
        flags=st.integers(0, 0xFFFF),
        strings=st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=4),
        framed=st.just(False),
        compressed=st.booleans(),
    ),
    protocol=st.sampled_from(Protocol),
)
@settings(derandomize=True, deadline=None)
def test_any_header_is_read_as_written(header, protocol):
    frame = encode_theader(header, MESSAGES[protocol], protocol)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert decode_theader(frame, LIMIT) == (header, MESSAGES[protocol])


def test_a_call_has_the_headers_sequence_id(demo2):
    method = demo2.DemoService.methods["GetItem"]
    args = method.args(demo2.Demo2Request(5))
    header = TTHeader(strings={"k": "v"}, compressed=True)
    data = encode_call(method, args, 7, THEADER, header, Protocol.COMPACT)
    splitter = FrameSplitter()
    splitter.feed(data)
    frame = splitter.take()
    assert (frame.transport, frame.protocol) == (THEADER, Protocol.COMPACT)
    assert (frame.header.seqid, frame.header.strings, frame.header.compressed) == (
        7,
        {"k": "v"},
        True,
    )
    assert read_message(frame.payload, frame.protocol)[0] == ("GetItem", MessageType.CALL, 7)
    assert decode_call(demo2.DemoService, frame).args == args


MESSAGE = bytes.fromhex("80010001 00000004 4563686f 00000001 00")


def frame_of(headers, payload=MESSAGES[Protocol.BINARY]):
    """A frame with these bytes as its headers."""
    headers += bytes(-len(headers) % 4)
    fixed = struct.pack(">2sHiH", b"\x0f\xff", 0, 1, len(headers) // 4)
    body = fixed + headers + payload
    return len(body).to_bytes(4, "big") + body


def test_what_is_not_known_is_passed_over():
    """Blocks of other kinds, and what comes behind them."""
    headers = b"\0\0" + b"\1\1\1k\1v" + b"\2\1\1a\1b" + b"\1\1\1x\1y"
    header, payload = decode_theader(frame_of(headers), LIMIT)
    assert (header.strings, payload) == ({"k": "v"}, MESSAGES[Protocol.BINARY])
    longer = b"\x80\0" + b"\x80\0" + b"\1\x81\0\1k\x81\0v"
    assert decode_theader(frame_of(longer), LIMIT)[0].strings == {"k": "v"}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (frame_of(b"\0\0")[:13], "a THeader frame of only 13 bytes"),
        (frame_of(b""), "headers of 0 bytes in a frame of 31"),
        (frame_of(b"\0\0")[:16], "headers of 4 bytes in a frame of 16"),
        (b"\0\0\0\x20\x10\0" + bytes(30), "no THeader: its mark is 1000, not 0fff"),
        (frame_of(b"\1\0"), "THeader with protocol 1: 0 (binary) and 2 (compact) are spoken here"),
        (frame_of(b"\2\0"), "THeader around 80 01 00 01 00 00: expected compact"),
        (frame_of(b"\0\0", MESSAGES[Protocol.COMPACT]), "THeader around 82 21 01 04 45 63: expec"),
        (frame_of(b"\0\0", b""), "THeader around : expected binary"),
        (
            frame_of(b"\0\1\2\0"),
            "THeader with 1 transforms: none, or a single one that is 1 (zlib)",
        ),
        (frame_of(b"\0\2\1\1"), "THeader with 2 transforms: none, or a single"),
        (frame_of(b"\0" + b"\xff" * 9 + b"\1"), "THeader with 18446744073709551615 transforms"),
        (frame_of(b"\xff" * 12), "THeader with a varint of more than 10 bytes"),
        (frame_of(b"\0\0\1\x80"), "THeader ends within a header"),
        (frame_of(b"\0\0\1" + b"\xff" * 9 + b"\1" + b"\1k\1v"), "THeader ends within a header"),
        (frame_of(b"\0\0\1\1\5kkk"), "THeader ends within a header of 5 bytes"),
        (frame_of(b"\0\1\1"), "a THeader message that is not zlib: Error -3"),
        (frame_of(b"\0\1\1", zlib.compress(b"x" * 99)[:-1]), "zlib stream ends before or behind"),
        (frame_of(b"\0\1\1", zlib.compress(b"x") + b"x"), "zlib stream ends before or behind"),
        (frame_of(b"\0\1\1", zlib.compress(b"x")), "THeader around 78: expected binary"),
    ],
)
def test_a_damaged_frame_is_refused(frame, message):
    with pytest.raises(FrameError) as caught:
        decode_theader(frame, LIMIT)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (TTHeader(ints={2: "x"}), "no integer keys and no token"),
        (TTHeader(token="x"), "no integer keys and no token"),
        (TTHeader(strings={"k": "\ud800"}), "header 'k' is not valid Unicode text"),
        (TTHeader(strings={"k": "x" * 300_000}), "THeader holds 262140"),
        (TTHeader(seqid=1 << 31), "a number does not fit the THeader"),
    ],
)
def test_headers_that_do_not_fit_are_refused(header, message):
    with pytest.raises(FrameError, match=message):
        encode_theader(header, MESSAGES[Protocol.BINARY])


def test_a_zlib_bomb_costs_no_memory(memory_below):
    bomb = frame_of(b"\0\1\1", zlib.compress(bytes(200 << 20)))
    assert len(bomb) < 1 << 18
    splitter = FrameSplitter(limit=1 << 18)
    splitter.feed(bomb)
    with memory_below(2 << 20), pytest.raises(FrameError, match="is more than 262144 when it is"):
        splitter.take()


def test_the_limit_counts_what_is_decompressed():
    message = MESSAGES[Protocol.BINARY]
    frame = encode_theader(TTHeader(compressed=True), message)
    assert decode_theader(frame, len(message))[1] == message
    with pytest.raises(FrameError, match="the limit: send less at once"):
        decode_theader(frame, len(message) - 1)


@given(data=st.data())
@settings(derandomize=True, deadline=None)
def test_any_changed_frame_is_read_or_refused(data):
    frame = bytearray(
        encode_theader(
            TTHeader(strings={"k": "v"}, compressed=data.draw(st.booleans())),
            MESSAGES[Protocol.BINARY],
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(4, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FrameError):
        decode_theader(bytes(frame[: data.draw(st.integers(0, len(frame)))]), LIMIT)


def test_what_is_not_utf8_is_replaced():
    header, payload = decode_theader(frame_of(b"\0\0\1\1\1k\1\xff"), 1000)
    assert (header.strings, payload) == ({"k": "\ufffd"}, MESSAGE)


@pytest.mark.parametrize("compressed", [False, True])
def test_one_within_a_frame(compressed):
    header = TTHeader(7, strings={"k": "v"}, framed=False, compressed=compressed)
    data = encode_frame(MESSAGE, FRAMED_THEADER, header)
    assert data[4:] == encode_theader(header, MESSAGE)
    for end in range(1, len(data)):
        assert sniff(data[:end]) in (None, FRAMED_THEADER)
    splitter = FrameSplitter()
    splitter.feed(data + data)
    for _ in range(2):
        frame = splitter.take()
        assert (frame.transport, frame.header, frame.payload) == (FRAMED_THEADER, header, MESSAGE)
    with pytest.raises(FrameError, match="begin no known transport"):
        sniff((len(data) - 5).to_bytes(4, "big") + data[4:])
