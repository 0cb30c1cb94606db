"""A service in uWSGI workers: served by uWSGI, everything else as ever."""

import json
import socket
import struct
import sys
from pathlib import Path

import pytest
from tests.serve.conftest import over_both_twins

from pie.govern import Key
from pie.serve.debug import DebugClient
from pie.state import RemoteStore, lookup_services
from pie.state.rules.book import RuleBook
from pie.state.rules.document import WrittenRule

UWSGI = Path(sys.executable).with_name("uwsgi")
VIEWS = (
    "import logging, os\nfrom flask import Flask, current_app\napp = Flask(__name__)\n"
    "@app.get('/')\ndef hello():\n    print('printed')\n"
    "    logging.getLogger(__name__).info('logged')\n    return str(os.getpid())\n"
)
pytestmark = pytest.mark.skipif(not UWSGI.exists(), reason="uwsgi is not installed: make dev")


def configuration(services, *, socket: str, lazy: bool = True, **more: str) -> str:
    options = {
        "master": "true", "lazy-apps": str(lazy).lower(), "enable-threads": "true",
        "processes": "2", "module": "bootstrap", "callable": "application",
        "chdir": str(services.root), "die-on-term": "true", "need-app": "true",
        "single-interpreter": "true", "disable-logging": "true",
    } | more  # fmt: skip
    lines = [f"<{name}>{value}</{name}>" for name, value in options.items()]
    path = services.root / "uwsgi.xml"
    path.write_text(f"<uwsgi>{socket}{''.join(lines)}</uwsgi>")
    return str(path)


def serves(path: Path) -> None:
    """Wait until the worker answers a request of the uwsgi protocol; only then can uWSGI end it in
    order."""
    pairs = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    texts = [text.encode() for pair in pairs.items() for text in pair]
    body = b"".join(struct.pack("<H", len(text)) + text for text in texts)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(struct.pack("<BHB", 0, len(body), 0) + body)
        assert client.recv(12).endswith(b" 200")
        while client.recv(4096):
            pass  # uWSGI closes the connection when the request has ended.


