"""Threads beside an asyncio loop that do not keep the process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any

_Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Daemons(Executor):
    """Runs functions on daemon threads, made as they are needed.

    Those of ``ThreadPoolExecutor`` are waited for when the interpreter ends, and a handler may
    never return.

    Args:
        most: threads.
        name: what theirs begin with.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._count = 0
        self._closed = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it as soon as a thread is free.

        Raises:
            RuntimeError: after ``shutdown``; or there is no thread, and none can be started.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("this server has stopped: it runs no more handlers")
            if not self._idle.acquire(blocking=False) and self._count < self._most:
                self._grow()
            self._queue.put((future, function, args, kwargs))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """Start nothing more; functions that run are left to end by themselves."""
        with self._lock:
            self._closed = True
            for _ in range(self._count):
                self._queue.put(None)

    def _grow(self) -> None:
        name = f"{self._name}-{self._count}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:
            if not self._count:
                raise
        else:
            self._count += 1

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            future, function, args, kwargs = work
            if not self._closed and future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:  # SystemExit, too: the request gets a reply.
                    future.set_exception(error)
            del work, future, function, args, kwargs  # Not held while the thread waits.
            self._idle.release()
