"""A clock to turn by hand, the three backends behind one face, and a platform's state server as a
process that can be killed."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from tests.etcd import EtcdCluster
from tests.ports import free_port

from pie.model import SYSTEM_CLOCK, Clock
from pie.platform.server.state_access import Access
from pie.platform.server.state_routes import state_router
from pie.state import MemoryStore, RemoteStore, Store
from pie.state.store.embedded import EmbeddedStore
from pie.state.store.etcd.address import parse_address
from pie.state.store.etcd.store import EtcdStore
from pie.state.store.served import ServedStore

SLOW = pytest.mark.slow
SERVE = Path(__file__).with_name("serve_state.py")


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + 1_700_000_000.0


@dataclass
class Rig:
    """A store under test, and its engine's clock."""

    store: Store
    engine: ServedStore
    clock: Clock

    def advance(self, seconds: float) -> None:
        if isinstance(self.engine, MemoryStore):
            self.clock.now += seconds
            self.engine.expire()
        else:
            time.sleep(seconds)


def until(met: Callable[[], object], what: str, patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.005)


class LoopbackPlatform:
    """One real server for many engines, each under a path of its own."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self.app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        until(lambda: self._server.started, "the loopback platform to start")
        self._count = 0

    def serve(self, engine: ServedStore, **options) -> str:
        self._count += 1
        prefix = f"/n{self._count}"
        self.app.include_router(state_router(engine, lambda _: Access(), **options), prefix=prefix)
        return f"http://127.0.0.1:{self.port}{prefix}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="session")
def platform() -> Iterator[LoopbackPlatform]:
    server = LoopbackPlatform()
    yield server
    server.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def etcd_node(tmp_path_factory) -> Iterator[EtcdCluster]:
    """One member, for many tests: each uses a namespace of its own."""
    cluster = EtcdCluster(tmp_path_factory.mktemp("etcd"), 1)
    yield cluster.start()
    cluster.stop()


@pytest.fixture(scope="session")
def etcd_nodes(tmp_path_factory) -> Iterator[EtcdCluster]:
    """Three members, for tests that leave them alone."""
    cluster = EtcdCluster(tmp_path_factory.mktemp("etcd"), 3)
    yield cluster.start()
    cluster.stop()


def etcd_rig(cluster: EtcdCluster) -> Iterator[Rig]:
    """A store of its own in a cluster."""
    address = parse_address(f"{cluster.address}/test-{secrets.token_hex(4)}")
    store = EtcdStore(address, max_events=64)
    assert store.wait_loaded(20), store.mirror.trouble
    yield Rig(store, store, SYSTEM_CLOCK)
    store.close()


@pytest.fixture
def node_rig(etcd_node) -> Iterator[Rig]:
    """A store over one member."""
    yield from etcd_rig(etcd_node)


@pytest.fixture(params=["memory", "embedded", "remote", pytest.param("etcd", marks=SLOW)])
def rig(request, tmp_path, clock) -> Iterator[Rig]:
    """Small history (64 events) so that compaction is near."""
    if request.param == "etcd":
        yield from etcd_rig(request.getfixturevalue("etcd_nodes"))
        return
    if request.param == "memory":
        engine = MemoryStore(clock=clock, max_events=64)
    else:
        engine = EmbeddedStore(tmp_path / "state.db", clock=clock, max_events=64)
    store: Store = engine
    if request.param == "remote":
        store = RemoteStore(request.getfixturevalue("platform").serve(engine), "token")
    yield Rig(store, engine, clock)
    store.close()
    engine.close()


class StateProcess:
    """A state server of its own process on a fixed port: start, kill -9, start again."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._path = directory / "state.db"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, SERVE, self._path, str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process.stdout.close()
            self._process = None


@pytest.fixture
def state_process(tmp_path) -> Iterator[StateProcess]:
    process = StateProcess(tmp_path)
    yield process
    process.kill()


@pytest.fixture(name="until")
def _until() -> Callable[..., None]:
    return until
