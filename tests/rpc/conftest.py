"""A Thrift service on a real socket, and what it takes to call it."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pie.govern import Gate
from pie.rpc import ServerOptions, ThriftServer
from pie.state import Instance
from pie.thrift import load_module

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The generated module of demo.thrift."""
    includes = {"base.thrift": (HERE / "base.thrift").read_text()}
    return load_module((HERE / "demo.thrift").read_text(), includes)


@pytest.fixture
def start(bench, demo: ModuleType) -> Iterator[Callable[..., int]]:
    """Starts servers and registers them; returns their port."""
    running: list[tuple[ThriftServer, threading.Thread]] = []

    def start_one(
        handler: Any,
        *,
        psm: str = "toutiao.my.server",
        cluster: str = "default",
        transport: str = "ttheader",
        options: ServerOptions | None = None,
        service: Any = None,
        gates: Iterable[Gate] = (),
    ) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        service = service or demo.DemoService
        server = ThriftServer(
            service, handler, bench.runtime, listener, options, gates=gates, drain_seconds=3
        )
        thread = threading.Thread(target=server.serve)
        thread.start()
        running.append((server, thread))
        register(bench, port, psm=psm, cluster=cluster, transport=transport)
        start_one.servers[port] = server
        return port

    start_one.servers = {}
    yield start_one
    for server, _ in running:
        server.stop()
    for _, thread in running:
        thread.join(10)
        assert not thread.is_alive()


def register(bench, port: int, *, psm: str, cluster: str, transport: str, pid: int = 0) -> None:
    """Put an instance into the registry by hand; with a pid as if it had done so itself."""
    import msgspec

    from pie.state.registry.instances import instance_key

    instance = Instance(
        psm=psm,
        cluster=cluster,
        id=f"127.0.0.1:{port}",
        host="127.0.0.1",
        port=port,
        protocol="thrift",
        transport=transport,
        pid=pid,
    )
    bench.store.put(instance_key(instance), msgspec.json.encode(instance).decode())


@pytest.fixture
def handler(demo: ModuleType) -> Any:
    """A handler whose methods can be replaced."""

    class Handler:
        def __init__(self) -> None:
            self.noted: list[str] = []
            self.note_came = threading.Event()

        def GetItem(self, req):
            if req.ItemId == 404:
                raise demo.NoSuchItem(ItemId=404)
            if req.ItemId == 500:
                raise KeyError("secret")
            if req.ItemId == 13:
                return "not a response"
            return demo.Demo2Response(item=demo.Demo2Item(ItemId=req.ItemId, ItemName="123"))

        def Note(self, text: str) -> None:
            self.noted.append(text)
            self.note_came.set()

        def Nothing(self) -> None:
            pass

    return Handler()
