"""The client's fast path in C beside its twin: same bytes, same outcomes, same connections.

Without the extension both are the twin, and the tests hold all the same.
"""

import contextlib
import gc
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.rpc.scripted import Line, Peer, reply_to

from pie import rpc
from pie.model import Call, Failure, Kind, current_call
from pie.rpc import PoolLimits
from pie.thrift import BIZ_STATUS, CRRST, RPC_BACKWARD, Protocol, decode_call

TRANSPORTS = ["ttheader", "framed", "buffered", "ttheader+compact", "framed+compact"]


@pytest.fixture
def both(demo):
    """Makes the same call by the fast path and by the twin, which makes calls with options."""

    def run(method: str, *args: Any, **arguments: Any) -> list[Any]:
        outcomes = []
        for options in (False, True):
            client = demo.DemoServiceClient(**{"timeout": 10, **arguments})
            try:
                if options:
                    with rpc.options():
                        value = getattr(client, method)(*args)
                else:
                    value = getattr(client, method)(*args)
                outcomes.append(value)
            except Exception as error:
                outcomes.append((type(error), str(error), getattr(error, "kind", None)))
        return outcomes

    return run


def recorded(bench: Any) -> list[dict[str, Any]]:
    """What was recorded of the calls, but for what differs from call to call."""
    own = {"logid", "span_id", "parent_id", "duration_us", "ts", "started"}
    return [{k: v for k, v in row.items() if k not in own} for row in bench.facts()]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("inside", [False, True])
def test_the_bytes_of_a_request_are_the_twins(bench, demo, both, transport, inside) -> None:
    """But for the sequence id, the span and what is left of the deadline."""
    method = demo.DemoService.methods["GetItem"]
    value = demo.Demo2Response(item=demo.Demo2Item(ItemId=7, ItemName="x"))
    frames = []

    def script(line: Line) -> None:
        while True:
            frames.append(line.request())
            line.reply(method, frames[-1], value)

    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)
    outer.persist, outer.env = {"LANE": "blue", "Ü": "ä"}, "boe" if inside else ""
    token = current_call.set(outer if inside else None)
    try:
        with Peer(script) as peer:
            address = f"127.0.0.1:{peer.port}/{transport}"
            base = demo.base.Base(Extra={"own": "1"})
            request = demo.Demo2Request(ItemId=7, Base=base)
            # A timeout whose milliseconds have as many digits when some of them are over.
            outcomes = both("GetItem", request, address=address, to_cluster="c", timeout=50)
            assert outcomes == [value, value]
    finally:
        current_call.reset(token)
    one, other = frames
    assert (one.transport, one.protocol) == (other.transport, other.protocol)
    assert (one.header is None) == (other.header is None)
    if one.header is not None:
        assert _lasting(one.header.ints) == _lasting(other.header.ints)
        assert list(one.header.ints) == list(other.header.ints)
        assert list(one.header.strings.items()) == list(other.header.strings.items())
        assert (one.header.flags, one.header.framed) == (other.header.flags, other.header.framed)
    calls = [decode_call(demo.DemoService, each) for each in frames]
    bases = [each.args.req.Base for each in calls]
    assert [each.Extra["own"] for each in bases] == ["1", "1"]
    for each in bases:
        assert each.Extra.pop("traceparent")[:3] == "00-"
        each.LogID = ""
    assert bases[0] == bases[1]
    rows = recorded(bench)
    assert len(rows) == 2
    if one.protocol is Protocol.COMPACT:
        for row, call in zip(rows, calls, strict=True):
            row["request_bytes"] -= _varint_bytes(call.header.seqid)
            row["response_bytes"] -= _varint_bytes(call.header.seqid)
    assert rows[0] == rows[1]


def _varint_bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))


def _lasting(ints: dict[int, str]) -> dict[int, str]:
    return {key: value for key, value in ints.items() if key not in (2, 12, 18)}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("item", [404, 500, 13, 7])
def test_outcomes_are_the_twins(start, handler, demo, bench, both, transport, item) -> None:
    port = start(handler)
    request = demo.Demo2Request(ItemId=item)
    one, other = both("GetItem", request, address=f"127.0.0.1:{port}/{transport}")
    if isinstance(one, tuple):
        one, other = [(kind, text[:20], more) for kind, text, more in (one, other)]
    assert one == other
    rows = [row for row in recorded(bench) if row["side"] == "client"]
    assert rows[0]["outcome"] == rows[1]["outcome"]
    assert rows[0]["code"] == rows[1]["code"]


@pytest.mark.parametrize("arguments", [("one",), (None,), (), (1, 2)], ids=str)
def test_wrong_arguments_are_refused_as_by_the_twin(start, handler, both, arguments) -> None:
    port = start(handler)
    one, other = both("_call", "GetItem", *arguments, address=f"127.0.0.1:{port}/framed")
    assert (one[0], one[1][:30]) == (other[0], other[1][:30])


