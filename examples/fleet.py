"""The processes of the demo: platform, agent, services; started in order, stopped in order."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from platform_client import PlatformClient

from pie.serve.up_state import AlreadyUpError, UpState, hold

HERE = Path(__file__).resolve().parent
SERVICES = {
    "toutiao.device.device_info": "app/device/device_info",
    "toutiao.article.article": "app/article/article",
    "toutiao.stream.api": "app/stream/api",
    "toutiao.discuss.ttdiscuss": "app/discuss/ttdiscuss",
}
"""PSM → folder in the workspace."""
LEGACY = "legacy_device_info"
"""A plain Apache Thrift server, registered by hand as a cluster of device_info."""
LEGACY_CLUSTER = "legacy"
CANARY = "article-canary"
"""A second process of article, in a cluster of its own."""
CANARY_ENVIRONMENT = {"PIE_CLUSTER": "canary", "PIE_VERSION": "1.4.3"}
_CANARY_OF = "toutiao.article.article"
START_SECONDS = 60
_STOP_ORDER = {LEGACY: 1, "agent": 2, "platform": 3}
"""Services first, the platform last, so that the agent can ship their last words."""


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


class Fleet:
    """All processes of the demo; leaving the context stops every one of them.

    Args:
        directory: becomes a workspace with the demo's services in it; the platform and the output
            of every process go there too.
        port: of the platform; 0 = any.
        prepare: called when the platform is up, before any service starts.
        canary: start article once more, in the cluster ``canary``.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        prepare: Callable[["Fleet"], None] | None = None,
        canary: bool = False,
    ) -> None:
        self.directory = directory
        self._prepare = prepare
        self._canary = canary
        self._commands: dict[str, list[str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._held = contextlib.ExitStack()
        self._began = time.time()
        self._port = port or _free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Fleet":
        self._hold()
        try:
            self._start()
            self._tell(ready=True)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def client(self) -> PlatformClient:
        """The platform's API, as an administrator."""
        token = (self.directory / "platform" / "admin.token").read_text().strip()
        return PlatformClient(self.url, token)

    @property
    def entries(self) -> dict[str, str]:
        """Addresses of the HTTP services, by PSM."""
        return {
            service["psm"]: f"http://{instance['host']}:{instance['port']}"
            for service in self.client.services()
            if service["protocol"] == "http"
            for cluster in service["clusters"]
            for instance in cluster["instances"]
        }

    @property
    def login(self) -> str:
        """The link that logs an administrator in."""
        return f"{self.url}/login?token={self.client.token}"

    def check(self) -> None:
        """Raises DemoError when a process has died."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise DemoError(f"{name} ended with code {process.returncode}:\n{self._tail(name)}")

    def heal(self) -> None:
        """Start platform or agent again if they died: services run on without them.

        Raises:
            DemoError: a service has died.
        """
        for name in ("platform", "agent"):
            code = self._processes[name].poll()
            if code is not None:
                print(f"\n  {name} ended with code {code}; services run on; starting it again")
                self.spawn(name)
                self._tell(ready=True)
        self.check()

    def pid(self, name: str) -> int:
        """Process id of ``platform``, ``agent`` or a PSM."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """Kill -9 a process."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self, *names: str) -> None:
        """Stop processes in this order, each politely first."""
        for name in names:
            process = self._processes[name]
            if process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                print(f"{name} does not stop; killing it", file=sys.stderr)
                process.kill()
                process.wait()

    def is_onboarded(self, psm: str, name: str = "") -> bool:
        """Whether the process that runs now is registered; one before it may still be listed."""
        return any(
            service["psm"] == psm and instance["pid"] == self.pid(name or psm)
            for service in self.client.services()
            for cluster in service["clusters"]
            for instance in cluster["instances"]
        )

    def folder(self, psm: str) -> Path:
        """Where the code of a service is."""
        return self.directory / SERVICES[psm]

    @property
    def environment(self) -> dict[str, str]:
        """Of every process: where the workspace and its platform are."""
        return os.environ | {
            "RUNTIME_ROOT": str(self.directory),
            "PIE_PLATFORM": self.url,
            "PYTHONUNBUFFERED": "1",
            "PIE_NOTICE_SECONDS": "0.5",  # Who stops the demo does not want to wait.
        }

    def spawn(self, name: str) -> None:
        """Start a process, or start it again after it ended."""
        with (self.directory / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *self._commands[name]],
                env=self.environment | (CANARY_ENVIRONMENT if name == CANARY else {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which stops things in order.
            )

    def wait(self, condition: Callable[[], bool], complaint: str) -> None:
        """Wait until a condition holds; raises DemoError after START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(self._tail(name) for name in self._processes)
                raise DemoError(f"{complaint} within {START_SECONDS} s:\n{logs}")
            time.sleep(0.1)

    def _hold(self) -> None:
        """As ``pie up`` does: what runs in the workspace finds our platform, and nobody else's."""
        try:
            self._write = self._held.enter_context(hold(self.directory))
        except AlreadyUpError as error:
            who = f" (process {error.state.pid}, {error.state.url})" if error.state else ""
            raise DemoError(
                f"another demo{who} runs in {self.directory}: stop it, or name another folder with "
                "PIE_DEMO_DATA"
            ) from None
        self._tell()

    def _tell(self, *, ready: bool = False) -> None:
        """``pie status`` shows it, ``pie down`` stops it."""
        root = str(self.directory)
        children = {name: process.pid for name, process in self._processes.items()}
        self._write(
            UpState(
                pid=os.getpid(), url=self.url, root=root, log_root=root,
                directory=str(self.directory / "platform"),
                started=self._began, ready=ready, children=children,
            )
        )  # fmt: skip

    def _start(self) -> None:
        if not _is_free(self._port):
            raise DemoError(
                f"port {self._port} is in use, by another demo perhaps; "
                "choose another: make demo ARGS='--port 9790'"
            )
        with step("making the workspace"):
            self._make_workspace()
        platform = str(self.directory / "platform")
        self._commands["platform"] = [
            *("-m", "pie.tool.pie", "platform", "--directory", platform),
            *("--port", str(self._port)),
        ]
        self._commands["agent"] = [
            *("-m", "pie.tool.pie", "agent", "--root", str(self.directory)),
        ]
        for psm in SERVICES:
            self._commands[psm] = [str(self.folder(psm) / "bootstrap.py")]
        legacy_port = _free_port()
        self._commands[LEGACY] = [str(HERE / LEGACY / "server.py"), str(legacy_port)]
        with step("starting the platform"):
            self.spawn("platform")
            self.wait(self._platform_is_up, "the platform did not come up")
        with step("starting the agent"):
            self.spawn("agent")
        if self._prepare is not None:
            with step("publishing rules"):
                self._prepare(self)
        with step(f"starting {len(SERVICES)} services and one that is not on Pie"):
            self.spawn(LEGACY)
            self._register_legacy(legacy_port)
            for psm in SERVICES:
                self.spawn(psm)
            self.wait(self._services_are_up, "not every service registered")
        if self._canary:
            with step("starting a canary of article"):
                self._commands[CANARY] = self._commands[_CANARY_OF]
                self.spawn(CANARY)
                self.wait(lambda: self.is_onboarded(_CANARY_OF, CANARY), "no canary registered")

    def _register_legacy(self, port: int) -> None:
        """In the place of what an earlier demo registered: by hand is for good."""
        psm = "toutiao.device.device_info"
        for service in self.client.services():
            for cluster in service["clusters"]:
                if service["psm"] == psm and cluster["name"] == LEGACY_CLUSTER:
                    for each in cluster["instances"]:
                        endpoint = f"{each['host']}:{each['port']}"
                        self._run("registry.command", "deregister", psm, endpoint)
        options = ("--cluster", LEGACY_CLUSTER, "--transport", "framed")
        self._run("registry.command", "register", psm, f"127.0.0.1:{port}", *options)

    def _make_workspace(self) -> None:
        """A workspace as anybody makes one, with the demo's code in it."""
        self._run("pie", "init", str(self.directory), "--product", "toutiao")
        for part in ("app", "conf", "lib"):
            shutil.copytree(HERE / "workspace" / part, self.directory / part, dirs_exist_ok=True)
        manage = self.folder("toutiao.discuss.ttdiscuss") / "manage.py"
        self._check_run([str(manage), "migrate", "--verbosity", "0"])

    def _run(self, tool: str, *arguments: str) -> None:
        self._check_run(["-m", f"pie.tool.{tool}", *arguments])

    def _check_run(self, command: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, *command],
            env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise DemoError(f"{' '.join(command)} failed:\n{done.stdout}")

    def _platform_is_up(self) -> bool:
        self.check()
        token = self.directory / "platform" / "admin.token"
        return token.exists() and self.client.is_healthy()

    def _services_are_up(self) -> bool:
        self.check()
        return all(self.is_onboarded(psm) for psm in SERVICES)

    def _tail(self, name: str) -> str:
        lines = (self.directory / f"{name}.out").read_text(errors="replace").splitlines()
        return "\n".join(f"    {name}: {line}" for line in lines[-15:])

    def _stop(self) -> None:
        self.stop(*sorted(self._processes, key=lambda each: _STOP_ORDER.get(each, 0)))
        self._held.close()


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done and how long it took."""
    print(f"  {text} ...", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - start:.1f} s", flush=True)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
