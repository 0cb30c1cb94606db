"""The HTTP benchmark: its generator counts what is right and nothing else, and it runs."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.benchmarks.programs import BENCHMARKS, build, load

RUN = [sys.executable, str(BENCHMARKS / "http" / "run.py")]
GET = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"
)


@pytest.fixture(scope="module", autouse=True)
def compiler(program) -> None:
    program("gcc", "apt install gcc")


@pytest.fixture(scope="module")
def binaries(compiler) -> Path:
    return build("http")


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    (tmp_path / "request").write_bytes(GET)
    return tmp_path / "request"


class Peer:
    """A server that answers every request alike, however it comes in pieces.

    Attributes:
        requests: that came, on all connections.
        connections: that were accepted.
    """

    def __init__(self, answer: bytes, size: int, piece: int, closes: bool, served: int) -> None:
        self._answer, self._size, self._piece, self._closes = answer, size, piece, closes
        self._served = served
        self.requests: list[bytes] = []
        self.connections = 0
        self._ignored: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            self.connections += 1
            if self.connections > self._served:
                self._ignored.append(connection)
                continue
            threads.append(threading.Thread(target=self._serve, args=(connection,)))
            threads[-1].start()
        for each in threads:
            each.join()
        for ignored in self._ignored:
            ignored.close()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):  # The generator ends when it has enough.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := self._request(connection):
                self.requests.append(request)
                # With MSG_MORE the answer goes out with the end of the connection.
                flags = socket.MSG_MORE if self._closes else 0
                for at in range(0, len(self._answer), self._piece):
                    connection.sendall(self._answer[at : at + self._piece], flags)
                if self._closes:
                    return

    def _request(self, connection: socket.socket) -> bytes:
        got = b""
        while len(got) < self._size:
            more = connection.recv(self._size - len(got))
            if not more:
                return b""
            got += more
        return got


@contextmanager
def answering(
    answer: bytes,
    size: int = len(GET),
    piece: int = 1 << 20,
    closes: bool = False,
    served: int = 1000,
) -> Iterator[Peer]:
    """Runs a `Peer`, of whose connections only the first ``served`` get answers."""
    peer = Peer(answer, size, piece, closes, served)
    thread = threading.Thread(target=peer.run)
    thread.start()
    try:
        yield peer
    finally:
        peer.stop()
        thread.join()


@pytest.mark.parametrize("answer", [HELLO, CHUNKED], ids=["length", "chunks"])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_replies_are_counted_exactly(binaries, request_file, answer: bytes, piece: int) -> None:
    with answering(answer, piece=piece) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--calls=50")
    assert told["errors"] == 0, told["first_error"]
    assert told["calls"] == 50
    assert len(peer.requests) in (50, 51), "one may be under way at the end"
    assert set(peer.requests) == {GET}
    assert (peer.connections, told["reopened"]) == (1, 0)
    assert [each["method"] for each in told["kinds"]] == ["GET /hello"]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (HELLO.replace(b"200 OK", b"503 Busy"), "GET /hello: 503 : hello"),
        (HELLO.replace(b"5", b"4")[:-1], "GET /hello: a content of 4 bytes, 5 are right"),
        (HELLO + b"more", "connection lost: what came is no reply"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "connection lost: what came is no reply"),
        (HELLO.replace(b"5", b"-5"), "connection lost: what came is no reply"),
        (CHUNKED.replace(b"\r\n3;", b"\r\nx;"), "connection lost: what came is no reply"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "connection lost: what came is no reply"),
    ],
)
def test_a_wrong_reply_is_an_error(binaries, request_file, answer: bytes, complaint: str) -> None:
    with answering(answer) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--calls=1")
    assert told["errors"] >= 1
    assert told["first_error"] == complaint


@pytest.mark.parametrize(
    "answer",
    [
        HELLO.replace(b"\r\n\r\n", b"\r\nconnection: Close\r\n\r\n"),
        HELLO.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["Connection: close", "HTTP/1.0"],
)
def test_a_connection_that_the_server_closes_is_opened_anew(
    binaries, request_file, answer: bytes
) -> None:
    with answering(answer, closes=True) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--calls=20")
    assert told["errors"] == 0, told["first_error"]
    assert told["calls"] == 20
    assert told["reopened"] == 20
    assert peer.connections in (20, 21)  # It may end before it accepts the last one.


def test_a_connection_that_is_closed_without_a_word_is_an_error(binaries, request_file) -> None:
    with answering(HELLO, closes=True) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--calls=20")
    assert told["calls"] == 1
    assert told["first_error"].startswith("connection lost: ")


def test_idle_connections_make_one_request_first(binaries, request_file) -> None:
    with answering(HELLO) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--idle=30", "--calls=10")
    assert told["errors"] == 0, told["first_error"]
    assert told["idle_lost"] == 0
    assert peer.connections == 31
    assert len(peer.requests) in (40, 41)


def test_idle_connections_that_are_closed_are_counted(binaries, request_file) -> None:
    answer = HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with answering(answer, closes=True) as peer:
        told = load(binaries, peer.port, f"--request={request_file},1,5", "--idle=7", "--calls=50")
    assert told["idle_lost"] == 7
    assert told["errors"] == 1


def test_connections_that_get_no_reply_are_counted(binaries, request_file) -> None:
    with answering(HELLO, served=1) as peer:
        told = load(
            binaries, peer.port, f"--request={request_file},1,5", "--connections=3", "--calls=9"
        )
    assert told["errors"] == 0, told["first_error"]
    assert told["calls"] == 9
    assert told["unserved"] == 2


def test_the_floor_answers_every_request_in_order(binaries) -> None:
    command = [binaries / "floor", "hello"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as floor:
        port = int(floor.stdout.readline().split()[1])
        with socket.create_connection(("127.0.0.1", port)) as sock, sock.makefile("rb") as replies:
            sock.sendall(GET[:9])
            sock.sendall(GET[9:] + GET * 2)
            wanted = (
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
            )
            assert replies.read(3 * len(wanted)) == wanted * 3
            sock.sendall(b"POST / HTTP/1.1\r\n\r\n")
            assert replies.read() == b"", "it knows GET only"
        floor.kill()


def test_a_body_is_sent_whole(binaries, tmp_path: Path) -> None:
    request = b"POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"y" * 300_000
    (tmp_path / "request").write_bytes(request)
    with answering(HELLO, size=len(request)) as peer:
        told = load(binaries, peer.port, f"--request={tmp_path / 'request'},1,5", "--calls=3")
    assert told["errors"] == 0, told["first_error"]
    assert peer.requests[:3] == [request] * 3


def test_a_file_that_is_no_request_is_refused(binaries, tmp_path: Path) -> None:
    (tmp_path / "request").write_bytes(b"hello\r\n\r\n")
    command = [binaries / "load", "--port=1", f"--request={tmp_path / 'request'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not one request of HTTP/1.1" in done.stderr


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (["--only", "speed"], "'speed' is none of hello, flask, django"),
        (["--sides", "pie,nginx"], "'nginx' is none of pie, pie-gunicorn, gunicorn"),
        (["--rounds", "0"], "0 is not above 0"),
    ],
)
def test_a_wrong_option_is_answered_with_what_there_is(option: list[str], complaint: str) -> None:
    done = subprocess.run([*RUN, *option], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert complaint in done.stderr


WRK = """#!/bin/sh
cat <<END
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.00ms    1.00ms  10.00ms   90.00%
  Latency Distribution
     50%    1.00ms
     99%    9.50ms
  4321 requests in 1.00s, 1.00MB read
  Non-2xx or 3xx responses: 3
