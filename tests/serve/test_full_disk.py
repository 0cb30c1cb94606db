"""A service whose logs find no room goes on serving, stops at a signal, and tells what is lost."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

VIEWS = """
import faulthandler, logging, sys, threading, warnings
from flask import Flask

class Careless(logging.Handler):
    def emit(self, record):
        if threading.current_thread().name in ("pie-drain", "MainThread"):
            raise OSError(28, "a handler of the application's")

logging.getLogger().addHandler(Careless())
app = Flask(__name__)

@app.get("/")
def hello():
    logging.getLogger("mine").error("a line %s", "x" * 300, stack_info=True)
    logging.error("%d arguments", 1, 2)
    warnings.warn("careful")
    print("printed", "y" * 300)
    sys.stderr.write("written\\n")
    sys.stdout.buffer.write(b"bytes\\n")
    sys.stderr.flush()
    faulthandler.dump_traceback(2)
    return "Hello world"

@app.get("/broken")
def broken():
    raise RuntimeError("a view fails")
"""
HANDLER = """
import logging, sys

class Handler:
    def Double(self, n):
        logging.getLogger("mine").error("a line %s", "x" * 300)
        print("printed", "y" * 300)
        sys.stderr.write("written\\n")
        return 2 * n
"""
CALLER = """
from pie import serve
serve.script("toutiao.my.caller")
from pie.rpc import ServiceClient
from service import DemoService
demo = type("Client", (ServiceClient,), {"__service__": DemoService})("toutiao.my.api")
for n in range(200):
    assert demo._call("Double", n) == 2 * n
print("done")
"""
THRIFT = {
    "bootstrap": (
        "import settings\nfrom pie import serve\n"
        "serve.thrift('service:DemoService', 'handler:Handler', settings)\n"
    ),
    "service": (
        "from pie.thrift import load_module\n"
        "DemoService = load_module('service DemoService { i32 Double(1: i32 n) }').DemoService\n"
    ),
    "handler": HANDLER,
    "caller": CALLER,
}


class Disk:
    """A file system of its own, of one megabyte."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        with (self.path / "filler").open("ab", buffering=0) as filler:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while filler.write(b"x" * size):
                        pass

    def free(self) -> None:
        (self.path / "filler").unlink()


@pytest.fixture
def disk(services) -> Iterator[Disk]:
    """Under the logs of the service."""
    path = services.root / "toutiao"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(path)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mount: {error}")
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    yield Disk(path)
    for each in services._started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
    subprocess.run(["umount", "-l", str(path)], check=True)


def lost(running, folder: str) -> int:
    """How many lines of a folder the log says were lost."""
    told = re.findall(rf"data=(\d+) lines? of {folder}/\S+ lost between ", running.log("python"))
    return sum(map(int, told))


def test_an_http_service_on_a_full_disk(services, disk: Disk) -> None:
    services.write(views=VIEWS)
    running = services.start()
    port = running.port
    assert running.get(port) == (200, b"Hello world")
    disk.fill()
    assert {running.get(port)[0] for _ in range(30)} == {200}
    assert running.get(port, "/broken")[0] == 500
    disk.free()
    running.until(lambda: lost(running, "app"), "what was lost of the service's own lines")
    running.until(lambda: lost(running, "uwsgi"), "what was lost of its output")
    assert "No space left on device" in running.log("python")
    assert running.get(port)[0] == 200
    running.stop()
    assert running.process.returncode == 0
    # Each request writes two lines by ``logging`` and at least three by other ways.
    assert 0 < lost(running, "app") <= 31 * 3
    assert running.log("app").count("data=a line") >= 2


def test_one_signal_stops_a_service_on_a_full_disk(services, disk: Disk) -> None:
    services.write(views=VIEWS)
    running = services.start()
    port = running.port
    disk.fill()
    assert running.get(port)[0] == 200
    running.stop()
    assert running.process.returncode == 0


