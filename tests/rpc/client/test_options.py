"""Options of single calls, and what comes back beside an answer."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rpc.scripted import Line, Peer

from pie import rpc
from pie.model import Call, Failure, Kind, current_call
from pie.rpc import BusinessError, BusinessStatus
from pie.rpc.client.options import current_options
from pie.rpc.wire.business import read_status, write_status
from pie.rpc.wire.metadata import reply_header
from pie.thrift import BIZ_EXTRA, BIZ_MESSAGE, BIZ_STATUS, RPC_BACKWARD

PSM = "toutiao.my.server"


@pytest.fixture(params=["threads", "coroutines"])
def nothing(request, demo):
    """Calls ``Nothing`` of a service, within the options in force."""

    def call(*arguments, **named) -> None:
        if request.param == "threads":
            return demo.DemoServiceClient(*arguments, **named).Nothing()
        return asyncio.run(demo.AsyncDemoServiceClient(*arguments, **named).Nothing())

    return call


@pytest.fixture
def seen(handler):
    """Metadata of the calls that were served."""
    calls: list[Call] = []
    handler.Nothing = lambda: calls.append(current_call.get())
    return calls


def test_to_cluster_and_metadata(start, handler, seen, nothing) -> None:
    start(handler, cluster="canary")
    with rpc.options(to_cluster="canary", persist={"LANE": "blue"}, transit={"HOP": "1"}) as made:
        nothing(PSM)
    (call,) = seen
    assert (call.persist, call.transit) == ({"LANE": "blue"}, {"HOP": "1"})
    assert made.call.callee_cluster == "canary"
    assert made.call.logid == call.logid
    with pytest.raises(Failure, match="its clusters are canary"):
        nothing(PSM)


class Colour(StrEnum):
    BLUE = "blue"


def test_metadata_is_plain_text() -> None:
    with rpc.options(persist={Colour.BLUE: Colour.BLUE}):
        options = current_options.get()
    assert options is not None
    assert [type(each) for each in (*options.persist, *options.persist.values())] == [str, str]
    assert options.persist == {"blue": "blue"}


@pytest.mark.parametrize("option", ["persist", "transit"])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"USER": 5}, TypeError, r"^{}\['USER'\] must be a str, not 5$"),
        ({7: "x"}, TypeError, r"^a key of {} must be a str, not 7$"),
        ("USER=5", TypeError, r"^{}='USER=5' is not a mapping of texts$"),
        ({"USER": "\ud800"}, ValueError, r"^{}\['USER'\] is no valid Unicode: "),
        ({"USER": "登" * 20_001}, ValueError, r"^{}\['USER'\] has 60003 bytes, at most 60000 fit$"),
        ({"K" * 60_001: "x"}, ValueError, r"^a key of {} has 60001 bytes, at most 60000 fit$"),
    ],
)
def test_metadata_that_cannot_be_sent_is_an_error_that_names_it(
    option, given, error, message
) -> None:
    with pytest.raises(error, match=message.format(option)), rpc.options(**{option: given}):
        pass
    assert current_options.get() is None


def test_the_longest_metadata_arrives(start, handler, seen, nothing) -> None:
    start(handler)
    longest = {"K" * 60_000: "登" * 20_000}
    with rpc.options(persist=longest):
        nothing(PSM)
    assert seen[0].persist == longest


def test_a_timeout_for_one_call(start, handler, nothing) -> None:
    release = threading.Event()
    handler.Nothing = lambda: release.wait(10) and None
    start(handler)
    with rpc.options(timeout=0.1) as made, pytest.raises(Failure) as caught:
        nothing(PSM, timeout=60)
    release.set()
    assert caught.value.kind == Kind.DEADLINE
    assert (made.call.timeout, made.call.failure) == (0.1, caught.value)


def test_a_pin_for_one_call(start, handler, bench, nothing) -> None:
    ports = [start(handler) for _ in range(3)]
    for port in ports:
        with rpc.options(pinned=f"127.0.0.1:{port}") as made:
            nothing(PSM)
        assert made.call.peer == f"127.0.0.1:{port}"
    with rpc.options(pinned=f"127.0.0.1:{ports[0]}/framed") as made:
        nothing("quite.something.else")
    assert made.call.peer == f"127.0.0.1:{ports[0]}"
    with rpc.options(pinned="127.0.0.1:1"), pytest.raises(Failure, match="is not registered"):
        nothing(PSM)


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (4, 5)])
def test_retries_of_one_call(bench, nothing, retries, attempts) -> None:
    """Nothing listens on port 1."""
    with rpc.options(retries=retries) as made, pytest.raises(Failure):
        nothing(address="127.0.0.1:1/framed", timeout=5)
    assert made.call.attempts == attempts


def test_a_detached_call_outlives_the_call_it_is_made_in(start, handler, seen, nothing) -> None:
    start(handler)
    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)
    outer.deadline = 1.0  # Long ago.
    token = current_call.set(outer)
    try:
        with pytest.raises(Failure, match="no time left"):
            nothing(PSM)
        with rpc.options(detached=True):
            nothing(PSM)
    finally:
        current_call.reset(token)
    assert len(seen) == 1


def test_inner_options_change_what_they_name(start, handler, seen, nothing) -> None:
    start(handler)
    with rpc.options(persist={"A": "1", "B": "1"}, timeout=30) as outer:
        with rpc.options(persist={"B": "2"}) as inner:
            nothing(PSM)
        assert inner.call is outer.call
        nothing(PSM)
        assert inner.call is not outer.call
    assert [call.persist for call in seen] == [{"A": "1", "B": "2"}, {"A": "1", "B": "1"}]
    assert inner.call.timeout == 30


def test_options_are_of_one_thread_and_of_one_coroutine(start, handler, bench, demo) -> None:
    handler.Nothing = lambda: current_call.get().backward.update(
        SEEN=current_call.get().persist["N"]
    )
    start(handler)

    def by_thread(number: int) -> str:
        with rpc.options(persist={"N": str(number)}) as made:
            demo.DemoServiceClient(PSM, timeout=30).Nothing()
        return made.backward["SEEN"]

    async def by_coroutine(number: int) -> str:
        with rpc.options(persist={"N": str(number)}) as made:
            await client.Nothing()
        return made.backward["SEEN"]

    async def all_coroutines() -> list[str]:
        return list(await asyncio.gather(*map(by_coroutine, range(50))))

    client = demo.AsyncDemoServiceClient(PSM, timeout=30)
    wanted = [str(number) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(by_thread, range(50))) == wanted
    assert asyncio.run(all_coroutines()) == wanted


def test_the_environment_wins_over_options(start, handler, monkeypatch, nothing, bench) -> None:
    start(handler, cluster="canary")
    monkeypatch.setenv("PIE_TO_CLUSTER", f"{PSM}=canary")
    monkeypatch.setenv("PIE_TIMEOUT_MS", f"{PSM}=30000")
    port = start(handler, cluster="other")
    bench.runtime.pinned = {}
    with rpc.options(to_cluster="other", timeout=0.000001) as made:
        nothing(PSM)
    assert (made.call.callee_cluster, made.call.timeout) == ("canary", 30)
    bench.runtime.pinned = {PSM: f"127.0.0.1:{port}"}
    with rpc.options(pinned="127.0.0.1:1/framed") as made:
        nothing(PSM)
    assert made.call.peer == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timeout": 0}, "timeout=0 is not"),
        ({"retries": -1}, "retries=-1"),
        ({"pinned": "colleague"}, "pinned='colleague': 'colleague' is not an address"),
        ({"pinned": "h:1/pigeon"}, "'pigeon' is not a transport"),
    ],
)
def test_wrong_options_are_refused_at_once(given, message) -> None:
    with pytest.raises(ValueError, match=message), rpc.options(**given):
        pass


# --- What comes back. ---


def test_backward_values_and_a_business_status_in_base_resp(start, handler, demo, bench) -> None:
    def withdrawn(req):
        current_call.get().backward["COST"] = "7"
        status = demo.base.BaseResp(StatusMessage="gone", StatusCode=1410, Extra={"why": "law"})
        item = demo.Demo2Item(ItemId=1, ItemName="x")
        return demo.Demo2Response(item=item, BaseResp=status)

    handler.GetItem = withdrawn
    start(handler)
    client = demo.DemoServiceClient(PSM)
    with rpc.options() as made:
        assert made.call is None
        assert (made.backward, made.business) == ({}, None)
        client.GetItem(demo.Demo2Request(ItemId=1))
        assert made.backward == {"COST": "7"}
        assert made.business == BusinessStatus(1410, "gone", {"why": "law"})
        client.Nothing()
        assert (made.backward, made.business) == ({}, None)


def test_a_business_status_in_the_header_is_an_answer(bench, demo) -> None:
    """As a Kitex service gives it: no value, and the code beside it."""
    method = demo.DemoService.methods["GetItem"]
    strings = {
        BIZ_STATUS: "1410",
        BIZ_MESSAGE: "withdrawn",
        BIZ_EXTRA: json.dumps({"why": "law"}),
        f"{RPC_BACKWARD}COST": "7",
    }

    def script(line: Line) -> None:
        while True:
            line.reply(method, line.request(), method.result(), strings=strings)

    with Peer(script) as peer:
        address = f"127.0.0.1:{peer.port}/ttheader"
        client = demo.DemoServiceClient(address=address, timeout=5)
        with rpc.options() as made, pytest.raises(BusinessError, match="1410: withdrawn") as caught:
            client.GetItem(demo.Demo2Request(ItemId=1))
        assert (caught.value.code, caught.value.message) == (1410, "withdrawn")
        assert caught.value.status == made.business == (1410, "withdrawn", {"why": "law"})
        assert caught.value.value is None
        assert made.backward == {"COST": "7"}
        assert peer.accepted == 1
    (row,) = bench.facts()
    assert (row["outcome"], row["code"], row["message"]) == ("business", 1410, "withdrawn")


def test_a_value_beside_a_business_status_is_not_lost(bench, demo) -> None:
    method = demo.DemoService.methods["GetItem"]
    value = demo.Demo2Response(item=demo.Demo2Item(ItemId=1, ItemName="x"))

    def script(line: Line) -> None:
        line.reply(method, line.request(), value, strings={BIZ_STATUS: "7"})

    with Peer(script) as peer:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{peer.port}/ttheader", timeout=5)
        with pytest.raises(BusinessError) as caught:
            client.GetItem(demo.Demo2Request(ItemId=1))
    assert caught.value.value == value


@given(
    st.integers(-(2**31), 2**31 - 1).filter(bool),
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_a_status_survives_its_headers(code: int, message: str, extra: dict[str, str]) -> None:
    status = BusinessStatus(code, message, extra)
    strings: dict[str, str] = {}
    write_status(strings, status)
    assert read_status(strings) == status


@given(st.dictionaries(st.sampled_from([BIZ_STATUS, BIZ_MESSAGE, BIZ_EXTRA]), st.text(max_size=9)))
def test_headers_that_are_no_status_are_none(strings: dict[str, str]) -> None:
    found = read_status(strings)
    assert found is None or -(2**31) <= found.code < 2**31


def test_a_reply_says_the_business_status_of_its_handler() -> None:
    call = Call("server", "thrift", caller="", callee="a.b.c", method="M")
    header = reply_header(call, closing=False, business=BusinessStatus(1410, "gone", {}))
    assert header.strings == {BIZ_STATUS: "1410", BIZ_MESSAGE: "gone"}
    with pytest.raises(ValueError, match="business code 0"):
        BusinessError(0)
