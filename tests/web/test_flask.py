"""A Flask application with nothing in it but Flask, as a server of Calls."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from flask import Flask, Response, abort, jsonify
from flask.signals import request_started
from flask.testing import FlaskClient
from tests.web.conftest import make_server

from pie.model import Failure, Kind, current_call, trace_id_of
from pie.web.flask import describe, instrument
from pie.web.peers import TrustedPeers
from pie.web.wsgi import Edge

LOGID = "2017041721432901000304821652640c"


def make_app() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def hello() -> str:
        return "Hello world"

    @app.get("/items/<int:item_id>")
    def item(item_id: int) -> Response:
        if item_id == 404:
            abort(404)
        return jsonify(id=item_id)

    @app.get("/bug")
    def bug() -> str:
        return {}["missing"]

    @app.get("/downstream")
    def downstream() -> str:
        raise Failure(Kind.DEADLINE, "d.e.f.Get did not end in time")

    @app.get("/sold-out")
    def sold_out() -> str:
        raise Failure(Kind.BUSINESS, "sold out", code=1234)

    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[bytes]:
            for _ in range(3):
                call = current_call.get()
                yield (call.logid if call else "none").encode() + b"\n"

        return Response(chunks())

    @app.get("/stream/broken")
    def broken_stream() -> Response:
        def chunks() -> Iterator[bytes]:
            yield b"one"
            raise ValueError("in the middle")

        return Response(chunks())

    return app


@pytest.fixture
def app(bench) -> Flask:
    made = make_app()
    instrument(made, bench.runtime)
    return made


class Client(FlaskClient):
    """Reads every response to its end, as HTTP clients do."""

    def open(self, *args, **options):
        return super().open(*args, buffered=True, **options)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.test_client_class = Client
    return app.test_client()


def test_a_request_is_a_call(client: FlaskClient, bench) -> None:
    response = client.get("/items/7?page=hidden", headers={"User-Agent": "x"})
    assert response.status_code == 200
    (row,) = bench.facts()
    expected = {
        "side": "server", "protocol": "http", "callee": "toutiao.my.server", "verb": "GET",
        "route": "/items/<int:item_id>", "status": 200, "outcome": "ok", "code": 0,
        "response_bytes": len(response.data), "logid": response.headers["X-Tt-Logid"],
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert row["method"].endswith("make_app.<locals>.item")
    assert row["path"] == "/items/7?page=*"


def test_the_chain_of_the_caller_is_continued(client: FlaskClient, bench) -> None:
    trace = f"00-{LOGID}-00f067aa0ba902b7-01"
    assert client.get("/", headers={"traceparent": trace}).headers["X-Tt-Logid"] == LOGID
    assert client.get("/", headers={"X-Tt-Logid": LOGID.upper()}).headers["X-Tt-Logid"] == LOGID
    first, second = bench.facts()
    assert (first["logid"], first["parent_id"]) == (LOGID, "00f067aa0ba902b7")
    assert (second["logid"], second["parent_id"]) == (LOGID, "")


def test_a_chain_of_another_form_keeps_its_name(client: FlaskClient, bench) -> None:
    name = "02173300000000000000000000000000000ffff0a0b0c0d1e2f3a"
    span, other = "00f067aa0ba902b7", "a" * 32
    for trace in ("", f"00-{trace_id_of(name)}-{span}-01", f"00-{other}-{span}-01"):
        client.get("/", headers={"X-Tt-Logid": name, "traceparent": trace})
    rows = bench.facts()
    assert [(row["logid"], row["parent_id"]) for row in rows] == [
        (name, ""), (name, span), (other, span),
    ]  # fmt: skip
    assert [[n for n in row["notes"] if "stands for logid" in n] != [] for row in rows] == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{LOGID}-{'0' * 16}-01",
        f"ff-{LOGID}-00f067aa0ba902b7-01",
        f"00-{LOGID}-00f067aa0ba902b7-01-more",
        f"00-{LOGID.upper()}-00f067aa0ba902b7-01",
    ],
)
def test_an_invalid_traceparent_is_ignored_whole(client: FlaskClient, value: str) -> None:
    assert client.get("/", headers={"traceparent": value}).headers["X-Tt-Logid"] != LOGID


def test_an_error_status_is_a_failure_of_its_kind(client: FlaskClient, bench) -> None:
    assert client.get("/items/404").status_code == 404
    assert client.get("/nowhere").status_code == 404
    assert client.post("/").status_code == 405
    found = [(row["outcome"], row["code"], row["raised_by"]) for row in bench.facts()]
    assert found == [("not_found", 404, "self")] * 2 + [("invalid", 405, "self")]


def test_a_bug_is_a_500_whose_text_stays_inside(client: FlaskClient, bench) -> None:
    response = client.get("/bug")
    assert response.status_code == 500
    assert b"missing" not in response.data
    (row,) = bench.facts()
    assert (row["outcome"], row["message"]) == ("internal", "KeyError: 'missing'")


def test_a_failure_of_a_callee_answers_in_the_one_error_form(client: FlaskClient, bench) -> None:
    response = client.get("/downstream")
    assert response.status_code == 504
    assert response.json == {
        "code": 504,
        "message": "d.e.f.Get did not end in time",
        "logid": response.headers["X-Tt-Logid"],
    }
    assert bench.facts()[0]["outcome"] == "deadline"


def test_a_business_failure_is_an_answer_with_its_code(client: FlaskClient, bench) -> None:
    response = client.get("/sold-out")
    assert (response.status_code, response.json["code"]) == (200, 1234)
    (row,) = bench.facts()
    told = (row["outcome"], row["code"], row["status"], row["message"])
    assert told == ("business", 1234, 200, "sold out")


def test_an_error_handler_of_the_application_wins(bench) -> None:
    app = make_app()
    app.register_error_handler(Failure, lambda failure: ("handled", 200))
    instrument(app, bench.runtime)
    assert app.test_client().get("/downstream", buffered=True).data == b"handled"
    assert bench.facts()[0]["outcome"] == "ok"


def test_a_streamed_body_is_inside_its_call_to_the_end(client: FlaskClient, bench) -> None:
    response = client.get("/stream")
    assert response.data.split() == [response.headers["X-Tt-Logid"].encode()] * 3
    assert bench.facts()[0]["response_bytes"] == len(response.data)
    assert current_call.get() is None


def test_a_body_that_breaks_is_a_failure(client: FlaskClient, bench) -> None:
    with pytest.raises(ValueError, match="in the middle"):
        client.get("/stream/broken").get_data()
    (row,) = bench.facts()
    assert (row["outcome"], row["message"]) == ("internal", "ValueError: in the middle")
    assert current_call.get() is None


def test_instrumenting_twice_counts_once(app: Flask, bench) -> None:
    instrument(app, bench.runtime)
    app.test_client().get("/", buffered=True)
    assert len(bench.facts()) == 1


def test_what_the_service_reports_of_itself(app: Flask) -> None:
    meta = describe(app, "a.b.c", ("someone",))
    routes = {interface.route: interface.verbs for interface in meta.interfaces}
    assert routes["/items/<int:item_id>"] == ("GET",)
    assert (meta.framework, meta.protocol, meta.owners) == ("flask", "http", ("someone",))


def test_over_real_http_with_keep_alive(app: Flask, bench, serve, rows) -> None:
    connection = http.client.HTTPConnection(*serve(app).address, timeout=5)
    for number in range(5):
        connection.request("GET", f"/items/{number}")
        response = connection.getresponse()
        assert response.status == 200
        response.read()
    connection.close()
    found = rows(5)
    assert len({row["logid"] for row in found}) == 5
    assert {row["peer"].split(":")[0] for row in found} == {"127.0.0.1"}


def test_a_stopping_server_answers_what_is_in_flight(app: Flask, bench, server_kind: str) -> None:
    entered, go_on = threading.Event(), threading.Event()

    @app.get("/wait")
    def wait() -> str:
        entered.set()
        go_on.wait(5)
        return "done"

    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(server_kind, app, listener, threads=2)
    thread = threading.Thread(target=server.serve)
    port = listener.getsockname()[1]
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/wait")
    assert entered.wait(5)
    server.stop()
    go_on.set()
    assert connection.getresponse().read() == b"done"
    connection.close()
    thread.join(10)
    assert not thread.is_alive()


def test_metadata_of_a_trusted_peer_is_kept_and_bounded(bench) -> None:
    app = make_app()
    app.test_client_class = Client
    instrument(app, bench.runtime, Edge(TrustedPeers(["127.0.0.0/8"])))
    client = app.test_client()
    seen: dict[str, dict[str, str]] = {}

    @app.get("/metadata")
    def metadata() -> str:
        call = current_call.get()
        seen.update(persist=call.persist, transit=call.transit)
        return ""

    client.get("/metadata", headers={"rpc-persist-user": "李雷".encode().decode("latin-1")})
    assert seen["persist"] == {"USER": "李雷"}
    client.get("/metadata", headers={"rpc-persist-user": "caf\xe9"})
    assert seen["persist"] == {"USER": "caf\xe9"}
    big = {"rpc-persist-big": ("登" * 1024).encode().decode("latin-1")}
    client.get("/metadata", headers=big)
    assert seen["persist"] == {"BIG": "登" * 1024}
    many = {f"rpc-persist-k{number}": "v" for number in range(100)}
    client.get("/metadata", headers={"rpc-transit-once": "1", "rpc-persist-big": "x" * 2000} | many)
    assert seen["transit"] == {"ONCE": "1"}
    assert "BIG" not in seen["persist"]
    assert 1 <= len(seen["persist"]) <= 64


# --- The method is named before the application does anything. ---


@pytest.mark.parametrize("how", ["class", "object"])
def test_a_subclass_may_dispatch_by_itself(bench, how: str) -> None:
    methods: list[str] = []

    def note() -> None:
        call = current_call.get()
        assert call is not None
        methods.append(f"{call.method} {call.route}")

    class Own(Flask):
        def full_dispatch_request(self) -> Response:
            note()
            return super().full_dispatch_request()

    app = Own(__name__) if how == "class" else Flask(__name__)
    app.add_url_rule("/<name>", view_func=hello)
    if how == "object":
        dispatch = app.full_dispatch_request

        def own() -> Response:
            note()
            return dispatch()

        app.full_dispatch_request = own  # type: ignore[method-assign]
    instrument(app, bench.runtime)
    assert app.test_client().get("/you", buffered=True).text == "hello you"
    assert methods == [f"{hello.__module__}.hello /<name>"]


def hello(name: str) -> str:
    return f"hello {name}"


def test_signals_and_hooks_see_the_method(app: Flask, bench) -> None:
    methods: list[str] = []

    def note(*_: object, **__: object) -> None:
        call = current_call.get()
        assert call is not None
        methods.append(call.method.rpartition(".")[2])

    app.before_request(note)
    with request_started.connected_to(note, app):
        app.test_client().get("/", buffered=True)
        app.test_client().get("/nowhere", buffered=True)
    assert methods == ["hello", "hello", "(unmatched)", "(unmatched)"]


def test_a_view_that_is_replaced_gets_its_new_name(app: Flask, bench) -> None:
    client = app.test_client()
    client.get("/", buffered=True)
    app.view_functions["hello"] = lambda: "other"
    assert client.get("/", buffered=True).text == "other"
    names = [row["method"].rpartition(".")[2] for row in bench.facts()]
    assert names == ["hello", "<lambda>"]
