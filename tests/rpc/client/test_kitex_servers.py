"""A Pie client in front of a Kitex server: what a real one answered is played by a peer."""

import asyncio
import contextvars
import threading
from typing import Any

import pytest
from tests.rpc.conftest import register
from tests.rpc.scripted import Line, Peer
from tests.rpc.wire.kitex import VECTORS, frame_of, numbered, service

import pie.rpc
from pie.model import Call, Failure, Kind, current_call, trace_id_of
from pie.rpc import BusinessError
from pie.rpc.client.fast_path import TwinCaller
from pie.state import Instance
from pie.state.registry.instances import encode, instance_key
from pie.thrift import (
    TTHEADER,
    ApplicationError,
    Frame,
    IntKey,
    TTHeader,
    encode_exception,
    read_message,
)

PSM = "kx.pie.server"
STOP = VECTORS["control frame of a Kitex mux server that stops"]


class Caller:
    """One client of the service: its calls block, whichever kind it is of."""

    def __init__(self, kind: str, address: str = "", **options: Any) -> None:
        self.kind = kind
        self._loop = asyncio.Runner() if kind == "async" else None
        self._options = options
        target = () if address else (PSM,)
        given = {"timeout": 5.0, **({"address": address} if address else {}), **options}
        kx = service()
        if kind == "async":
            self._client = kx.AsyncKxPlusClient(*target, **given)
            return
        self._client = kx.KxPlusClient(*target, **given)
        if kind == "twin":
            self._client._call = TwinCaller(self._client._call.channel, kx.KxPlus)

    def __call__(self, name: str, *args: Any) -> Any:
        if self._loop is None:
            return getattr(self._client, name)(*args)

        async def call() -> Any:
            return await getattr(self._client, name)(*args)

        return self._loop.run(call(), context=contextvars.copy_context())

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()