@over_both_twins
@pytest.mark.parametrize("lazy", [True, False])
def test_workers_serve_and_one_of_them_registers(services, state, lazy: bool) -> None:
    port = services.free_port()
    listen = f"<http-socket>127.0.0.1:{port}</http-socket>"
    services.write("PORT = 7701\nOWNERS = ('me',)\n", views=VIEWS)
    path = configuration(services, socket=listen, lazy=lazy, threads="4")
    running = services.run(
        [str(UWSGI), "--xml", path], merged=True, PIE_PLATFORM=state, PIE_TOKEN="t"
    )
    store = RemoteStore(state, "t")
    known = running.until(lambda: lookup_services(store).get("toutiao.my.api"), "registration")
    running.until(lambda: lookup_services(store)[known.psm].meta, "its description")
    if lazy:  # uWSGI cannot end a worker in order that is still importing.
        running.until(
            lambda: running.log("uwsgi").count("WSGI app 0") == 2, "both workers have loaded"
        )
    assert running.get(port)[0] == 200
    service = lookup_services(store)["toutiao.my.api"]
    (instance,) = service.instances
    facts = service.runtime[instance.id]
    assert (instance.host, instance.port, instance.protocol) == ("127.0.0.1", port, "http")
    assert (facts.workers, facts.threads) == (2, 4)
    assert facts.server.startswith("uwsgi 2.")
    assert service.meta.interfaces[0].method == "views.hello"
    assert instance.debug == facts.debug
    assert DebugClient(facts.debug).ask("settings")[0]["value"] == "toutiao.my.api"
    sockets = services.root / "toutiao" / "debug"
    running.until(lambda: len(list(sockets.iterdir())) == 2, "a debug socket in each worker")
    running.until(lambda: "logged" in running.log("app"), "the view's line")
    running.until(lambda: "GET / 200 ok" in running.log("app"), "the access line")
    assert "printed" in running.log("uwsgi")
    printed, _ = running.stop()
    assert running.process.returncode == 0
    assert printed.count("I will use in-memory cache") == 1
    assert printed.count(f"data= * Running on http://127.0.0.1:{port}/") == 1
    assert not list(sockets.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("lazy", [True, False])
def test_every_worker_follows_the_rules(services, state, lazy: bool) -> None:
    port = services.free_port()
    services.write("PORT = 7701\n", views=VIEWS)
    listen = f"<http-socket>127.0.0.1:{port}</http-socket>"
    path = configuration(services, socket=listen, lazy=lazy, threads="4")
    book = RuleBook(RemoteStore(state, "t"))
    key = Key("rate", "toutiao.my.api", "server")
    book.publish(key, [WrittenRule({}, {"qps": 1000})], seen=0, by="ann", comment="")
    running = services.run([str(UWSGI), "--xml", path], merged=True, PIE_PLATFORM=state)

    def reported(version: int) -> set[int]:
        """The processes that run a version."""
        files = (services.root / "toutiao/log/facts").glob("toutiao.my.api.in_force.2*.ndjson")
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        ruled = [row for row in rows if row["key"].startswith("rule/")]
        return {row["process"] for row in ruled if row["version"] == version}

    workers = running.until(lambda: len(found := reported(1)) == 2 and found, "both run v1")
    book.publish(key, [WrittenRule({}, {"qps": 2000})], seen=1, by="ann", comment="")
    running.until(lambda: reported(2) == workers, "both run v2")
    running.stop()


def test_behind_a_unix_socket_the_port_of_the_settings_counts(services, state) -> None:
    listen = f"<socket>{services.root}/api.sock</socket>"
    services.write("PORT = 7701\nDEBUG = True\n", views=VIEWS)
    path = configuration(services, socket=listen, processes="1")
    running = services.run(
        [str(UWSGI), "--xml", path], merged=True, PIE_PLATFORM=state, PIE_TOKEN="t"
    )
    running.read_until("data=registered: toutiao.my.api at 127.0.0.1:7701")
    serves(services.root / "api.sock")
    printed, _ = running.stop()
    assert running.process.returncode == 0
    assert " * Running behind a proxy, http://127.0.0.1:7701/: uWSGI speaks no HTTP" in printed
    assert "Running on" not in printed


def test_a_port_that_nobody_names_is_asked_for(services) -> None:
    listen = f"<socket>{services.root}/api.sock</socket>"
    services.write("DEBUG = True\n", views=VIEWS)
    path = configuration(services, socket=listen, processes="1")
    running = services.run([str(UWSGI), "--xml", path], merged=True)
    running.read_until("data=not registered: uWSGI listens on no port; set PORT in settings.py")
    serves(services.root / "api.sock")
    running.stop()
    assert running.process.returncode == 0


def test_the_environment_that_its_configuration_sets_counts(services) -> None:
    port = services.free_port()
    listen = f"<http-socket>127.0.0.1:{port}</http-socket><env>PIE_DEBUG=false</env>"
    services.write("DEBUG = True\n", views=VIEWS)
    path = configuration(services, socket=listen, processes="1")
    running = services.run([str(UWSGI), "--xml", path], merged=True)
    running.read_until("data=stdout and stderr go on in")
    running.until(lambda: "WSGI app 0" in running.log("uwsgi"), "the worker has loaded")
    assert running.get(port)[0] == 200
    running.until(lambda: "GET / 200 ok" in running.log("app"), "the request has ended")
    running.stop()
    assert running.process.returncode == 0


def test_an_application_that_fails_to_load_is_left_to_it(services) -> None:
    services.write(views="import no_such_module\n")
    listen = f"<http-socket>127.0.0.1:{services.free_port()}</http-socket>"
    path = configuration(services, socket=listen, processes="1")
    running = services.run([str(UWSGI), "--xml", path], merged=True)
    running.read_until("ModuleNotFoundError: No module named 'no_such_module'")
    running.read_until("no app loaded. GAME OVER")
    running.wait()


BAD_VIEWS = (
    "import sys\nfrom flask import Flask, Response, request, send_file\napp = Flask(__name__)\n"
    "@app.get('/')\ndef hello():\n    return 'hello'\n"
    "@app.get('/exit')\ndef leave():\n    sys.exit(3)\n"
    "@app.get('/interrupt')\ndef interrupt():\n    raise KeyboardInterrupt\n"
    "@app.get('/late')\ndef late():\n"
    "    def chunks():\n        sys.exit(4)\n        yield b''\n    return Response(chunks())\n"
    "@app.post('/echo')\ndef echo():\n    return request.get_data()\n"
    "@app.get('/file')\ndef file():\n    return send_file(__file__, conditional=False)\n"
    "class Text(Response):\n    def __call__(self, environ, start):\n        return ['text']\n"
    "app.add_url_rule('/text', view_func=Text)\n"
)


@over_both_twins
@pytest.mark.slow
def test_requests_that_behave_badly(services) -> None:
    port = services.free_port()
    listen = f"<http-socket>127.0.0.1:{port}</http-socket>"
    services.write(views=BAD_VIEWS)
    more = {"processes": "1", "disable-logging": "false"}
    path = configuration(services, socket=listen, **more)
    running = services.run([str(UWSGI), "--xml", path], merged=True)
    running.until(lambda: "WSGI app 0" in running.log("uwsgi"), "the worker has loaded")
    for bad in ("/exit", "/interrupt", "/late", "/text"):
        status, body = running.get(port, bad)
        assert (status, b'"internal error"' in body) == (500, True), bad
    assert running.get(port, "/file") == (200, BAD_VIEWS.encode())

    def post(header: str, body: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(f"POST /echo HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode() + body)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    assert post("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n").split()[1] == b"411"
    assert post("Content-Length: 9", b"hello").split()[1] == b"400"
    assert post("Content-Length: 5", b"hello").endswith(b"hello")
    assert running.get(port)[1] == b"hello"
    running.until(lambda: "GET / 200 ok" in running.log("app"), "the last access line")
    running.stop()
    assert running.process.returncode == 0
    lines = running.log("app")
    for bad in ("/exit", "/interrupt", "/late", "/text"):
        assert f"data=GET {bad} 500 internal code=500 " in lines
    assert "data=POST /echo 411 invalid code=411 " in lines
    assert "data=POST /echo 400 invalid code=400 " in lines
    assert "via sendfile" in running.log("uwsgi")
