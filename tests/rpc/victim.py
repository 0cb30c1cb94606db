"""A Thrift server in a process of its own, bounded in memory, to be treated badly.

As a script it serves demo.thrift; a line on its standard input asks for its figures, the end of the
input stops it. Arguments: ``threads`` or ``asyncio``, the bytes of address space it may take beyond
what it has at the start (0 = no bound), and the options of the server as JSON.
"""

import asyncio
import contextlib
import gc
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Victim:
    """The process, as its tormentors see it."""

    def __init__(
        self,
        kind: str = "threads",
        *,
        room: int = 1 << 30,
        **options: Any,
    ) -> None:
        python = [sys.executable, "-X", "faulthandler", "-m", "tests.rpc.victim"]
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [*python, kind, str(room), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
        )
        self.port: int = self._line()["port"]
        self.draining = False

    def figures(self) -> dict[str, int]:
        """Descriptors, sockets among them, threads, blocks of memory, resident bytes."""
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        return self._line()

    def _line(self) -> dict[str, int]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server died: {self.process.wait()}"
        return json.loads(line)

    def settled(
        self, good: Callable[[dict[str, int]], bool], seconds: float = 10
    ) -> dict[str, int]:
        """The figures once they are as they should be; the last ones if they never are."""
        deadline = time.monotonic() + seconds
        while not good(figures := self.figures()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return figures

    def stop(self) -> int:
        """Its exit code, after a drain."""
        self.draining = True
        self.process.communicate(timeout=30)
        return self.process.returncode

    def kill(self) -> None:
        """Whatever state it is in."""
        self.process.kill()
        self.process.communicate()


def load_demo() -> ModuleType:
    from pie.thrift import load_module

    includes = {"base.thrift": (HERE / "base.thrift").read_text()}
    return load_module((HERE / "demo.thrift").read_text(), includes)


def handler_of(kind: str, demo: ModuleType) -> Any:
    """Item 0 is slow, a negative one a long name, 404 and 500 errors of the two kinds."""

    class Handler:
        def GetItem(self, req: Any) -> Any:
            if req.ItemId == 404:
                raise demo.NoSuchItem(ItemId=404)
            if req.ItemId == 500:
                raise KeyError("secret")
            if req.ItemId == 0:
                time.sleep(0.01)
            name = "x" * min(max(0, -req.ItemId), 1 << 20)
            return demo.Demo2Response(item=demo.Demo2Item(ItemId=req.ItemId, ItemName=name))

        def Note(self, text: str) -> None:
            pass

        def Nothing(self) -> None:
            pass

    class Coroutines(Handler):
        async def GetItem(self, req: Any) -> Any:
            if req.ItemId == 0:
                await asyncio.sleep(0.01)
                req.ItemId = 1
            return super().GetItem(req)

        async def Note(self, text: str) -> None:
            await asyncio.sleep(0)

    return Handler() if kind == "threads" else Coroutines()


def _descriptors() -> Iterator[str]:
    """What the descriptors of this process are, but for the one that lists them."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(descriptor.readlink())


def figures() -> dict[str, int]:
    gc.collect()
    descriptors = list(_descriptors())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "descriptors": len(descriptors),
        "sockets": sum(each.startswith("socket:") for each in descriptors),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "blocks": sys.getallocatedblocks(),
        "resident": pages * resource.getpagesize(),
    }


def main() -> None:
    import logging

    from tests.conftest import Bench

    from pie.rpc import ServerOptions, ThriftServer

    logging.disable(logging.CRITICAL)
    kind, room, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    demo = load_demo()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), "toutiao.my.server")
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        server = ThriftServer(
            demo.DemoService,
            handler_of(kind, demo),
            bench.runtime,
            listener,
            ServerOptions(**options),
            drain_seconds=3,
        )
        thread = threading.Thread(target=server.serve)
        thread.start()
        if room:
            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (taken + room, taken + room))
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(figures()), flush=True)
        server.stop()
        thread.join()
        bench.close()


if __name__ == "__main__":
    main()
