"""Real etcd clusters for tests: members on free ports, to be killed, stopped and started again."""

import json
import os
import shutil
import signal
import subprocess
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
