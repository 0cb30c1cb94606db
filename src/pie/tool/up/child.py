"""One process that ``pie up`` keeps running."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY_S = 30.0
"""A child that ran longer than this before it died is restarted after the first pause again."""

_TAIL_LINES = 15
_PR_SET_PDEATHSIG = 1


class Child:
    """Args:
    name: how people call it.
    command: what to run.
    environ: its whole environment.
    cwd: where it runs.
    out: file that gets its output, after what is there.
    patience: seconds it may take to stop.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        cwd: Path,
        out: Path,
        patience: float,
    ) -> None:
        self.name = name
        self.out = out
        self.patience = patience
        self._command = [*command]
        self._environ = dict(environ)
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._due = 0.0

    @property
    def pid(self) -> int:
        """Its process id, 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Raises OSError when it cannot be run at all."""
        descriptor = os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._began = os.fstat(descriptor).st_size
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,  # Ctrl-C is for `pie up`, which stops things in order
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - no thread runs here
            )
        finally:
            os.close(descriptor)
        self._started = time.monotonic()
        self._due = 0.0

    def ended(self) -> int | None:
        """The exit code, once, when it has ended; a negative one is a signal."""
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            self._process = None
        return code

    def plan_restart(self) -> float:
        """The pause before it is started again; grows while it dies young."""
        if time.monotonic() - self._started > _STEADY_S:
            self._pause = _FIRST_PAUSE
        pause = self._pause
        self._pause = min(pause * 2, _LONGEST_PAUSE)
        self._due = time.monotonic() + pause
        return pause

    @property
    def is_due(self) -> bool:
        """It is to be started again now."""
        return 0 < self._due <= time.monotonic()

    def ask_to_end(self) -> None:
        """Send SIGTERM, and do not wait."""
        if self._process is not None:
            self._process.terminate()

    def wait_for_end(self, hurry: Callable[[], bool]) -> bool:
        """Wait, and kill it when it takes too long or there is no time.

        Returns:
            Whether it ended by itself.
        """
        if self._process is None:
            return True
        give_up = time.monotonic() + self.patience
        while self._process.poll() is None:
            if hurry() or time.monotonic() > give_up:
                self._process.kill()
                self._process.wait()
                self._process = None
                return False
            time.sleep(0.05)
        self._process = None
        return True

    def tail(self) -> list[str]:
        """The last lines it wrote since it was started."""
        try:
            with self.out.open("rb") as file:
                file.seek(max(self._began, self.out.stat().st_size - 16_384))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-_TAIL_LINES:]


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _end_with_parent() -> Callable[[], None] | None:
    """Linux ends the child when `pie up` is killed; elsewhere it would run on."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # killed meanwhile

    return before_exec
