"""Verdicts: how calls went by the rules in force, counted for each rule.

A gate counts one verdict of each rule that it asked about a call. Every 10 s the process writes
down what has come together; a kill loses what was counted since.
"""

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from pie.govern.rules import Key, Ruling

Verdict = Literal["admitted", "rejected", "would_reject", "routed", "fallback", "limited"]
"""What a rule did to a call: let it pass; refused it; would have refused it without ``dry_run``;
chose where it goes; gave it another answer; made its time-out or its attempts fewer."""
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

MAX_NOTED: Final = 100_000
"""Verdicts that may wait for ``take``; beyond, the oldest are lost."""


class VerdictCount(NamedTuple):
    """Calls that one rule did the same to."""

    key: "Key"
    version: int
    scope: str
    verdict: Verdict
    calls: int


class Tally:
    """The counts of one rule since they were last taken. Guarded by whoever guards the gates."""

    __slots__ = ("counts", "key", "scope", "version")

    def __init__(self, key: "Key", version: int, scope: str) -> None:
        self.key = key
        self.version = version
        self.scope = scope
        self.counts = [0] * len(VERDICTS)

    def take(self) -> list[VerdictCount]:
        """The counts above 0, which are 0 again."""
        counts, self.counts = self.counts, [0] * len(VERDICTS)
        return [
            VerdictCount(self.key, self.version, self.scope, verdict, calls)
            for verdict, calls in zip(VERDICTS, counts, strict=True)
            if calls
        ]


_POSITIONS: Final = {verdict: number for number, verdict in enumerate(VERDICTS)}


class Verdicts:
    """The counts of a process.

    Args:
        lock: held around the gates of the process; ``take`` takes it.
    """

    def __init__(self, lock: AbstractContextManager[Any] | None = None) -> None:
        self._lock = nullcontext() if lock is None else lock
        self._counted: dict[Tally, None] = {}
        self._noted: deque[tuple[Ruling[Any], Verdict]] = deque(maxlen=MAX_NOTED)

    def count(self, ruling: "Ruling[Any]", verdict: Verdict, calls: int = 1) -> None:
        """A rule did this to a call. For gates: inside ``enter`` and ``leave``."""
        tally = ruling.tally
        tally.counts[_POSITIONS[verdict]] += calls
        self._counted[tally] = None

    def note(self, ruling: "Ruling[Any]", verdict: Verdict) -> None:
        """The same, for code that is inside of no gate: on any thread, without a lock."""
        self._noted.append((ruling, verdict))

    def take(self) -> list[VerdictCount]:
        """What was counted since the last time. For the one thread that writes it down."""
        with self._lock:
            while self._noted:
                self.count(*self._noted.popleft())
            counted, self._counted = self._counted, {}
            return [count for tally in counted for count in tally.take()]
