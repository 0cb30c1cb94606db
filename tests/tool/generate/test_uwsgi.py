"""The uWSGI configuration, under the real uWSGI."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
UWSGI = Path(sys.executable).with_name("pyuwsgi")
TRIVIAL = """
import os
import sys

def application(environ, start_response):
    start_response("200 OK", [])
    return [f"{sys.prefix} {os.getcwd()} {environ['PATH_INFO']}".encode()]
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, with a space in it."""
    folder = Path(tempfile.mkdtemp(prefix="pie ", dir="/tmp")).resolve()
    yield folder
    shutil.rmtree(folder)


def ask(path: Path, what: str) -> str:
    """One request in uWSGI's own protocol."""
    pairs = {"REQUEST_METHOD": "GET", "PATH_INFO": what, "SERVER_NAME": "x", "SERVER_PORT": "80"}
    body = b"".join(
        struct.pack("<H", len(text)) + text.encode() for pair in pairs.items() for text in pair
    )
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(path))
        sock.sendall(struct.pack("<BHB", 0, len(body), 0) + body)
        answer = b""
        while more := sock.recv(65536):
            answer += more
    return answer.decode()


def test_uwsgi_serves_with_it_also_after_the_workspace_was_moved(
    short: Path, pie_init: Run, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pie_init(short / "toutiao")
    monkeypatch.chdir(short / "toutiao")
    assert pietool("--type flask --psm toutiao.my.api --prefix my/api").exit_code == 0
    root = (short / "toutiao").rename(short / "moved")
    monkeypatch.chdir(root)
    (root / "app/my/api/bootstrap.py").write_text(TRIVIAL)
    sock = root / "runtime/run/toutiao.my.api.sock"
    log = short / "uwsgi.out"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [UWSGI, "conf/app/uwsgi_toutiao.my.api.xml"],
            cwd=root, stdout=out, stderr=out, start_new_session=True,
        ) as uwsgi,
    ):  # fmt: skip
        try:
            until = time.monotonic() + 60
            while log.read_text().count("WSGI app 0") < 2:  # workers
                assert time.monotonic() < until, log.read_text()
                assert uwsgi.poll() is None, log.read_text()
                time.sleep(0.05)
            assert ask(sock, "/hello").endswith(f"{sys.prefix} {root}/app/my/api /hello")
            uwsgi.send_signal(signal.SIGTERM)
            assert uwsgi.wait(60) == 0, log.read_text()
        finally:
            if uwsgi.poll() is None:
                os.killpg(uwsgi.pid, signal.SIGKILL)
    assert not sock.exists()


def test_a_workspace_too_deep_for_a_socket_is_reported(
    tmp_path: Path, pie_init: Run, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 80) / "toutiao"
    pie_init(deep)
    monkeypatch.chdir(deep)
    done = pietool("--type flask --psm toutiao.my.api --prefix my/api")
    assert done.exit_code == 0
    assert "choose a shorter <socket> in conf/app/uwsgi_toutiao.my.api.xml" in done.output