def test_a_thrift_service_on_a_full_disk(services, disk: Disk) -> None:
    port = services.free_port()
    services.write(f"PORT = {port}\n", **THRIFT)
    running = services.start()
    running.read_until("Starting ... with port")
    disk.fill()
    calling = services.start(
        program="caller.py", PIE_PIN=f"toutiao.my.api=127.0.0.1:{port}/ttheader"
    )
    printed, errors = calling.wait()
    assert (printed, calling.process.returncode) == ("done\n", 0), errors
    disk.free()
    running.until(lambda: lost(running, "app"), "what was lost of the service's own lines")
    running.until(lambda: lost(running, "run"), "what was lost of its output")
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["a file in the way", "few descriptors", "read-only"])
def test_other_troubles_of_the_logs(services, disk: Disk, trouble: str) -> None:
    views = VIEWS
    if trouble == "few descriptors":
        views += (
            "import os, resource\n@app.get('/few')\ndef few():\n"
            "    app.taken = []\n"
            "    try:\n        while True:\n"
            "            app.taken.append(os.open('/', os.O_RDONLY))\n"
            "    except OSError:\n        for _ in range(10):\n"
            "            os.close(app.taken.pop())\n"
            "    return 'few'\n"
        )
    services.write("THREADS = 2\n", views=views)
    running = services.run(
        ["bash", "-c", f"ulimit -n 128; exec {sys.executable} bootstrap.py"],
    )
    port = running.port
    assert running.get(port)[0] == 200
    if trouble == "a file in the way":
        log = disk.path / "log"
        log.rename(disk.path / "old")
        log.write_text("in the way")
    elif trouble == "few descriptors":
        assert running.get(port, "/few")[0] == 200
        for each in (disk.path / "log").glob("*/*.log"):
            each.unlink()
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(disk.path)], check=False)
    for _ in range(20):
        assert running.get(port)[0] == 200
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("stderr", ["2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize("stdout", ["road", "console"])
def test_closed_and_broken_streams(services, stdout: str, stderr: str) -> None:
    port = services.free_port()
    services.write(f"STDOUT = {stdout!r}\nPORT = {port}\n", views=VIEWS)
    running = services.run(["bash", "-c", f"exec {sys.executable} bootstrap.py {stderr}"])

    def answers() -> bool:
        try:
            return running.get(port) == (200, b"Hello world")
        except OSError:
            return False

    running.until(answers, "the service answers")
    assert {running.get(port)[0] for _ in range(5)} == {200}
    running.stop()
    assert running.process.returncode == 0


def test_who_reads_its_output_may_go_away(services) -> None:
    services.write("STDOUT = 'console'\n", views=VIEWS)
    running = services.start()
    port = running.port
    running.process.stdout.close()
    running.process.stderr.close()
    assert {running.get(port)[0] for _ in range(5)} == {200}
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(15) == 0


def test_a_log_root_that_cannot_be_is_named_with_the_reason(services) -> None:
    services.write()
    (services.root / "afile").touch()
    running = services.start(PIE_LOG_ROOT=str(services.root / "afile"))
    assert running.get(running.port)[0] == 200
    printed, errors = running.stop()
    assert running.process.returncode == 0
    assert errors.startswith(f"pie: log lines are being lost: {services.root}/afile/toutiao/log/")
    assert "Not a directory [Errno 20]; the folder of logs is PIE_LOG_ROOT" in errors
    assert "disk" not in printed + errors


def test_output_and_lines_go_on_after_the_logs_are_deleted(services) -> None:
    views = (
        "import logging\nfrom flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/<word>')\ndef say(word):\n"
        "    print('printed', word)\n    logging.warning('logged %s', word)\n    return 'ok'\n"
    )
    services.write(views=views)
    running = services.start()
    port = running.port
    running.get(port, "/before")
    running.until(lambda: "printed before" in running.log("uwsgi"), "the first output")
    shutil.rmtree(services.root / "toutiao" / "log")

    def comes_again() -> bool:
        running.get(port, "/after")
        output, lines = running.log("uwsgi"), running.log("app")
        return "printed after" in output and "logged after" in lines and "data=GET /after" in lines

    running.until(comes_again, "files made anew")
    running.until(lambda: lost(running, "app"), "what may be lost")
    assert "the file was deleted, renamed or replaced" in running.log("python")
    running.stop()
