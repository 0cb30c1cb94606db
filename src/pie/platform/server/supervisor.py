"""Keeps the facts process running: starts it, attaches the client, starts it again when it dies."""

import asyncio
import contextlib
import math
import socket
import sys
import time
from collections.abc import Callable, Sequence

from pie.model import Failure, Kind
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import (
    BUFFER,
    Hello,
    Message,
    Ready,
    Unopened,
    read_message,
    write_message,
)

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 1.0
"""Seconds with an open store after which an end is not counted as part of a series of failures."""

_OPEN_PATIENCE = 120.0
_LONGEST_OPEN_PATIENCE = 3600.0
_END_PATIENCE = 5.0
_SAY_AGAIN_AFTER = 20
"""Failures in a row with the same reason before it is said once more."""


class Supervisor:
    """Runs the facts process until cancelled, whatever it or the machine does.

    A store that cannot be opened is tried again for ever, with growing pauses: what is in the way
    (a full disk, another process, missing permission) may go away, and all else goes on meanwhile.

    Args:
        hello: what the process is to open.
        client: attached to each process in turn, and told why there is none.
        say: takes a sentence for people.
        command: starts the process; its end of the connection is added as the last argument.
        probe_interval: seconds between two looks at whether the store still answers.
        probe_patience: seconds after which a store that does not answer is taken for hung.
        open_patience: seconds for opening the store. A process that needs longer is ended; the
            next one has twice as long, so that a long upgrade comes to its end.
    """

    def __init__(
        self,
        hello: Hello,
        client: FactsClient,
        say: Callable[[str], None],
        *,
        command: Sequence[str] = (sys.executable, "-m", "pie.platform.facts.process"),
        probe_interval: float = 10.0,
        probe_patience: float = 60.0,
        open_patience: float = _OPEN_PATIENCE,
        longest_pause: float = _LONGEST_PAUSE,
    ) -> None:
        self._hello = hello
        self._client = client
        self._say = say
        self._command = command
        self._probe_interval = probe_interval
        self._probe_patience = probe_patience
        self._open_patience = open_patience
        self._longest_pause = longest_pause
        self._opened = math.inf
        self._failures = 0
        self._last_reason = ""
        self.settled = asyncio.Event()
        """Set once the store was opened, or could not be, for the first time."""

    async def run(self) -> None:
        """Start, attach, start again with growing pauses; ends only when cancelled."""
        while True:
            self._opened = math.inf
            try:
                reason = await self._one_life()
            except OSError as error:  # out of descriptors, processes or memory: these come back
                reason = f"its process could not be started ({error})"
            except Exception as error:
                reason = f"talking to its process failed ({type(error).__name__}: {error})"
            if time.monotonic() - self._opened > _STEADY_AFTER:
                self._failures = 0
            pause = min(_FIRST_PAUSE * 2**self._failures, self._longest_pause)
            self._failures = min(self._failures + 1, 100)
            self._report(reason, pause)
            self.settled.set()
            await asyncio.sleep(pause)

    def _report(self, reason: str, pause: float) -> None:
        self._client.tell(reason)
        if reason == self._last_reason and self._failures % _SAY_AGAIN_AFTER:
            return
        self._last_reason = reason
        self._say(
            f"the store of facts is away: {reason}. It is tried again in {pause:g} s "
            "(registry and configuration go on; senders keep their rows)"
        )

    async def _one_life(self) -> str:
        """From start to end of one process; why it ended, in words."""
        process, reader, writer = await self._start()
        reason = ""
        try:
            write_message(writer, self._hello)
            first = await self._first_message(reader)
            if isinstance(first, Ready):
                await self._serve(first, process, reader, writer)
            elif isinstance(first, Unopened):
                reason = first.reason
        except TimeoutError:
            reason = f"it was not open within {self._open_patience:g} s"
            self._open_patience = min(2 * self._open_patience, _LONGEST_OPEN_PATIENCE)
            process.kill()
        finally:
            # The process ends when its connection does.
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            code = await _end_of(process)
        return reason or _how_it_ended(code, was_open=self._opened < math.inf)

    async def _start(
        self,
    ) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                reader, writer = await asyncio.open_connection(sock=ours, limit=BUFFER)
            except BaseException:
                ours.close()
                raise
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    str(theirs.fileno()),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                )
            except BaseException:
                writer.close()
                raise
        return process, reader, writer

    async def _serve(
        self,
        ready: Ready,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._opened = time.monotonic()
        self._last_reason = ""
        for note in ready.notes:
            self._say(note)
        self.settled.set()
        probing = asyncio.create_task(self._probe(process))
        try:
            await self._client.serve(reader, writer, ready.notes)
        finally:
            probing.cancel()

    async def _probe(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process whose store is hung: only its end lets another have the directory."""
        while True:
            await asyncio.sleep(self._probe_interval)
            try:
                await self._client.ping(self._probe_patience)
            except Failure as failure:
                if failure.kind is not Kind.UNAVAILABLE:
                    continue  # a refusal is an answer too
                self._say(f"the column store does not answer ({failure}): ending its process")
                process.kill()
                return

    async def _first_message(self, reader: asyncio.StreamReader) -> Message | None:
        """What the process says first.

        Raises:
            TimeoutError: nothing in time.
        """
        async with asyncio.timeout(self._open_patience):
            return await read_message(reader)


def _how_it_ended(code: int, *, was_open: bool) -> str:
    when = "" if was_open else " while it opened its store"
    if code < 0:
        return f"its process was killed by signal {-code}{when}"
    return f"its process ended with code {code}{when}: the output of the platform may say why"


async def _end_of(process: asyncio.subprocess.Process) -> int:
    try:
        async with asyncio.timeout(_END_PATIENCE):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()
