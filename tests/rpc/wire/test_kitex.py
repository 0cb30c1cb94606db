"""The bytes of a real Kitex, read and written by the codec alone."""

import pytest
from tests.rpc.wire.kitex import VECTORS, frame_of

from pie.thrift import (
    BUFFERED,
    CRRST,
    FRAMED,
    TTHEADER,
    Flag,
    IntKey,
    MessageType,
    StreamingFrame,
    decode_ttheader,
    encode_frame,
    read_message,
)

STREAMS = [each for each in VECTORS if each.startswith("streaming")]
MESSAGES = [each for each in VECTORS if each not in STREAMS]


def test_all_vectors_are_there() -> None:
    assert len(VECTORS) == 28
    sizes = [int.from_bytes(each[:4], "big") + 4 for each in VECTORS.values() if each[0] < 0x80]
    assert sizes == [len(each) for each in VECTORS.values() if each[0] < 0x80]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_written_as_it_was_read(name: str) -> None:
    data = VECTORS[name]
    frame = frame_of(data)
    written = encode_frame(frame.payload, frame.transport, frame.header, frame.protocol)
    assert frame_of(written) == frame
    # Kitex writes a token before the string keys, and the keys of a block in any order.
    assert (len(written), sorted(written)) == (len(data), sorted(data))
    if frame.transport is not TTHEADER:
        assert written == data


@pytest.mark.parametrize(
    ("name", "transport", "framed", "head"),
    [
        ("TTHeader request, bare message", TTHEADER, False, ("Text", MessageType.CALL, 1)),
        ("TTHeaderFramed request", TTHEADER, True, ("Text", MessageType.CALL, 1)),
        ("TTHeader reply, bare", TTHEADER, False, ("Text", MessageType.REPLY, 1)),
        ("exception reply", TTHEADER, True, ("Text", MessageType.EXCEPTION, 3)),
        ("oneway request", TTHEADER, True, ("Note", MessageType.ONEWAY, 5)),
        ("framed request", FRAMED, None, ("Text", MessageType.CALL, 1)),
        ("buffered reply", BUFFERED, None, ("Text", MessageType.REPLY, 1)),
    ],
)
def test_forms(name, transport, framed, head) -> None:
    frame = frame_of(VECTORS[name])
    assert (frame.transport, frame.header and frame.header.framed) == (transport, framed)
    assert read_message(frame.payload)[0] == head


def test_the_headers_of_a_request() -> None:
    header = frame_of(VECTORS["TTHeader request, bare message"]).header
    assert header.strings == {"RPC_TRANSIT_HOP": "1", "RPC_PERSIST_LANE": "蓝", "isn": "KxPlus"}
    assert header.ints == {
        IntKey.TRANSPORT_TYPE: "unframed",
        IntKey.FROM_SERVICE: "kx.kitex.client",
        IntKey.TO_SERVICE: "kx.pie.server",
        IntKey.TO_METHOD: "Text",
        IntKey.RPC_TIMEOUT: "1500",
        IntKey.CONNECT_TIMEOUT: "1000",
        IntKey.FROM_METHOD: "",
        IntKey.MESSAGE_TYPE: "1",
    }
    assert frame_of(VECTORS["request with ACL token"]).header.token == "secret-token"
    assert frame_of(VECTORS["multiplexed request"]).header.flags == Flag.OUT_OF_ORDER


def test_the_sign_of_a_server_that_stops() -> None:
    frame = frame_of(VECTORS["control frame of a Kitex mux server that stops"])
    assert (frame.header.seqid, frame.header.strings) == (0, {CRRST: "1"})
    assert read_message(frame.payload)[0] == ("none", MessageType.REPLY, 0)


@pytest.mark.parametrize("name", STREAMS)
def test_a_frame_of_a_stream_is_refused_by_name(name: str) -> None:
    with pytest.raises(StreamingFrame, match="streaming call of 'Bidi'") as caught:
        decode_ttheader(VECTORS[name])
    assert (caught.value.seqid, caught.value.method) == (1, "Bidi")
