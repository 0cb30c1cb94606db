"""What clients share: the course of their callee, its rules and what its gates remember."""

from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules

from pie import rpc
from pie.call import Runtime, set_runtime
from pie.govern import BalanceState
from pie.model import Failure

PSM = "toutiao.my.server"


@pytest.fixture
def rules(bench: Any, tmp_path: Path) -> FileRules:
    """The rules of the process."""
    source = FileRules(tmp_path / "rules.ndjson")
    bench.runtime = Runtime(bench.observer, bench.runtime.directory, rules=source)
    set_runtime(bench.runtime)
    return source


def retry(version: int, attempts: int) -> dict[str, Any]:
    rules = [{"scope": {}, "body": {"attempts": attempts, "base": 0}}]
    return {"kind": "retry", "psm": PSM, "side": "client", "version": version, "rules": rules}


def test_a_client_that_is_kept_follows_the_rule_of_retries(bench, demo, rules) -> None:
    """Also on the fast path, which keeps a plan."""
    client = demo.DemoServiceClient(PSM, address="127.0.0.1:1/framed")
    for version, attempts in ((1, 2), (2, 4), (3, 1)):
        rules.write(retry(version, attempts))
        with pytest.raises(Failure, match="cannot connect"):
            client.Nothing()
    whole = [row for row in bench.facts() if row["attempt"] == 0]
    assert [row["attempts"] for row in whole] == [2, 4, 1]


def test_a_call_may_ask_for_another_number(bench, demo, rules) -> None:
    rules.write(retry(1, 5))
    client = demo.DemoServiceClient(PSM, address="127.0.0.1:1/framed")
    with rpc.options(retries=1) as made, pytest.raises(Failure, match="cannot connect"):
        client.Nothing()
    assert made.call.attempts == 2


def test_clients_of_one_callee_count_together(bench, demo, start, handler) -> None:
    """Also a client made for each request, a pinned call and one with other retries."""
    seen: list[dict[str, int]] = []

    class Counting(type(handler)):
        def Nothing(self) -> None:
            seen.append(dict(bench.runtime.policies.state(BalanceState).pending))

    port = start(Counting())
    demo.DemoServiceClient(PSM).Nothing()
    with rpc.options(pinned=f"127.0.0.1:{port}"):
        demo.DemoServiceClient(PSM).Nothing()
    with rpc.options(retries=5):
        demo.DemoServiceClient(PSM).Nothing()
    assert seen == [{f"127.0.0.1:{port}": 1}] * 3
    assert bench.runtime.policies.state(BalanceState).pending == {}
