"""Limits of a whole service: an instance counts its peers in the registry."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.call.file_rules import FileRules

from pie.call import Driver, Runtime
from pie.govern import RateState
from pie.model import Call, Failure
from pie.state import Directory, Instance, MemoryStore, instance_key

PSM = "toutiao.my.server"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def rules(tmp_path: Path) -> FileRules:
    return FileRules(tmp_path / "rules.ndjson")


@pytest.fixture
def runtime(bench: Any, store: MemoryStore, rules: FileRules) -> Any:
    directory = Directory(store, None)
    yield Runtime(bench.observer, directory, rules=rules)
    directory.close()


def rate(version: int, per: str) -> dict[str, Any]:
    rule = {"scope": {}, "body": {"qps": 0.1, "burst": 60, "per": per}}
    return {"kind": "rate", "psm": PSM, "side": "server", "version": version, "rules": [rule]}


def register(store: MemoryStore, port: int) -> None:
    one = Instance(psm=PSM, id=f"h:{port}", host="127.0.0.1", port=port, protocol="thrift")
    store.put(instance_key(one), msgspec.json.encode(one).decode())


def passed(runtime: Runtime, count: int) -> int:
    driver, done = Driver(runtime.policies.server()), 0
    for _ in range(count):
        call = Call("server", "thrift", caller="a.b.c", callee=PSM, method="Get")
        try:
            driver.run(call, lambda each: None)
        except Failure:
            continue
        done += 1
    return done


def until(met: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not met():
        assert time.monotonic() < limit
        time.sleep(0.005)


def part(runtime: Runtime) -> float:
    return runtime.policies.state(RateState).shares.of("*").part


def test_an_instance_has_its_part(runtime: Runtime, rules: FileRules, store: MemoryStore) -> None:
    for port in (1, 2, 3):
        register(store, port)
    rules.write(rate(1, "service"))
    until(lambda: part(runtime) == 1 / 3)
    assert passed(runtime, 9) == 2
    register(store, 4)
    until(lambda: part(runtime) == 1 / 4)


def test_nothing_is_followed_without_need(
    runtime: Runtime, rules: FileRules, store: MemoryStore
) -> None:
    rules.write(rate(1, "instance"))
    assert not runtime.directory._views
    assert passed(runtime, 9) == 6


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_counts_for_itself(
    runtime: Runtime, rules: FileRules, store: MemoryStore
) -> None:
    register(store, 1)
    register(store, 2)
    rules.write(rate(1, "service"))
    until(lambda: part(runtime) == 1 / 2)
    child = os.fork()
    if child == 0:
        try:
            until(lambda: part(runtime) == 1 / 2)
            os._exit(0 if passed(runtime, 9) == 3 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
