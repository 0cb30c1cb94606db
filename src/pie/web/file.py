"""Files as answers: handed on to the server, which can send them without reading them here."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pie.model import is_a

_BUFFERED = (io.BufferedReader, io.BufferedRandom)


class FileWrapper:
    """``wsgi.file_wrapper`` of a server: a file that it can send without reading it, or that is
    iterated like any other body.

    Args:
        filelike: what has ``read``.
        block_size: bytes of a part.
    """

    def __init__(self, filelike: Any, block_size: int = 8192) -> None:
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def stored(self) -> tuple[int, int] | None:
        """Descriptor and position, if what is stored there is what ``read`` gives. A file that
        decodes another one has that one's descriptor; of one that was read from, the system knows
        no position but that of the buffer's end."""
        filelike = self.filelike
        if is_a(filelike, WatchedFile):
            filelike = filelike.file
        raw = filelike.raw if type(filelike) in _BUFFERED else filelike
        if type(raw) is not io.FileIO:
            return None
        filelike.flush()  # It may have been written just now.
        return filelike.fileno(), filelike.tell()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data: bytes = self.filelike.read(self.block_size)
        if not data:
            raise StopIteration
        return data


class SentFile(FileWrapper):
    """``wsgi.file_wrapper`` of the application: a file that is to be sent.

    Where the application returns it as it is, the server gets the file; where it is wrapped in
    something else, it is iterated like any other body.
    """

    def seekable(self) -> bool:
        """Whether a part of the file can be had without reading what is before it."""
        seekable = getattr(self.filelike, "seekable", None)
        return seekable is not None and bool(seekable())

    def seek(self, *arguments: int) -> Any:
        """As that of the file."""
        return self.filelike.seek(*arguments)

    def tell(self) -> Any:
        """As that of the file."""
        return self.filelike.tell()


class WatchedFile:
    """A file in the hands of the server, which tells how it went when it is closed.

    Args:
        filelike: the application's.
        read: reads a block of the file inside its call.
        on_close: called with the bytes that were sent (None = all that it had), and whether the
            server gave up before the end.
    """

    def __init__(
        self,
        filelike: Any,
        read: Callable[[Callable[..., bytes], tuple[int, ...]], bytes],
        on_close: Callable[[int | None, bool], None],
    ) -> None:
        self.file = filelike
        self._read = read
        self._on_close = on_close
        self._count = 0
        self._was_read = self._ended = False

    def read(self, *size: int) -> bytes:
        """For a server that cannot send the file by itself."""
        data = self._read(self.file.read, size)
        self._was_read = True
        self._ended = not data or not size
        self._count += len(data)
        return data

    def close(self) -> None:
        """The server has sent the file, or given up on it."""
        # A server that gives up closes in a ``finally``: its error is the one being handled.
        error = sys.exc_info()[1]
        failed = is_a(error, OSError) or (self._was_read and not self._ended)
        try:
            close = getattr(self.file, "close", None)
            if close is not None:
                close()
        finally:
            sent = self._count if self._was_read or failed else None
            self._on_close(sent, failed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def size_left(filelike: Any) -> int:
    """Bytes from the position of an open file to its end; 0 where that is not known."""
    try:
        number = filelike.fileno()
        return max(0, os.fstat(number).st_size - os.lseek(number, 0, os.SEEK_CUR))
    except Exception:
        return 0
