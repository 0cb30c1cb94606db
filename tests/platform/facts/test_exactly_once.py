"""Whatever fails and whenever it is tried again: each row of a source is stored once."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.model import Failure
from pie.platform.facts.dead_letter import DeadLetters
from pie.platform.facts.decode import BadLine, decode_rows
from pie.platform.facts.errors import StoreError
from pie.platform.facts.ingest import TableIngest
from pie.platform.facts.rows import StoredLog
from pie.platform.facts.schema import LOGS, Mark

DAY = 86_400
NOW = 20_000.5 * DAY


class Disk:
    """What is stored, in the way of an engine: one insert is all or nothing, and may err."""

    def __init__(self):
        self.rows = []
        self.removed = []
        self.marks = {}
        self.failures = []  # for inserts to come: "", "lost" or "stored"

    def thin(self):
        """Remove the rows whose marks are written."""
        gone = [row for row in self.rows if self.marks.get((row.src, row.day), -1) >= row.pos]
        self.removed += gone
        self.rows = [row for row in self.rows if row not in gone]

    def insert(self, table, ndjson):
        how = self.failures.pop(0) if self.failures else ""
        if table == "marks":
            self._insert_marks(ndjson, how)
            return
        if b"poison" in ndjson:
            raise StoreError("cannot parse", about_data=True)
        rows = msgspec.json.Decoder(StoredLog).decode_lines(ndjson)
        assert len({int(row.ts // DAY) for row in rows}) == 1, "an insert of two days"
        if how != "lost":
            self.rows += rows
        if how:
            raise StoreError(f"{how} on purpose")

    def _insert_marks(self, ndjson, how):
        if how != "lost":
            for mark in msgspec.json.Decoder(Mark).decode_lines(ndjson):
                assert any(
                    row.pos == mark.pos and (row.src, row.day) == (mark.src, mark.day)
                    for row in self.rows + self.removed
                ), "a mark before its rows"
                key = (mark.src, mark.day)
                self.marks[key] = max(self.marks.get(key, -1), mark.pos)
        if how:
            raise StoreError(f"{how} on purpose")

    def query(self, _sql, params):
        marks = {key: pos for key, pos in self.marks.items() if key[0] in params["sources"]}
        for row in self.rows:
            if row.src in params["sources"]:
                key = (row.src, row.day)
                marks[key] = max(marks.get(key, -1), row.pos)
        return [{"src": src, "day": day, "pos": pos} for (src, day), pos in marks.items()]


class Clock:
    def __init__(self):
        self.now = NOW

    def wall(self):
        return self.now

    def monotonic(self):
        return self.now


class Life:
    """One run of the ingest of a table; leaving it is a crash."""

    def __init__(self, disk, clock):
        self.table = TableIngest(disk, LOGS, 0.0, clock)

    async def __aenter__(self):
        self.task = asyncio.create_task(self.table.run())
        return self.table

    async def __aexit__(self, *_):
        self.task.cancel()


days = st.sampled_from([0, 0, 1, -1, 3, -9, -10, -11, 400])
step = st.one_of(
    st.tuples(st.just("send"), st.lists(days, max_size=8)),
    st.tuples(st.just("fail"), st.sampled_from(["lost", "stored", ""])),
    st.tuples(st.just("again"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("thin"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.4, 0.9])),
)


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(step, max_size=25), st.booleans())
def test_any_history_of_failures(steps, twice_at_once):
    disk, clock = Disk(), Clock()
    sent = asyncio.run(_history(disk, clock, steps, twice_at_once))
    stored = sorted(row.pos for row in disk.rows + disk.removed)
    assert stored == list(range(1, sent + 1))


async def _history(disk, clock, steps, twice_at_once):
    """An agent's part: batches in order, each until it is taken. The number of rows sent."""
    pos = 0
    batch = []
    steps = list(steps)
    while steps:
        async with Life(disk, clock) as table:
            while steps:
                kind, value = steps.pop(0)
                if kind == "restart":
                    break
                if kind == "fail":
                    disk.failures.append(value)
                if kind == "thin":
                    disk.thin()
                if kind == "wait":
                    clock.now += value * DAY
                if kind == "again":  # the answer to the last batch was lost on its way
                    await _until_taken(table, batch, clock, twice_at_once)
                if kind == "send":
                    batch = [(pos + n, NOW + day * DAY) for n, day in enumerate(value, 1)]
                    pos += len(batch)
                    await _until_taken(table, batch, clock, twice_at_once)
    return pos


