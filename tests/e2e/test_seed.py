"""The slides that introduce Pie, followed command by command in a fresh workspace.

Their outputs are compared line by line, as far as they do not name machines, paths and times.
"""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import documented_ports, free_port

import pie

SOURCE = Path(pie.__file__).resolve().parents[1]
LINE = (
    r"(?P<level>[A-Z]+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<file>\S+):\d+ "
    r"\d+\.\d+\.\d+\.\d+ (?P<psm>\S+) (?P<logid>\w+) (?P<span>\S+) "
    r"process=\d+ thread=\d+ data=(?P<data>.*)"
)
ANSWER = (
    "Demo2Response(item=Demo2Item(ItemId=1, ItemName='123'), "
    "BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))"
)


class Seed:
    """The workspace of the slides: commands at its root, and what they started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SOURCE), "LANG": "C.UTF-8"}
        self._started: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.root, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, command: str, until: str) -> str:
        """Start something that stays; returns what it printed until it had printed ``until``."""
        out = self.root / f"out.{len(self._started)}"
        with out.open("wb") as file:
            process = subprocess.Popen(
                command.split(), cwd=self.root, env=self.environment,
                stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._started.append(process)
        end = time.monotonic() + 90
        while until not in out.read_text():
            assert process.poll() is None, f"{command} ended:\n{out.read_text()}"
            assert time.monotonic() < end, f"{command} never said {until!r}:\n{out.read_text()}"
            time.sleep(0.05)
        return out.read_text()

    def said_later(self, what: str) -> str:
        """What the last thing started has printed, once there is ``what`` in it."""
        out = self.root / f"out.{len(self._started) - 1}"
        end = time.monotonic() + 30
        while what not in out.read_text():
            assert time.monotonic() < end, f"{what!r} is not in:\n{out.read_text()}"
            time.sleep(0.05)
        return out.read_text()

    def edit(self, path: str, old: str, new: str) -> None:
        """What a person does in an editor."""
        file = self.root / path
        text = file.read_text()
        assert text.count(old) == 1, f"{old!r} in\n{text}"
        file.write_text(text.replace(old, new))

    def stop(self) -> None:
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    folder = tmp_path_factory.mktemp("seed")
    port = free_port()
    made = Seed(folder / "toutiao")
    subprocess.run(
        [
            *(sys.executable, "-m", "pie.tool.pie", "init", str(made.root)),
            *("--platform", f"http://127.0.0.1:{port}"),
        ],
        env=made.environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with documented_ports(7701):  # Its services begin there, and take the next free one.
        try:
            made.start(f"./runtime/bin/pie platform --port {port}", "log in: ")
            yield made
        finally:
            made.stop()


def data_of(output: str, psm: str) -> list[str]:
    """The messages of a service's log lines, each of the seed's form."""
    found = []
    for line in output.splitlines():
        match = re.fullmatch(LINE, line)
        if match is not None and match["psm"] == psm:
            found.append(match["data"])
    return found


def assert_lines(output: str, *patterns: str) -> None:
    """Every pattern matches a line, in this order."""
    lines = iter(output.splitlines())
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in lines), f"{pattern}\nin\n{output}"


def test_an_http_service(seed: Seed) -> None:
    root = re.escape(str(seed.root))
    said = seed.run("./runtime/pietool --type flask --psm toutiao.my.api --prefix my/api")
    assert_lines(
        said,
        r"Welcome to Pie; documentation: .+",
        rf"app directory: {root}/app/my/api",
        rf"uwsgi configuration: {root}/conf/app/uwsgi_toutiao\.my\.api\.xml",
        r"done",
    )
    said = seed.start("./runtime/bin/python app/my/api/bootstrap.py", " * Running on ")
    lines = said.splitlines()
    assert "I will use in-memory cache" in lines
    running = [line for line in lines if " * Running on " in line]
    match = re.fullmatch(LINE, running[0])
    assert match is not None, running[0]
    assert (match["level"], match["psm"], match["logid"]) == ("INFO", "toutiao.my.api", "0")
    address = re.fullmatch(
        r" \* Running on (http://[\d.]+:\d+/) \(Press CTRL\+C to quit\)", match["data"]
    )
    assert address is not None, match["data"]
    if not address[1].endswith(":7701/"):
        assert "7701" in said, "another port than that of settings.py, and nobody says why"
    with urllib.request.urlopen(address[1], timeout=30) as answer:
        assert answer.read() == b"Hello world"
        logid = answer.headers["X-Tt-Logid"]
        assert re.fullmatch(r"\w{32}", logid)
    (line,) = [each for each in seed.said_later(logid).splitlines() if logid in each]
    match = re.fullmatch(LINE, line)
    assert match is not None, line
    assert match["data"].startswith("GET / 200 ")


def test_a_thrift_service_and_its_client(seed: Seed) -> None:
    root = re.escape(str(seed.root))
    said = seed.run(
        "./runtime/pietool --type thriftserver --idl demo2.thrift "
        "--psm toutiao.my.server --prefix my/server"
    )
    assert_lines(
        said,
        r"Welcome to Pie; documentation: .+",
        r"my/server",
        r"Start generating\.\.\.",
        rf"service code: {root}/app/my/server",
        rf"client code: {root}/app/my/server/pyrpc",
        rf"service configuration: {root}/conf/app/service-toutiao\.my\.server\.yml",
        rf"RPC configuration: {root}/conf/rpc/services/DemoService\.yml",
        r"done",
    )
    seed.edit(
        "app/my/server/handler.py",
        'Demo2Item(ItemId=0, ItemName="")',
        'Demo2Item(ItemId=req.ItemId, ItemName="123")',
    )
    seed.edit("app/my/server/settings.py", "DEBUG = False", "DEBUG = True")
    said = seed.start(
        "./runtime/bin/python app/my/server/bootstrap.py", "registered: toutiao.my.server"
    )
    started = data_of(said, "toutiao.my.server")
    assert_lines(
        "\n".join(started),
        r"Using port: 7701 from settings\.py|Port 7701 from settings\.py is in use.+",
        r"Starting \.\.\. with port: \d+",
        r"I can't find a appropriate debug port|Debug .+",
    )

    said = seed.run("./runtime/pietool --type thriftclient --prefix my/test --idl demo_test.thrift")
    assert_lines(
        said,
        rf"client code: {root}/app/my/test/pyrpc",
        r"namespace:demo_test, service:DemoTestService",
        rf"RPC configuration: {root}/conf/rpc/services/DemoTestService\.yml",
    )
    seed.edit("app/my/test/test.py", "Demo2Request(ItemId=0)", "Demo2Request(ItemId=1)")
    said = seed.run("./runtime/bin/python app/my/test/test.py")
    assert ANSWER in said.splitlines()
    (called,) = data_of(said, "toutiao.my.test")
    assert re.fullmatch(
        r" retry=0 business_retry_cost=\d+ called=toutiao\.my\.server method=GetItem "
        r"rpc_status=success",
        called,
    )
    logged = "".join(path.read_text() for path in (seed.root / "log/rpc").glob("*.log"))
    assert called in logged


def test_a_django_service(seed: Seed) -> None:
    seed.run("./runtime/pietool --type django --psm toutiao.my.site --prefix my/site")
    said = seed.start("./runtime/bin/python app/my/site/bootstrap.py", " * Running on ")
    assert "I will use in-memory cache" in said.splitlines()
    address = re.search(r"Running on (http://[\d.]+:\d+/)", said)
    assert address is not None
    with urllib.request.urlopen(address[1], timeout=30) as answer:
        assert answer.read() == b"Hello world"
    assert "data=GET / 200 " in seed.said_later("data=GET / 200 ")


def test_the_client_in_an_http_service(seed: Seed) -> None:
    """Clients live beside the bootstrap.py of whoever calls, and need nothing else."""
    seed.run("./runtime/pietool --type flask --psm toutiao.my.front --prefix my/front")
    seed.run("./runtime/pietool --type thriftclient --prefix my/front --idl demo2.thrift")
    views = seed.root / "app/my/front/views.py"
    views.write_text(
        "from flask import Flask\n"
        "from pyrpc.demo2 import Demo2Request, DemoServiceClient\n\n"
        "app = Flask(__name__)\nclient = DemoServiceClient()\n\n\n"
        '@app.get("/<int:item>")\ndef show(item: int) -> str:\n'
        "    return repr(client.GetItem(Demo2Request(ItemId=item)))\n"
    )
    said = seed.start("./runtime/bin/python app/my/front/bootstrap.py", " * Running on ")
    address = re.search(r"Running on (http://[\d.]+:\d+/)", said)
    assert address is not None
    with urllib.request.urlopen(f"{address[1]}1", timeout=30) as answer:
        assert answer.read().decode() == ANSWER
