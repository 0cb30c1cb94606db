"""Speaks to the members of an etcd cluster over HTTP, and to another one when one fails."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from pie.state.store.etcd import wire
from pie.state.store.etcd.address import EtcdAddress
from pie.state.store.interface import Invalid, LimitExceeded, StoreAway, StoreError

T = TypeVar("T")
TIMEOUT_S = 2.5
"""Of a call with all its tries: below the patience of a service with its platform."""
CONNECT_S = 1.0
ROUND_PAUSE_S = 0.15
MAX_REPLY = 256 << 20
_MAX_LINE = 256 << 20
_INVALID, _DENIED, _EXHAUSTED, _UNAVAILABLE, _UNAUTHENTICATED = 3, 7, 8, 14, 16
_NOT_SENT = (NewConnectionError, NameResolutionError, ConnectTimeoutError, SSLError)


class EtcdError(StoreError):
    """An answer of etcd that means something to who asked; the message is etcd's."""


class Gateway:
    """A client of etcd's v3 JSON gateway; thread-safe.

    It stays with one member until that fails. A request that may be made twice is repeated at the
    next member while time remains; another one only if it was certainly not sent.

    Args:
        address: of the cluster.
        timeout: seconds for one call with all its tries.

    Raises:
        ValueError: the TLS files of the address cannot be used.
    """

    def __init__(self, address: EtcdAddress, *, timeout: float = TIMEOUT_S) -> None:
        self.address = address
        self._timeout = timeout
        tls: dict[str, Any] = {}
        if address.endpoints[0].startswith("https"):
            tls = {"ca_certs": address.ca or None, "cert_reqs": "CERT_REQUIRED"}
            tls |= {"cert_file": address.cert or None, "key_file": address.key or None}
        self._http = urllib3.PoolManager(
            num_pools=len(address.endpoints), maxsize=16, retries=False, **tls
        )
        self._lock = threading.Lock()
        self._current = 0
        self._token = ""

    @property
    def endpoint(self) -> str:
        """The member that is asked first."""
        return self.address.endpoints[self._current]

    def leave(self, endpoint: str) -> None:
        """Ask another member from now on: this one does not serve us."""
        with self._lock:
            if self.endpoint == endpoint:
                self._current = (self._current + 1) % len(self.address.endpoints)

    def call(self, path: str, request: msgspec.Struct, reply: type[T], *, repeat: bool) -> T:
        """Ask for one answer; ``repeat`` if asking twice does no harm.

        Raises:
            StoreAway: no member answered in time; a change may have happened.
            LimitExceeded: etcd has no room for it.
            EtcdError: etcd refused it for another reason.
        """
        body = msgspec.json.encode(request)
        data = self._ask(path, body, repeat=repeat)
        return _decoded(data, reply)

    def keep_alive(self, leases: list[int]) -> list[wire.LeaseReply]:
        """Renew many leases by one request; maybe not all are answered."""
        body = b"\n".join(msgspec.json.encode(wire.Lease(each)) for each in leases)
        # With a connection that is kept, Go's server stops reading a body once it answers.
        data = self._ask("/v3/lease/keepalive", body, repeat=True, close=True)
        found: list[wire.LeaseReply] = []
        for line in data.splitlines():
            answer = _decoded(line, _Streamed)
            if answer.error is not None:
                raise StoreAway(f"etcd at {self.endpoint} failed: {answer.error}")
            found.append(_converted(answer.result, wire.LeaseReply))
        return found

    def at(self, endpoint: str, path: str, request: msgspec.Struct, reply: type[T]) -> T:
        """Ask one member, once.

        Raises:
            StoreAway: it does not answer.
        """
        try:
            status, data = self._post(endpoint, path, msgspec.json.encode(request), CONNECT_S)
        except (HTTPError, OSError) as error:
            raise StoreAway(f"etcd at {endpoint} does not answer: {_reason(error)}") from error
        if status != 200:
            raise StoreAway(f"etcd at {endpoint} answers HTTP {status}: {data[:200]!r}")
        return _decoded(data, reply)

    def text(self, endpoint: str, path: str) -> str:
        """What a member says at a path that is not of the API.

        Raises:
            StoreAway: it does not answer.
        """
        try:
            response = self._http.request(
                "GET", endpoint + path, timeout=CONNECT_S, preload_content=False
            )
            with contextlib.closing(response):
                return response.read(4 << 20).decode(errors="replace")
        except (HTTPError, OSError) as error:
            raise StoreAway(f"etcd at {endpoint} does not answer: {_reason(error)}") from error

    def open(self, path: str, request: msgspec.Struct, quiet: float) -> "Stream":
        """Ask the present member for an answer without an end.

        Raises:
            StoreAway: it does not give one.
        """
        endpoint = self.endpoint
        timeout = urllib3.Timeout(connect=CONNECT_S, read=quiet)
        try:
            response = self._http.urlopen(
                "POST",
                endpoint + path,
                body=msgspec.json.encode(request),
                headers=self._headers(close=True, leader=True),
                timeout=timeout,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            self.leave(endpoint)
            raise StoreAway(f"etcd at {endpoint} cannot be watched: {_reason(error)}") from error
        if response.status != 200:
            with contextlib.closing(response):
                refusal = _refusal(response.status, response.read(10_000))
            self.leave(endpoint)
            if refusal.code == _UNAUTHENTICATED:
                self._login(endpoint, self._timeout)
            raise StoreAway(f"etcd at {endpoint} cannot be watched: {refusal.message}")
        return Stream(response, endpoint)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.clear()

    # -- one answer ---------------------------------------------------------------------------

    def _ask(self, path: str, body: bytes, *, repeat: bool, close: bool = False) -> bytes:
        end = time.monotonic() + self._timeout
        unreached = 0
        why = "no time"
        while (left := end - time.monotonic()) > 0:
            endpoint = self.endpoint
            try:
                # A member that hangs leaves time for another one.
                share = max(left / 2, 0.2) if repeat else left
                status, data = self._post(endpoint, path, body, share, close=close)
            except (HTTPError, OSError) as error:
                self.leave(endpoint)
                why = f"{endpoint}: {_reason(error)}"
                if isinstance(error, _NOT_SENT):
                    unreached += 1
                    if unreached < len(self.address.endpoints):
                        continue
                elif repeat:
                    continue
                break
            if status == 200:
                return data
            refusal = _refusal(status, data)
            why = f"{endpoint}: {refusal.message}"
            if refusal.code == _UNAUTHENTICATED and self.address.user:
                self._login(endpoint, left)
            elif refusal.code == _UNAVAILABLE:
                self.leave(endpoint)
                if not repeat:
                    break
                time.sleep(min(ROUND_PAUSE_S, left))
            else:
                raise self._error(refusal, endpoint)
        raise StoreAway(f"etcd cannot answer ({why}): see that a majority of its members run")

    def _post(
        self, endpoint: str, path: str, body: bytes, seconds: float, *, close: bool = False
    ) -> tuple[int, bytes]:
        timeout = urllib3.Timeout(connect=min(CONNECT_S, seconds), read=seconds)
        response = self._http.urlopen(
            "POST",
            endpoint + path,
            body=body,
            headers=self._headers(close=close),
            timeout=timeout,
            preload_content=False,
        )
        with contextlib.closing(response):
            data = response.read(MAX_REPLY)
            response.drain_conn()
            response.release_conn()
            return response.status, data

    def _headers(self, *, close: bool = False, leader: bool = False) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._token or self.address.user:
            if not self._token:
                self._login(self.endpoint, self._timeout)
            headers["Authorization"] = self._token
        if close:
            headers["Connection"] = "close"
        if leader:  # A member that lost its leader ends the watch, rather than be silent.
            headers["Grpc-Metadata-hasleader"] = "true"
        return headers

    def _login(self, endpoint: str, seconds: float) -> None:
        self._token = ""
        request = wire.LoginRequest(self.address.user, self.address.password)
        timeout = urllib3.Timeout(connect=min(CONNECT_S, seconds), read=seconds)
        response = self._http.request(
            "POST",
            f"{endpoint}/v3/auth/authenticate",
            body=msgspec.json.encode(request),
            timeout=timeout,
        )
        if response.status != 200:
            refusal = _refusal(response.status, response.data)
            raise StoreAway(
                f"etcd at {endpoint} does not let user {self.address.user!r} in: {refusal.message}"
            )
        self._token = _decoded(response.data, wire.LoginReply).token

    def _error(self, refusal: wire.ErrorReply, endpoint: str) -> StoreError:
        message = refusal.message
        if message == wire.NO_SPACE:
            return LimitExceeded(
                "etcd's database is full (alarm NOSPACE): it takes no writes, what is registered "
                "stays. Compact and defragment it, or raise its quota, then disarm the alarm: see "
                "docs/etcd.md"
            )
        if message == wire.TOO_LARGE:
            return LimitExceeded(
                "the change is larger than etcd takes at once: split it, or raise etcd's "
                "--max-request-bytes"
            )
        if refusal.code in (_DENIED, _UNAUTHENTICATED) or "user name is empty" in message:
            return StoreAway(
                f"etcd at {endpoint} refuses user {self.address.user or '(none)'!r}: {message}. "
                "Give it read and write permission on Pie's keys, see docs/etcd.md"
            )
        if refusal.code == _EXHAUSTED:
            return StoreAway(f"etcd at {endpoint} is overloaded: {message}")
        return EtcdError(message)


class _Streamed(msgspec.Struct):
    """One message of an answer without an end."""

    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: dict[str, object] | None = None


class Stream:
    """The messages of a watch. Closing it, from any thread, ends the iteration."""

    def __init__(self, response: urllib3.BaseHTTPResponse, endpoint: str) -> None:
        self.endpoint = endpoint
        self._response = response
        self._closed = False

    def messages(self) -> Iterator[wire.WatchReply]:
        """Each message; ends when nothing came for the quiet time.

        Raises:
            StoreAway: the connection broke, or etcd ended it.
        """
        try:
            for line in self._lines():
                answer = _decoded(line, _Streamed)
                if answer.error is not None:
                    text = answer.error.get("message") or answer.error
                    raise StoreAway(f"etcd at {self.endpoint} ended the watch: {text}")
                yield _converted(answer.result, wire.WatchReply)
        except ReadTimeoutError:
            return
        except (HTTPError, OSError, ValueError, AttributeError) as error:
            # A response that another thread closes fails in many ways.
            if not self._closed:
                raise StoreAway(
                    f"the watch on etcd at {self.endpoint} broke: {_reason(error)}"
                ) from error

    def _lines(self) -> Iterator[bytes]:
        rest = bytearray()
        for chunk in self._response.stream(1 << 20):
            rest += chunk
            if b"\n" not in chunk:
                if len(rest) > _MAX_LINE:
                    raise StoreAway(f"etcd at {self.endpoint} sends a message without an end")
                continue
            *lines, left = rest.split(b"\n")
            rest = left
            yield from map(bytes, lines)

    def close(self) -> None:
        """End it."""
        self._closed = True
        with contextlib.suppress(Exception):
            self._response.shutdown()
        with contextlib.suppress(Exception):
            self._response.close()


def _decoded(data: bytes | bytearray, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreAway(f"etcd's answer cannot be read ({error}): {bytes(data[:80])!r}") from error


def _converted(raw: msgspec.Raw, kind: type[T]) -> T:
    return _decoded(bytes(raw), kind)


def _refusal(status: int, data: bytes) -> wire.ErrorReply:
    try:
        refusal = msgspec.json.decode(data, type=wire.ErrorReply)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        refusal = wire.ErrorReply()
    if not refusal.message and not refusal.error:
        return wire.ErrorReply(
            message=f"HTTP {status}, which is no answer of etcd's v3 JSON gateway (etcd 3.4 or "
            "later, --enable-grpc-gateway)",
            code=_UNAVAILABLE,
        )
    refusal.message = refusal.message or refusal.error
    return refusal


def invalid(error: EtcdError) -> Invalid:
    """What etcd refuses though Pie checked it."""
    return Invalid(f"etcd refuses this: {error.message}")


def _reason(error: BaseException) -> str:
    text = str(error)
    # urllib3 puts the object's address in front.
    return text.rpartition(">: ")[2].rpartition(": ")[2] or type(error).__name__
