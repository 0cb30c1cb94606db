"""What an HTTP service listens on, and which server it has."""

import http.client
import socket
import stat

import pytest
from tests.serve.conftest import Running, Services
from tests.serve.test_service import instances

from pie._core import native

VIEWS = (
    "from flask import Flask, request\nfrom pie.model import current_call\n"
    "app = Flask(__name__)\n@app.get('/')\ndef hello():\n"
    "    user = current_call.get().persist.get('USER', '')\n"
    "    return ' '.join([request.url, request.remote_addr or 'nobody', user]).strip()\n"
)
SERVERS = [
    pytest.param("core", marks=pytest.mark.skipif(native is None, reason="needs the C core")),
    pytest.param("gunicorn", marks=pytest.mark.slow),
]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("shop")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(connection: http.client.HTTPConnection, **headers: str) -> str:
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def start(services: Services, settings: str, server: str, **environ: str) -> Running:
    services.write(f"{settings}\n", views=VIEWS)
    return services.start(PIE_HTTP_SERVER=server, **environ)


@pytest.mark.parametrize("server", SERVERS)
def test_on_a_unix_socket(services, state, server) -> None:
    path = services.root / "s"
    settings = f"HOST = 'unix:{path}'\nTRUSTED_PEERS = ('unix',)"
    running = start(services, settings, server, PIE_PLATFORM=state, PIE_TOKEN="t")
    running.read_until(f" * Running on unix:{path} (Press")
    (instance,) = running.until(lambda: instances(state), "its registration")
    assert (instance.host, instance.port) == (f"unix:{path}", 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    persist = {"Rpc-Persist-User": "lee"}
    assert ask(UnixConnection(str(path)), **persist) == "http://shop/ nobody lee"
    if server == "core":
        forwarded = {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"} | persist
        assert ask(UnixConnection(str(path)), **forwarded) == "https://shop/ 10.1.2.3 lee"
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.parametrize("server", SERVERS)
def test_on_ipv6(services, server) -> None:
    running = start(services, "HOST = '::1'", server)
    port = running.port
    assert f"http://[::1]:{port}/" in running.printed
    connection = http.client.HTTPConnection("::1", port)
    assert ask(connection) == f"http://[::1]:{port}/ ::1"
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.skipif(native is None, reason="needs the C core")
def test_the_bounds_of_the_settings_are_in_force(services) -> None:
    running = start(services, "BODY_LIMIT = 10\nPROXY_PROTOCOL = True", "core",
                    PIE_TRUSTED_PEERS="127.0.0.0/255.0.0.0", PIE_HEAD_SECONDS="0.2")  # fmt: skip
    port = running.port
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\nPOST / HTTP/1.1\r\nHost: x\r\n")
        client.sendall(b"Content-Length: 11\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"http://x/ 10.1.2.3" in client.recv(1000)
        client.sendall(b"GET ")
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")
