"""logid: 32 characters that name one call chain, and are its W3C trace id.

Layout: local time ``YYYYmmddHHMMSS`` (14), the entry's IPv4 as four 3-digit octets (12; for IPv6,
12 hex digits of a hash of the address), and 6 hex: an 8-bit process slot and a 16-bit counter.
Stored and compared in lower case. Any foreign trace id of 32 hex digits is a valid logid too; it
just has no time and no address to read.
"""

import hashlib
import ipaddress
import re
import threading
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from pie._core import native
from pie.model.clock import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random

LENGTH = 32
_VALID = re.compile(r"[0-9a-f]{32}")
_ZERO = "0" * LENGTH
_TIME_FORMAT = "%Y%m%d%H%M%S"


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


def logid_time(logid: str, zone: tzinfo = UTC) -> datetime | None:
    """The second a logid was made in, or None for a foreign trace id."""
    try:
        return datetime.strptime(logid[:14], _TIME_FORMAT).replace(tzinfo=zone)
    except ValueError:
        return None


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
