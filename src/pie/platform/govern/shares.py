"""The ledger of the parts that processes have of limits of their whole service.

It is in memory alone: parts are leases of some seconds, and a platform that starts anew learns
them from those who hold them (``pie.govern.demand``). Where several platforms share a store, each
divides what the instances that report to it would have had, so that the sum stays the same.
"""

from typing import Final, NamedTuple

from pie.govern.demand import MOST_WANTED, Others, grant
from pie.model import SYSTEM_CLOCK, Clock
from pie.state.store.interface import LimitExceeded
from pie.state.store.wire import SharedLimit, SharedLimits, SharesReply, SharesRequest

PERIOD_S: Final = 5.0
"""Between two reports of a process; more where many processes report."""
LEASE_PERIODS: Final = 3
MAX_ENTRIES: Final = 200_000
"""Leases, and processes that report."""
_REPORTS_PER_S: Final = 500
_LONGEST_S: Final = 60.0


class _Presence(NamedTuple):
    """A process that reports."""

    instance: str
    peers: int
    ends: float


class _Lease(NamedTuple):
    """What a process asked for and got, as parts of a limit, until a time."""

    wanted: float
    part: float
    ends: float


class _Limit:
    """The leases of one limit, by process, and their sums."""

    def __init__(self) -> None:
        self.leases: dict[str, _Lease] = {}
        self.wanted = self.part = 0.0

    def take_out(self, process: str) -> Others:
        """Drop the lease of a process, and say what the others have."""
        dropped = self.leases.pop(process, None)
        if dropped is not None:
            self._count(dropped, -1)
        if not self.leases:
            self.wanted = self.part = 0.0
        return Others(self.wanted, self.part, len(self.leases))

    def put(self, process: str, lease: _Lease) -> None:
        self.leases[process] = lease
        self._count(lease, 1)

    def sweep(self, now: float) -> bool:
        """Forget what has ended, and sum up anew, which rounding needs; whether any is left."""
        self.leases = {name: each for name, each in self.leases.items() if each.ends > now}
        self.wanted = sum(each.wanted for each in self.leases.values())
        self.part = sum(each.part for each in self.leases.values())
        return bool(self.leases)

    def _count(self, lease: _Lease, sign: int) -> None:
        self.wanted += sign * lease.wanted
        self.part += sign * lease.part


class _Group:
    """Those who divide the limits of one service for the same clusters."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.processes: dict[str, _Presence] = {}
        self.instances: set[str] = set()
        self.peers = 0
        self.limits: dict[str, _Limit] = {}

    @property
    def size(self) -> int:
        return len(self.processes) + sum(len(each.leases) for each in self.limits.values())

    def come(self, process: str, presence: _Presence) -> None:
        self.processes[process] = presence
        self.instances.add(presence.instance)
        self.peers = max(self.peers, presence.peers)

    def sweep(self, now: float) -> None:
        self.processes = {name: each for name, each in self.processes.items() if each.ends > now}
        self.instances = {each.instance for each in self.processes.values()}
        self.peers = max((each.peers for each in self.processes.values()), default=0)
        self.limits = {key: each for key, each in self.limits.items() if each.sweep(now)}


class ShareLedger:
    """Grants parts of limits; used from one thread.

    Args:
        clock: monotonic.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._groups: dict[tuple[str, str], _Group] = {}
        self._processes = self._size = 0
        self._swept = clock.monotonic()

    def report(self, request: SharesRequest) -> SharesReply:
        """Take what a process is asked for, and grant it parts.

        Raises:
            LimitExceeded: too many report.
        """
        now = self._clock.monotonic()
        period = min(max(PERIOD_S, self._processes / _REPORTS_PER_S), _LONGEST_S)
        if now - self._swept >= period:
            self._sweep(now)
        if self._size >= MAX_ENTRIES:
            raise LimitExceeded(
                f"{self._processes} processes divide limits of their services, more than one "
                "platform takes: this one admits its equal part"
            )
        lease = period * LEASE_PERIODS
        parts = [self._of_group(request, each, now, lease) for each in request.groups]
        return SharesReply(parts, lease, period)

    def _of_group(
        self, request: SharesRequest, asked: SharedLimits, now: float, lease: float
    ) -> list[float]:
        group = self._groups.get((request.psm, asked.clusters))
        if group is None:
            group = self._groups[request.psm, asked.clusters] = _Group(now)
        if request.process not in group.processes:
            self._processes += 1
            self._size += 1
        group.come(request.process, _Presence(request.instance, asked.peers, now + lease))
        learning = now < group.began + lease
        return [
            self._of_limit(group, request.process, each, learning, now + lease)
            for each in asked.limits
        ]

    def _of_limit(
        self, group: _Group, process: str, asked: SharedLimit, learning: bool, ends: float
    ) -> float:
        limit = group.limits.setdefault(asked.key, _Limit())
        self._size += process not in limit.leases
        others = limit.take_out(process)
        wants = min(asked.wants, MOST_WANTED)
        part = grant(wants, asked.has, others, group.peers, len(group.instances), learning=learning)
        limit.put(process, _Lease(wants, part, ends))
        return part

    def _sweep(self, now: float) -> None:
        self._swept = now
        for group in self._groups.values():
            group.sweep(now)
        self._groups = {key: each for key, each in self._groups.items() if each.processes}
        self._processes = sum(len(each.processes) for each in self._groups.values())
        self._size = sum(each.size for each in self._groups.values())
