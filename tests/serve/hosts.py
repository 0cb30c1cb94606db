"""Services of every kind that do what a test asks of them."""

import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.serve.conftest import Running, Services

from pie.thrift import load_module

UWSGI = Path(sys.executable).with_name("uwsgi")
ACTS = Path(__file__).with_name("acts.py")
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
            "import acts, asyncio\nclass Handler:\n    async def Double(self, n):\n"
            "        return 2 * n\n"
            "    async def Act(self, what, kind):\n"
            "        if kind == 'coroutine':\n"
            "            await asyncio.sleep(acts.begin())\n"
            "        return acts.act(what, kind)\n"
        ),
    },
}
IN_UWSGI = "flask in uWSGI"
HOSTS[IN_UWSGI] = HOSTS["flask"]
IN_PYTHON = " in Python"
"""Without the C core."""
HOSTS |= {name + IN_PYTHON: files for name, files in HOSTS.items() if "thrift" in name}
ON_GUNICORN = " on gunicorn"
"""In place of Pie's own HTTP server."""
HOSTS |= {name + ON_GUNICORN: HOSTS[name] for name in ("flask", "django")}


CALLEE = {
    "callee": (
        "import settings\nfrom pie import serve\n"
        "serve.thrift('service:DemoService', 'callee_handler:Handler', settings)\n"
    ),
    "callee_handler": (
        "class Handler:\n    def Double(self, n):\n        return 2 * n\n"
        "    def Act(self, what, kind):\n        return ''\n"
    ),
}
"""The service that children call."""


class Host:
    """A service that acts when it is asked to."""

    def __init__(
        self, services: Services, host: str, settings: str = SETTINGS, **environ: str
    ) -> None:
        services.write(settings, **HOSTS[host], **CALLEE, service=SERVICE)
        shutil.copy(ACTS, services.root)
        environ |= {"PIE_CORE": "python"} if host.endswith(IN_PYTHON) else {}
        environ |= {"PIE_HTTP_SERVER": "gunicorn"} if host.endswith(ON_GUNICORN) else {}
        self.is_http = "thrift" not in host
        self.stops = "draining"
        """What it prints when it stops."""
        if host == IN_UWSGI:
            self._start_uwsgi(services, **environ)
            return
        self.running: Running = services.start(PYTHONUNBUFFERED="1", **environ)
        if self.is_http:
            self.port = self.running.port
        else:
            line = self.running.read_until("Starting ... with port").splitlines()[-1]
            self.port = int(line.rpartition(":")[2])
        self.pid = self.running.process.pid

    def _start_uwsgi(self, services: Services, **environ: str) -> None:
        if not UWSGI.exists():
            pytest.skip("uwsgi is not installed: make dev")
        self.port, self.stops = services.free_port(), "killing workers"
        options = {
            "http-socket": f"127.0.0.1:{self.port}", "master": True, "lazy-apps": True,
            "enable-threads": True, "processes": 1, "threads": 4, "module": "bootstrap",
            "callable": "application", "die-on-term": True, "need-app": True,
            "single-interpreter": True, "disable-logging": True,
        }  # fmt: skip
        command = [str(UWSGI)]
        for name, value in options.items():
            command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.running = services.run(command, merged=True, **environ)
        self.running.read_until("WSGI app 0")  # Its worker cannot end in order before.
        self.pid = int(self.act("pid", "x"))

    def act(self, what: str, kind: str) -> str:
        if self.is_http:
            status, body = self.running.get(self.port, f"/{what}/{kind.replace(' ', '%20')}")
            assert status == 200
            return body.decode()
        return client_of(self.port).Act(what, kind)


def client_of(port: int):
    """A client of a Thrift one."""
    return module().DemoServiceClient(address=f"127.0.0.1:{port}/ttheader", timeout=60)


def module() -> ModuleType:
    """What is generated of SERVICE."""
    return load_module(re.search(r"'''(.*)'''", SERVICE, re.DOTALL)[1])
