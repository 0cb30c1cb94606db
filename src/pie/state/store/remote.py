"""The store of a platform elsewhere, over HTTP."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from pie.state.store import wire
from pie.state.store.interface import (
    NOTHING_EXPECTED,
    Batch,
    Denied,
    Entry,
    Forbidden,
    Kept,
    Range,
    Ranges,
    Refused,
    Store,
    StoreAway,
    StoreError,
    Watch,
    Write,
    check_batch,
    check_commit,
    check_key,
    check_prefixes,
    check_ttl,
    check_value,
)

T = TypeVar("T")
TIMEOUT_S = 3.0
_READ_CHUNK = 1 << 16
_TROUBLE = (OSError, http.client.HTTPException, ValueError)


class RemoteStore(Store):
    """A client of ``/api/state`` at ``url``.

    Each call has a connection of its own: calls are rare (a keep-alive every few seconds), and
    with a kept connection that the server has just closed nobody knows whether a write was made.

    Args:
        url: ``http://host:port`` or ``https://…``, a path prefix allowed.
        token: sent as ``Authorization: Bearer``; or a function that is asked for it at each call,
            for a token that is not there yet or that changes. The calls raise `Denied` while
            the function raises an OSError.
        timeout: seconds for connecting, and for the whole of one answer.

    Raises:
        ValueError: the URL is none.
    """

    def __init__(
        self, url: str, token: str | Callable[[], str], *, timeout: float = TIMEOUT_S
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not a platform URL: write http://host:port")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/") + wire.PATH
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._token = token
        self._timeout = timeout
        self._old = False
        """Whether the platform is one that does not know ``ranges``."""

    def _headers(self) -> dict[str, str]:
        try:
            token = self._token if isinstance(self._token, str) else self._token()
        except OSError as error:
            raise Denied(str(error)) from error
        if not (token.isascii() and token.isprintable()):
            raise Denied("the token has characters that no HTTP header can carry")
        return {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Connection": "close",
        }

    def get(self, key: str) -> Entry | None:
        check_key(key)
        return self._call("get", wire.KeyRequest(key), wire.GetReply).entry

    def range(self, prefix: str) -> Range:
        check_key(prefix)
        return self._call("range", wire.RangeRequest(prefix), Range)

    def ranges(self, prefixes: Sequence[str]) -> Ranges:
        for prefix in prefixes:
            check_key(prefix)
        if self._old or len(prefixes) < 2:
            return super().ranges(prefixes)
        found: dict[str, Range] = {}
        refused: dict[str, StoreError] = {}
        while left := [each for each in prefixes if each not in found and each not in refused]:
            request = wire.RangesRequest(left[: wire.MAX_RANGES])
            try:
                reply = self._call("ranges", request, wire.RangesReply)
            except _NoSuchRouteError:
                self._old = True
                return super().ranges(prefixes)
            found |= reply.found
            refused |= {each.prefix: wire.error_of(each.error) for each in reply.refused}
            if not reply.found and not reply.refused:
                raise StoreAway(f"the platform at {self._url} answers no range: {left[0]}")
        return Ranges(found, tuple(Refused(*each) for each in refused.items()))

    def put(
        self,
        key: str,
        value: str,
        *,
        lease: int = 0,
        expect: int | None = None,
        claim: bool = False,
        heir_of: int = 0,
    ) -> int:
        check_key(key)
        check_value(key, value)
        request = wire.PutRequest(key, value, lease, expect, claim, heir_of)
        return self._call("put", request, wire.Done).revision

    def delete(self, key: str, *, expect: int | None = None) -> int:
        check_key(key)
        return self._call("delete", wire.DeleteRequest(key, expect), wire.Done).revision

    def commit(
        self, writes: Sequence[Write], *, expect: Mapping[str, int] = NOTHING_EXPECTED
    ) -> int:
        check_commit(writes, expect)
        request = wire.CommitRequest(list(writes), dict(expect))
        return self._call("commit", request, wire.Done).revision

    def grant(self, ttl: float) -> int:
        check_ttl(ttl)
        return self._call("grant", wire.GrantRequest(ttl), wire.LeaseMessage).lease

    def keep_alive(self, leases: Sequence[int]) -> Kept:
        check_batch(leases)
        return self._call("keep_alive", wire.KeepAliveRequest(list(leases)), Kept)

    def revoke(self, lease: int) -> None:
        self._call("revoke", wire.LeaseMessage(lease), wire.Empty)

    def shares(self, request: wire.SharesRequest) -> wire.SharesReply:
        """Report demand for limits of a whole service; what parts of them this process has.

        Raises:
            StoreError: it has its equal parts.
        """
        return self._call("shares", request, wire.SharesReply)

    def watch(self, prefix: str, *, after: int | None = None) -> Watch:
        check_key(prefix)
        return self._open("watch", wire.WatchRequest(prefix, after))

    def stream(self, prefixes: Mapping[str, int]) -> Watch:
        check_prefixes(prefixes)
        return self._open("stream", wire.StreamRequest(dict(prefixes)))

    def _open(self, name: str, request: object) -> Watch:
        connection, sock, response = self._send(name, request)
        sock.settimeout(wire.PATIENCE_S)
        return _RemoteWatch(connection, sock, response, self._url)

    def close(self) -> None:
        """Does nothing: no connection outlives its call, and a watch is closed by its owner."""

    def _call(self, name: str, request: object, reply: type[T]) -> T:
        end = time.monotonic() + self._timeout
        connection, _, response = self._send(name, request)
        try:
            return msgspec.json.decode(_read(response, end), type=reply)
        except _TROUBLE as error:
            raise self._away(error) from error
        finally:
            response.close()
            connection.close()

    def _send(
        self, name: str, request: object
    ) -> tuple[http.client.HTTPConnection, socket.socket, http.client.HTTPResponse]:
        """Ask, and return the answer, its body still to be read. An error answer is raised."""
        headers = self._headers()
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
            sock = connection.sock
            body = msgspec.json.encode(request)
            connection.request("POST", f"{self._path}/{name}", body, headers)
            response = connection.getresponse()
            if response.status != 200:
                end = time.monotonic() + self._timeout
                with response:
                    raise self._refusal(response.status, _read(response, end))
        except _TROUBLE as error:
            connection.close()
            raise self._away(error) from error
        except BaseException:
            connection.close()
            raise
        return connection, sock, response

    def _refusal(self, status: int, body: bytes) -> StoreError:
        try:
            error = msgspec.json.decode(body, type=wire.ErrorReply).error
        except msgspec.MsgspecError:
            error = wire.ErrorBody(status, "", f"HTTP {status}, which is not Pie's answer")
        if status == 403:
            return Forbidden(f"the platform at {self._url} refuses this: {error.message}")
        if status == 401:
            return Denied(
                f"{self._url} refused the token ({error.message}): give this service the "
                "platform's service token"
            )
        known = wire.error_of(error)
        if isinstance(known, StoreAway):
            kind = _NoSuchRouteError if status in (404, 405) else StoreAway
            return kind(f"the platform at {self._url} cannot answer: {error.message}")
        return known

    def _away(self, error: Exception) -> StoreAway:
        return StoreAway(
            f"the platform at {self._url} cannot be reached ({_reason(error)}): "
            "is it running, and is this its address?"
        )


class _NoSuchRouteError(StoreAway):
    """The platform is older than this request."""


class _RemoteWatch(Watch):
    def __init__(
        self,
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        response: http.client.HTTPResponse,
        url: str,
    ) -> None:
        self._connection = connection
        self._sock = sock
        self._response = response
        self._url = url
        self._closed = False
        self._reading = threading.Lock()

    def __next__(self) -> Batch:
        if self._closed:
            raise StopIteration
        try:
            with self._reading:
                text = self._response.readline(wire.MAX_LINE)
            # Ignore a line that the end of the stream cut short.
            line = msgspec.json.decode(text, type=wire.Line) if text.endswith(b"\n") else None
        except _TROUBLE as error:
            raise self._end(_reason(error)) from error
        if line is None:
            raise self._end("the stream ended")
        if line.error is not None:
            self.close()
            raise wire.error_of(line.error)
        return wire.batch_of(line)

    def _end(self, why: str) -> Exception:
        if self._closed:
            return StopIteration()
        self.close()
        return StoreAway(f"the watch on the platform at {self._url} broke ({why}); watch again")

    def close(self) -> None:
        self._closed = True
        # Shutting down wakes a reader in another thread, which then lets go of the lock.
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        with self._reading:
            self._response.close()
            self._connection.close()


def _read(response: http.client.HTTPResponse, end: float) -> bytes:
    """The whole body, bounded in size and time.

    Raises:
        TimeoutError: it was not complete at ``end`` (monotonic).
        ValueError: it is too long.
    """
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(_READ_CHUNK):
        size += len(chunk)
        if size > wire.MAX_REPLY:
            raise ValueError(f"the answer is longer than {wire.MAX_REPLY} bytes")
        if time.monotonic() > end:
            raise TimeoutError("the answer took too long")
        chunks.append(chunk)
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
