"""Verdicts: how calls went by the rules in force, counted for each rule.

A gate counts one verdict of each rule that it asked about a call. Every 10 s the process writes
down what has come together; a kill loses what was counted since.
"""

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from pie._core import native

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


class VerdictNumber(IntEnum):
    """Verdicts as C numbers them."""

    ADMITTED = 0
    REJECTED = 1
    WOULD_REJECT = 2
    ROUTED = 3
    FALLBACK = 4
    LIMITED = 5


NUMBERS: Final = {verdict: VerdictNumber[verdict.upper()] for verdict in VERDICTS}
"""By verdict."""


class PythonCounts:
    """Numbers of calls, by verdict: the twin of ``tally.c``."""

    __slots__ = ("_calls", "_listed")

    def __init__(self) -> None:
        self._calls = [0] * len(VERDICTS)
        self._listed = False

    def count(self, verdict: int, counted: "list[Any]") -> None:
        """One call more; ``counted`` lists those whose counts are above 0."""
        self._calls[verdict] += 1
        if not self._listed:
            self._listed = True
            counted.append(self)

    def take_calls(self) -> tuple[int, ...]:
        """The numbers, which are 0 from now on; it is on no list any more."""
        calls, self._calls, self._listed = self._calls, [0] * len(VERDICTS), False
        return tuple(calls)


Counts = PythonCounts
if not TYPE_CHECKING and native is not None:
    Counts = native.Counts


class Tally(Counts):
    """The counts of one rule since they were last taken."""

    __slots__ = ("key", "scope", "version")

    def __init__(self, key: "Key", version: int, scope: str) -> None:
        super().__init__()
        self.key = key
        self.version = version
        self.scope = scope

    def take(self) -> list[VerdictCount]:
        """The counts above 0, which are 0 again."""
        return [
            VerdictCount(self.key, self.version, self.scope, verdict, calls)
            for verdict, calls in zip(VERDICTS, self.take_calls(), strict=True)
            if calls
        ]


class Verdicts:
    """The counts of a process.

    Args:
        lock: held around the gates of the process; ``take`` takes it.
    """

    def __init__(self, lock: AbstractContextManager[Any] | None = None) -> None:
        self._lock = nullcontext() if lock is None else lock
        self.counted: list[Tally] = []
        """The rules whose counts are above 0. Always the same list: C adds to it."""
        self._noted: deque[tuple[Ruling[Any], Verdict]] = deque(maxlen=MAX_NOTED)

    def count(self, ruling: "Ruling[Any]", verdict: Verdict) -> None:
        """A rule did this to a call. For gates: inside ``enter`` and ``leave``."""
        ruling.tally.count(NUMBERS[verdict], self.counted)

    def note(self, ruling: "Ruling[Any]", verdict: Verdict) -> None:
        """The same, for code that is inside of no gate: on any thread, without a lock."""
        self._noted.append((ruling, verdict))

    def take(self) -> list[VerdictCount]:
        """What was counted since the last time."""
        with self._lock:
            while self._noted:
                self.count(*self._noted.popleft())
            tallies = [self.counted.pop() for _ in range(len(self.counted))]
            return [count for tally in reversed(tallies) for count in tally.take()]
