"""The child that owns the facts: opens the column store and answers its parent, nobody else.

Started by the platform as ``python -m pie.platform.facts.process FD``, where FD is its end of a
socket pair. It ends when the parent's end is closed, whatever the parent died of.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING

from pie.platform.facts.errors import StoreError
from pie.platform.facts.frames import (
    BUFFER,
    Hello,
    Ready,
    Unopened,
    read_message,
    write_message,
)

if TYPE_CHECKING:
    from pie.platform.facts.opening import OpenStore

_PARENT_LOOK_S = 0.5
_PR_SET_PDEATHSIG = 1


async def _main(descriptor: int) -> int:
    reader, writer = await asyncio.open_connection(
        sock=socket.socket(fileno=descriptor), limit=BUFFER
    )
    hello = await read_message(reader)
    if not isinstance(hello, Hello):
        return 1
    watching = asyncio.create_task(_leave_with_parent(reader))
    opening = asyncio.get_running_loop().run_in_executor(None, _open, hello)
    try:
        opened = await opening
    except StoreError as error:
        return await _say_unopened(writer, str(error))
    except ImportError as error:
        return await _say_unopened(
            writer,
            f"the column store cannot be loaded ({error}): "
            "install it with `pip install 'pie-runtime[platform]'`",
        )
    except Exception as error:
        traceback.print_exc()
        return await _say_unopened(
            writer,
            f"the store cannot be opened ({type(error).__name__}: {error}): the output of the "
            "platform has the traceback; please report it",
        )
    finally:
        watching.cancel()
    from pie.platform.facts.serve import FactsServer  # as in _open

    server = FactsServer(opened, hello.insert_interval)
    write_message(writer, Ready(opened.notes))
    await server.serve(reader, writer)
    return 0


async def _leave_with_parent(reader: asyncio.StreamReader) -> None:
    """End this process when its parent ends while the store is being opened."""
    while not reader.at_eof():
        await asyncio.sleep(_PARENT_LOOK_S)
    os._exit(1)


async def _say_unopened(writer: asyncio.StreamWriter, reason: str) -> int:
    write_message(writer, Unopened(reason[:4000]))
    await writer.drain()
    return 1


def _open(hello: Hello) -> "OpenStore":
    # Imported here, so that a column store that cannot be loaded is told to the parent as well.
    from pie.platform.facts.opening import open_store

    return open_store(hello)


def _die_with_parent() -> None:
    """Even when stopped or hung: a process that is left over keeps the directory from others."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve the parent, then leave at once: everything answered is stored already."""
    _die_with_parent()
    # Signals to stop may reach the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = asyncio.run(_main(int(sys.argv[1])))
    os._exit(code)


if __name__ == "__main__":
    main()
