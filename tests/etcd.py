"""Real etcd clusters for tests: members on free ports, to be killed, stopped and started again."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.ports import free_port

INSTALL = "apt-get install etcd-server (or make system-deps)"


def etcd_program() -> str:
    """Where etcd is; the test is skipped without it."""
    found = shutil.which("etcd")
    if found is None:
        pytest.skip(f"needs etcd: {INSTALL}")
    return found


class EtcdMember:
    """One process of a cluster."""

    def __init__(self, name: str, directory: Path, options: Sequence[str], scheme: str) -> None:
        self.name = name
        self.directory = directory
        self.port, self._peer_port = free_port(), free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.peer = f"http://127.0.0.1:{self._peer_port}"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, cluster: str) -> None:
        command = [
            etcd_program(), f"--name={self.name}", f"--data-dir={self.directory}",
            f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self.peer}", f"--initial-advertise-peer-urls={self.peer}",
            f"--initial-cluster={cluster}", "--log-level=error", "--unsafe-no-fsync",
            *self._options,
        ]  # fmt: skip
        with self.directory.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)
            os.kill(self._process.pid, signal.SIGCONT)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask(self, path: str, request: object) -> dict:
        body = json.dumps(request).encode()
        with urllib.request.urlopen(self.url + path, body, timeout=5) as response:
            return json.load(response)


class Relay:
    """A way to a member that can be cut: what is open breaks, what is new is refused."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._target = port
        self._open: set[socket.socket] = set()
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        self._open.add(source)
        with contextlib.suppress(OSError), source:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        self._open.discard(source)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        sink.close()


class EtcdCluster:
    """Some members; with ``client_scheme`` https they need options about their certificates."""

    def __init__(
        self, directory: Path, size: int, options: Sequence[str] = (), scheme: str = "http"
    ) -> None:
        etcd_program()
        self.members = [
            EtcdMember(f"m{number}", directory / f"m{number}", options, scheme)
            for number in range(size)
        ]
        self._cluster = ",".join(f"{each.name}={each.peer}" for each in self.members)
        scheme = "etcds" if scheme == "https" else "etcd"
        self.address = f"{scheme}://" + ",".join(f"127.0.0.1:{m.port}" for m in self.members)

    def start(self, *, wait: bool = True) -> "EtcdCluster":
        for member in self.members:
            if not member.runs:
                member.start(self._cluster)
        if wait:
            self.wait()
        return self

    def wait(self, patience: float = 30.0) -> None:
        """Until a write succeeds."""
        end = time.monotonic() + patience
        while True:
            try:
                member = next(each for each in self.members if each.runs)
                member.ask("/v3/kv/range", {"key": "MA=="})
                return
            except OSError:
                if time.monotonic() > end:
                    logs = [m.directory.with_suffix(".log").read_text() for m in self.members]
                    raise AssertionError("\n".join(logs)) from None
                time.sleep(0.05)

    def leader(self) -> EtcdMember:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for member in self.members:
                try:
                    status = member.ask("/v3/maintenance/status", {})
                except OSError:
                    continue
                if status.get("leader") == status["header"]["member_id"]:
                    return member
            time.sleep(0.05)
        raise AssertionError("no leader within 30 s")

    def stop(self) -> None:
        for member in self.members:
            member.kill()
