"""Keeps the facts process running: starts it, attaches the client, starts it again when it dies."""

import asyncio
import contextlib
import math
import socket
import sys
import time
from collections.abc import Callable

from pie.model import Failure, Kind
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import Fatal, Hello, Message, Ready, read_message, write_message

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_STEADY_AFTER = 1.0
"""Seconds with an open store after which an end is not counted as part of a series of failures."""

_OPEN_PATIENCE = 120.0
_END_PATIENCE = 5.0


class FactsFatalError(Exception):
    """The column store cannot be opened, and starting again will not help."""


class Supervisor:
    """Runs the facts process until cancelled.

    Args:
        hello: what the process is to open.
        client: attached to each process in turn.
        say: takes a sentence for people.
        probe_interval: seconds between two looks at whether the store still answers.
        probe_patience: seconds after which a store that does not answer is taken for hung.
    """

    def __init__(
        self,
        hello: Hello,
        client: FactsClient,
        say: Callable[[str], None],
        *,
        probe_interval: float = 10.0,
        probe_patience: float = 60.0,
    ) -> None:
        self._hello = hello
        self._client = client
        self._say = say
        self._probe_interval = probe_interval
        self._probe_patience = probe_patience
        self._opened = math.inf
        self.first_ready = asyncio.Event()
        """Set once the store was open for the first time."""

    async def run(self) -> None:
        """Start, attach, restart with growing pauses.

        Raises:
            FactsFatalError: the process reports that it can never open the store.
        """
        pause = _FIRST_PAUSE
        while True:
            self._opened = math.inf
            how = await self._one_life()
            if time.monotonic() - self._opened > _STEADY_AFTER:
                pause = _FIRST_PAUSE
            self._say(
                f"the facts process {how}; starting it again in {pause:g} s "
                "(registry and configuration go on; senders keep their rows)"
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _one_life(self) -> str:
        """From start to end of one process; how it ended, in words."""
        try:
            process, ours = await _start()
        except OSError as error:  # Out of descriptors, processes or memory: these come back.
            return f"could not be started ({error})"
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            write_message(writer, self._hello)
            first = await self._first_message(reader)
            if isinstance(first, Fatal):
                raise FactsFatalError(first.message)
            if isinstance(first, Ready):
                self._opened = time.monotonic()
                self.first_ready.set()
                probing = asyncio.create_task(self._probe(process))
                try:
                    await self._client.serve(reader, writer)
                finally:
                    probing.cancel()
        finally:
            # The process ends when its connection does.
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            code = await _end_of(process)
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

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
        try:
            async with asyncio.timeout(_OPEN_PATIENCE):
                return await read_message(reader)
        except TimeoutError:
            self._say(f"the facts process did not open its store within {_OPEN_PATIENCE:g} s")
            return None


async def _start() -> tuple[asyncio.subprocess.Process, socket.socket]:
    """The process, and our end of its connection."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pie.platform.facts.process",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
    except BaseException:
        ours.close()
        raise
    return process, ours


async def _end_of(process: asyncio.subprocess.Process) -> int:
    try:
        async with asyncio.timeout(_END_PATIENCE):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()
