"""Exact aggregates of calls: by edge (who called whom, which method, how it ended), by instance.

What is counted apart, what is added up and over how many seconds stands in the type of the row. The
twin of ``aggregate.c``.

Names and codes come from the wire, so three bounds keep strangers from filling the memory, and the
counts stay exact under each: (1) a process holds ``Key.cap`` values of a key; what comes beyond is
counted under ``OTHER``. A value that no call has had for ``FORGET_SECONDS`` makes room for another,
so known names keep their counts while a stranger invents new ones. (2) A number that does not fit
32 bits is ``OTHER_CODE``. (3) Beyond ``MAX_ROWS`` sums at a time, every capped key of a new one is
``OTHER``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from pie.observe.facts.fields import LOW, OTHER, OTHER_CODE, Histogram, Key, Sum, fields_of
from pie.observe.facts.rows import AggregateRow, histogram_bucket
from pie.observe.identity import Identity
from pie.observe.record.finished import Finished, reader_of
from pie.observe.record.slots import SlotWriter

MAX_ROWS = 10_000
FORGET_SECONDS = 3600
_CODES = range(-(2**31), 2**31)
PROCESS = "process."

Row = TypeVar("Row", bound=AggregateRow)
Value = str | int
Values = tuple[Value, ...]


class Shape(Generic[Row]):
    """The table of an aggregate row, parted by what its fields do.

    Attributes:
        row_type: of its rows.
        seconds: width of a bucket.
        counted: source that is 1 for the finished calls that count.
        keys, sums, histograms: its fields by name; there is at most one histogram.
    """

    def __init__(self, row_type: type[Row]) -> None:
        self.row_type = row_type
        self.fields = fields = fields_of(row_type)
        self.seconds: int = row_type.SECONDS
        self.counted: str = row_type.COUNTED
        self.keys = {name: each for name, each in fields.items() if isinstance(each, Key)}
        self.sums = {name: each for name, each in fields.items() if isinstance(each, Sum)}
        self.histograms = {name: e for name, e in fields.items() if isinstance(e, Histogram)}

    def other(self, key: str) -> str | int:
        """What stands for the values of a key that are beyond its cap."""
        return OTHER if self.fields[key].column.startswith(LOW) else OTHER_CODE

    def maker(self, identity: Identity) -> Callable[..., Row]:
        """Makes a row of what was counted, by name, for a process."""
        given = {
            name: getattr(identity, field.source.removeprefix(PROCESS))
            for name, field in self.fields.items()
            if field.source.startswith(PROCESS)
        }
        return partial(self.row_type, **given)


class Total:
    """The sums and the histogram of one key in one bucket: here, and in a slot (-1 = none)."""

    __slots__ = ("histogram", "slot", "sums")

    def __init__(self, sums: int, slot: int) -> None:
        self.sums = [0] * sums
        self.histogram: dict[int, int] = {}
        self.slot = slot


class Known:
    """The values of one key that a process holds; ``cap`` 0 = all."""

    def __init__(self, cap: int, other: Value) -> None:
        self.cap = cap
        self.other = other
        self._seen: dict[Value, int] = {}
        self._swept = 0

    def admit(self, value: Value, ts: int) -> Value:
        """The value in a bucket that begins at ``ts``, or the other."""
        if not self.cap:
            return value
        if isinstance(value, int) and value not in _CODES:
            return self.other
        if value not in self._seen and len(self._seen) >= self.cap:
            self._sweep(ts)
            if len(self._seen) >= self.cap:
                return self.other
        self._seen[value] = ts
        return value

    def _sweep(self, ts: int) -> None:
        """Forget what has not come for long; once in a bucket."""
        if ts == self._swept:
            return
        self._swept = ts
        for value in [each for each, seen in self._seen.items() if seen <= ts - FORGET_SECONDS]:
            del self._seen[value]


class Aggregator(Generic[Row]):
    """Adds calls up until their bucket is over. Not thread-safe: its owner holds a lock.

    A call counts in the bucket of its end. Calls of a bucket that was taken already make a further
    row, which adds up with the first.
    """

    def __init__(self, row_type: type[Row], identity: Identity) -> None:
        self._shape = shape = Shape(row_type)
        self._make = shape.maker(identity)
        self._counted = reader_of([shape.counted])
        self._keys = reader_of(each.source for each in shape.keys.values())
        self._sums = reader_of(each.source for each in shape.sums.values())
        self._durations = reader_of(each.source for each in shape.histograms.values())
        self._known = [Known(each.cap, shape.other(name)) for name, each in shape.keys.items()]
        self._totals: dict[tuple[int, Values], Total] = {}
        self._slots: SlotWriter | None = None

    def __len__(self) -> int:
        return len(self._totals)

    def add(self, finished: Finished) -> None:
        """Count a call, or an attempt, if it is of those that count."""
        if not self._counted(finished)[0]:
            return
        seconds = self._shape.seconds
        ts = int(finished.ended) // seconds * seconds
        total = self._total(ts, self._keys(finished))
        total.sums = [a + b for a, b in zip(total.sums, self._sums(finished), strict=True)]
        bucket = 0
        for duration_us in self._durations(finished):
            bucket = histogram_bucket(duration_us)
            total.histogram[bucket] = total.histogram.get(bucket, 0) + 1
        if total.slot >= 0:
            self._count_in_slot(total, bucket)

    def attach(self, slots: SlotWriter) -> None:
        """Count in slots from now on, while there are free ones."""
        self._slots = slots

    def release(self, slot: int) -> None:
        """What stood in a slot is written."""
        if self._slots is not None:
            self._slots.release(slot)

    def take(self, before: float) -> list[tuple[Row, int]]:
        """Take all buckets that ended at ``before`` (Unix seconds) or earlier.

        Returns:
            Rows with the numbers of their slots, which stay in use until they are released;
            -1 = none.
        """
        over = [key for key in self._totals if key[0] + self._shape.seconds <= before]
        taken = [(key, self._totals.pop(key)) for key in over]
        return [(self._row(*key, total), total.slot) for key, total in taken]

    def _count_in_slot(self, total: Total, bucket: int) -> None:
        assert self._slots is not None
        value = total.histogram.get(bucket, 0)
        if not self._slots.count(total.slot, total.sums, bucket, value):
            self._slots.release(total.slot)
            total.slot = -1

    def _total(self, ts: int, values: Values) -> Total:
        """The sums of a key, which are made if they are new."""
        found = self._totals.get((ts, values))
        if found is not None:
            return found
        pairs = list(zip(self._known, values, strict=True))
        values = tuple(known.admit(value, ts) for known, value in pairs)
        if (ts, values) not in self._totals and len(self._totals) >= MAX_ROWS:
            values = tuple(known.other if known.cap else value for known, value in pairs)
        found = self._totals.get((ts, values))
        if found is None:
            slot = -1 if self._slots is None else self._slots.open(ts, values)
            found = self._totals[ts, values] = Total(len(self._shape.sums), slot)
        return found

    def _row(self, ts: int, values: Values, total: Total) -> Row:
        shape = self._shape
        counted: dict[str, Any] = dict(zip(shape.keys, values, strict=True))
        counted |= zip(shape.sums, total.sums, strict=True)
        counted |= dict.fromkeys(shape.histograms, total.histogram)
        return self._make(ts=ts, **counted)
