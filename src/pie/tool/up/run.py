"""The life of ``pie up``: starts its children, starts again what dies, stops them in order."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import msgspec

from pie.agent import read_status
from pie.serve.up_state import UpState
from pie.tool.up.child import Child, how_it_ended

_START_S = 60.0
_LOOK_S = 0.1
_READY = "pie platform: ready on "
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = {"platform": 20.0, "agent": 10.0}
_PATIENCE_OF_A_SERVICE = 20.0


class UpError(Exception):
    """It cannot start; the message says why and what to do."""


class StoppedError(Exception):
    """A signal came before everything ran."""


_STATE = "PIE_STATE"


class Plan(NamedTuple):
    """The programs to run. ``services`` maps names to their ``bootstrap.py``."""

    root: Path
    log_root: Path
    directory: Path
    port: int
    services: Mapping[str, Path]

    @property
    def url(self) -> str:
        """Address of the platform."""
        return f"http://127.0.0.1:{self.port}"


class Up:
    """One run.

    Args:
        plan: what is to run.
        write: stores the state, for others to see.
        say: prints a line, or what goes on at its end with ``more``.
    """

    def __init__(
        self, plan: Plan, write: Callable[[UpState], None], say: Callable[..., None]
    ) -> None:
        self._plan = plan
        self._say = say
        self._write = write
        self._signals = 0
        self._state = UpState(
            pid=os.getpid(),
            url=plan.url,
            root=str(plan.root),
            log_root=str(plan.log_root),
            directory=str(plan.directory),
            started=time.time(),
        )
        self._children = _children(plan)

    def run(self, ready: Callable[[], None]) -> None:
        """Until a signal; ``ready`` is called when everything runs.

        Raises:
            UpError: platform or agent did not start.
        """
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            self._start()
            ready()
            self._state.ready = True
            self._publish()
            while not self._signals:
                self._heal()
                time.sleep(_LOOK_S)
            self._say("")
        except StoppedError:
            self._say("")
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _start(self) -> None:
        platform, agent, *services = self._children
        # Its own words: another platform may answer on this port.
        self._first_start(
            platform,
            lambda: any(_READY in line for line in platform.tail()),
            f"ready on {self._plan.url}",
        )
        self._first_start(agent, lambda: self._agent_runs(agent), f"ships {self._plan.log_root}")
        for service in services:
            self._first_start(service, lambda: True, f"output in {service.out}")

    def _first_start(self, child: Child, is_up: Callable[[], bool], done: str) -> None:
        began = time.monotonic()
        self._say(f"  {child.name:<9} starting ...", more=True)
        try:
            child.start()
            self._publish()
            while not is_up():
                self._check(child, began)
                time.sleep(_LOOK_S)
        except OSError as error:
            self._say("")
            raise UpError(f"{child.name} cannot be started: {error}") from None
        except (UpError, StoppedError):
            self._say("")
            raise
        self._say(f" {done} ({time.monotonic() - began:.1f} s)")

    def _check(self, child: Child, began: float) -> None:
        if self._signals:
            raise StoppedError
        code = child.ended()
        if code is not None:
            raise UpError(f"{child.name} {how_it_ended(code)}:\n{_quoted(child)}")
        if time.monotonic() - began > _START_S:
            raise UpError(f"{child.name} is not ready after {_START_S:g} s:\n{_quoted(child)}")

    def _agent_runs(self, agent: Child) -> bool:
        status = read_status(self._plan.log_root / ".pie-agent")
        return status is not None and status.running and status.pid == agent.pid

    def _heal(self) -> None:
        for child in self._children:
            code = child.ended()
            if code is not None and not (code == 0 and child.name in self._plan.services):
                self._tell_death(child, code)
            elif code == 0:
                self._note(f"{child.name} ended; that was all it had to do")
            elif child.is_due:
                self._restart(child)

    def _tell_death(self, child: Child, code: int) -> None:
        tail = _quoted(child)
        pause = child.plan_restart()
        self._publish()
        self._note(f"{child.name} {how_it_ended(code)}; starting it again in {pause:g} s")
        if tail and code > 0:
            self._say(tail)

    def _restart(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            pause = child.plan_restart()
            self._note(f"{child.name} cannot be started ({error}); trying again in {pause:g} s")
        else:
            self._publish()
            self._note(f"{child.name} runs again (process {child.pid})")

    def _stop(self) -> None:
        """Services first, the platform last, so that the agent can ship their last words."""
        platform, agent, *services = self._children
        running = [each for each in (*services, agent, platform) if each.pid]
        if not running:
            return
        asked = max(1, self._signals)
        self._say("  stopping", more=True)
        for stage in (services, [agent], [platform]):
            for child in stage:
                child.ask_to_end()
            for child in stage:
                if not child.pid:
                    continue
                self._say(f" {child.name} ...", more=True)
                if not child.wait_for_end(lambda: self._signals > asked):
                    self._say(" killed", more=True)
        self._say(" stopped")

    def _note(self, sentence: str) -> None:
        self._say(f"  {time.strftime('%H:%M:%S')} {sentence}")

    def _publish(self) -> None:
        self._state.children = {each.name: each.pid for each in self._children if each.pid}
        self._write(msgspec.structs.replace(self._state))


def _children(plan: Plan) -> list[Child]:
    environ = {key: value for key, value in os.environ.items() if key not in ("PIE_TOKEN", _STATE)}
    environ |= {
        "RUNTIME_ROOT": str(plan.root),
        "PIE_PLATFORM": plan.url,
        "PIE_TOKEN_FILE": str(plan.directory / "service.token"),
        "PYTHONUNBUFFERED": "1",
    }
    # Nobody watches their output, and its file would grow without end: the log has every line.
    environ.setdefault("PIE_DEBUG", "false")
    state = {_STATE: os.environ[_STATE]} if _STATE in os.environ else {}
    pie = [sys.executable, "-m", "pie.tool.pie"]
    commands: dict[str, list[str]] = {
        "platform": [
            *pie,
            *("platform", "--directory", str(plan.directory), "--port", str(plan.port)),
        ],
        "agent": [*pie, "agent", "--root", str(plan.log_root)],
    }
    own = plan.root / "runtime" / "bin" / "python"
    python = str(own) if os.access(own, os.X_OK) else sys.executable
    commands |= {name: [python, str(file)] for name, file in plan.services.items()}
    return [
        Child(
            name,
            command,
            # Services never speak to etcd, so they do not get its password.
            environ | state if name == "platform" else environ,
            plan.root,
            plan.directory / f"{name.replace('/', '.')}.out",
            _PATIENCE.get(name, _PATIENCE_OF_A_SERVICE),
        )
        for name, command in commands.items()
    ]


def _quoted(child: Child) -> str:
    return "\n".join(f"    {line}" for line in child.tail())
