"""Rules of route, drain, time-outs and stress in force: threads, coroutines, pinned calls."""

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules

from pie import rpc
from pie.call import Runtime, set_runtime
from pie.model import Failure, Kind, current_call

PSM = "toutiao.my.server"


@pytest.fixture
def rules(bench: Any, tmp_path: Path) -> FileRules:
    """The rules of the process."""
    source = FileRules(tmp_path / "rules.ndjson")
    bench.runtime = Runtime(bench.observer, bench.runtime.directory, rules=source)
    set_runtime(bench.runtime)
    return source


def published(kind: str, side: str, body: dict[str, Any], version: int = 1, **scope: str) -> Any:
    written = [{"scope": scope, "body": body}]
    return {"kind": kind, "psm": PSM, "side": side, "version": version, "rules": written}


@pytest.fixture
def two(start, handler, demo) -> dict[int, str]:
    """An instance in each of two clusters; the cluster by port."""
    return {
        start(handler): "default",
        start(type(handler)(), cluster="canary"): "canary",
    }


def port_of(made: Any) -> int:
    return int(made.call.peer.rpartition(":")[2])


def test_threads_coroutines_and_pins(bench, demo, rules, two) -> None:
    client, later = demo.DemoServiceClient(PSM), demo.AsyncDemoServiceClient(PSM)
    canary = next(port for port, cluster in two.items() if cluster == "canary")
    rules.write(published("route", "callers", {"clusters": {"canary": 1}}, 4))
    client.Nothing()
    with rpc.options() as made:
        client.Nothing()
    assert port_of(made) == canary
    with rpc.options() as made:
        asyncio.run(later.Nothing())
    assert port_of(made) == canary
    with rpc.options(pinned=f"127.0.0.1:{min(set(two) - {canary})}") as made:
        client.Nothing()
    assert port_of(made) != canary
    rules.write(published("route", "callers", {"clusters": {"default": 1}}, 5))
    client.Nothing()
    calls = [row for row in bench.facts() if row["side"] == "client"]
    assert [row["callee_cluster"] for row in calls] == [
        "canary", "canary", "canary", "default", "default",
    ]  # fmt: skip
    assert "routed to cluster canary: route v4" in calls[0]["notes"]
    assert "routed to cluster default: route v5" in calls[-1]["notes"]
    counted = Counter[int]()
    for row in bench.facts("rules"):
        counted[row["version"]] += row["calls"]
        assert (row["kind"], row["side"], row["verdict"]) == ("route", "callers", "routed")
    assert counted == {4: 3, 5: 1}


def test_a_drained_instance_gets_no_calls_any_more(demo, rules, start, handler) -> None:
    ports = {start(handler), start(type(handler)())}
    drained = min(ports)
    client, seen = demo.DemoServiceClient(PSM), set()
    for names in ([], [f"127.0.0.1:{drained}"]):
        rules.write(published("drain", "callers", {"instances": names}))
        seen.clear()
        for _ in range(20):
            with rpc.options() as made:
                client.Nothing()
            seen.add(port_of(made))
        assert drained in seen or names
    assert seen == ports - {drained}
    assert made.call.notes == ["1 of 2 instances are drained: drain v1"]


def test_an_attempt_that_has_no_answer_in_time_is_made_again_elsewhere(
    demo, rules, start, handler
) -> None:
    stuck = threading.Event()

    class Slow(type(handler)):
        def Nothing(self) -> None:
            stuck.wait(10)

    slow, quick = start(Slow()), start(handler)
    timeout = published("timeout", "client", {"total": 5, "attempt": 0.05}, callee=PSM)
    only = published("route", "callers", {"instances": [f"127.0.0.1:{slow}"]})
    client = demo.DemoServiceClient(PSM)
    try:
        for attempts, limits in ((2, {"idempotent": ["Not*"], "max_attempts": 2}), (1, {})):
            rules.write(timeout, only, published("limits", "callers", limits))
            with rpc.options() as made, pytest.raises(Failure, match="50 ms of one attempt had"):
                client.Nothing()
            assert made.call.attempts == attempts
            assert made.call.notes[0] == f"time-out 5000 ms: timeout v1 callee={PSM}"
        rules.write(timeout, published("limits", "callers", {"idempotent": ["Not*"]}))
        for _ in range(10):
            with rpc.options() as made:
                client.Nothing()
            assert port_of(made) == quick
    finally:
        stuck.set()


def test_the_timeout_of_the_file_comes_behind_the_rule(demo, rules, start, handler) -> None:
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=3)
    found = []
    for rule in ([], [published("timeout", "client", {"total": 0.7}, callee=PSM)]):
        rules.write(*rule)
        for given in ({}, {"timeout": 0.9}):
            with rpc.options(**given) as made:
                client.Nothing()
            found.append(made.call.timeout)
    assert found == [3, 0.9, 0.7, 0.9]


@pytest.mark.parametrize("transport", ["ttheader", "framed"])
def test_lane_and_class_of_traffic_go_over_every_hop(
    bench, demo, start, handler, transport
) -> None:
    seen = []

    class Inner(type(handler)):
        def GetItem(self, req):
            call = current_call.get()
            seen.append((call.env, call.traffic))
            return super().GetItem(req)

    class Outer(type(handler)):
        def GetItem(self, req):
            return inner.GetItem(req)

    start(Inner(), cluster="inner", transport=transport)
    start(Outer(), cluster="outer", transport=transport)
    inner = demo.DemoServiceClient(PSM, to_cluster="inner")
    outer = demo.DemoServiceClient(PSM, to_cluster="outer")
    with rpc.options(lane="blue", traffic="stress"):
        outer.GetItem(demo.Demo2Request(ItemId=1))
    outer.GetItem(demo.Demo2Request(ItemId=1))
    assert seen == [("blue", "stress"), ("", "")]
    rows = [row for row in bench.facts() if row.get("traffic") == "stress"]
    assert {row["lane"] for row in rows} == {"blue"}
    assert len(rows) == 4


def test_a_service_that_is_not_ready_for_stress_refuses_it(demo, rules, start, handler) -> None:
    start(handler)
    rules.write(published("stress", "server", {"refuse": "stress"}))
    client = demo.DemoServiceClient(PSM)
    client.Nothing()
    with rpc.options(traffic="test"):
        client.Nothing()
    with rpc.options(traffic="stress") as made, pytest.raises(Failure) as caught:
        client.Nothing()
    assert caught.value.kind == Kind.DENIED
    assert made.call.attempts == 1


def test_a_shift_moves_calls_while_time_passes(demo, rules, two) -> None:
    client = demo.DemoServiceClient(PSM)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    rules.write(published("route", "callers", {"shift_to": "canary", "shift_begins": long_ago}))
    with rpc.options() as made:
        client.Nothing()
    assert two[port_of(made)] == "canary"
    assert made.call.notes == ["routed to cluster canary (shift): route v1"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [({"traffic": "load"}, "is not one of test, stress"), ({"lane": "a b"}, "is not a name")],
)
def test_wrong_options(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint), rpc.options(**given):
        pass