Requests/sec:   4321.50
END
"""


@pytest.mark.slow
def test_quick_measures_pie(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "wrk").write_text(WRK)
    (tmp_path / "bin" / "wrk").chmod(0o755)
    sections = "hello,flask,django,json,post,file,thrift,mixed,sleep,instrument,steady,wrk"
    out = tmp_path / "out.json"
    command = [*RUN, "--quick", "--requests=500", f"--only={sections}", f"--json={out}"]
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )
    assert done.returncode == 0, done.stderr
    unmeasured = [line for line in done.stdout.splitlines() if "not measured: " in line]
    assert not unmeasured
    found = json.loads(out.read_text())["sections"]
    assert list(found) == sections.split(",")
    for name in ("hello", "flask", "django", "json", "post", "file", "thrift"):
        *floor, row = found[name]["data"]
        assert [each["peer"] for each in floor] == ["C floor"] * (name == "hello")
        assert row["peer"] == "Pie"
        assert len(row["cpu"]) == 2, "two rounds"
        assert min(row["qps"] + row["cpu"] + row["pss"]) > 0
        assert row["errors"] == [0, 0]
    assert min(found["mixed"]["data"]["Pie"]["wait p99"]) > 2
    assert len(found["steady"]["data"]["Pie"]["mb"]) == 10
    assert found["wrk"]["data"]["Pie"][0] == [4321.5, 4321.5]
    assert "9,500" in done.stdout