@pytest.fixture(params=["fast path", "twin", "async"])
def caller(request, bench):
    """Makes a client of this kind for an address, or for whoever is registered."""
    made: list[Caller] = []

    def make(port: int = 0, transport: str = "ttheader", **options: Any) -> Caller:
        address = f"127.0.0.1:{port}/{transport}" if port else ""
        made.append(Caller(request.param, address, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Watch:
    """A gate that keeps the calls that have ended."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        self.calls.append(call)


def seqid_of(frame: Frame) -> int:
    return read_message(frame.payload)[0].seqid


def answering(*names: str, requests: list[Frame] | None = None) -> Any:
    """A script that answers one request after the other with these vectors."""

    def script(line: Line) -> None:
        for name in names:
            frame = line.request()
            if requests is not None:
                requests.append(frame)
            line.sock.sendall(numbered(name, seqid_of(frame)))
        line.wait_for_close()

    return script


@pytest.mark.parametrize(
    ("transport", "request_name", "reply"),
    [
        ("ttheader", "TTHeaderFramed request", "TTHeader reply, bare"),
        ("ttheader", "TTHeaderFramed request", "TTHeaderFramed reply"),
        ("framed", "framed request", "framed reply"),
        ("buffered", "buffered request", "buffered reply"),
    ],
)
def test_a_value(caller, transport, request_name, reply) -> None:
    requests: list[Frame] = []
    with Peer(answering(reply, reply, requests=requests)) as peer:
        call = caller(peer.port, transport)
        with pie.rpc.options(persist={"LANE": "蓝"}, transit={"HOP": "1"}):
            assert call("Text", "茶") == "茶"
        assert call("Text", "茶") == "茶"
        assert peer.accepted == 1
    expected = frame_of(VECTORS[request_name])
    for frame in requests:
        assert frame.transport is expected.transport
        seqid = seqid_of(frame).to_bytes(4, "big")
        assert frame.payload == expected.payload.replace(b"Text\0\0\0\1", b"Text" + seqid)
    if expected.header is not None:
        first, second = (each.header for each in requests)
        assert first.strings == expected.header.strings
        assert second.strings == {"isn": "KxPlus"}
        shared = {IntKey.TO_METHOD: "Text"}
        assert shared.items() <= first.ints.items()
        assert shared.items() <= expected.header.ints.items()
        assert (first.framed, first.token) == (True, None)


def test_void_and_declared_exceptions(caller) -> None:
    with Peer(answering("void reply", "declared exception reply")) as peer:
        call = caller(peer.port)
        assert call("Nothing") is None
        with pytest.raises(service().Denied) as caught:
            call("Throwing", "you")
        assert caught.value.who == "you"
        assert peer.accepted == 1


@pytest.mark.parametrize("name", ["reply with biz status, framed", "reply with biz status, bare"])
@pytest.mark.parametrize("damaged", [False, True])
def test_a_business_status(caller, name, damaged) -> None:
    def script(line: Line) -> None:
        data = numbered(name, seqid_of(line.request()))
        line.sock.sendall(data.replace("完".encode(), b"\xff\xff\xff") if damaged else data)
        line.wait_for_close()

    with Peer(script) as peer:
        call = caller(peer.port)
        with pytest.raises(BusinessError) as caught:
            call("Text", "x")
    assert caught.value.status == (
        1201,
        "卖\ufffd\ufffd\ufffd了" if damaged else "卖完了",
        {"again": "2026-12-01", "键": '值"\n'},
    )


def test_backward_values(caller, bench) -> None:
    """Seen by a gate: with options in force the fast path would not make the call."""
    with Peer(answering("reply with backward values")) as peer:
        call = caller(peer.port)
        course, watch = bench.runtime.policies.client("KxPlus"), Watch()
        course.gates.replace([watch, *(gate for gate, _ in course.gates.gates)])
        call("Meta", "", service().Base())
    assert watch.calls[0].backward == {"COST": "7", "Mixed-case": "值", "lower_k": "v2"}


def test_reserved_keys_are_no_backward_values(caller) -> None:
    reserved = ["rip", "isn", "tc", "ti", "crc32c", "crrst", "biz-x", "pie-x", "RPC_PERSIST_A", ""]

    def script(line: Line) -> None:
        method = service().KxPlus.methods["Text"]
        strings = dict.fromkeys(reserved, "1") | {"RPC_BACKWARD_A": "ours", "A": "bare", "B": "b"}
        line.reply(method, line.request(), "x", strings=strings)
        line.wait_for_close()

    with Peer(script) as peer, pie.rpc.options() as made:
        assert caller(peer.port)("Text", "x") == "x"
    assert made.backward == {"A": "ours", "B": "b"}


@pytest.mark.parametrize(
    ("transport", "name", "message", "accepted"),
    [
        ("ttheader", "exception reply", "biz error: plain failure 坏", 1),
        # Without headers a server that closes then cannot say so: the connection is not kept.
        ("framed", "framed exception reply", "biz error: plain failure 坏", 2),
    ],
)
def test_an_application_exception(caller, transport, name, message, accepted) -> None:
    good = "TTHeader reply, bare" if transport == "ttheader" else "framed reply"

    def script(line: Line) -> None:
        if line.number == 0:
            line.sock.sendall(numbered(name, seqid_of(line.request())))
        answering(good)(line)

    with Peer(script) as peer:
        call = caller(peer.port, transport)
        with pytest.raises(Failure, match=message) as caught:
            call("Text", "x")
        assert (caught.value.kind, caught.value.never_sent) == (Kind.INTERNAL, False)
        assert call("Text", "茶") == "茶"
        assert peer.accepted == accepted


def test_an_unknown_method_ends_the_connection(caller) -> None:
    name = "unknown method, service known (isn sent)"

    def script(line: Line) -> None:
        frame = line.request()
        if line.number == 0:
            line.sock.sendall(numbered(name, seqid_of(frame)))
            return
        line.sock.sendall(numbered("TTHeader reply, bare", seqid_of(frame)))
        line.wait_for_close()

    with Peer(script) as peer:
        call = caller(peer.port)
        with pytest.raises(Failure, match="unknown method Bogus") as caught:
            call("Text", "x")
        assert caught.value.kind is Kind.UNIMPLEMENTED
        assert call("Text", "茶") == "茶"
        assert peer.accepted == 2


@pytest.mark.parametrize("number", [20, 21])
def test_an_unknown_service_is_unimplemented(caller, number) -> None:
    def script(line: Line) -> None:
        seqid = seqid_of(line.request())
        error = ApplicationError("no such service", number)
        line.sock.sendall(encode_exception("Text", error, seqid, TTHEADER, TTHeader()))
        line.wait_for_close()

    with Peer(script) as peer, pytest.raises(Failure, match="no such service") as caught:
        caller(peer.port)("Text", "x")
    assert caught.value.kind is Kind.UNIMPLEMENTED


def test_a_oneway_call_that_is_answered_spoils_no_other(caller) -> None:
    """Kitex answers the one that it does not know, and closes."""
    answered = threading.Event()

    def script(line: Line) -> None:
        frame = line.request()
        head = read_message(frame.payload)[0]
        if head.name == "Gone":
            line.sock.sendall(numbered("exception reply to an unknown oneway", head.seqid))
            answered.set()
            return
        line.sock.sendall(numbered("TTHeader reply, bare", head.seqid))
        line.wait_for_close()

    with Peer(script) as peer:
        call = caller(peer.port)
        for _ in range(5):
            call("Gone", "x")
            assert call("Text", "茶") == "茶"
        assert answered.wait(10)


def test_frames_of_earlier_calls_are_dropped(caller, bench) -> None:
    """Of a peer that is known to answer no oneway call, and does so nevertheless."""

    def script(line: Line) -> None:
        asked = [read_message(line.request().payload)[0] for _ in range(2)]
        call = read_message(line.request().payload)[0]
        assert [each.name for each in asked] == ["Gone", "Gone"]
        for each in asked:
            line.sock.sendall(numbered("exception reply to an unknown oneway", each.seqid))
        line.sock.sendall(numbered("TTHeader reply, bare", call.seqid))
        line.wait_for_close()

    with Peer(script) as peer:
        register(bench, peer.port, psm=PSM, cluster="default", transport="ttheader", pid=1)
        call = caller()
        call("Gone", "x")
        call("Gone", "y")
        assert call("Text", "茶") == "茶"
        assert peer.accepted == 1


@pytest.mark.parametrize("multiplex", [False, True])
@pytest.mark.parametrize("before", [True, False])
def test_the_sign_of_a_server_that_stops(caller, multiplex, before) -> None:
    def script(line: Line) -> None:
        reply = numbered("multiplexed reply", seqid_of(line.request()))
        line.sock.sendall(STOP + reply if before else reply + STOP)
        line.wait_for_close()

    with Peer(script) as peer:
        call = caller(peer.port, multiplex=multiplex)
        for _ in range(2):
            assert call("Text", "x") == "茶"
        assert peer.accepted == 2


def test_the_sign_comes_long_before_the_reply(caller) -> None:
    waits = threading.Event()

    def script(line: Line) -> None:
        seqid = seqid_of(line.request())
        line.sock.sendall(STOP[:20])
        waits.wait(0.05)
        line.sock.sendall(STOP[20:])
        waits.wait(0.05)
        line.sock.sendall(numbered("multiplexed reply", seqid))
        line.wait_for_close()

    with Peer(script) as peer:
        assert caller(peer.port)("Text", "x") == "茶"


def test_a_reply_that_announces_the_end(caller) -> None:
    with Peer(answering("reply of a Kitex server (not mux) that stops")) as peer:
        call = caller(peer.port)
        assert call("Text", "x") == "x"
        assert call("Text", "x") == "x"
        assert peer.accepted == 2


def test_whom_a_request_is_for(caller, bench) -> None:
    """Endpoints of the registry are named: somebody else may have got the address."""
    requests: list[Frame] = []
    with Peer(answering("TTHeader reply, bare", requests=requests)) as peer:
        register(bench, peer.port, psm=PSM, cluster="default", transport="ttheader", pid=1)
        caller()("Text", "x")
    assert requests[0].header.strings == {"isn": "KxPlus", "pie-to": f"{PSM}/127.0.0.1:{peer.port}"}


def test_whom_a_request_over_a_unix_socket_is_for(caller, bench, short_path) -> None:
    """Any process of the service: one that was restarted has another number as its name."""
    requests: list[Frame] = []
    path = str(short_path / "s")
    with Peer(answering("TTHeader reply, bare", requests=requests), address=path):
        instance = Instance(
            psm=PSM, id="h:pid1", host=f"unix:{path}", port=0, protocol="thrift",
            transport="ttheader", pid=1,
        )  # fmt: skip
        bench.store.put(instance_key(instance), encode(instance))
        caller()("Text", "x")
    assert requests[0].header.strings == {"isn": "KxPlus", "pie-to": PSM}


def test_a_call_that_was_not_served_goes_to_another_instance(caller, bench) -> None:
    def refusing(line: Line) -> None:
        while True:
            frame = line.request()
            strings = {"pie-kind": "unavailable", "pie-code": "503", "pie-unsent": "1"}
            error = ApplicationError("this is a peer", 6)
            line.sock.sendall(
                encode_exception(
                    "Text", error, seqid_of(frame), TTHEADER, TTHeader(strings=strings)
                )
            )

    def serving(line: Line) -> None:
        answering(*["TTHeader reply, bare"] * 20)(line)

    with Peer(refusing) as wrong, Peer(serving) as right:
        for each in (wrong, right):
            register(bench, each.port, psm=PSM, cluster="default", transport="ttheader", pid=1)
        call = caller()
        assert [call("Text", "x") for _ in range(10)] == ["茶"] * 10
        assert wrong.accepted > 0
    with Peer(refusing) as only:
        alone = caller(only.port)
        with pytest.raises(Failure, match="this is a peer") as caught:
            alone("Text", "x")
    assert (caught.value.never_sent, caught.value.raised_by) == (True, "peer")


def test_a_chain_of_another_form_goes_on(caller, bench) -> None:
    requests: list[Frame] = []
    logid = "02173300000000000000000000000000000ffff0a0b0c0d1e2f3a"
    served = Call("server", "thrift", caller="", callee="a.b.c", method="m", logid=logid)
    served.span_id = "1" * 16
    token = current_call.set(served)
    try:
        with Peer(answering("TTHeader reply, bare", requests=requests)) as peer:
            caller(peer.port)("Text", "x")
    finally:
        current_call.reset(token)
    ints = requests[0].header.ints
    assert ints[IntKey.LOGID] == logid
    assert ints[IntKey.SPAN_CONTEXT].split("-")[1] == trace_id_of(logid)
    assert bench.facts()[0]["logid"] == logid
