"""Children of a service, however they are started: what happens to them does not happen to it."""

import contextlib
import os
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest
from tests.serve.acts import KINDS
from tests.serve.conftest import Running, Services, until

SETTINGS = "DEBUG = True\nDRAIN_SECONDS = 0.5\nNOTICE_SECONDS = 0\n"
SERVICE = (
    "from pie.thrift import load_module\n"
    "module = load_module('''service DemoService {\n"
    "    i32 Double(1: i32 n), string Act(1: string what, 2: string kind) }''')\n"
    "DemoService = module.DemoService\nClient = module.DemoServiceClient\n"
)
HOSTS = {
    "flask": {
        "views": (
            "import acts\nfrom flask import Flask\napp = Flask(__name__)\n"
            "@app.get('/<what>/<kind>')\ndef act(what, kind):\n    return acts.act(what, kind)\n"
        ),
    },
    "django": {
        "bootstrap": (
            "import settings\nfrom pie import serve\n"
            "application = serve.django('shop.settings', settings)\n"
        ),
        "shop/__init__": "",
        "shop/settings": (
            "SECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\nALLOWED_HOSTS = ['127.0.0.1']\n"
            "INSTALLED_APPS = []\nUSE_TZ = True\n"
        ),
        "shop/urls": (
            "import acts\nfrom django.http import HttpResponse\nfrom django.urls import path\n"
            "def act(request, what, kind):\n    return HttpResponse(acts.act(what, kind))\n"
            "urlpatterns = [path('<what>/<kind>', act)]\n"
        ),
    },
    "thrift": {
        "bootstrap": (
            "import settings\nfrom pie import serve\n"
            "serve.thrift('service:DemoService', 'handler:Handler', settings)\n"
        ),
        "handler": (
            "import acts\nclass Handler:\n    def Double(self, n):\n        return 2 * n\n"
            "    def Act(self, what, kind):\n        return acts.act(what, kind)\n"
        ),
    },
    "thrift with coroutines": {
        "bootstrap": (
            "import settings\nfrom pie import serve\n"
            "serve.thrift('service:DemoService', 'handler:Handler', settings)\n"
        ),
        "handler": (
            "import acts\nclass Handler:\n    async def Double(self, n):\n        return 2 * n\n"
            "    async def Act(self, what, kind):\n        return acts.act(what, kind)\n"
        ),
    },
}
HOSTS["thrift in Python"] = HOSTS["thrift"]
"""Without the C core."""


class Host:
    """A service that acts when it is asked to."""

    def __init__(self, services: Services, host: str, **environ: str) -> None:
        services.write(SETTINGS, **HOSTS[host], service=SERVICE)
        shutil.copy(Path(__file__).with_name("acts.py"), services.root)
        environ |= {"PIE_CORE": "python"} if host == "thrift in Python" else {}
        self.is_http = host in ("flask", "django")
        self.running: Running = services.start(PYTHONUNBUFFERED="1", **environ)
        if self.is_http:
            self.port = self.running.port
        else:
            line = self.running.read_until("Starting ... with port").splitlines()[-1]
            self.port = int(line.rpartition(":")[2])
        self.pid = self.running.process.pid

    def act(self, what: str, kind: str) -> str:
        if self.is_http:
            status, body = self.running.get(self.port, f"/{what}/{kind.replace(' ', '%20')}")
            assert status == 200
            return body.decode()
        return client_of(self.port).Act(what, kind)

    def stop(self) -> None:
        """End it; it must be gone at once from its port, and soon for good."""
        with socket.create_connection(("127.0.0.1", self.port)) as before:
            before.settimeout(20)
            self.running.process.send_signal(signal.SIGTERM)
            self.running.read_until("draining")
            until(lambda: not connects(self.port), "connections are refused")
            with socket.socket() as successor:
                successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                successor.bind(("127.0.0.1", self.port))
                successor.listen()
            with contextlib.suppress(ConnectionResetError):
                assert before.recv(1) == b""
        assert self.running.process.wait(20) == 0


def client_of(port: int):
    from pie.thrift import load_module

    module = load_module(re.search(r"'''(.*)'''", SERVICE, re.DOTALL)[1])
    return module.DemoServiceClient(address=f"127.0.0.1:{port}/ttheader", timeout=60)


def connects(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check(host: Host, kind: str) -> None:
    """The whole of it, for children of one kind."""
    early, terminated, interrupted, killed, crashed = host.act("end", kind).split()
    assert (early, terminated, killed, crashed) == ("-15", "-15", "-9", "-11")
    assert interrupted != "None"  # Python makes an exception of it.
    assert host.act("back", kind) == str(host.pid)
    child = int(host.act("leave", kind))
    try:
        host.stop()
        if kind != "pool":  # Whose workers are daemons.
            os.kill(child, 0)  # It lives, or else this shows nothing.
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("host", ["flask", "thrift"])
def test_children_that_are_forked(services, bench, host: str) -> None:
    check(Host(services, host), "fork")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", HOSTS)
def test_children_of_every_kind(services, bench, host: str, kind: str) -> None:
    check(Host(services, host), kind)