@settings(
    max_examples=examples(60),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    damage=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 120),
    strings=st.dictionaries(
        st.sampled_from([CRRST, BIZ_STATUS, f"{RPC_BACKWARD}A", "other"]), st.text(max_size=3)
    ),
    transport=st.sampled_from(["ttheader", "framed", "ttheader+compact"]),
)
@example(damage=[(0, 130)], cut=0, strings={}, transport="ttheader")  # Compact, of no version.
@example(damage=[(0, 129)], cut=119, strings={}, transport="ttheader")  # One byte, of nothing.
@example(damage=[(3, 0)], cut=0, strings={}, transport="framed")  # A frame that ends at once.
def test_damaged_replies_are_reported_as_by_the_twin(
    bench, demo, both, damage, cut, strings, transport
) -> None:
    method = demo.DemoService.methods["GetItem"]
    value = demo.Demo2Response(item=demo.Demo2Item(ItemId=7, ItemName="x"))

    def lie(line: Line) -> None:
        frame = line.request()
        header = {"strings": strings} if frame.header is not None else {}
        data = bytearray(reply_to(method, frame, value, seqid=5, **header))
        for offset, byte in damage:
            data[offset % len(data)] = byte
        # The end comes with the reply: between the two, the next call would take the connection.
        if hasattr(socket, "TCP_CORK"):
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        line.sock.sendall(data[: 120 - cut] if cut else data)
        line.sock.close()

    with Peer(lie) as peer:
        address = f"127.0.0.1:{peer.port}/{transport}"
        one, other = both("GetItem", demo.Demo2Request(ItemId=7), address=address)
    assert _without_numbers(one) == _without_numbers(other)


def _without_numbers(outcome: Any) -> str:
    return "".join(each for each in str(outcome) if not each.isdigit())


def test_both_take_their_connections_from_one_pool(bench, demo) -> None:
    nothing = demo.DemoService.methods["Nothing"]

    def serve(line: Line) -> None:
        while True:
            line.serve(nothing)

    with Peer(serve) as peer:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{peer.port}/framed", timeout=10)
        for _ in range(5):
            client.Nothing()
            with rpc.options():
                client.Nothing()
        assert peer.accepted == 1


def test_many_threads_wait_for_few_connections(bench, demo) -> None:
    method = demo.DemoService.methods["GetItem"]
    served = threading.Semaphore(0)

    def serve(line: Line) -> None:
        while True:
            frame = line.request()
            number = decode_call(demo.DemoService, frame).args.req.ItemId
            item = demo.Demo2Item(ItemId=number, ItemName="x")
            line.reply(method, frame, demo.Demo2Response(item=item))
            served.release()

    with Peer(serve) as peer, ThreadPoolExecutor(16) as pool:
        client = demo.DemoServiceClient(
            address=f"127.0.0.1:{peer.port}/ttheader",
            timeout=30,
            pool=PoolLimits(max_connections=3, max_idle=2),
        )

        def ask(number: int) -> int:
            if number % 7:
                return client.GetItem(demo.Demo2Request(ItemId=number)).item.ItemId
            with rpc.options():
                return client.GetItem(demo.Demo2Request(ItemId=number)).item.ItemId

        assert list(pool.map(ask, range(2000))) == list(range(2000))


def test_a_signal_ends_a_waiting_call(bench, demo) -> None:
    """What its handler raises leaves the call, its gates and its connection."""
    nothing = demo.DemoService.methods["Nothing"]
    came, stop = threading.Event(), threading.Event()

    class Interrupted(Exception):
        pass

    def stall(line: Line) -> None:
        line.request()
        came.set()
        stop.wait(10)

    def serve(line: Line) -> None:
        while True:
            line.serve(nothing)

    def interrupt(*_: object) -> None:
        raise Interrupted

    def send_signal() -> None:
        assert came.wait(10)
        while not done.is_set():
            signal.pthread_kill(main, signal.SIGUSR1)
            done.wait(0.05)

    done, main = threading.Event(), threading.get_ident()
    before = signal.signal(signal.SIGUSR1, interrupt)
    sender = threading.Thread(target=send_signal)
    try:
        with Peer(stall, serve) as peer:
            client = demo.DemoServiceClient(address=f"127.0.0.1:{peer.port}/framed", timeout=20)
            sender.start()
            began = time.monotonic()
            with pytest.raises((Interrupted, Failure)):
                try:
                    client.Nothing()
                finally:
                    done.set()
            sender.join()
            assert time.monotonic() - began < 15
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            stop.set()
            assert client.Nothing() is None
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_calls_leave_nothing_behind(start, handler, demo) -> None:
    port = start(handler)

    def rounds(count: int) -> int:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{port}/ttheader", timeout=10)
        for number in range(count):
            for item in (7, 404):
                with contextlib.suppress(demo.NoSuchItem):
                    client.GetItem(demo.Demo2Request(ItemId=item))
            client.Note("x")
            if number % 10 == 0:
                with pytest.raises(Failure):
                    client.GetItem(demo.Demo2Request(ItemId="one"))
        del client
        handler.noted.clear()
        gc.collect()
        return sys.getallocatedblocks()

    rounds(50)
    before = rounds(50)
    assert rounds(400) - before < 500


def test_a_changed_process_is_noticed(start, handler, demo, bench) -> None:
    from pie.call import NotBootstrapped, set_runtime

    start(handler)
    client = demo.DemoServiceClient("toutiao.my.server")
    client.Nothing()
    set_runtime(None)
    with pytest.raises(NotBootstrapped):
        client.Nothing()
    set_runtime(bench.runtime)
    client.Nothing()


def test_a_deadline_that_passed_before_sends_nothing(start, handler, demo, bench) -> None:
    start(handler)
    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)
    outer.deadline = time.monotonic() - 1
    token = current_call.set(outer)
    try:
        with pytest.raises(Failure, match="no time left") as caught:
            demo.DemoServiceClient("toutiao.my.server").Nothing()
    finally:
        current_call.reset(token)
    assert (caught.value.kind, caught.value.never_sent) == (Kind.DEADLINE, True)
