"""A service that runs alone ends at a signal, whatever fails on the way."""

import os
import shutil
import sys

import pytest

THRIFT = {
    "bootstrap": (
        "import settings\nfrom pie import serve\n"
        "serve.thrift('service:DemoService', 'handler:Handler', settings)\n"
    ),
    "service": (
        "from pie.thrift import load_module\n"
        "DemoService = load_module('service DemoService { i32 Double(1: i32 n) }').DemoService\n"
    ),
    "handler": "class Handler:\n    def Double(self, n: int) -> int:\n        return 2 * n\n",
}
REFUSALS = {
    "the filter": "from socket import socket as kind\nname = 'setsockopt'\n",
    "deregistering": "from pie.serve.service import Service as kind\nname = 'deregister'\n",
}


def unprivileged(command: list[str]) -> list[str]:
    """The command without any privilege, as in a container: the kernel refuses socket filters."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return command
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]


@pytest.mark.parametrize("protocol", ["http", "thrift"])
def test_without_any_privilege_it_stops(services, protocol: str) -> None:
    folder = services.write("DEBUG = True\n", **(THRIFT if protocol == "thrift" else {}))
    running = services.run(unprivileged([sys.executable, str(folder / "bootstrap.py")]))
    running.read_until("Starting ... with port" if protocol == "thrift" else "Running on")
    printed, errors = running.stop()
    assert "data=stopped" in printed
    assert (running.process.returncode, errors) == (0, "")


@pytest.mark.parametrize("what", REFUSALS)
def test_what_fails_before_the_server_stops_does_not_keep_it(services, what: str) -> None:
    bootstrap = services.write("DEBUG = True\n") / "bootstrap.py"
    bootstrap.write_text(
        f"import threading\n{REFUSALS[what]}own = getattr(kind, name)\n"
        "def refuse(self, *arguments):\n"
        "    if threading.current_thread().name == 'pie-drain':\n"
        "        raise PermissionError(1, 'not here')\n"
        "    return own(self, *arguments)\n"
        f"setattr(kind, name, refuse)\n{bootstrap.read_text()}"
    )
    running = services.start()
    assert running.get(running.port)[0] == 200
    printed, _ = running.stop()
    assert "data=stopped" in printed
    assert ("stopping all the same" in printed) == (what == "deregistering")
    assert running.process.returncode == 0
