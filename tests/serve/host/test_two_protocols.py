"""HTTP and Thrift on one port."""

import signal
import socket

import pytest
from tests.serve.conftest import Running, Services
from tests.serve.hosts import HOSTS, SERVICE, client_of

from pie._core import native

pytestmark = pytest.mark.skipif(native is None, reason="needs the C core")
BOTH = (
    "import settings\nfrom pie import serve\n"
    "thrift = ('service:DemoService', 'handler:Handler')\n"
    "application = serve.flask('views:app', settings, thrift=thrift)\n"
)


def start(services: Services, host: str, settings: str) -> tuple[Running, int]:
    services.write(settings, **(HOSTS[host] | {"acts": "act = None\n"}), service=SERVICE)
    running = services.start()
    line = running.read_until("Starting ... with port").splitlines()[-1]
    return running, int(line.rpartition(":")[2])


@pytest.mark.parametrize(
    "host", ["thrift", pytest.param("thrift with coroutines", marks=pytest.mark.slow)]
)
def test_a_thrift_service_says_how_it_is(services, bench, host: str) -> None:
    settings = "STATUS_PAGES = True\nDEBUG = True\nVERSION = '1.2'\n"
    running, port = start(services, host, settings)
    running.until(lambda: running.get(port, "/healthz") == (200, b"ok\n"), "it serves")
    assert client_of(port).Double(21) == 42
    status, metrics = running.get(port, "/metrics")
    lines = metrics.decode().splitlines()
    assert status == 200
    assert 'pie_info{psm="toutiao.my.api",cluster="default",version="1.2"} 1' in lines
    assert 'pie_calls_in_flight{side="server"} 0' in lines
    assert any(line.startswith("pie_connections ") for line in lines)
    assert running.get(port, "/other")[0] == 404
    running.stop()
    assert running.process.returncode == 0


def test_a_service_that_leaves_is_not_healthy(services, state) -> None:
    services.write(
        "STATUS_PAGES = True\nDEBUG = True\nNOTICE_SECONDS = 600.0\n",
        **(HOSTS["thrift"] | {"acts": "act = None\n"}), service=SERVICE,
    )  # fmt: skip
    running = services.start(PIE_PLATFORM=state, PIE_NOTICE_SECONDS="600")
    line = running.read_until("Starting ... with port").splitlines()[-1]
    port = int(line.rpartition(":")[2])
    running.read_until("data=registered: ")
    assert running.get(port, "/healthz") == (200, b"ok\n")
    running.process.send_signal(signal.SIGTERM)
    running.read_until("data=deregistered: ")
    assert running.get(port, "/healthz") == (503, b"stopping\n")
    assert running.get(port, "/metrics")[0] == 200
    running.stop()
    assert running.process.returncode == 0


def test_a_thrift_service_speaks_no_http_unless_it_is_asked_to(services) -> None:
    _, port = start(services, "thrift", "DEBUG = True\n")
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 40")  # The refusal of a Thrift server.


def test_an_http_service_serves_a_thrift_interface_too(services, bench) -> None:
    services.write(
        "DEBUG = True\n", bootstrap=BOTH, service=SERVICE, acts="act = None\n",
        handler=HOSTS["thrift"]["handler"],
    )  # fmt: skip
    running = services.start()
    port = running.port
    client = client_of(port)
    assert running.get(port) == (200, b"Hello world")
    assert client.Double(21) == 42
    assert running.get(port) == (200, b"Hello world")
    assert client.Double(4) == 8
    printed, errors = running.stop()
    assert (running.process.returncode, errors) == (0, "")
    assert printed.count("data=Double ok") == printed.count("data=GET / 200 ok") == 2


@pytest.mark.parametrize(
    ("bootstrap", "settings", "words"),
    [
        (BOTH, "HTTP_SERVER = 'gunicorn'\n", "Pie's own HTTP server only"),
        (HOSTS["thrift"]["bootstrap"], "STATUS_PAGES = True\nTLS_CERT = 'x'\n", "no TLS_CERT"),
    ],
)
def test_what_cannot_be_on_one_port(services, bootstrap, settings, words) -> None:
    services.write(settings, bootstrap=bootstrap, service=SERVICE)
    running = services.start()
    _, errors = running.wait()
    assert running.process.returncode == 1
    assert errors.startswith("pie: ")
    assert errors.count("\n") == 1
    assert words in errors
