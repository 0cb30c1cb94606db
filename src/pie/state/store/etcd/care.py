"""Keeps an etcd cluster well for the platforms on it: watches its members, compacts its history."""

import logging
import re
import threading

import msgspec

from pie.model import Resident
from pie.state.store.etcd import wire
from pie.state.store.etcd.gateway import EtcdError
from pie.state.store.etcd.store import EtcdStore
from pie.state.store.fence import Fenced
from pie.state.store.interface import StoreError

_log = logging.getLogger("pie.state")
PERIOD_S = 10.0
FENCE_TTL_S = 60.0
KEPT = 20_000
"""Revisions of history that stay, as in the embedded store."""
KEPT_WHEN_FULL = 1_000
_STEP = 2_000
"""Revisions that make a compaction worth while."""
DEFAULT_QUOTA = 2 << 30
_QUOTA = re.compile(r"^etcd_server_quota_backend_bytes (\S+)", re.M)
_WATCHERS = re.compile(r"^etcd_debugging_mvcc_watcher_total (\S+)", re.M)


class Member(msgspec.Struct, frozen=True):
    """One member; sizes in bytes. ``trouble`` says why the rest is not known."""

    endpoint: str
    version: str = ""
    leader: bool = False
    size: int = 0
    in_use: int = 0
    watchers: int = 0
    trouble: str = ""


class Condition(msgspec.Struct, frozen=True):
    """How the cluster was when it was last asked."""

    members: tuple[Member, ...] = ()
    quota: int = 0
    alarms: tuple[str, ...] = ()
    compacted: int = 0
    compacts: bool = False
    """Whether this platform is the one that compacts."""


class EtcdCare:
    """Asks every member every ten seconds; the platform that holds the fence compacts.

    The newest 20,000 revisions stay; 1,000 when the data fills more than half of the quota. Several
    platforms and etcd's own ``--auto-compaction`` do each other no harm.

    Args:
        store: over the cluster.
    """

    def __init__(self, store: EtcdStore) -> None:
        self._store = store
        self._fence = Fenced(store, "etcd-compaction", FENCE_TTL_S)
        self._lock = threading.Lock()
        self._condition = Condition()
        self._compacted = 0
        self._thread = Resident("pie-etcd-care", self._step, _log, finish=self._release)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._thread.stop(3.0)

    @property
    def condition(self) -> Condition:
        """As last seen."""
        return self._condition

    def _step(self) -> float:
        members = [self._ask(endpoint) for endpoint in self._store.gateway.address.endpoints]
        alive = [member for member, _ in members if not member.trouble]
        quota = self._quota(alive[0].endpoint) if alive else self._condition.quota
        revision = max((revision for _, revision in members), default=0)
        compacts = False
        if alive:
            in_use = max(member.in_use for member in alive)
            compacts = self._compact(revision, quota, in_use)
        self._condition = Condition(
            tuple(member for member, _ in members),
            quota,
            self._alarms() if alive else self._condition.alarms,
            self._compacted,
            compacts,
        )
        return PERIOD_S

    def _ask(self, endpoint: str) -> tuple[Member, int]:
        gateway = self._store.gateway
        try:
            status = gateway.at(endpoint, "/v3/maintenance/status", wire.Empty(), wire.StatusReply)
            watchers = _number(_WATCHERS, gateway.text(endpoint, "/metrics"))
        except StoreError as error:
            return Member(endpoint, trouble=error.message), 0
        leads = status.leader == status.header.member_id
        trouble = "" if status.leader else f"etcd at {endpoint} knows no leader"
        return Member(
            endpoint, status.version, leads, status.dbSize, status.dbSizeInUse, watchers, trouble
        ), status.header.revision

    def _quota(self, endpoint: str) -> int:
        try:
            found = _number(_QUOTA, self._store.gateway.text(endpoint, "/metrics"))
        except StoreError:
            found = 0
        return found or self._condition.quota or DEFAULT_QUOTA

    def _alarms(self) -> tuple[str, ...]:
        try:
            reply = self._store.gateway.call(
                "/v3/maintenance/alarm", wire.AlarmRequest(), wire.AlarmReply, repeat=True
            )
        except StoreError:
            return self._condition.alarms
        return tuple(sorted({each.alarm for each in reply.alarms} - {"NONE"}))

    def _compact(self, revision: int, quota: int, in_use: int) -> bool:
        """Compact if it is this platform's job and worth while; whether it is the job."""
        if not self._store.gateway.address.compact:
            return False
        try:
            if not self._fence.hold():
                return False
        except StoreError:
            # Without room etcd grants no lease. To compact twice does no harm, not to does.
            if "NOSPACE" not in self._condition.alarms:
                return False
        kept, step = (KEPT_WHEN_FULL, 1) if in_use > quota // 2 else (KEPT, _STEP)
        target = revision - kept
        if target - self._compacted < step or target <= 0:
            return True
        try:
            self._store.gateway.call(
                "/v3/kv/compaction", wire.CompactRequest(target), wire.Empty, repeat=True
            )
        except EtcdError as error:
            if error.message != wire.COMPACTED:
                raise
        self._compacted = target
        return True

    def _release(self) -> None:
        self._fence.release()


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(float(found[1])) if found else 0
