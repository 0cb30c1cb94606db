"""Client and server over real sockets, in every transport."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.ports import free_port
from tests.rpc.conftest import register

from pie.model import (
    Call,
    Failure,
    Kind,
    current_call,
)
from pie.rpc import ServerOptions, ThriftServer
from pie.thrift import (
    BUFFERED,
    FRAMED,
    TTHEADER,
    decode_reply,
    encode_call,
    encode_reply,
    read_message,
)
from pie.thrift.wire.frames import FrameSplitter

PSM = "toutiao.my.server"


@pytest.mark.parametrize("transport", ["ttheader", "framed", "buffered"])
def test_the_seeds_call(start, handler, demo, transport: str) -> None:
    start(handler, transport=transport)
    stub = demo.DemoServiceClient(PSM)
    response = stub.GetItem(demo.Demo2Request(ItemId=1))
    assert repr(response) == (
        "Demo2Response(item=Demo2Item(ItemId=1, ItemName='123'), "
        "BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))"
    )
    assert stub.Nothing() is None


@pytest.mark.parametrize("transport", ["ttheader", "framed", "buffered", "framed+compact"])
def test_both_sides_record_one_chain(start, handler, demo, bench, transport: str) -> None:
    start(handler, transport=transport)
    demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=1))
    rows = {row["side"]: row for row in bench.facts()}
    asked, served = rows["client"], rows["server"]
    assert served["logid"] == asked["logid"]
    assert served["parent_id"] == asked["span_id"]
    assert asked["parent_id"] == ""
    assert served["caller"] == asked["caller"] == PSM
    assert {row["caller"] for row in bench.facts("edges")} == {PSM}
    assert (asked["method"], asked["attempts"]) == ("GetItem", 1)
    assert asked["response_bytes"] == served["response_bytes"] > 0
    assert asked["request_bytes"] == served["request_bytes"] > 0


def test_a_call_made_while_serving_continues_the_chain(start, handler, demo, bench) -> None:
    start(handler)
    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)
    outer.span_id = "c" * 16
    outer.persist = {"LANE": "blue"}
    token = current_call.set(outer)
    try:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=1))
    finally:
        current_call.reset(token)
    rows = {row["side"]: row for row in bench.facts()}
    assert rows["client"]["logid"] == rows["server"]["logid"] == "4" * 32
    assert rows["client"]["parent_id"] == "c" * 16


def test_metadata_persists_and_the_deadline_travels(start, handler, demo) -> None:
    seen = {}

    def get(req):
        call = current_call.get()
        seen.update(persist=call.persist, timeout=call.timeout, caller=call.caller)
        return demo.Demo2Response(item=demo.Demo2Item(ItemId=1, ItemName="x"))

    handler.GetItem = get
    start(handler)
    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)
    outer.persist = {"LANE": "blue"}
    outer.deadline = time.monotonic() + 0.5
    token = current_call.set(outer)
    try:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=1))
    finally:
        current_call.reset(token)
    assert seen["persist"] == {"LANE": "blue"}
    assert 0 < seen["timeout"] <= 0.5
    assert seen["caller"] == PSM


def test_a_declared_exception_is_an_answer(start, handler, demo, bench) -> None:
    start(handler)
    with pytest.raises(demo.NoSuchItem) as caught:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=404))
    assert caught.value.ItemId == 404
    assert {row["outcome"] for row in bench.facts()} == {"business"}


def test_a_business_status_is_not_a_failure(start, handler, demo, bench) -> None:
    def withdrawn(req):
        status = demo.base.BaseResp(StatusMessage="withdrawn", StatusCode=1410)
        item = demo.Demo2Item(ItemId=1, ItemName="x")
        return demo.Demo2Response(item=item, BaseResp=status)

    handler.GetItem = withdrawn
    start(handler)
    response = demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=1))
    assert response.BaseResp.StatusCode == 1410
    rows = bench.facts()
    assert {(row["outcome"], row["code"], row["message"]) for row in rows} == {
        ("business", 1410, "withdrawn")
    }


def test_a_bug_in_the_handler_is_reported_without_its_text(
    start, handler, demo, bench, caplog
) -> None:
    start(handler)
    with pytest.raises(Failure) as caught:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=500))
    assert caught.value.kind == Kind.INTERNAL
    assert caught.value.raised_by == "peer"
    assert "secret" not in str(caught.value)
    rows = {row["side"]: row for row in bench.facts()}
    assert rows["client"]["logid"] in str(caught.value)
    assert rows["server"]["message"] == "KeyError: 'secret'"
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "KeyError" in record.exc_text or record.exc_info


def test_a_handler_that_returns_the_wrong_type_fails_its_call(start, handler, demo, bench) -> None:
    start(handler)
    with pytest.raises(Failure) as caught:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=13))
    assert caught.value.kind == Kind.INTERNAL
    rows = {row["side"]: row for row in bench.facts()}
    assert "expected Demo2Response" in rows["server"]["message"]


def test_a_failure_keeps_its_kind_over_the_wire(start, handler, demo) -> None:
    def refuse(req):
        raise Failure(Kind.EXHAUSTED, "too many", code=429)

    handler.GetItem = refuse
    start(handler)
    with pytest.raises(Failure, match="too many") as caught:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId=1))
    assert (caught.value.kind, caught.value.code) == (Kind.EXHAUSTED, 429)


def test_wrong_arguments_name_the_field_and_send_nothing(start, handler, demo, bench) -> None:
    start(handler)
    with pytest.raises(Failure, match=r"ItemId") as caught:
        demo.DemoServiceClient(PSM).GetItem(demo.Demo2Request(ItemId="one"))
    assert caught.value.kind == Kind.INVALID
    assert [row["side"] for row in bench.facts()] == ["client"]


def test_one_way(start, handler, demo) -> None:
    start(handler)
    demo.DemoServiceClient(PSM).Note("hello")
    assert handler.note_came.wait(5)
    assert handler.noted == ["hello"]


def test_the_deadline_ends_a_slow_call(start, handler, demo, bench) -> None:
    release = threading.Event()

    def slow(req):
        release.wait(5)
        return demo.Demo2Response(item=demo.Demo2Item(ItemId=1, ItemName="x"))

    handler.GetItem = slow
    start(handler)
    with pytest.raises(Failure, match="did not end in time: waiting for the reply") as caught:
        demo.DemoServiceClient(PSM, timeout=0.1).GetItem(demo.Demo2Request(ItemId=1))
    release.set()
    assert caught.value.kind == Kind.DEADLINE
    assert not caught.value.never_sent


def test_no_instances_says_so(bench, demo) -> None:
    with pytest.raises(Failure, match=r"toutiao\.no\.such") as caught:
        demo.DemoServiceClient("toutiao.no.such").Nothing()
    assert caught.value.kind == Kind.UNAVAILABLE
    (row,) = bench.facts()
    assert (row["outcome"], row["callee"], row["attempts"]) == (
        "unavailable",
        "toutiao.no.such",
        1,
    )


def test_a_wrong_cluster_says_which_exist(start, handler, demo) -> None:
    start(handler, cluster="canary")
    with pytest.raises(Failure, match="canary"):
        demo.DemoServiceClient(PSM).Nothing()
    assert demo.DemoServiceClient(PSM, to_cluster="canary").Nothing() is None


def test_a_dead_instance_is_left_for_a_living_one_and_every_attempt_recorded(
    start, handler, demo, bench
) -> None:
    dead = free_port()
    alive = start(handler)
    register(bench, dead, psm=PSM, cluster="default", transport="ttheader")
    stub = demo.DemoServiceClient(PSM)
    for _ in range(30):
        stub.Nothing()
    rows = bench.facts()
    retried = [row for row in rows if row["side"] == "client" and row["attempts"] > 1]
    logical = [row for row in retried if row["attempt"] == 0]
    assert logical
    assert {row["outcome"] for row in logical} == {"ok"}
    for call in logical:
        attempts = [row for row in rows if row["parent_id"] == call["span_id"]]
        assert [row["attempt"] for row in attempts] == [1, 2]
        assert [row["outcome"] for row in attempts] == ["unavailable", "ok"]
        assert [row["peer"].split(":")[1] for row in attempts] == [str(dead), str(alive)]
        (served,) = [row for row in rows if row["parent_id"] == attempts[1]["span_id"]]
        assert served["side"] == "server"
        assert any("retry" in note for note in call["notes"])


def test_many_threads_share_a_client(start, handler, demo, bench) -> None:
    start(handler)
    stub = demo.DemoServiceClient(PSM)

    def ask(number: int) -> int:
        return stub.GetItem(demo.Demo2Request(ItemId=1000 + number)).item.ItemId

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(400))) == [1000 + number for number in range(400)]
    rows = bench.facts()
    assert len(rows) == 800
    assert len({row["span_id"] for row in rows}) == 800


def test_a_restart_under_traffic_fails_no_call(start, handler, demo, bench) -> None:
    """As a service does it: the new one registers, the old one deregisters, waits, drains."""
    stub = demo.DemoServiceClient(PSM)
    port = start(handler)
    stub.Nothing()
    stop = threading.Event()

    def keep_calling() -> int:
        count = 0
        while not stop.is_set():
            stub.Nothing()
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        counts = [pool.submit(keep_calling) for _ in range(4)]
        for _ in range(3):
            successor = start(handler)
            bench.store.delete(f"/pie/services/{PSM}/instances/default/127.0.0.1:{port}")
            time.sleep(0.2)
            start.servers[port].stop()
            port = successor
        stop.set()
        total = sum(each.result() for each in counts)
    asked = [edge for edge in bench.facts("edges") if edge["side"] == "client"]
    assert sum(edge["count"] for edge in asked) == total + 1
    assert {edge["outcome"] for edge in asked} == {"ok"}


def test_a_stopping_server_answers_what_is_in_flight(start, handler, demo) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(req):
        entered.set()
        go_on.wait(5)
        return demo.Demo2Response(item=demo.Demo2Item(ItemId=1, ItemName="late"))

    handler.GetItem = slow
    port = start(handler)
    stub = demo.DemoServiceClient(PSM, timeout=5)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(stub.GetItem, demo.Demo2Request(ItemId=1))
        assert entered.wait(5)
        start.servers[port].stop()
        go_on.set()
        assert answer.result(5).item.ItemName == "late"


def exchange(sock: socket.socket, data: bytes):
    sock.sendall(data)
    splitter = FrameSplitter()
    while (frame := splitter.take()) is None:
        received = sock.recv(65536)
        if not received:
            return None
        splitter.feed(received)
    return frame


@pytest.mark.parametrize("transport", [TTHEADER, FRAMED, BUFFERED])
def test_one_port_answers_each_request_in_its_own_form(start, handler, demo, transport) -> None:
    from pie.thrift import TTHeader

    port = start(handler)
    method = demo.DemoService.methods["GetItem"]
    header = TTHeader() if transport is TTHEADER else None
    args = method.args(req=demo.Demo2Request(ItemId=7))
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        for seqid in (1, 2):
            frame = exchange(sock, encode_call(method, args, seqid, transport, header))
            assert frame.transport is transport
            response = method.unpack(decode_reply(method, frame, seqid))
            assert response.item.ItemId == 7


def test_pipelined_requests_are_answered_in_order(start, handler, demo) -> None:
    port = start(handler)
    method = demo.DemoService.methods["GetItem"]
    requests = b"".join(
        encode_call(method, method.args(req=demo.Demo2Request(ItemId=n)), n, FRAMED)
        for n in range(1, 6)
    )
    splitter = FrameSplitter()
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(requests)
        while len(found) < 5:
            splitter.feed(sock.recv(65536))
            while (frame := splitter.take()) is not None:
                found.append(method.unpack(decode_reply(method, frame)).item.ItemId)
    assert found == [1, 2, 3, 4, 5]


def test_an_unknown_method_is_unimplemented(start, handler, demo, bench) -> None:
    port = start(handler)
    method = demo.DemoService.methods["Nothing"]
    request = encode_call(method, method.args(), 1, FRAMED)
    request = request.replace(b"Nothing", b"Nowhere")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        assert b"Nowhere" in exchange(sock, request).payload
    (row,) = bench.facts()
    assert (row["outcome"], row["method"]) == ("unimplemented", "Nowhere")


def test_names_from_a_peer_do_not_steer_the_terminal_that_shows_the_log(
    start, handler, demo, bench
) -> None:
    from pie.thrift import IntKey, TTHeader

    port = start(handler)
    method = demo.DemoService.methods["Nothing"]
    header = TTHeader(ints={IntKey.FROM_SERVICE: "a\x1b[2Jb", IntKey.FROM_CLUSTER: "c\n"})
    request = encode_call(method, method.args(), 1, TTHEADER, header)
    request = request.replace(b"Nothing", b"No\x1b[2Jg")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        exchange(sock, request)
    (row,) = bench.facts()
    assert (row["method"], row["caller"], row["caller_cluster"]) == ("No?[2Jg", "a?[2Jb", "c?")


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x7f\xff\xff\xff\x80\x01\x00\x01"],
    ids=["zeros", "ones", "http", "huge"],
)
def test_garbage_closes_its_connection_and_no_other(start, handler, demo, garbage) -> None:
    port = start(handler)
    stub = demo.DemoServiceClient(PSM)
    stub.Nothing()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    stub.Nothing()


def test_a_frame_that_never_ends_is_cut(start, handler, demo) -> None:
    port = start(handler, options=ServerOptions(transfer_timeout=0.2))
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"\x00\x00\x01\x00\x80\x01")
        assert sock.recv(100) == b""


def test_connections_are_bounded(start, handler, demo) -> None:
    port = start(handler, options=ServerOptions(max_connections=2))
    kept = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(2)]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as third:
        assert third.recv(100) == b""
    for each in kept:
        each.close()


def test_a_handler_that_lacks_a_method_is_refused_at_start(bench, demo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TypeError) as caught:
        ThriftServer(demo.DemoService, object(), bench.runtime, listener)
    assert "does not implement GetItem, Note, Nothing" in str(caught.value)


def test_without_a_bootstrap_the_error_names_the_line_to_add(demo) -> None:
    from pie.call import NotBootstrapped

    with pytest.raises(NotBootstrapped, match=r"pie\.serve\.script"):
        demo.DemoServiceClient(PSM).Nothing()


def test_a_connection_out_of_step_spoils_one_call_only(bench, demo) -> None:
    method = demo.DemoService.methods["Nothing"]

    def answer_twice(listener: socket.socket) -> None:
        for shift in (1, 0):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(5)
                splitter = FrameSplitter()
                while (frame := splitter.take()) is None:
                    splitter.feed(sock.recv(65536))
                seqid = read_message(frame.payload)[0].seqid + shift
                sock.sendall(encode_reply(method, method.success(None), seqid, FRAMED))
                if shift:
                    assert sock.recv(1) == b""  # The client gave this connection up.

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(5)
        port = listener.getsockname()[1]
        register(bench, port, psm=PSM, cluster="default", transport="framed")
        served = pool.submit(answer_twice, listener)
        stub = demo.DemoServiceClient(PSM)
        with pytest.raises(Failure):
            stub.Nothing()
        assert stub.Nothing() is None
        served.result(10)


def test_a_request_that_would_take_too_much_memory_is_refused(start, handler, demo, bench) -> None:
    start(handler, options=ServerOptions(decoded_limit=1000))
    client = demo.DemoServiceClient(PSM)
    client.Nothing()
    with pytest.raises(Failure, match="decoded_limit") as caught:
        client.GetItem(
            demo.Demo2Request(ItemId=1, Base=demo.base.Base(Extra={str(n): "" for n in range(20)}))
        )
    assert (caught.value.kind, caught.value.raised_by) == (Kind.INVALID, "peer")
