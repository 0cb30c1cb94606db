"""The RPC benchmark: it runs, checks what it is answered, and leaves nothing behind."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.benchmarks.programs import BENCHMARKS, build, load

from pie.thrift import TTHEADER, FrameSplitter, TTHeader, encode_frame

RUN = [sys.executable, str(BENCHMARKS / "rpc" / "run.py")]


@pytest.fixture(scope="module", autouse=True)
def compiler(program) -> None:
    program("gcc", "apt install gcc")


@pytest.fixture(scope="module")
def binaries(compiler) -> Path:
    """Folder of the generator and the floor."""
    return build("rpc")


@pytest.fixture
def floor(binaries: Path):
    """Starts floors with files of canned replies; returns their ports."""
    running = []

    def start(*replies: Path) -> int:
        process = subprocess.Popen([binaries / "floor", *replies], stdout=subprocess.PIPE)
        running.append(process)
        return int(process.stdout.readline().split()[1])

    yield start
    for process in running:
        process.kill()
        process.communicate()


def message(kind: int, name: bytes, seqid: int, body: bytes) -> bytes:
    head = b"\x80\x01\x00" + bytes([kind]) + len(name).to_bytes(4, "big") + name
    return head + seqid.to_bytes(4, "big") + body


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


TEXT = b"\x0b\x00\x01" + framed(b"hello") + b"\x00"


@pytest.mark.slow
def test_quick_measures_pie_and_the_floor(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = [*RUN, "--quick", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Echo" in done.stdout
    sections = json.loads(out.read_text())["sections"]
    assert set(sections) == {"echo", "mgetitems", "codec"}
    for name in ("echo", "mgetitems"):
        rows = {row["peer"]: row for row in sections[name]["data"]}
        assert set(rows) == {"C floor", "Pie", "Pie, TTHeader"}
        for row in rows.values():
            assert len(row["cpu"]) == 2, "two rounds"
            assert min(row["qps"] + row["cpu"]) > 0
            assert row["errors"] == [0, 0]
    assert len(sections["codec"]["data"]["Pie"]["decode response"]) == 2
    floor_goal = next(goal for goal in sections["echo"]["goals"] if "floor" in goal["what"])
    assert floor_goal["met"] in (True, False)


def test_an_unknown_section_is_answered_with_those_there_are() -> None:
    done = subprocess.run([*RUN, "--only", "speed"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'speed' is none of echo, mgetitems, codec" in done.stderr


def test_the_generator_makes_the_calls_it_is_asked_for(binaries, floor, tmp_path) -> None:
    (tmp_path / "call").write_bytes(framed(message(1, b"Echo", 7, TEXT)))
    size = len(message(2, b"Echo", 7, TEXT))
    told = load(
        binaries,
        floor(),
        f"--request={tmp_path / 'call'},1,{size}",
        "--connections=4",
        "--idle=3",
        "--calls=200",
        f"--watch={os.getpid()}",
    )
    assert told["errors"] == 0, told["first_error"]
    assert 200 <= told["calls"] < 210
    assert 0 < told["p50"] <= told["p99"] <= told["p999"]
    assert told["server_rss"] > 0


def test_requests_are_mixed_by_weight(binaries, floor, tmp_path) -> None:
    for name in (b"Fast", b"Slow"):
        (tmp_path / name.decode()).write_bytes(framed(message(1, name, 7, TEXT)))
    told = load(
        binaries,
        floor(),
        f"--request={tmp_path / 'Fast'},99",
        f"--request={tmp_path / 'Slow'},1",
        "--calls=1000",
    )
    calls = {kind["method"]: kind["calls"] for kind in told["kinds"]}
    assert calls == {"Fast": 990, "Slow": 10}


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (framed(message(2, b"Echo", 7, TEXT + b"more")), "a reply of 33 bytes, 29 are right"),
        (framed(message(2, b"Echo", 8, TEXT)), "the reply is to another call"),
        (framed(message(2, b"Other", 7, TEXT)), "the reply is to another call"),
        (framed(message(3, b"Echo", 7, TEXT)), "a reply of type 3: hello"),
        (framed(b"garbage"), "a reply of 11 bytes is no message"),
        (b"\xff" * 8, "connection lost: what came is no reply"),
        (b"", "connection lost: closed by the server"),
    ],
)
def test_a_wrong_reply_is_an_error(binaries, tmp_path, answer: bytes, complaint: str) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)
            if answer:
                connection.recv(4096)  # Until the generator has seen enough.

    (tmp_path / "call").write_bytes(framed(message(1, b"Echo", 7, TEXT)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        told = load(binaries, port, f"--request={tmp_path / 'call'},1,29", "--calls=1")
        thread.join()
    assert told["errors"] >= 1
    assert told["first_error"] == complaint


def test_the_floor_answers_in_the_form_it_is_asked(binaries, floor, tmp_path) -> None:
    call = message(1, b"Echo", 7, TEXT)
    header = TTHeader(seqid=5, strings={"key": "value"})
    frame = encode_frame(call, TTHEADER, header)
    port = floor()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        splitter = FrameSplitter()
        sock.sendall(frame)
        while (reply := splitter.take()) is None:
            splitter.feed(sock.recv(4096))
    assert reply.header is not None
    assert reply.header.seqid == 5
    assert reply.payload == message(2, b"Echo", 7, TEXT.replace(b"\x0b\x00\x01", b"\x0b\x00\x00"))
