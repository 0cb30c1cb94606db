"""The body of a request, as the application reads it: one that breaks is the caller's doing."""

import tempfile
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from pie.model import Failure, Kind, text_of
from pie.web.reply import Refusal

MAX_SPOOLED = 64 << 20
"""Bytes of a body without a length, where the framework needs one."""
_IN_MEMORY = 1 << 20
_STEP = 1 << 16
_OTHER_WAYS = ("read1", "readinto1", "peek", "raw", "detach")
"""Of reading the source, past what is counted here."""


class BrokenBody(OSError):
    """A request's body ended early, or its chunks are damaged."""


class RequestBody:
    """Stands in ``wsgi.input`` before the server's own stream.

    Whatever the server raises while it is read becomes ``BrokenBody``, and so does an end that
    comes before ``Content-Length`` bytes. It never reads beyond them.

    Args:
        source: the server's.
        length: the request's ``Content-Length``; None = the server knows where the body ends.

    Attributes:
        count: bytes read so far.
        broken: the error, once there was one.
    """

    __slots__ = ("_left", "_length", "_source", "_stored", "broken", "count")

    def __init__(self, source: Any, length: int | None) -> None:
        self._source = source
        self._length = length
        self._left = length
        self._stored: IO[bytes] | None = None
        self.count = 0
        self.broken: BrokenBody | None = None

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes; fewer only where the body ends."""
        if self._left is None:
            asked = () if size is None or size < 0 else (size,)
            return self._took(self._call("read", *asked))
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data = self._took(self._call("read", wanted)) if wanted else b""
        if len(data) == wanted:
            return data
        parts = [data]
        wanted -= len(data)
        while wanted:  # The source may give less at a time; at its end it gives nothing.
            part = self._took(self._call("read", min(wanted, _STEP)))
            if not part:
                self._ended_early()
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readline(self, size: int | None = -1) -> bytes:
        """The next line, or the first ``size`` bytes of it."""
        if self._left is None:
            asked = () if size is None or size < 0 else (size,)
            return self._took(self._call("readline", *asked))
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        if not wanted:
            return b""
        line = self._took(self._call("readline", wanted))
        if not line:
            self._ended_early()
        return line

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """The lines that are left; about ``hint`` bytes of them."""
        lines, size = list[bytes](), 0
        while line := self.readline():
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; bytes that are in it then."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __getattr__(self, name: str) -> Any:
        if name in _OTHER_WAYS:
            raise AttributeError(name)
        return getattr(self._source, name)

    def spool(self) -> int:
        """Read a body of unknown length to its end, into memory or a temporary file; its length.

        Raises:
            BrokenBody: it did not come whole.
            Refusal: it is too long for that.
        """
        stored = self._stored = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - see close
        while data := self.read(_STEP):
            stored.write(data)
            if self.count > MAX_SPOOLED:
                raise Refusal(
                    413,
                    f"a body of more than {MAX_SPOOLED >> 20} MiB must come with Content-Length "
                    "in place of Transfer-Encoding",
                )
        stored.seek(0)
        self._source, self._length, self._left, self.count = stored, self.count, self.count, 0
        return self._length

    def close(self) -> None:
        """The request is over."""
        if self._stored is not None:
            self._stored.close()

    def failure(self, status: int) -> Failure:
        """What a broken body makes of a request that was answered with an error status."""
        code = status if 400 <= status < 500 else Kind.INVALID.http_status
        return Failure(Kind.INVALID, text_of(self.broken), code=code, raised_by="peer")

    def _call(self, name: str, *arguments: int) -> bytes:
        if self.broken is not None:
            raise self.broken
        try:
            data: bytes = getattr(self._source, name)(*arguments)
        except (TypeError, ValueError, AttributeError):
            raise  # The reader's mistake.
        except Exception as error:
            self._break(f"the request's body cannot be read: {text_of(error)}", error)
        return data

    def _took(self, data: bytes) -> bytes:
        self.count += len(data)
        if self._left is not None:
            self._left -= len(data)
        return data

    def _ended_early(self) -> NoReturn:
        self._break(f"the request's body ended after {self.count} of {self._length} bytes", None)

    def _break(self, text: str, cause: Exception | None) -> NoReturn:
        self.broken = BrokenBody(text)
        raise self.broken from cause
