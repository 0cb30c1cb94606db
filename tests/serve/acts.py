"""What a view, a handler or a script does with children. Tests copy this file into a service."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, process
from pathlib import Path

KINDS = [
    "fork", "spawn", "forkserver", "os.fork", "pool", "executor",
    "subprocess", "subprocess with every descriptor", "subprocess with the listener",
]  # fmt: skip
_kept: list[object] = []


def act(what: str, kind: str) -> str:
    """Do one of the acts below."""
    acts: dict[str, Callable[[str], object]] = {
        "end": end, "leave": leave, "call": call, "back": back, "hang": hang, "pid": pid_of,
    }  # fmt: skip
    return str(acts[what](kind))


def pid_of(kind: str) -> int:
    return os.getpid()


def end(kind: str) -> str:
    """Start children and end them by the signals that a service stops on; how they ended."""
    found = []
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV):
        pid, wait = start(kind, nap)
        # At once, too. But a Pool hangs if a worker ends while it holds the lock of its tasks, and
        # a fork server ignores SIGINT for a moment in its children.
        if found or kind == "pool":
            until_it_naps(pid)
        os.kill(pid, number)
        found.append(wait())
    return " ".join(str(each) for each in found)


def leave(kind: str) -> int:
    """Start a child that lives for longer than the service; its pid."""
    pid, wait = start(kind, nap)
    _kept.append(wait)
    return pid


def call(kind: str) -> str:
    """A child calls another service, as the one that it belongs to."""
    _, wait = start(kind, ask)
    return str(wait())


def back(kind: str) -> int:
    """Come back in children as well, and let an exception out of one."""
    for way in ("return", "exit"):
        pid = os.fork()
        if not pid and way == "exit":
            sys.exit(3)
        if not pid:
            return 0
        os.waitpid(pid, 0)
    return os.getpid()


def hang(kind: str) -> None:
    """Take longer than any drain lasts."""
    time.sleep(begin())


def begin() -> float:
    """Say that it begins; how long it takes."""
    Path("hangs").touch()
    return 60.0


def nap() -> None:
    Path(f"naps.{os.getpid()}").touch()
    time.sleep(60)


def until_it_naps(pid: int) -> None:
    while not Path(f"naps.{pid}").exists():
        time.sleep(0.01)


def ask() -> None:
    from service import Client

    assert Client("toutiao.my.callee").Double(21) == 42


def start(kind: str, function: Callable[[], None]) -> tuple[int, Callable[[], object]]:
    """A child that runs a function; its pid, and a function that waits for its end."""
    if kind in ("fork", "spawn", "forkserver"):
        child = multiprocessing.get_context(kind).Process(target=function)
        child.start()
        return child.pid or 0, lambda: child.join(20) or child.exitcode
    if kind == "os.fork":
        pid = os.fork()
        if not pid:
            try:
                function()
            finally:
                os._exit(0)
        return pid, lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if kind == "pool":
        return _pool(function)
    if kind == "executor":
        return _executor(function)
    listener = [_listener()] if kind.endswith("listener") else []
    command = f"import acts; acts.{function.__name__}()"
    if function is ask:
        command = f"from pie import serve; serve.script('toutiao.my.api'); {command}"
    running = subprocess.Popen(
        [f"{sys.prefix}/bin/python", "-c", command],  # Of uWSGI, too.
        close_fds=kind != "subprocess with every descriptor",
        pass_fds=listener,
    )
    return running.pid, lambda: running.wait(20)


def _pool(function: Callable[[], None]) -> tuple[int, Callable[[], object]]:
    pool = multiprocessing.get_context("fork").Pool(1)
    (worker,) = pool._pool  # type: ignore[attr-defined]
    result = pool.apply_async(function)

    def wait() -> object:
        if function is nap:
            worker.join(20)
            pool.terminate()
        else:
            result.get(20)
            pool.close()
            pool.join()
        return worker.exitcode if function is nap else 0

    return worker.pid, wait


def _executor(function: Callable[[], None]) -> tuple[int, Callable[[], object]]:
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    result = pool.submit(function)
    (worker,) = pool._processes.values()

    def wait() -> object:
        with contextlib.suppress(process.BrokenProcessPool, KeyboardInterrupt):
            result.result(20)
        pool.shutdown()
        worker.join(20)
        return worker.exitcode

    return worker.pid or 0, wait


def _listener() -> int:
    """The descriptor on which this process listens for TCP connections."""
    import gc
    import socket

    for each in gc.get_objects():
        is_open = isinstance(each, socket.socket) and each.fileno() >= 0
        if not is_open or each.family == socket.AF_UNIX:
            continue
        if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return each.fileno()
    raise AssertionError("this process does not listen")
