"""Messages: calls, replies and exceptions as whole frames, and what is wrong with others."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.thrift import (
    BUFFERED,
    FRAMED,
    THEADER,
    TTHEADER,
    ApplicationError,
    ApplicationErrorType,
    CodecError,
    Frame,
    FrameSplitter,
    IntKey,
    MessageType,
    Protocol,
    TTHeader,
    decode_call,
    decode_reply,
    encode_call,
    encode_exception,
    encode_message,
    encode_reply,
    protocol_of,
    read_message,
)

TRANSPORTS = [TTHEADER, THEADER, FRAMED, BUFFERED]


def taken(data):
    splitter = FrameSplitter()
    splitter.feed(data)
    frame = splitter.take()
    assert splitter.pending == 0
    return frame


def bare(payload):
    return Frame(BUFFERED, payload, None, len(payload))


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_and_its_answer(demo2, transport, protocol):
    method = demo2.DemoService.methods["GetItem"]
    args = method.args(demo2.Demo2Request(5))
    header = TTHeader(seqid=99, strings={"k": "v"}, framed=False)
    if transport is TTHEADER:
        header.ints[IntKey.TO_METHOD] = "GetItem"

    frame = taken(encode_call(method, args, 7, transport, header, protocol))
    assert frame.protocol is protocol
    request = decode_call(demo2.DemoService, frame)
    assert request.header == ("GetItem", MessageType.CALL, 7)
    assert (request.method, request.args) == (method, args)
    assert header.seqid == 99
    if frame.header is not None:
        assert frame.header == replace(header, seqid=7)

    value = demo2.Demo2Response(demo2.Demo2Item(5, "five"))
    frame = taken(encode_reply(method, method.success(value), 7, transport, None, protocol))
    assert method.unpack(decode_reply(method, frame, 7)) == value

    declared = method.failure(demo2.NotFound(5, "gone"))
    frame = taken(encode_reply(method, declared, 7, transport, protocol=protocol))
    with pytest.raises(demo2.NotFound, match="gone"):
        method.unpack(decode_reply(method, frame, 7))

    error = ApplicationError("broken", ApplicationErrorType.INTERNAL_ERROR)
    frame = taken(encode_exception("GetItem", error, 7, transport, protocol=protocol))
    with pytest.raises(ApplicationError, match=r"broken \(internal_error, type 6\)") as caught:
        decode_reply(method, frame, 7)
    assert caught.value == error


def test_void_and_oneway(demo2):
    ping, forget = demo2.DemoService.methods["Ping"], demo2.DemoService.methods["Forget"]
    frame = taken(encode_reply(ping, ping.success(None), 1, FRAMED))
    assert ping.unpack(decode_reply(ping, frame, 1)) is None
    assert ping.returns is None

    frame = taken(encode_call(forget, forget.args(3), 1, FRAMED))
    assert read_message(frame.payload)[0].type is MessageType.ONEWAY
    assert forget.oneway
    assert forget.failure(ValueError()) is None
    with pytest.raises(ApplicationError, match=r"DemoService\.Forget is oneway and has no result"):
        forget.success(None)


def test_handlers_that_return_what_they_should_not(demo2):
    methods = demo2.DemoService.methods
    with pytest.raises(ApplicationError, match="Ping is void, but the handler returned 1"):
        methods["Ping"].success(1)
    with pytest.raises(ApplicationError, match="GetItem returned None: the handler must return"):
        methods["GetItem"].success(None)
    assert methods["GetItem"].failure(ValueError()) is None


def test_an_answer_without_a_result(demo2):
    method = demo2.DemoService.methods["GetItem"]
    with pytest.raises(ApplicationError, match="was answered without a result") as caught:
        method.unpack(method.result())
    assert caught.value.type == ApplicationErrorType.MISSING_RESULT


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("GetItems", MessageType.CALL, ApplicationErrorType.UNKNOWN_METHOD),
        ("GetItem", MessageType.REPLY, ApplicationErrorType.INVALID_MESSAGE_TYPE),
    ],
)
def test_calls_that_cannot_be_served(demo2, name, kind, expected):
    payload = encode_message(name, kind, 1, demo2.DemoService_Ping_args())
    with pytest.raises(ApplicationError) as caught:
        decode_call(demo2.DemoService, bare(payload))
    assert caught.value.type == expected


def test_an_unknown_method_is_answered_with_the_known_ones(demo2):
    payload = encode_message("Nope", MessageType.CALL, 1, demo2.DemoService_Ping_args())
    with pytest.raises(ApplicationError, match="no method 'Nope': it has GetItem, Ping, Forget"):
        decode_call(demo2.DemoService, bare(payload))


@pytest.mark.parametrize(
    ("name", "kind", "seqid", "expected"),
    [
        ("Ping", MessageType.REPLY, 7, ApplicationErrorType.WRONG_METHOD_NAME),
        ("GetItem", MessageType.REPLY, 8, ApplicationErrorType.BAD_SEQUENCE_ID),
        ("GetItem", MessageType.CALL, 7, ApplicationErrorType.INVALID_MESSAGE_TYPE),
    ],
)
def test_answers_to_something_else(demo2, name, kind, seqid, expected):
    method = demo2.DemoService.methods["GetItem"]
    payload = encode_message(name, kind, seqid, method.result())
    with pytest.raises(ApplicationError) as caught:
        decode_reply(method, bare(payload), 7)
    assert caught.value.type == expected


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "the message ends within its header"),
        ("80010001 00000004 4563", "the message ends within its header"),
        ("80020001 00000000 00000001", "message version 80020001, expected 8001"),
        ("80010009 00000000 00000001", "message type 9 does not exist"),
        ("80010001 00000001 ff 00000001", "the method's name is not UTF-8"),
        ("80010001" + "00000800" + "61" * 2048 + "00000001", "a method name of 2048 bytes"),
        ("80010001 ffffffff 00000001", "a method name of 4294967295 bytes"),
    ],
)
def test_bytes_that_are_no_message(payload, message):
    with pytest.raises(CodecError) as caught:
        read_message(bytes.fromhex(payload))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "the message ends within its header"),
        ("82", "the message ends within its header"),
        ("8221 01", "the message ends within its header"),
        ("8221 01 04 4563", "the message ends within its header"),
        ("8222 01 00", "message version 8222, expected 82 and 1 (compact)"),
        ("8001 0001 00", "message version 8001, expected 82 and 1 (compact)"),
        ("8201 01 00", "message type 0 does not exist"),
        ("82a1 01 00", "message type 5 does not exist"),
        ("8221 01 01 ff", "the method's name is not UTF-8"),
        ("8221 01 8008", "the message ends within its header"),
        ("8221 01 8108", "a method name of 1025 bytes, at most 1024 are read"),
        ("8221 ffffffff1f 00", "sequence id 8589934591 does not fit 32 bits"),
        ("8221 ffffffffffffffffffff", "a varint of more than 10 bytes"),
    ],
)
def test_bytes_that_are_no_compact_message(payload, message):
    with pytest.raises(CodecError) as caught:
        read_message(bytes.fromhex(payload), Protocol.COMPACT)
    assert message in str(caught.value)


@pytest.mark.parametrize("protocol", Protocol)
def test_a_sequence_id_has_32_bits(demo2, protocol):
    args = demo2.DemoService_Ping_args()
    for number in (1 << 31, -(1 << 31) - 1):
        with pytest.raises(CodecError, match=f"sequence id {number} does not fit 32 bits"):
            encode_message("x", MessageType.CALL, number, args, protocol)


@given(st.binary(max_size=60), st.sampled_from([b"", b"\x80\x01\0", b"\x82\x21"]))
@settings(derandomize=True, deadline=None)
def test_any_payload_is_a_message_or_refused(data, start):
    data = start + data
    for protocol in Protocol:
        try:
            header, end = read_message(data, protocol)
        except CodecError:
            continue
        assert protocol_of(data) is protocol
        assert 4 <= end <= len(data)
        assert header.type in MessageType


def test_unknown_error_types_are_kept():
    error = ApplicationError("mesh says no", 5004)
    assert str(error) == "mesh says no (unknown, type 5004)"
