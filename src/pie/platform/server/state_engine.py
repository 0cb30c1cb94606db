"""Opens the store of desired state that the platform was told to use, and keeps it well."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from pie.platform.server.views import StateHealth, StateMember
from pie.state.store.embedded import EmbeddedStore
from pie.state.store.etcd.address import EtcdAddress, parse_address
from pie.state.store.etcd.care import Condition, EtcdCare
from pie.state.store.etcd.store import EtcdStore
from pie.state.store.expiry import ExpiryThread
from pie.state.store.recovery import open_store, snapshot_path
from pie.state.store.served import MAX_TOTAL, ServedStore
from pie.state.store.snapshot import SnapshotThread

EMBEDDED = "embedded"
_FIRST_READ_S = 5.0
_NEARLY_FULL = 0.8


class StateEngine(ABC):
    """A store, and the threads that belong to it."""

    store: ServedStore

    @abstractmethod
    def start(self) -> None:
        """Start the threads."""

    @abstractmethod
    def stop(self) -> None:
        """End them, and close the store."""

    @abstractmethod
    def health(self) -> StateHealth:
        """How it is now; from memory."""

    def _health(self, kind: str, trouble: str) -> StateHealth:
        keys, characters = self.store.filled
        notes = []
        if characters > MAX_TOTAL * _NEARLY_FULL:
            notes.append(
                f"the state store holds {characters} of {MAX_TOTAL} characters: delete what is "
                "not needed"
            )
        return StateHealth(
            kind=kind,
            trouble=trouble,
            notes=notes,
            keys=keys,
            characters=characters,
            most_characters=MAX_TOTAL,
            revision=self.store.revision,
            watches=self.store.watches,
        )


def open_engine(setting: str, directory: Path, say: Callable[[str], None]) -> StateEngine:
    """Open what ``--state`` names: ``embedded``, or the address of an etcd cluster.

    Raises:
        ValueError: the setting is neither, or names files that cannot be used.
        StateFileError: the embedded store's file cannot be used.
        OSError: likewise.
    """
    if setting in ("", EMBEDDED):
        return _Embedded(directory / "state.db", say)
    try:
        address = parse_address(setting)
    except ValueError as error:
        raise ValueError(
            f"--state: {error}; `embedded` keeps the state in the platform's own directory"
        ) from None
    return _Etcd(address, directory, say)


class _Embedded(StateEngine):
    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.store: EmbeddedStore = open_store(path, say)
        self._expiry = ExpiryThread(self.store)
        self._snapshots = SnapshotThread(self.store, snapshot_path(path))

    def start(self) -> None:
        self._expiry.start()
        self._snapshots.start()

    def stop(self) -> None:
        self._expiry.stop()
        self._snapshots.stop()
        self.store.close()

    def health(self) -> StateHealth:
        return self._health(EMBEDDED, "")


class _Etcd(StateEngine):
    def __init__(self, address: EtcdAddress, directory: Path, say: Callable[[str], None]) -> None:
        try:
            self.store: EtcdStore = EtcdStore(address)
        except OSError as error:
            raise ValueError(f"--state: the TLS files cannot be used: {error}") from error
        self._address = address
        self._directory = directory
        self._say = say
        self._care = EtcdCare(self.store)

    def start(self) -> None:
        if self.store.wait_loaded(_FIRST_READ_S):
            self._say(f"the state is in {self._address}: {self.store.filled[0]} keys")
        else:
            self._say(
                f"the state in {self._address} cannot be read yet, and is tried again for ever: "
                f"{self.store.mirror.trouble}"
            )
        left = self._directory / "state.db"
        if left.exists() and not self.store.filled[0] and self.store.mirror.loaded:
            self._say(
                f"etcd is empty and {left} is not used: to move what it holds, stop the platform "
                "and run `pie state export` and `pie state import`, see docs/etcd.md"
            )
        self._care.start()

    def stop(self) -> None:
        self._care.stop()
        self.store.close()

    def health(self) -> StateHealth:
        condition = self._care.condition
        health = self._health("etcd", self.store.mirror.trouble)
        health.address = str(self._address)
        health.members = [
            StateMember(
                endpoint=each.endpoint,
                version=each.version,
                leader=each.leader,
                bytes=each.size,
                bytes_in_use=each.in_use,
                watchers=each.watchers,
                trouble=each.trouble,
            )
            for each in condition.members
        ]
        health.quota = condition.quota
        health.alarms = list(condition.alarms)
        health.compacted = condition.compacted
        health.compacts = condition.compacts
        health.notes += _notes(condition)
        return health


def _notes(condition: Condition) -> list[str]:
    notes = [member.trouble for member in condition.members if member.trouble]
    if "NOSPACE" in condition.alarms:
        notes.append(
            "etcd raised the alarm NOSPACE and takes no writes: compact, defragment, disarm "
            "(docs/etcd.md)"
        )
    if "CORRUPT" in condition.alarms:
        notes.append("etcd raised the alarm CORRUPT: replace the damaged member (docs/etcd.md)")
    for member in condition.members:
        if condition.quota and member.size > condition.quota * _NEARLY_FULL:
            notes.append(
                f"the database of {member.endpoint} has {member.size} bytes, {member.in_use} of "
                f"them in use, of a quota of {condition.quota}: defragment it (docs/etcd.md)"
            )
    return notes