async def _until_taken(table, batch, clock, twice_at_once):
    def rows():
        return [StoredLog(ts=ts, src=5, pos=pos) for pos, ts in batch]

    for _ in range(30):
        posts = [table.commit(rows()) for _ in range(2 if twice_at_once else 1)]
        answers = await asyncio.gather(*posts, return_exceptions=True)
        taken = [answer for answer in answers if not isinstance(answer, Failure)]
        if taken:
            assert all(answer.accepted + answer.duplicates == len(batch) for answer in taken)
            return
        clock.now += 0.3 * DAY  # a retry may see another day
    raise AssertionError("never taken")


def test_clamped_rows_are_marked_and_keep_the_day_they_claimed():
    disk, clock = Disk(), Clock()

    async def send():
        async with Life(disk, clock) as table:
            await table.commit([StoredLog(ts=NOW + 5 * DAY, src=1, pos=1)])
            await table.commit([StoredLog(ts=10.0, src=1, pos=2)])
            await table.commit([StoredLog(ts=NOW, src=1, pos=3)])

    asyncio.run(send())
    assert [(row.clamped, row.day) for row in disk.rows] == [(1, 20_005), (1, 0), (0, 20_000)]
    assert disk.rows[0].ts == NOW
    assert disk.rows[1].ts == 19_991 * DAY


def test_marks_that_cannot_be_written_do_not_fail_the_post_and_are_written_later():
    disk, clock = Disk(), Clock()

    async def send():
        async with Life(disk, clock) as table:
            disk.failures = ["", "lost"]
            assert (await table.commit([StoredLog(ts=NOW, src=1, pos=1)])).accepted == 1
            assert disk.marks == {}
            await table.commit([StoredLog(ts=NOW, src=2, pos=7)])
            assert disk.marks == {(1, 20_000): 1, (2, 20_000): 7}
            disk.thin()
        async with Life(disk, clock) as table:
            return await table.commit([StoredLog(ts=NOW, src=2, pos=pos) for pos in (7, 8)])

    again = asyncio.run(send())
    assert (again.accepted, again.duplicates) == (1, 1)


def test_a_failing_mark_read_refuses_the_post():
    class Broken(Disk):
        def query(self, _sql, _params):
            raise StoreError("no")

    async def send():
        async with Life(Broken(), Clock()) as table:
            with pytest.raises(Failure, match="send it again"):
                await table.commit([StoredLog(ts=NOW, src=1, pos=1)])
            assert (await table.commit([StoredLog(ts=NOW)])).accepted == 1

    asyncio.run(send())


def test_a_row_the_store_cannot_read_holds_nobody_else_up():
    disk = Disk()

    async def send():
        def row(src, pos, message="", ts=NOW):
            return StoredLog(ts=ts, src=src, pos=pos, message=message)

        async with Life(disk, Clock()) as table:
            return await asyncio.gather(
                table.commit([row(1, 1), row(1, 2, ts=NOW - DAY)]),
                table.commit([row(2, 1), row(2, 2, "poison"), row(2, 3, ts=NOW - DAY)]),
                table.commit([row(3, 1)]),
                return_exceptions=True,
            )

    first, poisoned, last = asyncio.run(send())
    assert (first.accepted, first.duplicates, last.accepted) == (2, 0, 1)
    assert (poisoned.kind, poisoned.code) == ("invalid", 400)
    assert len(disk.rows) == 4


def test_dead_letters_are_bounded(tmp_path):
    letters = DeadLetters(tmp_path / "dead.ndjson", limit=10_000)
    for n in range(100):
        letters.keep("logs", [BadLine(n, "why", b"x" * 500)])
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) < 25_000


def test_dead_letters_on_a_full_disk_hold_nothing_up(tmp_path):
    DeadLetters(tmp_path / "none" / "dead.ndjson").keep("logs", [BadLine(1, "why", b"x")])


def test_logids_are_stored_in_lower_case():
    rows, bad = decode_rows("logs", b'{"ts": 1, "logid": "ABCDEF"}\n')
    assert (rows[0].logid, bad) == ("abcdef", [])


def test_a_mistake_of_ours_is_told_and_the_next_post_is_stored(capfd):
    class Mistaken(Disk):
        def insert(self, table, ndjson):
            super().insert(table, ndjson)
            if table == "logs" and len(self.rows) == 1:
                raise AssertionError("a mistake after the rows were stored")

    disk = Mistaken()

    async def send():
        async with Life(disk, Clock()) as table:
            with pytest.raises(Failure, match="a mistake after"):
                await table.commit([StoredLog(ts=NOW, src=1, pos=1)])
            return await table.commit([StoredLog(ts=NOW, src=1, pos=pos) for pos in (1, 2)])

    again = asyncio.run(send())
    assert (again.accepted, again.duplicates) == (1, 1)
    assert "a mistake after" in capfd.readouterr().err
