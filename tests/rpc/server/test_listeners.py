"""What a server can listen on: a unix socket, IPv6, TLS."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rpc.peer import Peer, item

from pie._core import native
from pie.rpc import ServerOptions, ThriftServer

PSM = "toutiao.my.server"
TLS = Path(__file__).parents[1] / "tls"
only_native = pytest.mark.skipif(native is None, reason="the loop in C is not in use")


@contextlib.contextmanager
def serving(bench, demo, handler, listener, options=None) -> Iterator[None]:
    server = ThriftServer(
        demo.DemoService, handler, bench.runtime, listener, options, drain_seconds=3
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_a_unix_socket(bench, demo, handler, tmp_path) -> None:
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    with serving(bench, demo, handler, listener), socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        one = Peer(demo, 0, sock=sock)
        one.send(5)
        assert one.reply()[0] == 5
        sock.close()
    assert bench.facts()[0]["peer"] == "unix"


def test_ipv6(bench, demo, handler) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback: enable net.ipv6 to run this")
    address = listener.getsockname()
    with serving(bench, demo, handler, listener), socket.create_connection(address[:2]) as sock:
        one = Peer(demo, 0, sock=sock)
        one.send(5)
        assert one.reply()[0] == 5
        peer = sock.getsockname()
        sock.close()
    assert bench.facts()[0]["peer"] == f"[::1]:{peer[1]}"


def test_tls(bench, demo, handler, caplog) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(TLS / "localhost.pem")
    client = ssl.create_default_context(cafile=TLS / "localhost.pem")
    handler.GetItem = lambda req: item(demo, req.ItemId, "x" * 100_000)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with serving(bench, demo, handler, listener, ServerOptions(tls=server, transfer_timeout=2)):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            Peer(demo, 0, sock=plain).send(1)  # No TLS: refused, and nobody else is.
            with pytest.raises((EOFError, ConnectionResetError, ssl.SSLError)):
                while True:
                    if not plain.recv(1):
                        raise EOFError
        with socket.create_connection(("127.0.0.1", port)) as plain:
            sock = client.wrap_socket(plain, server_hostname="localhost")
            one = Peer(demo, 0, sock=sock)
            for number in range(5):
                one.send(number, number)
            assert [one.reply()[0] for _ in range(5)] == list(range(5))
            sock.close()
    assert "no TLS with it" in caplog.text
