"""Pie as its users run it: a Thrift server or client in a process that observes itself.

Access log, call records and aggregates are on and go to files in a temporary folder. Variants of
the server are in ``pie_gates``; the client's variant is the transport, ``framed`` or ``ttheader``.
"""

import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

import pie
from common.serving import ready, wait_for_stop
from pie._core import native, reason
from pie.call import Runtime, set_runtime
from pie.govern import RuleSource
from pie.observe import Identity, Observer
from pie.rpc import ServerOptions, ThriftServer
from pie.state import Directory, Instance, MemoryStore
from pie.state.registry.instances import instance_key
from pie.thrift import Struct, decode, encode
from sides import pie_gates
from sides.side import Codec, Side, Thunk, main
from workload.data import IDS, TEXT
from workload.handler import Handler
from workload.pie_types import bench, request, types

SERVICE = "bench.thrift.server"
MAX_CONNECTIONS = 20_000


class Pie(Side):
    def about(self) -> str:
        core = "C core" if native is not None else f"Python twins ({reason})"
        return f"Pie {pie.__version__}, {core}; access log, records and aggregates on"

    def serve(self, threads: int, variant: str) -> None:
        source = pie_gates.Published(SERVICE) if variant == "rules" else None
        with (
            tempfile.TemporaryDirectory() as folder,
            _runtime(SERVICE, MemoryStore(), Path(folder), source) as runtime,
        ):
            listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
            options = ServerOptions(max_connections=MAX_CONNECTIONS, max_threads=threads)
            seen = pie_gates.Counter()
            with pie_gates.unobserved(variant, seen):
                server = ThriftServer(
                    bench.Bench,
                    Handler(types),
                    runtime,
                    listener,
                    options,
                    gates=pie_gates.own_gates(variant, seen),
                    drain_seconds=0.5,
                )
            _serve(server, listener.getsockname()[1])
            runtime.observer.recorder.flush(final=True)
            seen.seen += pie_gates.decided(Path(folder))
            print(f"gates saw {seen.seen} calls", flush=True)

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        store = MemoryStore()
        instance = Instance(
            psm=SERVICE,
            cluster="default",
            id=f"127.0.0.1:{port}",
            host="127.0.0.1",
            port=port,
            protocol="thrift",
            transport="framed" if variant == "framed" else "ttheader",
        )
        store.put(instance_key(instance), msgspec.json.encode(instance).decode())
        self._folder = tempfile.TemporaryDirectory()
        self._running = _runtime("bench.thrift.client", store, Path(self._folder.name))
        self._running.__enter__()
        client = bench.BenchClient(SERVICE, timeout=10)
        return {
            "Echo": lambda: client.Echo(TEXT),
            "MGetItems": lambda: client.MGetItems(request(IDS)),
        }

    def codec(self) -> Mapping[str, Codec]:
        response = Handler(types).MGetItems(request(IDS))
        return {"request": _codec(request(IDS)), "response": _codec(response)}


@contextmanager
def _runtime(
    psm: str, store: MemoryStore, root: Path, rules: RuleSource | None = None
) -> Iterator[Runtime]:
    """A process as a bootstrap sets it up, with its registry in memory."""
    identity = Identity(psm=psm, host="127.0.0.1", instance="127.0.0.1:1")
    observer = Observer(identity, root, root / "service")
    observer.install()
    runtime = Runtime(observer, Directory(store, None), rules=rules)
    set_runtime(runtime)
    try:
        yield runtime
    finally:
        set_runtime(None)
        runtime.directory.close()
        observer.close()


def _serve(server: ThriftServer, port: int) -> None:
    thread = threading.Thread(target=server.serve)
    thread.start()
    ready(port)
    wait_for_stop()
    server.stop()
    thread.join()


def _codec(value: Struct) -> Codec:
    data, kind = encode(value), type(value)
    return Codec(lambda: encode(value), lambda: decode(kind, data))


if __name__ == "__main__":
    main(Pie())
