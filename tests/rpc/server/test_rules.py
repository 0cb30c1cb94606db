"""Rate and access on a Thrift server, ruled from a file: on each loop, seen by the caller."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules

import pie.rpc.server.server
from pie.call import Runtime, set_runtime
from pie.model import Call, Failure, Kind, current_call

PSM = "toutiao.my.server"


@pytest.fixture
def rules(bench: Any, tmp_path: Path) -> FileRules:
    """The rules of the process."""
    source = FileRules(tmp_path / "rules.ndjson")
    bench.runtime = Runtime(bench.observer, bench.runtime.directory, rules=source)
    set_runtime(bench.runtime)
    return source


def limit(version: int, qps: float, **scope: str) -> dict[str, Any]:
    scope = scope or {"method": "GetItem", "caller": PSM}
    rule = {"scope": scope, "body": {"qps": qps, "burst": 60}}
    return {"kind": "rate", "psm": PSM, "side": "server", "version": version, "rules": [rule]}


class Coroutine:
    def __init__(self, handler: Any) -> None:
        self._handler = handler

    async def GetItem(self, req: Any) -> Any:
        await asyncio.sleep(0)
        return self._handler.GetItem(req)

    async def Note(self, text: str) -> None:
        self._handler.Note(text)

    async def Nothing(self) -> None:
        pass


@pytest.mark.parametrize("loop", ["leader", "turns", "threads"])
def test_a_call_too_many_is_rejected(bench, demo, start, handler, rules, monkeypatch, loop) -> None:
    if loop == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    start(Coroutine(handler) if loop == "turns" else handler)
    client = demo.DemoServiceClient(PSM, timeout=20)

    def ask() -> Any:
        return client.GetItem(demo.Demo2Request(ItemId=1)).item.ItemId

    assert ask() == 1
    rules.write(limit(3, 0.05))
    assert [ask() for _ in range(3)] == [1, 1, 1]
    with pytest.raises(Failure) as caught:
        ask()
    assert caught.value.kind is Kind.EXHAUSTED
    assert "more often than 0.05 times a second (rate v3 method=GetItem" in caught.value.message
    client.Nothing()
    rules.write(limit(4, 1000))
    assert ask() == 1
    rows = [row for row in bench.facts() if row["side"] == "server" and row["code"] == 429]
    rule = f"rate v3 method=GetItem caller={PSM}"
    found = [(row["method"], row["outcome"], row["gate"], row["rule"]) for row in rows]
    assert found == [("GetItem", "exhausted", "rate", rule)]


def allow(version: int, *callers: str, dry_run: bool = False) -> dict[str, Any]:
    body = {"effect": "allow", "dry_run": dry_run}
    rule = {"scope": {"method": "GetItem", "caller": callers}, "body": body}
    return {"kind": "access", "psm": PSM, "side": "server", "version": version, "rules": [rule]}


@pytest.mark.parametrize("loop", ["leader", "turns", "threads"])
def test_who_is_not_among_those_allowed_is_refused(
    bench, demo, start, handler, rules, monkeypatch, loop
) -> None:
    if loop == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    start(Coroutine(handler) if loop == "turns" else handler)
    client = demo.DemoServiceClient(PSM, timeout=20)

    def ask() -> Any:
        return client.GetItem(demo.Demo2Request(ItemId=1)).item.ItemId

    rules.write(allow(1, "x.y.z", dry_run=True))
    assert ask() == 1
    rules.write(allow(2, "x.y.z"))
    with pytest.raises(Failure) as caught:
        ask()
    assert caught.value.kind is Kind.DENIED
    assert caught.value.message == (
        f"{PSM}: {PSM} is not among the callers that may call {PSM}.GetItem "
        f"(access v2 method=GetItem caller=x.y.z allows others); ask the owner of {PSM} to let it "
        "in"
    )
    client.Nothing()
    rules.write(allow(3, "x.y.z", PSM))
    assert ask() == 1
    rows = [row for row in bench.facts() if row["side"] == "server" and row["method"] == "GetItem"]
    rule = "access v2 method=GetItem caller=x.y.z"
    assert [(row["outcome"], row["gate"], row["rule"], row["notes"]) for row in rows] == [
        ("ok", "", "", ["would reject: access v1 method=GetItem caller=x.y.z"]),
        ("denied", "access", rule, [f"rejected: {rule}"]),
        ("ok", "", "", []),
    ]
    counts = [(row["version"], row["verdict"]) for row in bench.facts("rules")]
    assert counts == [(1, "would_reject"), (2, "rejected"), (3, "admitted")]


@pytest.mark.parametrize("loop", ["leader", "threads"])
def test_a_rule_of_a_lane_is_for_calls_of_that_lane(
    bench, demo, start, handler, rules, monkeypatch, loop
) -> None:
    if loop == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=20)
    rules.write(limit(1, 0.05, lane="blue"))

    def ask(lane: str) -> str:
        served = Call("server", "http", caller="", callee=PSM, method="GET", env=lane)
        token = current_call.set(served)
        try:
            client.GetItem(demo.Demo2Request(ItemId=1))
        except Failure as failure:
            return failure.message
        finally:
            current_call.reset(token)
        return ""

    assert [ask("blue") for _ in range(3)] == ["", "", ""]
    assert "(rate v1 lane=blue)" in ask("blue")
    assert [ask("") for _ in range(5)] == [""] * 5
    ends = [
        (row["lane"], row["gate"], row["count"])
        for row in bench.facts("edges")
        if row["side"] == "server"
    ]
    counted = {end[:2]: sum(each[2] for each in ends if each[:2] == end[:2]) for end in ends}
    assert counted == {("blue", ""): 3, ("blue", "rate"): 1, ("", ""): 5}
    rejected = [row for row in bench.facts() if row["gate"] == "rate"]
    assert [(row["lane"], row["env"]) for row in rejected] == [("blue", "blue")]
