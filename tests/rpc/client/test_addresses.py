"""Where callees are: direct addresses, unix sockets, IPv6, TLS; and how they speak."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rpc.apache import ApacheServer, Processor
from tests.rpc.client.test_foreign_callees import Handler

from pie.model import Failure, Kind, split_transport, static_endpoint
from pie.model.endpoint import address_of
from pie.rpc import TLS, ServerOptions, ThriftServer

TRANSPORTS = ["ttheader", "framed", "buffered"]
TRANSPORTS += [f"{each}+compact" for each in TRANSPORTS]


@pytest.fixture
def serve(bench, demo, handler):
    """Serves the demo service on a listener while a block runs."""

    @contextlib.contextmanager
    def run(listener: socket.socket, **options) -> Iterator[None]:
        made = ServerOptions(**options)
        server = ThriftServer(
            demo.DemoService, handler, bench.runtime, listener, made, drain_seconds=3
        )
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield
        finally:
            server.stop()
            thread.join(10)
            assert not thread.is_alive()

    return run


@pytest.fixture(params=["threads", "coroutines"])
def item(request, demo):
    """Asks a client with these arguments for an item, and returns its number."""

    def ask(**arguments) -> int:
        wanted = demo.Demo2Request(ItemId=7)
        arguments = {"timeout": 10, **arguments}
        if request.param == "threads":
            return demo.DemoServiceClient(**arguments).GetItem(wanted).item.ItemId

        async def twice() -> int:
            client = demo.AsyncDemoServiceClient(**arguments)
            await client.GetItem(wanted)
            return (await client.GetItem(wanted)).item.ItemId

        return asyncio.run(twice())

    return ask


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_address_in_the_code(serve, item, transport, bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with serve(listener):
            assert item(address=f"127.0.0.1:{port}/{transport}") == 7
            assert item(target="my.own.name", address=f"127.0.0.1:{port}/{transport}") == 7
    rows = [row for row in bench.facts() if row["side"] == "client"]
    assert {row["callee"] for row in rows} == {"DemoService", "my.own.name"}
    assert {row["peer"] for row in rows} == {f"127.0.0.1:{port}"}
    assert f"address=127.0.0.1:{port}/{transport}" in rows[0]["notes"]


@pytest.mark.parametrize("multiplex", [False, True])
def test_a_unix_socket(serve, item, tmp_path: Path, bench, multiplex) -> None:
    path = str(tmp_path / "pie.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    with serve(listener):
        assert item(address=f"unix:{path}/ttheader", multiplex=multiplex) == 7
        if not multiplex:
            assert item(address=f"unix:{path}/buffered") == 7
    rows = [row for row in bench.facts() if row["side"] == "client"]
    assert {row["peer"] for row in rows} == {f"unix:{path}"}
    with pytest.raises(Failure, match="cannot connect to DemoService at unix:/") as caught:
        item(address=f"unix:{path}/framed")
    assert caught.value.never_sent


def test_ipv6(serve, item, bench) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    port = listener.getsockname()[1]
    with serve(listener):
        assert item(address=f"[::1]:{port}/framed") == 7
    rows = [row for row in bench.facts() if row["side"] == "client"]
    assert {row["peer"] for row in rows} == {f"[::1]:{port}"}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "127.0.0.1:9090",
            r"not name the transport of the callee: write 127\.0\.0\.1:9090/ttheader",
        ),
        ("127.0.0.1/framed", "is not an address"),
        ("::1:9090/framed", "is not an address"),
        ("127.0.0.1:9090/pigeon", "'pigeon' is not a transport: choose ttheader"),
        ("unix:relative/framed", "is not a unix socket"),
        ("unix:/run/x.sock", "does not name the transport"),
        ("unix:/" + "x" * 200 + "/framed", "at most 107 bytes"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(demo, address, message) -> None:
    for client in (demo.DemoServiceClient, demo.AsyncDemoServiceClient):
        with pytest.raises(ValueError, match=message):
            client(address=address)


def test_addresses_are_written_as_they_are_read() -> None:
    for text in ("127.0.0.1:80", "[::1]:80", "host:80", "unix:/run/x.sock"):
        assert address_of(static_endpoint(text, "default", "framed")) == text
        assert split_transport(f"{text}/framed+compact") == (text, "framed+compact")
        assert split_transport(text) == (text, "")


@pytest.mark.parametrize("transport", ["framed", "buffered"])
def test_apaches_server_by_its_address(demo, bench, item, transport) -> None:
    handler = Handler(demo)
    server = ApacheServer(handler.processor, transport)
    try:
        assert item(address=f"127.0.0.1:{server.port}/{transport}") == 7
    finally:
        server.stop()
    assert isinstance(handler.processor, Processor)


# --- TLS. ---


@pytest.fixture(scope="session")
def certificates(tmp_path_factory, program) -> Path:
    """ca.pem, and server and client with their keys, signed by it."""
    openssl = program("openssl", "apt install openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    usage = ("-addext", "keyUsage=critical,keyCertSign")  # Python 3.13 insists.
    names = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    run(*new, *names, *usage)
    for name in ("server", "client"):
        run(
            *new,
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-subj", f"/CN={name}", "-days", "2"),
            *("-addext", f"subjectAltName=DNS:{name}.test,IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )
    return folder


@pytest.fixture
def tls_port(serve, certificates: Path) -> Iterator[int]:
    """A service that shows a certificate and asks for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with serve(listener, tls=context):
        yield port


