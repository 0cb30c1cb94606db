"""The commands as a shell or a terminal runs them, and a platform that has something to show."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.platform.conftest import Platform

from pie.state import Instance, Interface, RemoteStore, ServiceMeta, instance_key, meta_key
from pie.state.registry.instances import encode

LOGID = "2017041721432901000304821652640c"
CHAIN_AT = float(int(time.time()) - 60)


def clean_environment(**more: str) -> dict[str, str]:
    """Without what this machine says about platforms, roots and terminals."""
    unwanted = ("PIE_", "RUNTIME_ROOT", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    return kept | {"TZ": "UTC"} | more


class Shell:
    """Runs ``pie`` in a folder, against one platform."""

    def __init__(self, cwd: Path, **environ: str) -> None:
        self.cwd = cwd
        self.environ = clean_environment(**environ)

    def start(self, *arguments: str, **more) -> subprocess.Popen[str]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
        return subprocess.Popen(
            [sys.executable, "-m", "pie.tool.pie", *arguments],
            cwd=self.cwd, env=self.environ, **options,
        )  # fmt: skip

    @contextmanager
    def running(self, *arguments: str, patience: float = 90) -> Iterator[subprocess.Popen[str]]:
        """One that must end by itself, or is killed: reading what it prints ends at last."""
        with self.start(*arguments) as process:
            timer = threading.Timer(patience, process.kill)
            timer.start()
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait(patience)
                timer.cancel()

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pie.tool.pie", *arguments],
            cwd=self.cwd, env=self.environ, input=stdin,
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip

    def in_terminal(self, *arguments: str, columns: int = 80, **environ: str) -> str:
        """What a terminal of this width is sent, in full."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "pie.tool.pie", *arguments],
            cwd=self.cwd, env=self.environ | {"TERM": "xterm"} | environ,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        data = b""
        try:
            while piece := os.read(ours, 65536):
                data += piece
        except OSError:
            pass  # Linux says so when the last one has closed its side.
        os.close(ours)
        assert process.wait(60) in (0, 1)
        return data.decode().replace("\r\n", "\n")


def server(psm, span, parent="", start=0.0, ms=10.0, **more):
    return {
        "ts": CHAIN_AT + start / 1000, "side": "server", "protocol": "thrift", "psm": psm,
        "callee": psm, "span_id": span, "parent_id": parent, "duration_us": int(ms * 1000),
        "logid": LOGID, "method": "Get",
    } | more  # fmt: skip


def client(psm, callee, span, parent="", start=0.0, ms=10.0, **more):
    return {
        "ts": CHAIN_AT + start / 1000, "side": "client", "protocol": "thrift", "psm": psm,
        "caller": psm, "callee": callee, "span_id": span, "parent_id": parent,
        "duration_us": int(ms * 1000), "logid": LOGID, "method": "Get",
    } | more  # fmt: skip


SEED_CHAIN = [
    server("nginx", "n", ms=563, protocol="http", verb="POST", host="10.3.48.216"),
    server("toutiao.discuss.ttdiscuss", "d", "n", 0, 563, protocol="http", verb="POST"),
    client("toutiao.discuss.ttdiscuss", "toutiao.device.device_info", "c1", "d", -1000, 1,
           method="GetInstallation", outcome="deadline", code=504, message="no answer in 1 ms"),
    client("toutiao.discuss.ttdiscuss", "toutiao.device.device_info", "c2", "d", -999, 1,
           method="GetInstallation", notes=["retried: 2 of 3"]),
    server("toutiao.device.device_info", "i", "c2", -999, 0.048, method="GetInstallation",
           outcome="unknown"),
    client("toutiao.discuss.ttdiscuss", "toutiao.article.article", "c3", "d", 2, 500,
           method="MGetArticleMetaByIds", rule="quota of 词",
           notes=["routed to cluster canary (10%): route v9"]),
    server("toutiao.article.article", "a", "c3", 2, 2228.19, method="MGetArticleMetaByIds",
           rule="access v3 caller=toutiao.*", notes=["would reject: access v3 caller=toutiao.*"]),
]  # fmt: skip
"""The chain of the seed's slides, with its contradictions."""

LOG_LINES = [
    {"ts": CHAIN_AT + 0.1, "psm": "toutiao.article.article", "level": "INFO", "folder": "app",
     "logid": LOGID, "span_id": "a", "message": "文章 104 found\nsecond line", "src": 71, "pos": 1,
     "host": "10.3.23.162"},
    {"ts": CHAIN_AT + 0.2, "psm": "toutiao.article.article", "level": "ERROR", "folder": "app",
     "logid": LOGID, "span_id": "a", "message": "article 105 is broken", "src": 71, "pos": 2,
     "stack": "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'since'",
     "stack_hash": 5},
    {"ts": CHAIN_AT + 0.3, "psm": "toutiao.device.device_info", "level": "WARNING", "folder": "app",
     "message": "slow \x1b[31mdisk", "src": 72, "pos": 1},
]  # fmt: skip


def edge(psm, count, errors=0, **more):
    row = {
        "ts": int(time.time()) // 10 * 10 - 10, "side": "server", "protocol": "thrift",
        "psm": psm, "callee": psm, "method": "Get", "count": count - errors,
        "duration_us": 2000 * (count - errors), "histogram": {"155": count - errors},
    } | more  # fmt: skip
    failed = row | {"outcome": "internal", "count": errors, "duration_us": 2000 * errors,
                    "histogram": {"155": errors}}  # fmt: skip
    return [row, failed] if errors else [row]


def register(platform, psm, *, cluster="default", port=7701, instance="1") -> None:
    """One instance, for ever."""
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=60)
    one = Instance(psm=psm, id=instance, host="10.3.23.162", port=port, protocol="thrift",
                   cluster=cluster, pid=84168, version="1.4.2", started=time.time() - 7200,
                   )  # fmt: skip
    meta = ServiceMeta(psm=psm, framework="pie-thrift", framework_version="0.1.0",
                       protocol="thrift", owners=("邓波",),
                       interfaces=(Interface(method="Get"),))  # fmt: skip
    store.put(instance_key(one), encode(one))
    store.put(meta_key(psm), encode(meta))
    store.close()


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform where a workspace has its own, with services, traffic, a chain and its lines."""
    root = tmp_path_factory.mktemp("workspace")
    platform = Platform(root / "platform").start()
    register(platform, "toutiao.article.article")
    register(platform, "toutiao.article.article", cluster="canary", port=7702, instance="2")
    register(platform, "toutiao.user.user_info", port=7703)
    platform.accepted("edge_10s", edge("toutiao.article.article", 50, 2))
    platform.accepted("edge_10s", edge("toutiao.never.started", 1))
    platform.accepted("calls", SEED_CHAIN)
    platform.accepted("logs", LOG_LINES)
    yield platform
    assert platform.stop() == 0


@pytest.fixture
def pie(fleet: Platform) -> Shell:
    """``pie`` in that workspace."""
    url = f"http://127.0.0.1:{fleet.port}"
    return Shell(fleet.directory.parent, PIE_PLATFORM=url)


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform that the test may stop and kill."""
    own = Platform(tmp_path / "own").start()
    yield own
    if own.process is not None:
        own.end(signal.SIGKILL)
