"""Transports: what the first bytes say, cutting a stream, and TTHeader byte for byte."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.thrift import (
    BIZ_STATUS,
    BUFFERED,
    CRRST,
    FRAMED,
    HTTP1,
    HTTP2,
    THEADER,
    TTHEADER,
    Flag,
    FrameError,
    FrameSplitter,
    IntKey,
    MessageType,
    Protocol,
    StreamingFrame,
    TTHeader,
    UnsupportedTransport,
    decode_ttheader,
    encode_frame,
    encode_message,
    encode_theader,
    encode_ttheader,
    parse_transport,
    read_message,
    sniff,
)

MESSAGE = bytes.fromhex("80010001 00000004 4563686f 00000001 00")
COMPACT_MESSAGE = bytes.fromhex("8221 01 04 4563686f 00")
MESSAGES = {Protocol.BINARY: MESSAGE, Protocol.COMPACT: COMPACT_MESSAGE}
HEADERS = [TTHEADER, THEADER]
SUPPORTED = [*HEADERS, FRAMED, BUFFERED]
RELAXED = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=examples(60),
)


def entry(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


# The request of a real client: the payload is a call of Echo.
VECTOR = b"".join(
    [
        bytes.fromhex("000000ab 1000 0000 00000001 0023 00 00"),
        bytes.fromhex("01 0002"),
        entry("RPC_TRANSIT_ONEHOP"),
        entry("1"),
        entry("RPC_PERSIST_LANE"),
        entry("blue"),
        bytes.fromhex("10 0007"),
        bytes.fromhex("0014") + entry("Home"),
        bytes.fromhex("0006") + entry("toutiao.user.info"),
        bytes.fromhex("0009") + entry("Echo"),
        bytes.fromhex("0016") + entry("1"),
        bytes.fromhex("0001") + entry("framed"),
        bytes.fromhex("000c") + entry("1500"),
        bytes.fromhex("0003") + entry("toutiao.web.caller"),
        bytes(3),
        bytes.fromhex("00000011"),
        MESSAGE,
    ]
)
VECTOR_HEADER = TTHeader(
    seqid=1,
    ints={
        IntKey.FROM_METHOD: "Home",
        IntKey.TO_SERVICE: "toutiao.user.info",
        IntKey.TO_METHOD: "Echo",
        IntKey.MESSAGE_TYPE: "1",
        IntKey.TRANSPORT_TYPE: "framed",
        IntKey.RPC_TIMEOUT: "1500",
        IntKey.FROM_SERVICE: "toutiao.web.caller",
    },
    strings={"RPC_TRANSIT_ONEHOP": "1", "RPC_PERSIST_LANE": "blue"},
    framed=True,
)


def test_the_vector_of_a_real_client_both_ways():
    assert len(VECTOR) == 0xAB + 4
    assert encode_ttheader(VECTOR_HEADER, MESSAGE) == VECTOR
    assert decode_ttheader(VECTOR) == (VECTOR_HEADER, MESSAGE)
    splitter = FrameSplitter()
    splitter.feed(VECTOR)
    frame = splitter.take()
    assert (frame.transport, frame.payload, frame.size) == (TTHEADER, MESSAGE, 175)
    assert read_message(frame.payload)[0] == ("Echo", MessageType.CALL, 1)


@given(
    header=st.builds(
        TTHeader,
        seqid=st.integers(-(1 << 31), (1 << 31) - 1),
        flags=st.integers(0, 0xFFFF).map(lambda bits: bits & ~Flag.STREAMING),
        ints=st.dictionaries(st.integers(0, 0xFFFF), st.text(max_size=20), max_size=4),
        strings=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4),
        token=st.none() | st.text(max_size=20),
        framed=st.booleans(),
    )
)
@RELAXED
def test_any_header_is_read_as_written(header):
    frame = encode_ttheader(header, MESSAGE)
    assert (int.from_bytes(frame[12:14], "big") * 4 + 14) % 4 == 2
    assert decode_ttheader(frame) == (header, MESSAGE)


def test_what_is_not_utf8_is_replaced():
    header, payload = decode_ttheader(damaged(at=21, value=b"\xff"))
    assert header.strings == {"\ufffdPC_TRANSIT_ONEHOP": "1", "RPC_PERSIST_LANE": "blue"}
    assert payload == MESSAGE


@pytest.mark.parametrize("change", [{"at": 7, "value": b"\x02"}, {"at": 14, "value": b"\x10"}])
def test_a_frame_of_a_stream_is_refused_by_name(change):
    with pytest.raises(StreamingFrame, match="streaming call of 'Echo'"):
        decode_ttheader(damaged(**change))


def test_named_keys():
    assert (IntKey.LOGID, IntKey.ENV, IntKey.STRESS_TAG, IntKey.LB_TYPE) == (2, 10, 21, 25)
    assert (CRRST, BIZ_STATUS) == ("crrst", "biz-status")


def damaged(*, at, value):
    return VECTOR[:at] + value + VECTOR[at + len(value) :]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (VECTOR[:13], "a TTHeader frame of only 13 bytes"),
        (damaged(at=4, value=b"\x0f\xff"), "no TTHeader: its mark is 0fff, not 1000"),
        (damaged(at=12, value=b"\xff\xff"), "headers of 262140 bytes in a frame of 175"),
        (damaged(at=12, value=b"\0\0"), "headers of 0 bytes in a frame of 175"),
        (damaged(at=14, value=b"\x01"), "TTHeader with protocol 1: 0 (binary) and 2 (compact)"),
        (damaged(at=14, value=b"\x02"), "TTHeader around 00 00 00 11 80 01: expected compact"),
        (damaged(at=15, value=b"\x01"), "TTHeader with 1 transforms: none are known"),
        (damaged(at=16, value=b"\x55"), "TTHeader block 0x55 is not known here"),
        (damaged(at=17, value=b"\xff\xff"), "TTHeader ends within a header"),
        (damaged(at=19, value=b"\xff\xff"), "TTHeader ends within a header of 65535 bytes"),
        (damaged(at=154, value=b"\0\0\0\x12"), "a message of 18 bytes in a TTHeader with 17"),
        (damaged(at=158, value=b"\x82"), "TTHeader around 00 00 00 11 82 01: expected binary"),
    ],
)
def test_a_damaged_header_is_refused(frame, message):
    with pytest.raises(FrameError) as caught:
        decode_ttheader(frame)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (TTHeader(strings={"k": "x" * 65_536}), "header 'k' has 65536 bytes, at most 65535 fit"),
        (TTHeader(strings={"k": "\ud800"}), "header 'k' is not valid Unicode text"),
        (TTHeader(strings={str(n): "x" * 60_000 for n in range(5)}), "TTHeader holds 262140"),
        (TTHeader(ints={70_000: "x"}), "a number does not fit the TTHeader"),
        (TTHeader(seqid=1 << 31), "a number does not fit the TTHeader"),
    ],
)
def test_headers_that_do_not_fit_are_refused(header, message):
    with pytest.raises(FrameError, match=message):
        encode_ttheader(header, MESSAGE)


@pytest.mark.parametrize(
    ("data", "transport"),
    [
        (VECTOR, TTHEADER),
        (encode_frame(MESSAGE, FRAMED), FRAMED),
        (MESSAGE, BUFFERED),
        (bytes.fromhex("00000020 0fff"), THEADER),
        (COMPACT_MESSAGE, BUFFERED),
        (bytes.fromhex("00000020 8221"), FRAMED),
        (bytes.fromhex("00000020 8281"), FRAMED),
        (bytes.fromhex("47455420 8221"), HTTP1),
        (bytes.fromhex("47455421 8221"), FRAMED),
        (b"GET / HTTP/1.1\r\n", HTTP1),
        (b"POST /", HTTP1),
        (b"OPTIONS * HTTP/1.1", HTTP1),
        (b"CONNECT host:443", HTTP1),
        (b"PRI * HTTP/2.0", HTTP2),
    ],
)
def test_first_bytes_name_the_transport(data, transport):
    found = [sniff(data[:size]) for size in range(len(data) + 1)]
    decided = next(size for size, answer in enumerate(found) if answer is not None)
    assert decided <= 6
    assert set(found[:decided]) == {None}
    assert set(found[decided:]) == {transport}
    assert transport.supported == (transport in SUPPORTED)
    if not transport.supported:
        splitter = FrameSplitter()
        splitter.feed(data)
        with pytest.raises(UnsupportedTransport, match=f"the peer speaks {transport}") as caught:
            splitter.take()
        assert caught.value.transport is transport


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02ab",
        b"\x82\x02",
        b"\xff",
        b"\0\0\0\x10\x55\x55",
        b"\0\0\0\x10\x82\x02",
        b"\x16\x03\x01\0\0\0",
        b"SSH-2.0-x",
        b"GETTER",
        b"get / ",
    ],
)
def test_other_first_bytes_are_refused(data):
    with pytest.raises(FrameError, match="begin no known transport"):
        sniff(data)


def messages(rich, protocol):
    inner = rich.Rich(
        text="x" * 50,
        names={"a", "b"},
        counts={"k": 1},
        tree={1: [rich.Leaf(1, ["t"])]},
        grid=[[True, False], []],
        reals=[1.0, 2.0],
        inner=rich.Rich(flag=True),
    )
    args = rich.Child_Mix_args(inner, [inner, rich.Rich()])
    return [
        encode_message("Mix", MessageType.CALL, 1, args, protocol),
        MESSAGES[protocol],
        encode_message("", MessageType.REPLY, -1, rich.Child_Mix_result(inner), protocol),
    ]


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("transport", SUPPORTED)
@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1 << 20])
def test_a_stream_is_cut_into_messages(rich, transport, protocol, step):
    payloads = messages(rich, protocol) * 2
    stream = b"".join(encode_frame(each, transport, protocol=protocol) for each in payloads)
    splitter = FrameSplitter()
    found = []
    for start in range(0, len(stream), step):
        splitter.feed(stream[start : start + step])
        while (frame := splitter.take()) is not None:
            assert (frame.transport, frame.protocol) == (transport, protocol)
            assert (frame.header is not None) == (transport in HEADERS)
            found.append(frame)
    assert [frame.payload for frame in found] == payloads
    assert sum(frame.size for frame in found) == len(stream)
    assert splitter.pending == 0


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("transport", SUPPORTED)
def test_a_stream_split_anywhere_is_one_message(rich, transport, protocol):
    data = encode_frame(messages(rich, protocol)[0], transport, protocol=protocol)
    for cut in range(len(data)):
        splitter = FrameSplitter()
        splitter.feed(data[:cut])
        assert splitter.take() is None
        splitter.feed(data[cut:])
        assert splitter.take().size == len(data)


def test_one_connection_may_mix_transports():
    splitter = FrameSplitter()
    sent = [(transport, protocol) for transport in SUPPORTED for protocol in (*Protocol, *Protocol)]
    for transport, protocol in sent:
        splitter.feed(encode_frame(MESSAGES[protocol], transport, protocol=protocol))
    found = [splitter.take() for _ in range(len(sent) + 1)]
    assert found.pop() is None
    assert [(frame.transport, frame.protocol) for frame in found] == sent
    assert all(frame.payload == MESSAGES[frame.protocol] for frame in found)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("transport", SUPPORTED)
def test_the_limit_is_exact(transport, protocol):
    data = encode_frame(MESSAGES[protocol], transport, TTHeader(7), protocol)
    exact = FrameSplitter(limit=len(data))
    exact.feed(data)
    assert exact.take().payload == MESSAGES[protocol]
    smaller = FrameSplitter(limit=len(data) - 1)
    smaller.feed(data)
    with pytest.raises(FrameError, match=f"a message of .* the limit is {len(data) - 1}: send"):
        smaller.take()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("7ffffff0 8001", "a message of 2147483636 bytes or more, the limit is 16777216"),
        ("7ffffff0 1000", "a message of 2147483636 bytes or more, the limit is 16777216"),
        ("7ffffff0 0fff", "a message of 2147483636 bytes or more, the limit is 16777216"),
        ("7ffffff0 8221", "a message of 2147483636 bytes or more, the limit is 16777216"),
        ("80010001 7fffffff", "a method name of 2147483647 bytes, at most 1024 are read"),
        ("80010001 ffffffff", "a method name of 4294967295 bytes"),
        ("8221 00 ffffffff07", "a method name of 2147483647 bytes, at most 1024 are read"),
        ("8221 ffffffffffffffffffff", "not compact: a varint of more than 10 bytes"),
        ("8221 00 00 18 ffffffff07", "the limit is 16777216"),
        ("8221 00 00 19 f1 ffffffff07", "the limit is 16777216"),
        ("8221 00 00 1e", "not compact: type code 14"),
        ("8221 00 00" + "1c" * 65, "nested deeper than 64 levels"),
        ("80010001 00000000 00000001 0b0001 7fffffff", "the limit is 16777216"),
        ("80010001 00000000 00000001 0b0001 ffffffff", "not binary: negative size -1"),
        ("80010001 00000000 00000001 0f00010a 7fffffff", "the limit is 16777216"),
        ("80010001 00000000 00000001 550001", "type code 85"),
        ("80010001 00000000 00000001" + "0c0001" * 65, "nested deeper than 64 levels"),
        ("00000000 8001", "a frame of 0 bytes is too short for a message"),
        ("00000001 8001", "a frame of 1 bytes is too short for a message"),
        ("00000004 1000 0000", "a TTHeader frame of only 8 bytes"),
        ("00000004 0fff 0000", "a THeader frame of only 8 bytes"),
    ],
)
def test_hostile_lengths_are_refused_at_once(data, message):
    splitter = FrameSplitter()
    splitter.feed(bytes.fromhex(data))
    with pytest.raises(FrameError) as caught:
        splitter.take()
    assert message in str(caught.value)


def test_http_cannot_be_written():
    with pytest.raises(ValueError, match="http/2 can be recognised, not written"):
        encode_frame(MESSAGE, HTTP2)


STARTS = [
    COMPACT_MESSAGE[:8],
    COMPACT_MESSAGE[:8] + b"\x19\x1c\x1b\x02\x85",
    encode_theader(TTHeader(strings={"k": "v"}, compressed=True), MESSAGE),
    encode_theader(TTHeader(3, 1, strings={"k": "v"}), COMPACT_MESSAGE, Protocol.COMPACT),
]


@given(data=st.data())
@RELAXED
def test_any_bytes_are_cut_or_refused(data):
    start = data.draw(
        st.sampled_from([b"", VECTOR[:30], VECTOR, MESSAGE[:15], b"\0\0\0\x20\x80\x01", *STARTS])
    )
    stream = bytearray(start + data.draw(st.binary(max_size=100)))
    for _ in range(data.draw(st.integers(0, 3))):
        if stream:
            place = data.draw(st.integers(0, len(stream) - 1))
            stream[place] = data.draw(st.integers(0, 255))
    whole, slow = FrameSplitter(1 << 12), FrameSplitter(1 << 12)
    outcomes = []
    for splitter, step in ((whole, len(stream) + 1), (slow, 1)):
        found = []
        try:
            for at in range(0, len(stream), step):
                splitter.feed(stream[at : at + step])
                while (frame := splitter.take()) is not None:
                    found.append(frame)
        except FrameError as error:
            found.append(type(error))
        outcomes.append(found)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("transport", [TTHEADER, FRAMED, BUFFERED])
def test_transports_of_a_configuration(transport):
    assert parse_transport(transport.name) == (transport, Protocol.BINARY)
    assert parse_transport(f"{transport}+binary") == (transport, Protocol.BINARY)
    assert parse_transport(f"{transport}+compact") == (transport, Protocol.COMPACT)


@pytest.mark.parametrize("text", ["", "framed+", "framed+json", "+compact", "http/1", "theader"])
def test_other_words_are_no_transports(text):
    with pytest.raises(ValueError, match=r"choose ttheader, framed, buffered, ttheader\+compact"):
        parse_transport(text)
