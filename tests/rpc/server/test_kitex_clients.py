"""A Kitex client in front of a Pie service: what a real one sent is played on a socket."""

import socket
import threading
from typing import Any

import pytest
from tests.rpc.wire.kitex import VECTORS, frame_of, service

import pie.rpc.server.server
from pie.model import Call, Kind, current_call
from pie.rpc import BusinessError
from pie.thrift import (
    ApplicationError,
    ApplicationErrorType,
    Frame,
    FrameSplitter,
    IntKey,
    MessageType,
    TTHeader,
    decode,
    decode_reply,
    encode_call,
    encode_frame,
    read_message,
)

TEXTS = {
    "TTHeader request, bare message": "TTHeader reply, bare",
    "TTHeaderFramed request": "TTHeaderFramed reply",
    "multiplexed request": "multiplexed reply",
    "framed request": "framed reply",
    "buffered request": "buffered reply",
    "request with checksum": "TTHeader reply, bare",
}


class Handler:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.noted = threading.Event()
        self.raises: Exception | None = None

    def _came(self) -> None:
        self.calls.append(current_call.get())
        if self.raises is not None:
            raise self.raises

    def Text(self, text: str) -> str:
        self._came()
        return text

    def Throwing(self, who: str) -> str:
        raise service().Denied(who)

    def Nothing(self) -> None:
        self._came()

    def Note(self, text: str) -> None:
        self.calls.append(current_call.get())
        self.noted.set()

    def Gone(self, text: str) -> None:
        pass

    def Meta(self, text: str, base: Any) -> dict[str, str]:
        self._came()
        current_call.get().backward.update({"COST": "7", "Mixed-case": "值", "crrst": "mine"})
        return {"text": text}


class Coroutines(Handler):
    async def Text(self, text: str) -> str:
        self._came()
        return text