def ours(certificates: Path, **changes: str) -> TLS:
    settings = {
        "ca": str(certificates / "ca.pem"),
        "cert": str(certificates / "client.pem"),
        "key": str(certificates / "client.key"),
    }
    return TLS(**{**settings, **changes})


@pytest.mark.parametrize("multiplex", [False, True])
@pytest.mark.parametrize("name", ["", "server.test"])
def test_tls_with_certificates_on_both_sides(tls_port, item, certificates, multiplex, name) -> None:
    tls = ours(certificates, server_name=name)
    assert item(address=f"127.0.0.1:{tls_port}/ttheader", tls=tls, multiplex=multiplex) == 7


def test_tls_from_the_yml(tls_port, item, certificates, bench, tmp_path) -> None:
    bench.runtime.conf = tmp_path
    (tmp_path / "rpc" / "services").mkdir(parents=True)
    (tmp_path / "rpc" / "services" / "DemoService.yml").write_text(
        f"psm: toutiao.my.server\naddresses: ['127.0.0.1:{tls_port}']\ntransport: framed\n"
        f"tls:\n  ca: {certificates}/ca.pem\n  cert: {certificates}/client.pem\n"
        f"  key: {certificates}/client.key\n  server_name: server.test\n"
    )
    assert item() == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ca": ""}, "certificate verify failed"),
        ({"server_name": "other.test"}, "other.test"),
        ({"ca": "/no/such/file.pem"}, "No such file"),
    ],
)
def test_an_untrusted_callee_is_not_called(tls_port, item, certificates, changes, message) -> None:
    with pytest.raises(Failure, match=message) as caught:
        item(address=f"127.0.0.1:{tls_port}/framed", tls=ours(certificates, **changes))
    assert (caught.value.kind, caught.value.never_sent) == (Kind.UNAVAILABLE, True)


def test_many_threads_over_one_tls_connection(tls_port, certificates, demo, bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = demo.DemoServiceClient(
        address=f"127.0.0.1:{tls_port}/ttheader",
        tls=ours(certificates),
        multiplex=True,
        timeout=20,
    )

    def ask(number: int) -> int:
        return client.GetItem(demo.Demo2Request(ItemId=1000 + number)).item.ItemId

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(300))) == [1000 + number for number in range(300)]
