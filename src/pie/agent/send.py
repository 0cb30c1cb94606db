"""Sends one batch to the platform over a kept connection, and judges the answer."""

import contextlib
import gzip
import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from pie.agent.options import MIB, AgentError

CONNECT_S = 5.0
_MAX_ANSWER = MIB
_TOKEN = re.compile(r"[!-~]{1,4096}")
_REFUSED = frozenset({401, 403})
_UNACCEPTABLE = frozenset({400, 413, 422})
_UNKNOWN_TABLE = "the request is not valid: path.table:"
"""How a platform begins its answer for a table that came after it: its rows wait."""


class Taken(NamedTuple):
    """The rows are committed, but for ``rejected`` of them."""

    accepted: int
    duplicates: int
    rejected: int
    reasons: str


class Unacceptable(NamedTuple):
    """Something in the batch can never be taken."""

    reason: str


class Away(NamedTuple):
    """Nothing is known to be committed; sending again later is right. ``refused``: by intent."""

    reason: str
    refused: bool = False


Verdict = Taken | Unacceptable | Away


class _Rejected(msgspec.Struct):
    line: int = 0
    reason: str = ""


class _Answer(msgspec.Struct):
    accepted: int
    duplicates: int = 0
    rejected: list[_Rejected] = []
    rejected_count: int = 0


class _Error(msgspec.Struct):
    message: str = ""


class _ErrorAnswer(msgspec.Struct):
    error: _Error


class Target(NamedTuple):
    """Where the platform is."""

    https: bool
    host: str
    port: int
    prefix: str

    @property
    def is_far(self) -> bool:
        """Whether it is on another host: on the same one, to pack and unpack costs more."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() != "localhost"

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read ``http[s]://host[:port][/prefix]``. Raises AgentError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            raise AgentError(
                f"{url!r} is no address of a platform: write http://host:port, "
                "for example http://127.0.0.1:8790"
            )
        https = parts.scheme == "https"
        default = 443 if https else 80
        return cls(https, parts.hostname, port or default, parts.path.rstrip("/"))


class Sender:
    """Not thread-safe, but for ``abort``."""

    def __init__(self, target: Target, token: Callable[[], str], timeout: float) -> None:
        self._target = target
        self._token = token
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def pack(self, rows: bytes) -> bytes:
        """NDJSON as it travels: under gzip, but for a platform on this host."""
        return gzip.compress(rows, 1, mtime=0) if self._target.is_far else rows

    def post(self, table: str, body: bytes, timeout: float | None = None) -> Verdict:
        """Send packed rows. Never raises for what network or platform do."""
        limit = self._timeout if timeout is None else timeout
        while True:
            used = self._connection is not None
            try:
                return self._exchange(table, body, limit)
            except TimeoutError:
                self.close()
                return Away(f"no answer within {limit:.1f} s")
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # An idle connection may have been closed by the other side: that says nothing yet.
                if not used or self._aborted:
                    return Away(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Drop the connection; the next post opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """From another thread: end a post that waits, for good."""
        self._aborted = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, table: str, body: bytes, limit: float) -> Verdict:
        token = self._token().strip()
        if not _TOKEN.fullmatch(token):
            return Away("the agent's token is empty or holds odd characters", True)
        connection = self._connect(limit)
        # Who answers without reading it all breaks the pipe, and the answer is what counts.
        with contextlib.suppress(BrokenPipeError):
            connection.request(
                "POST",
                f"{self._target.prefix}/api/ingest/{table}",
                body,
                {
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/x-ndjson",
                    "Content-Encoding": "gzip" if self._target.is_far else "identity",
                },
            )
        response = connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        if response.length:
            raise http.client.IncompleteRead(answer, response.length)
        if response.will_close or not response.isclosed():
            self.close()
        return judge(response.status, answer)

    def _connect(self, limit: float) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is None:
            target = self._target
            connect = min(limit, CONNECT_S)
            if target.https:
                context = ssl.create_default_context()
                connection = http.client.HTTPSConnection(
                    target.host, target.port, timeout=connect, context=context
                )
            else:
                connection = http.client.HTTPConnection(target.host, target.port, timeout=connect)
            connection.connect()
            self._connection = connection
        if connection.sock is not None:
            connection.sock.settimeout(limit)
        return connection


def judge(status: int, answer: bytes) -> Verdict:
    """What an answer means for the batch.

    Only the platform itself can acknowledge rows or call them unacceptable: an answer that does
    not have its form comes from something between, and costs no row.
    """
    if status == 200:
        try:
            parsed = msgspec.json.decode(answer, type=_Answer)
        except msgspec.DecodeError:
            return Away("an answer 200 that is not the platform's: is the address right?", True)
        reasons = "; ".join(f"row {item.line}: {item.reason}" for item in parsed.rejected[:3])
        return Taken(parsed.accepted, parsed.duplicates, parsed.rejected_count, reasons[:1000])
    try:
        message = msgspec.json.decode(answer, type=_ErrorAnswer).error.message[:1000]
        of_platform = True
    except msgspec.DecodeError:
        message = answer[:200].decode("utf-8", "replace")
        of_platform = False
    reason = f"{status} {message}".strip()
    if of_platform and message.startswith(_UNKNOWN_TABLE):
        return Away(f"it is older than this agent and does not know this table ({reason})", True)
    if status == 413 or (status in _UNACCEPTABLE and of_platform):
        return Unacceptable(reason)
    if status in _REFUSED:
        return Away(f"it refuses the agent's token ({reason}): give it service.token", True)
    return Away(reason, refused=300 <= status < 500 and status not in {408, 429})
