"""What governance did and runs, as rows: the verdicts of rules, and the versions in force."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pie.govern import VerdictCount
from pie.observe.facts.rows import RULE_SECONDS, InForceRow, RuleRow
from pie.observe.identity import Identity

IN_FORCE_SECONDS = 60.0
"""What is in force is written this often although nothing changed: so that it is known which
instances live, and that rows of ended ones are old."""


class RuleReport:
    """A source of the verdicts of a process.

    Args:
        identity: of the process.
        take: what was counted since the last time.
    """

    def __init__(self, identity: Identity, take: Callable[[], Iterable[VerdictCount]]) -> None:
        self._identity = identity
        self._take = take

    def __call__(self, now: float) -> Iterable[RuleRow]:
        # Asked right after a bucket ended: half a bucket earlier is inside of it.
        ts = int((now - RULE_SECONDS / 2) // RULE_SECONDS) * RULE_SECONDS
        who = self._identity
        for key, version, scope, verdict, calls in self._take():
            yield RuleRow(
                ts=ts,
                psm=who.psm,
                cluster=who.cluster,
                instance=who.instance,
                owner=key.psm,
                side=key.side,
                kind=key.kind,
                version=version,
                scope=scope,
                verdict=verdict,
                calls=calls,
            )


class InForce(NamedTuple):
    """One thing that was decided, and what a process runs of it; see ``InForceRow``."""

    key: str
    version: int
    trouble: str = ""
    value: str = ""


class InForceReport:
    """A source of what a process runs: all of it once a minute, and at once what changed.

    Args:
        identity: of the process.

    Attributes:
        changed: to be called when something may have changed; does not wait.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.changed: Callable[[], None] = _nothing
        self._asked: list[Callable[[], Iterable[InForce]]] = []
        self._written: Mapping[str, InForce] = {}
        self._process = 0
        self._all_at = 0.0

    def add(self, asked: Callable[[], Iterable[InForce]]) -> None:
        """Ask this, too, what is in force; tell `changed` when its answer is another."""
        self._asked.append(asked)

    def __call__(self, now: float) -> Iterable[InForceRow]:
        found = {each.key: each for asked in list(self._asked) for each in asked()}
        # A clock that was set back makes it due, too; a forked child writes its own.
        whole = self._process != os.getpid() or not 0 <= now - self._all_at < IN_FORCE_SECONDS - 1
        if whole:
            self._all_at, self._process = now, os.getpid()
        news = [each for key, each in found.items() if whole or self._written.get(key) != each]
        if not whole:  # What is gone is said once.
            news += [InForce(key, 0) for key in self._written if key not in found]
        self._written = found
        return [self._row(now, each) for each in news]

    def _row(self, now: float, each: InForce) -> InForceRow:
        who = self._identity
        return InForceRow(
            ts=now,
            psm=who.psm,
            cluster=who.cluster,
            instance=who.instance,
            host=who.host,
            process=self._process,
            key=each.key,
            version=each.version,
            trouble=each.trouble,
            value=each.value,
        )


def _nothing() -> None:
    pass
