"""HTTP calls that gates reject: the answer, the row and the access line agree."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules

import pie.call.policies
from pie.call import Runtime
from pie.model import Call, Failure, Kind
from pie.web.wsgi import Middleware


class Client:
    """Asks a WSGI application that counts how often it ran."""

    def __init__(self, runtime: Runtime) -> None:
        self.ran = 0
        self._app = Middleware(self._answer, runtime)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.ran += 1
        start_response("200 OK", [])
        return [b"x"]

    def get(self) -> tuple[str, dict[str, str], bytes]:
        started: list[Any] = []
        body = self._app({"REQUEST_METHOD": "GET"}, lambda *start: started.append(start))
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        ((status, headers),) = started
        return status, dict(headers), content


@pytest.fixture
def limited(bench: Any, tmp_path: Path) -> Callable[[], Client]:
    """Makes a client whose first request spent the rate of its server."""
    rules = FileRules(tmp_path / "rules.ndjson")
    rule = {"scope": {}, "body": {"qps": 0.01, "burst": 0.001}}
    rules.write({"kind": "rate", "psm": bench.psm, "side": "server", "version": 1, "rules": [rule]})

    def make() -> Client:
        client = Client(Runtime(bench.observer, bench.runtime.directory, rules=rules))
        assert client.get()[0] == "200 OK"
        return client

    return make


def access_lines(bench: Any) -> list[str]:
    bench.observer.recorder.flush(final=True)
    text = (bench.root / "toutiao" / "log" / "app" / f"{bench.psm}.log").read_text()
    return [line.partition("data=")[2] for line in text.splitlines() if "data=GET" in line]


def test_a_rejection_is_recorded_as_it_is_answered(bench: Any, limited: Any) -> None:
    client = limited()
    status, headers, body = client.get()
    _, row = bench.facts()
    assert (status, client.ran) == ("429 Too Many Requests", 1)
    assert json.loads(body)["code"] == 429
    assert headers == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Tt-Logid": row["logid"],
        "Pie-Unsent": "1",
    }
    assert (row["outcome"], row["gate"], row["code"]) == ("exhausted", "rate", 429)
    assert (row["status"], row["response_bytes"]) == (429, len(body))
    assert access_lines(bench)[1].startswith("GET - 429 exhausted code=429 ")


class Repair:
    """A gate that gives every rejected call a result or another failure."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        if call.failure is None:
            return
        if isinstance(self._result, Failure):
            call.fail(self._result)
        else:
            call.succeed(self._result)


@pytest.fixture
def repaired(limited: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Client]:
    """Makes such a client, at a server that has the gate ``Repair`` before the others."""
    compose = pie.call.policies.server_gates

    def make(result: Any) -> Client:
        def with_repair(*parts: Any) -> list[Any]:
            gates = compose(*parts)
            return [*gates[:-1], Repair(result), gates[-1]]

        monkeypatch.setattr(pie.call.policies, "server_gates", with_repair)
        return limited()

    return make


@pytest.mark.parametrize(
    ("result", "content_type", "body"),
    [
        ("später", "text/plain; charset=utf-8", "später".encode()),
        (b"\xff", "application/octet-stream", b"\xff"),
        ({"cached": [1]}, "application/json", b'{"cached": [1]}'),
        (None, "application/json", b"null"),
    ],
    ids=["text", "bytes", "JSON", "nothing"],
)
def test_a_rejection_that_a_gate_repaired_is_answered_with_its_result(
    bench: Any, repaired: Any, result: Any, content_type: str, body: bytes
) -> None:
    client = repaired(result)
    status, headers, found = client.get()
    assert (status, headers["Content-Type"], found) == ("200 OK", content_type, body)
    assert client.ran == 1
    row = bench.facts()[1]
    assert (row["outcome"], row["gate"], row["code"]) == ("ok", "rate", 0)
    assert (row["status"], row["response_bytes"]) == (200, len(body))


def test_a_result_that_is_no_answer_is_an_internal_error(bench: Any, repaired: Any) -> None:
    client = repaired(object())
    status, _, body = client.get()
    assert (status, client.ran) == ("500 Internal Server Error", 1)
    assert json.loads(body)["message"] == "internal error"
    row = bench.facts()[1]
    assert (row["outcome"], row["status"], row["response_bytes"]) == ("internal", 500, len(body))
    assert "object is not JSON serializable" in row["message"]


def test_the_failure_that_a_gate_put_in_its_stead_is_answered(bench: Any, repaired: Any) -> None:
    client = repaired(Failure(Kind.CANCELLED, "the client went away"))
    status, _, body = client.get()
    assert (status, client.ran) == ("499 Client Closed Request", 1)
    row = bench.facts()[1]
    assert (row["outcome"], row["status"], row["response_bytes"]) == ("cancelled", 499, len(body))