class Line:
    """A socket to the service."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._splitter = FrameSplitter()

    def frame(self) -> Frame:
        while (frame := self._splitter.take()) is None:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self._splitter.feed(data)
        return frame

    def ask(self, data: bytes) -> Frame:
        self.sock.sendall(data)
        return self.frame()

    def read_to_end(self) -> bytes:
        found = b""
        while data := self.sock.recv(65536):
            found += data
        return found


@pytest.fixture(params=["leader", "turns", "threads", "threads of coroutines"])
def handler(request, monkeypatch) -> Any:
    if request.param.startswith("threads"):
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    return Handler() if request.param in ("leader", "threads") else Coroutines()


@pytest.fixture
def line(start, handler):
    made = Line(start(handler, service=service().KxPlus))
    yield made
    made.sock.close()


def test_a_call_is_answered_as_kitex_answers_it(line, handler, bench) -> None:
    for request, reply in TEXTS.items():
        frame, expected = line.ask(VECTORS[request]), frame_of(VECTORS[reply])
        assert (frame.transport, frame.payload) == (expected.transport, expected.payload)
        if frame.header is not None:
            assert frame.header.seqid == expected.header.seqid
            assert frame.header.framed == expected.header.framed
            call = handler.calls[-1]
            assert (call.caller, call.timeout) == ("kx.kitex.client", 1.5)
            assert (call.persist, call.transit) == ({"LANE": "蓝"}, {"HOP": "1"})
    assert [row["outcome"] for row in bench.facts()] == ["ok"] * len(TEXTS)


@pytest.mark.parametrize("text", ["0", "", "00", "-1", "+5", " 5", "1.5", "1e3", "٣", "x", None])
def test_a_time_out_that_is_no_positive_number_is_no_deadline(line, handler, text) -> None:
    request = frame_of(VECTORS["request with time-out 0"])
    assert request.header.ints[IntKey.RPC_TIMEOUT] == "0"
    request.header.ints[IntKey.RPC_TIMEOUT] = text or ""
    if text is None:
        del request.header.ints[IntKey.RPC_TIMEOUT]
    frame = line.ask(encode_frame(request.payload, request.transport, request.header))
    assert read_message(frame.payload)[0].type is MessageType.REPLY
    assert (handler.calls[0].timeout, handler.calls[0].deadline) == (None, None)


@pytest.mark.parametrize("digits", ["3600001", "9" * 9, "9" * 30, "1" * 5000, "0" * 20 + "9" * 8])
def test_a_long_time_out_is_bounded(line, handler, digits) -> None:
    request = frame_of(VECTORS["request with time-out 0"])
    request.header.ints[IntKey.RPC_TIMEOUT] = digits
    line.ask(encode_frame(request.payload, request.transport, request.header))
    assert handler.calls[0].timeout == 3600


def test_a_oneway_call_is_not_answered_known_or_not(line, handler) -> None:
    line.sock.sendall(VECTORS["oneway request"])
    unknown = frame_of(VECTORS["oneway request"])
    payload = unknown.payload.replace(b"Note", b"Lost")
    line.sock.sendall(encode_frame(payload, unknown.transport, unknown.header))
    answered = frame_of(VECTORS["framed request"])  # Sent as oneway: nobody waits for the reply.
    as_oneway = answered.payload.replace(b"\x80\x01\x00\x01", b"\x80\x01\x00\x04")
    line.sock.sendall(encode_frame(as_oneway, answered.transport))
    frame = line.ask(VECTORS["buffered request"])
    assert read_message(frame.payload)[0] == ("Text", MessageType.REPLY, 1)
    assert frame.header is None
    assert handler.noted.wait(10)
    assert len(handler.calls) == 3


def test_backward_values_have_both_forms(line) -> None:
    frame = line.ask(VECTORS["request with ACL token"])
    assert frame.header.strings == {
        "RPC_BACKWARD_COST": "7",
        "RPC_BACKWARD_Mixed-case": "值",
        "RPC_BACKWARD_crrst": "mine",  # Alone it would mean that the connection ends.
        "COST": "7",
        "Mixed-case": "值",
    }


@pytest.mark.parametrize("size", [65_000, 300_000])
def test_large_backward_values_are_sent_once_or_end_their_call(line, handler, size) -> None:
    def fill() -> None:
        values = {f"k{at}": "v" * 60_000 for at in range(size // 60_000)}
        current_call.get().backward.update(values, last="v" * (size % 60_000))

    handler._came = fill
    frame = line.ask(VECTORS["TTHeaderFramed request"])
    if size < 100_000:
        assert [key.startswith("RPC_BACKWARD_") for key in frame.header.strings] == [True] * 2
    else:
        assert read_message(frame.payload)[0].type is MessageType.EXCEPTION
    assert line.ask(VECTORS["framed request"]).payload == VECTORS["framed reply"][4:]


def test_a_business_status_is_that_of_kitex(line, handler) -> None:
    expected = frame_of(VECTORS["reply with biz status, framed"])
    extra = {"again": "2026-12-01", "键": '值"\n'}
    handler.raises = BusinessError(1201, "卖完了", extra)
    frame = line.ask(VECTORS["TTHeaderFramed request"])
    assert frame.header.strings == expected.header.strings
    assert frame.payload[:-6] == expected.payload[:-6]  # All but the sequence id.


def test_headers_that_are_not_utf8_cost_nothing_but_themselves(line, handler, bench) -> None:
    data = VECTORS["TTHeader request, bare message"]
    for good, bad in {
        "蓝": b"\xff\xfe\xfd",
        "LANE": b"L\xc0NE",
        "kx.kitex.client": b"kx.kitex.\xff\xff\xff\xff\xff\xff",
        "KxPlus": b"\xffxPlus",
        "1500": b"\xff500",
    }.items():
        frame = line.ask(data.replace(good.encode(), bad))
        assert read_message(frame.payload)[0].type is MessageType.REPLY
    seen = [(c.persist, c.caller, c.timeout) for c in handler.calls]
    who, lane = "kx.kitex.client", {"LANE": "蓝"}
    assert seen == [
        ({"LANE": "\ufffd" * 3}, who, 1.5),
        ({"L\ufffdNE": "蓝"}, who, 1.5),
        (lane, "kx.kitex." + "\ufffd" * 6, 1.5),
        (lane, who, 1.5),
        (lane, who, None),
    ]


@pytest.mark.parametrize(
    "logid", ["02" + "1733000000000" + "0" * 24 + "ffff0a0b0c0d1e2f3a", "Ab/c?d"]
)
def test_a_logid_of_another_form_is_kept(line, handler, bench, logid) -> None:
    request = frame_of(VECTORS["TTHeader request, bare message"])
    request.header.ints[IntKey.LOGID] = logid
    line.ask(encode_frame(request.payload, request.transport, request.header))
    assert handler.calls[0].logid == logid
    (row,) = bench.facts()
    assert row["logid"] == logid
    assert any(f"stands for logid {logid}" in note for note in row["notes"])


def test_a_stream_is_refused_with_words(line, handler, caplog) -> None:
    line.sock.sendall(VECTORS["streaming: header frame"] + VECTORS["streaming: data frame"])
    data = line.read_to_end()
    assert data[4:8] == bytes.fromhex("1000 0002")
    assert data[14] == 0x10
    size = int.from_bytes(data[12:14], "big") * 4 + 14
    assert data[15:size] == bytes.fromhex("00 10 0002 001b 0001 34 0009 0004 42696469 0000")
    head, start = read_message(data[size:])
    assert head == ("Bidi", MessageType.EXCEPTION, 1)
    error = decode(ApplicationError, data[size:], start)
    assert "streaming is not supported" in error.message
    assert error.type == ApplicationErrorType.UNKNOWN_METHOD
    assert any("streaming call of 'Bidi'" in each for each in caplog.messages)


def test_a_method_may_have_the_name_of_its_service_before_it(line, handler) -> None:
    method = service().KxPlus.methods["Text"]
    frame = frame_of(VECTORS["framed request"])
    named = frame.payload.replace(b"\x04Text", b"\x0bKxPlus:Text")
    reply = line.ask(encode_frame(named, frame.transport))
    assert decode_reply(method, reply, 1).success == "茶"
    assert handler.calls[0].method == "Text"
    foreign = frame.payload.replace(b"\x04Text", b"\x0aOther:Text")
    reply = line.ask(encode_frame(foreign, frame.transport))
    with pytest.raises(ApplicationError, match="KxPlus is served here, not 'Other'"):
        decode_reply(method, reply)


def test_a_request_for_another_process_is_not_served(line, handler, bench) -> None:
    method = service().KxPlus.methods["Text"]

    def ask(to: str) -> Frame:
        header = TTHeader(
            strings={"pie-to": to, "isn": "KxPlus"}, ints={IntKey.TO_SERVICE: "a.b.c"}
        )
        return line.ask(encode_call(method, method.args("x"), 1, frame_of(
            VECTORS["TTHeaderFramed request"]).transport, header))  # fmt: skip

    psm = bench.runtime.identity.psm
    own = f"{psm}/{bench.runtime.identity.instance}"
    for to in (own, psm, ""):
        assert decode_reply(method, ask(to)).success == "x"
    for to in ("a.b.c/127.0.0.1:1", f"{psm}/10.0.0.1:1", "a.b.c", f"{psm}x"):
        frame = ask(to)
        assert frame.header.strings["pie-unsent"] == "1"
        assert frame.header.strings["pie-kind"] == Kind.UNAVAILABLE
        with pytest.raises(ApplicationError, match=f"the request is for {to}"):
            decode_reply(method, frame)
    assert len(handler.calls) == 3
