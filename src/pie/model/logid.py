"""logid: 32 characters that name one call chain, and are its W3C trace id.

Layout: local time ``YYYYmmddHHMMSS`` (14), the entry's IPv4 as four 3-digit octets (12; for IPv6,
12 hex digits of a hash of the address), and 6 hex: an 8-bit process slot and a 16-bit counter.
Stored and compared in lower case. Any foreign trace id of 32 hex digits is a valid logid too; it
just has no time and no address to read.

Other systems name their chains in forms of their own (Kitex: ``02``, 13 digits of milliseconds, an
address, a random number). A chain that comes with such a name keeps it. Where a W3C trace id is
due, 32 digits of a hash of the name stand for it.
"""

import hashlib
import ipaddress
import re
import threading
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from pie._core import native
from pie.model.clock import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random

LENGTH = 32
FOREIGN_LENGTH = 64
_VALID = re.compile(r"[0-9a-f]{32}")
_FOREIGN = re.compile(rf"[!-~]{{1,{FOREIGN_LENGTH}}}")
_ZERO = "0" * LENGTH
_NO_LOGID = frozenset({"0", "-", _ZERO})
_TIME_FORMAT = "%Y%m%d%H%M%S"
_FIRST_YEAR = 2000
"""A foreign trace id may look like a time long before."""


def encode_address(address: str) -> str:
    """12 characters for an entry address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return "".join(f"{octet:03d}" for octet in ip.packed)
    return hashlib.sha256(ip.packed).hexdigest()[:12]


class PythonLogidCounter:
    """A prefix for each second, and a counter: the twin of the one in ``logid.c``."""

    def prefix(self, second: int) -> str:
        """The first 28 characters of all logids of one second."""
        raise NotImplementedError

    def restart(self, counter: int, clock: Clock) -> None:
        """Forget the prefix; count on from here, by this clock."""
        self._clock = clock
        self._counter = counter
        self._second = -1
        self._prefix = ""
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            second = int(self._clock.wall())
            if second != self._second:
                self._second = second
                self._prefix = self.prefix(second)
            self._counter = (self._counter + 1) & 0xFFFF
            return f"{self._prefix}{self._counter:04x}"


LogidCounter = PythonLogidCounter
if not TYPE_CHECKING and native is not None:
    LogidCounter = native.LogidCounter


class LogidGenerator(LogidCounter):
    """Makes logids that no other process of this host makes.

    Args:
        address: the host's address in the fleet.
        slot: 0–255, this process's alone on this host while it lives.
        clock: the time they carry.
        zone: the fleet's time zone.
        random: where the counter starts, so that a slot's next owner does not begin like its last.
    """

    def __init__(
        self,
        address: str,
        slot: int,
        *,
        clock: Clock = SYSTEM_CLOCK,
        zone: tzinfo = UTC,
        random: Random = SYSTEM_RANDOM,
    ) -> None:
        if not 0 <= slot <= 255:
            raise ValueError(f"slot {slot} is not in 0..255")
        self._address = encode_address(address)
        self._time = clock
        self._zone = zone
        self._random = random
        self.move(slot)

    def move(self, slot: int) -> None:
        """Go on under another slot: what a forked child does, to make no logid of its parent's."""
        self._middle = f"{self._address}{slot:02x}"
        self.restart(self._random.getrandbits(16), self._time)

    def prefix(self, second: int) -> str:
        """Time, address and slot: the first 28 characters of all logids of one second."""
        local = datetime.fromtimestamp(second, self._zone).strftime(_TIME_FORMAT)
        return local + self._middle


def normalise_logid(text: str) -> str | None:
    """The lower-case logid, or None if the text is not 32 hex digits that are not all zero."""
    lowered = text.strip().lower()
    return lowered if _VALID.fullmatch(lowered) and lowered != _ZERO else None


LOGID_FORM = r"(?:[0-9a-fA-F]{32}|02[0-9]{13}[0-9a-fA-F]{17,49})"
"""What is taken for a logid where it stands in a text: Pie's form and W3C's, and Kitex's."""


def accept_logid(text: str) -> str | None:
    """A peer's name of a chain: a logid in lower case, or up to 64 visible ASCII characters as they
    came; None if the text is neither, or stands for no logid (``0``, ``-``)."""
    stripped = text.strip()
    if stripped in _NO_LOGID:
        return None
    return normalise_logid(stripped) or (stripped if _FOREIGN.fullmatch(stripped) else None)


def trace_id_of(logid: str) -> str:
    """The W3C trace id of a chain: its logid, or what stands for one of another form."""
    if _VALID.fullmatch(logid):
        return logid
    return hashlib.sha256(logid.encode(errors="backslashreplace")).hexdigest()[:LENGTH]


class Chain(NamedTuple):
    """A request's place in its chain; empty strings where that is not known.

    ``note`` says which trace id stands for the logid, where that is not the logid itself.
    """

    logid: str
    parent_id: str
    note: str = ""


NO_CHAIN = Chain("", "")


def chain_of(logid: str, trace_id: str, parent_id: str) -> Chain:
    """The chain that a request belongs to.

    Args:
        logid: that the request names, unchecked; empty for none.
        trace_id: of its valid traceparent, and
        parent_id: the span in that; empty for none.

    A trace id wins over a logid of the same form, for the span belongs to it. It does not win over
    a name of another form: that is the chain's name, for which a trace id can only stand.
    """
    name = accept_logid(logid) if logid else None
    if name is None or _VALID.fullmatch(name):
        return Chain(trace_id or name or "", parent_id)
    stands = trace_id_of(name)
    note = f"W3C trace id {stands} stands for logid {name}"
    return Chain(name, parent_id if trace_id == stands else "", note)


def logid_time(logid: str, zone: tzinfo = UTC) -> datetime | None:
    """The second a logid was made in, or None for a foreign trace id or name of a chain."""
    if len(logid) != LENGTH:
        return None
    try:
        made = datetime.strptime(logid[:14], _TIME_FORMAT).replace(tzinfo=zone)
    except ValueError:
        return None
    return made if made.year >= _FIRST_YEAR else None


def logid_address(logid: str) -> str | None:
    """The entry's IPv4 address, or None for a foreign trace id or an IPv6 entry."""
    if logid_time(logid) is None or not logid[14:26].isdecimal():
        return None
    octets = [int(logid[i : i + 3]) for i in range(14, 26, 3)]
    return ".".join(map(str, octets)) if max(octets) <= 255 else None


def new_span_id(random: Random = SYSTEM_RANDOM) -> str:
    """16 hex digits, never all zero."""
    if native is not None and random is SYSTEM_RANDOM:
        made: str = native.new_span_id()
        return made
    return f"{random.getrandbits(64) or 1:016x}"
