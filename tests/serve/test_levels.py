"""A search for errors finds every request and every outgoing call that failed."""

import re

import pytest

VIEWS = """
from flask import Flask, abort
from pie.rpc import ServiceClient
from pie.thrift import load_module

Demo = load_module("service Demo { i32 Double(1: i32 n) }").Demo
client = type("DemoClient", (ServiceClient,), {"__service__": Demo})("toutiao.nobody.here")
app = Flask(__name__)

@app.get("/<int:status>")
def answer(status):
    return "", status

@app.get("/broken")
def broken():
    raise RuntimeError("a view fails")

@app.get("/asks")
def asks():
    return str(client._call("Double", 1))
"""


@pytest.mark.parametrize("caller_errors", ["INFO", pytest.param("WARNING", marks=pytest.mark.slow)])
def test_what_failed_is_an_error(services, caller_errors: str) -> None:
    services.write(f"CALLER_ERRORS = {caller_errors!r}\n", views=VIEWS)
    running = services.start()
    port = running.port
    for path in ("200", "404", "429", "500", "503", "504", "broken", "asks"):
        running.get(port, f"/{path}")
    running.stop()
    lines = re.findall(r"^(\w+) .* data=GET /(\w+) ", running.log("app"), re.MULTILINE)
    assert {what: level for level, what in lines} == {
        "200": "INFO", "404": caller_errors, "429": caller_errors, "500": "ERROR",
        "503": "ERROR", "504": "ERROR", "broken": "ERROR", "asks": "ERROR",
    }  # fmt: skip
    (asked,) = running.log("rpc").splitlines()
    assert asked.startswith("ERROR ")
    assert "rpc_status=unavailable" in asked
