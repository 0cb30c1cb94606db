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


def test_what_intercepts_records_does_not_write_them_a_second_time(services) -> None:
    """As loguru does: records go to a sink of its own, which writes to stderr."""
    views = (
        "import logging, sys, threading\nfrom flask import Flask\napp = Flask(__name__)\n"
        "class Intercept(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        sys.stderr.write(f'coloured {record.getMessage()}\\n')\n"
        "@app.get('/')\ndef hello():\n"
        "    logging.basicConfig(handlers=[Intercept()], level=0, force=True)\n"
        "    logging.getLogger('mine').info('a line')\n"
        "    sys.stderr.write('of its own\\n')\n    return 'ok'\n"
    )
    services.write(views=views)
    running = services.start()
    assert running.get(running.port)[0] == 200
    running.stop()
    assert running.log("app").count("data=a line") == 1
    assert running.log("uwsgi") == "of its own\n"
    assert "data=stopped" in running.log("python")
