"""The rules of a process: followed in the store, kept on the disk."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pie.govern import Key, RuleSet
from pie.model import after_fork
from pie.state.rules.document import callers_prefix, rules_prefix
from pie.state.rules.part import RulePart, Running
from pie.state.store.follow import Follower

OFF = "PIE_GOVERN=off in this process"
MAX_CALLEES = 10_000


class StoreRules:
    """A `pie.govern.RuleSource` over the store.

    It knows the rules that this service's owner publishes, and those that the owners of its callees
    publish for their callers. Nothing starts before `start` or the first look of the process for
    a service; a forked child goes on with what its parent knew, and follows from its first look.

    Args:
        psm: of this process.
        instance: of this process, for roll-outs.
        follower: of this process.
        directory: of the snapshots; None keeps none.
        defaults: the rules of the service's own file, in force while the store holds none.
        off: run without rules, and report that.
    """

    def __init__(
        self,
        psm: str,
        instance: str,
        follower: Follower,
        directory: Path | None,
        *,
        defaults: Mapping[Key, RuleSet[Any]] | None = None,
        off: bool = False,
    ) -> None:
        self._psm = psm
        self._instance = instance
        self._follower = follower
        self._directory = directory
        self._defaults = defaults or {}
        self._off = off
        self._listeners: list[Callable[[], None]] = []
        self._parts: dict[str, RulePart] = {}
        self._begin()
        after_fork(self._begin)
        self._own = self._add(psm, rules_prefix(psm), "rules")
        self._sets = self._merged()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._known = threading.Event()

    # -- RuleSource ---------------------------------------------------------------------------

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        """All in force now."""
        return {} if self._off else self._sets

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change, on any thread."""
        self._listeners.append(changed)

    def want(self, psm: str) -> None:
        """This process calls a service: know what its owner publishes for callers."""
        try:
            prefix = callers_prefix(psm)
        except ValueError:
            return  # Not a service of this fleet: nobody publishes for it.
        with self._lock:
            if psm == self._psm or prefix in self._parts or len(self._parts) > MAX_CALLEES:
                return
            part = self._add(psm, prefix, "callers")
        if part.sets:
            self._renew()

    # -- of the process -----------------------------------------------------------------------

    def start(self, patience: float) -> bool:
        """Follow from now on; wait until the service's own rules are known, or the store is away.

        Args:
            patience: seconds to wait at most.

        Returns:
            Whether it is known by then what the store holds.

        Raises:
            RuntimeError: the system refuses a thread.
        """
        self._follower.start()
        self._known.wait(patience)
        return self._own.source == "store"

    def in_force(self) -> list[Running]:
        """What this process runs, and why it is not what the store holds."""
        found = [each for part in list(self._parts.values()) for each in part.in_force()]
        stored = {each.key for each in found if each.version}
        found += [
            Running(key, 0, "", "file") for key in sorted(self._defaults) if key not in stored
        ]
        if self._off:
            return [each._replace(version=0, trouble=OFF) for each in found]
        return found

    def _add(self, psm: str, prefix: str, name: str) -> RulePart:
        path = None if self._directory is None else self._directory / f"{psm}.{name}.json"
        settled = self._settle if psm == self._psm else _nothing
        part = RulePart(prefix, self._instance, path, self._renew, settled)
        self._parts[prefix] = part
        self._follower.follow(prefix, part, lasting=True)
        return part

    def _settle(self) -> None:
        self._known.set()

    def _merged(self) -> Mapping[Key, RuleSet[Any]]:
        sets = dict(self._defaults)
        for part in list(self._parts.values()):
            sets |= part.sets
        return sets

    def _renew(self) -> None:
        with self._lock:
            self._sets = self._merged()
        for changed in list(self._listeners):
            changed()


def _nothing() -> None:
    pass
