"""Rate and access on an HTTP server, ruled from a file."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from tests.call.file_rules import FileRules

from pie.call import Runtime
from pie.web import chain_headers
from pie.web.flask import instrument
from pie.web.peers import TrustedPeers
from pie.web.wsgi import Edge


def test_a_request_too_many_is_rejected(bench: Any, tmp_path: Path) -> None:
    rules = FileRules(tmp_path / "rules.ndjson")
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello world")
    instrument(app, Runtime(bench.observer, bench.runtime.directory, rules=rules))
    client = app.test_client()

    def statuses(count: int) -> list[int]:
        return [client.get("/", buffered=True).status_code for _ in range(count)]

    assert statuses(3) == [200] * 3
    rule = {"scope": {"method": "GET"}, "body": {"qps": 0.05, "burst": 60}}
    rules.write({"kind": "rate", "psm": bench.psm, "side": "server", "version": 9, "rules": [rule]})
    assert statuses(5) == [200, 200, 200, 429, 429]
    assert client.post("/").status_code == 405
    answer = client.get("/")
    assert "an unnamed caller calls toutiao.my.server.GET more often" in answer.text
    assert "rate v9 method=GET" in answer.text


def test_verbs_can_be_denied(bench: Any, tmp_path: Path) -> None:
    rules = FileRules(tmp_path / "rules.ndjson")
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello world", methods=["GET", "PUT"])
    instrument(app, Runtime(bench.observer, bench.runtime.directory, rules=rules))
    client = app.test_client()

    def publish(version: int, **body: Any) -> None:
        rule = {"scope": {"method": "PUT"}, "body": body}
        key = {"kind": "access", "psm": bench.psm, "side": "server"}
        rules.write({**key, "version": version, "rules": [rule]})

    publish(1, dry_run=True)
    assert client.put("/", buffered=True).status_code == 200
    publish(2)
    assert client.get("/").status_code == 200
    answer = client.put("/")
    assert answer.status_code == 403
    assert "a caller that gives no name may not call toutiao.my.server.PUT" in answer.text
    assert "access v2 method=PUT denies it; ask the owner of toutiao.my.server" in answer.text
    notes = [(row["code"], row["notes"]) for row in bench.facts() if row["notes"]]
    assert notes == [
        (0, ["would reject: access v1 method=PUT"]),
        (403, ["rejected: access v2 method=PUT"]),
    ]


@pytest.mark.parametrize("trusted", [True, False])
def test_rules_hold_for_the_caller_that_a_trusted_peer_names(
    bench: Any, tmp_path: Path, trusted: bool
) -> None:
    rules = FileRules(tmp_path / "rules.ndjson")
    app = Flask(__name__)
    seen: list[bool] = []

    def view() -> str:
        seen.append("Pie-From" in request.headers)
        return "Hello world"

    app.add_url_rule("/", view_func=view)
    edge = Edge(trusted=TrustedPeers(["127.0.0.0/8"] if trusted else []))
    instrument(app, Runtime(bench.observer, bench.runtime.directory, rules=rules), edge)
    rule = {"scope": {"caller": bench.psm}, "body": {"effect": "deny"}}
    key = {"kind": "access", "psm": bench.psm, "side": "server"}
    rules.write({**key, "version": 1, "rules": [rule]})
    client = app.test_client()
    assert client.get("/", buffered=True).status_code == 200
    headers = {**chain_headers(), "Pie-From": f"{bench.psm}/canary"}
    assert chain_headers()["Pie-From"] == f"{bench.psm}/default"
    answer = client.get("/", headers=headers, buffered=True)
    assert answer.status_code == (403 if trusted else 200)
    assert not any(seen), "a stranger's name goes nowhere"
    named = (bench.psm, "canary") if trusted else ("", "")
    rows = bench.facts()
    assert [(row["caller"], row["caller_cluster"]) for row in rows] == [("", ""), named]
    for wrong in ("nobody", "a.b.c\x01/x", "/", "A.B.C/x", "a.b.c" * 99):
        client.get("/", headers={"Pie-From": wrong}, buffered=True)
    assert {row["caller"] for row in bench.facts()} <= {"", bench.psm}
