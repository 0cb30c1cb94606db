"""What every backend promises: one suite over memory, embedded, and remote (a real server)."""

import random
import threading

import pytest

from pie.state import (
    Compacted,
    Conflict,
    Held,
    Invalid,
    LeaseGone,
    LimitExceeded,
    StoreAway,
    Watch,
    Write,
)


def take(watch: Watch, count: int) -> list[tuple[str, str, str]]:
    """The next ``count`` events as (kind, key, value)."""
    found: list[tuple[str, str, str]] = []
    while len(found) < count:
        found += [(event.kind, event.key, event.value) for event in next(watch).events]
    assert len(found) == count
    return found


class TestKeys:
    def test_put_get_range_delete(self, rig):
        store = rig.store
        assert store.get("/a") is None
        first = store.put("/a/2", "two")
        second = store.put("/a/1", "eins 一 \x01")
        store.put("/b", "elsewhere")
        entry = store.get("/a/1")
        assert (entry.key, entry.value, entry.lease) == ("/a/1", "eins 一 \x01", 0)
        assert entry.create_revision == entry.mod_revision == second
        under = store.range("/a/")
        assert [entry.key for entry in under.entries] == ["/a/1", "/a/2"]
        assert under.revision > second > first
        assert store.delete("/a/1") == under.revision + 1
        assert store.get("/a/1") is None
        assert store.delete("/a/1") == 0
        assert [entry.key for entry in store.range("/").entries] == ["/a/2", "/b"]

    def test_many_ranges_at_once(self, rig):
        for number in range(30):
            rig.store.put(f"/m/{number % 5}/{number}", str(number))
        found = rig.store.ranges([f"/m/{number}/" for number in range(6)])
        assert found.refused == ()
        assert [len(each.entries) for each in found.found.values()] == [6, 6, 6, 6, 6, 0]
        assert found.found["/m/3/"] == rig.store.range("/m/3/")

    def test_an_overwrite_keeps_the_creation(self, rig):
        created = rig.store.put("/k", "1")
        changed = rig.store.put("/k", "2")
        entry = rig.store.get("/k")
        assert (entry.create_revision, entry.mod_revision) == (created, changed)

    def test_compare_and_set(self, rig):
        store = rig.store
        first = store.put("/k", "1", expect=0)
        with pytest.raises(Conflict, match="/k is at revision") as conflict:
            store.put("/k", "x", expect=0)
        assert conflict.value.revision == first
        second = store.put("/k", "2", expect=first)
        with pytest.raises(Conflict):
            store.delete("/k", expect=first)
        assert store.delete("/k", expect=second) > second
        with pytest.raises(Conflict, match="absent") as conflict:
            store.put("/k", "x", expect=second)
        assert conflict.value.revision == 0

    def test_concurrent_increments_lose_none(self, rig):
        store = rig.store
        store.put("/n", "0")

        def increment() -> None:
            done = 0
            while done < 20:
                entry = store.get("/n")
                try:
                    store.put("/n", str(int(entry.value) + 1), expect=entry.mod_revision)
                    done += 1
                except Conflict:
                    pass

        threads = [threading.Thread(target=increment) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.get("/n").value == "80"

    @pytest.mark.parametrize("key", ["", "a", "/tab\t", "/café", "/" + "x" * 512])
    def test_a_bad_key_is_refused(self, rig, key):
        for call in (rig.store.get, rig.store.range, rig.store.delete, rig.store.watch):
            with pytest.raises(Invalid, match="is not a key"):
                call(key)
        with pytest.raises(Invalid, match="is not a key"):
            rig.store.put(key, "")

    def test_a_value_may_have_a_mebibyte_and_no_more(self, rig):
        largest = '"' * (1 << 20)
        rig.store.put("/k", largest)
        assert rig.store.get("/k").value == largest
        with pytest.raises(LimitExceeded, match="1048577 bytes"):
            rig.store.put("/k", "é" * (1 << 19) + "x")

    def test_a_value_that_is_no_text_is_refused(self, rig):
        with pytest.raises(Invalid, match="not Unicode"):
            rig.store.put("/k", "\ud800")


class TestCommit:
    def test_all_writes_have_one_revision(self, rig):
        store = rig.store
        first = store.put("/c/old", "x")
        lease = store.grant(10)
        with store.watch("/c/") as watch:
            revision = store.commit(
                [
                    Write("/c/2", "two", lease),
                    Write("/c/old", None),
                    Write("/c/1", "one"),
                    Write("/c/absent", None),
                ],
                expect={"/c/old": first, "/c/not written": 0},
            )
            events = next(batch.events for batch in watch if batch.events)
        assert [(e.kind, e.key, e.value, e.revision, e.lease) for e in events] == [
            ("put", "/c/2", "two", revision, lease),
            ("delete", "/c/old", "", revision, 0),
            ("put", "/c/1", "one", revision, 0),
        ]
        under = store.range("/c/")
        assert [(e.key, e.mod_revision, e.lease) for e in under.entries] == [
            ("/c/1", revision, 0),
            ("/c/2", revision, lease),
        ]
        assert under.revision == revision
        store.revoke(lease)
        assert store.get("/c/2") is None

    def test_none_is_written_when_one_cannot_be(self, rig):
        store = rig.store
        first = store.put("/c/1", "1")
        before = store.range("/")
        with pytest.raises(Conflict, match="/c/2 is absent") as conflict:
            store.commit([Write("/c/1", "2")], expect={"/c/1": first, "/c/2": first})
        assert (conflict.value.key, conflict.value.revision) == ("/c/2", 0)
        with pytest.raises(Conflict) as conflict:
            store.commit([Write("/c/2", "2")], expect={"/c/1": 0})
        assert (conflict.value.key, conflict.value.revision) == ("/c/1", first)
        with pytest.raises(LeaseGone, match="12345"):
            store.commit([Write("/c/1", "2"), Write("/c/2", "2", 12345)])
        assert store.range("/") == before

    def test_a_commit_that_changes_nothing(self, rig):
        before = rig.store.range("/")
        assert rig.store.commit([Write("/c/1", None)], expect={"/c/1": 0}) == 0
        assert rig.store.range("/") == before

    def test_bounds(self, rig):
        commit = rig.store.commit
        with pytest.raises(LimitExceeded, match="101 writes"):
            commit([Write(f"/c/{number}", "") for number in range(101)])
        with pytest.raises(LimitExceeded, match="101 expectations"):
            commit([Write("/c", "")], expect={f"/c/{number}": 0 for number in range(101)})
        half = "x" * (1 << 19)
        with pytest.raises(LimitExceeded, match="the limit is 1048576"):
            commit([Write("/c/1", half), Write("/c/2", half)])
        with pytest.raises(Invalid, match="writes /c twice"):
            commit([Write("/c", "1"), Write("/c", None)])
        with pytest.raises(Invalid, match="without a write"):
            commit([])
        with pytest.raises(Invalid, match="is not a key"):
            commit([Write("/c", "")], expect={"c": 0})
        assert rig.store.range("/").entries == ()
        largest = "é" * ((1 << 19) - 4)
        assert commit([Write(f"/c/{number}", "") for number in range(100)])
        assert commit([Write("/large", largest)])
        assert rig.store.get("/large").value == largest

    def test_no_commit_is_seen_in_part(self, rig):
        """Neither by a range, nor by a watch, nor by one that replays."""
        store = rig.store

        def write() -> None:
            for number in range(10):
                store.commit([Write(f"/c/{each}", str(number)) for each in range(5)])

        start = store.range("/c/").revision
        writer = threading.Thread(target=write)
        writer.start()
        with store.watch("/c/", after=start) as watch:
            seen = 0
            while seen < 10:
                events = next(watch).events
                assert len(events) % 5 == 0
                for first in range(0, len(events), 5):
                    (_,) = {(each.value, each.revision) for each in events[first : first + 5]}
                seen += len(events) // 5
                assert len({entry.value for entry in store.range("/c/").entries}) <= 1
        writer.join()


class TestLeases:
    def test_a_lease_that_is_not_kept_takes_its_keys_along(self, rig):
        lease = rig.store.grant(10)
        rig.store.put("/l/1", "a", lease=lease)
        rig.store.put("/l/2", "b", lease=lease)
        rig.store.put("/l/3", "stays")
        assert rig.store.get("/l/1").lease == lease
        rig.advance(9)
        assert rig.store.keep_alive([lease]).alive == (lease,)
        rig.advance(9)
        assert rig.store.get("/l/1") is not None
        rig.advance(4)
        assert [entry.key for entry in rig.store.range("/l/").entries] == ["/l/3"]

    def test_expiry_is_seen_as_deletes(self, rig):
        lease = rig.store.grant(1)
        rig.store.put("/l/1", "a", lease=lease)
        after = rig.store.put("/l/2", "b", lease=lease)
        with rig.store.watch("/l/", after=after) as watch:
            rig.advance(4)
            assert take(watch, 2) == [("delete", "/l/1", ""), ("delete", "/l/2", "")]

    def test_keep_alive_in_a_batch_names_the_missing(self, rig):
        first, second, third = (rig.store.grant(5) for _ in range(3))
        rig.store.revoke(second)
        kept = rig.store.keep_alive([first, second, third, 12345])
        assert kept.alive == (first, third)
        assert kept.missing == (second, 12345)
        assert rig.store.keep_alive([]).alive == ()

    def test_a_lease_that_is_gone_holds_no_key(self, rig):
        lease = rig.store.grant(1)
        rig.advance(4)
        with pytest.raises(LeaseGone, match="grant a new one"):
            rig.store.put("/k", "v", lease=lease)
        assert rig.store.get("/k") is None
        rig.store.revoke(lease)

    def test_revoke_deletes_at_once(self, rig):
        lease = rig.store.grant(100)
        rig.store.put("/k", "v", lease=lease)
        rig.store.revoke(lease)
        assert rig.store.get("/k") is None

    def test_a_key_follows_its_last_lease(self, rig):
        old, new = rig.store.grant(100), rig.store.grant(100)
        rig.store.put("/k", "v", lease=old)
        rig.store.put("/k", "v", lease=new)
        rig.store.revoke(old)
        assert rig.store.get("/k").lease == new
        rig.store.put("/k", "v")
        rig.store.revoke(new)
        assert rig.store.get("/k").lease == 0

    @pytest.mark.parametrize("ttl", [0, -1, 86_401, float("nan")])
    def test_an_impossible_ttl_is_refused(self, rig, ttl):
        with pytest.raises(Invalid, match="lease of"):
            rig.store.grant(ttl)

    def test_a_keep_alive_is_bounded(self, rig):
        with pytest.raises(LimitExceeded, match="10001 leases"):
            rig.store.keep_alive(range(10_001))


class TestWatch:
    def test_it_sees_what_comes_in_order(self, rig):
        with rig.store.watch("/w/") as watch:
            rig.store.put("/w/1", "a")
            rig.store.put("/other", "x")
            rig.store.put("/w/1", "b")
            rig.store.delete("/w/1")
            assert take(watch, 3) == [
                ("put", "/w/1", "a"),
                ("put", "/w/1", "b"),
                ("delete", "/w/1", ""),
            ]

    def test_it_replays_from_a_revision(self, rig):
        first = rig.store.put("/w/1", "a")
        second = rig.store.put("/w/2", "b")
        last = rig.store.put("/w/3", "c")
        with rig.store.watch("/w/", after=first) as watch:
            batch = next(watch)
            assert [event.revision for event in batch.events] == [second, last]
            assert batch.revision == last

    def test_range_and_watch_fit_together(self, rig):
        """Random changes: what a range misses, the watch after it tells, once."""
        dice = random.Random(7)
        start = rig.store.range("/r/")
        state = {entry.key: entry.value for entry in start.entries}
        for number in range(50):
            key = f"/r/{dice.randrange(6)}"
            if dice.random() < 0.3:
                rig.store.delete(key)
            else:
                rig.store.put(key, str(number))
        end = rig.store.range("/r/")
        seen = start.revision
        with rig.store.watch("/r/", after=start.revision) as watch:
            while seen < end.revision:
                for event in next(watch).events:
                    assert event.revision > seen
                    seen = event.revision
                    if event.kind == "put":
                        state[event.key] = event.value
                    else:
                        del state[event.key]
        assert state == {entry.key: entry.value for entry in end.entries}

    def test_history_that_is_gone_is_reported(self, rig):
        first = rig.store.put("/w/1", "0")
        for number in range(100):
            rig.store.put("/w/1", str(number))
        with pytest.raises(Compacted, match="read the range again") as compacted:
            next(rig.store.watch("/w/", after=first))
        with rig.store.watch("/w/", after=compacted.value.revision) as watch:
            assert next(watch).events[0].revision == compacted.value.revision + 1

    def test_a_revision_of_the_future_is_not_waited_for(self, rig):
        """It was given out by a store whose history was lost."""
        future = rig.store.put("/w/1", "0") + 1
        with pytest.raises(Compacted):
            next(rig.store.watch("/w/", after=future))

    def test_closing_from_another_thread_ends_the_iteration(self, rig, until):
        watch = rig.store.watch("/w/")
        seen: list[str] = []

        def read() -> None:
            for batch in watch:
                seen.extend(event.value for event in batch.events)
            seen.append("end")

        reader = threading.Thread(target=read)
        reader.start()
        rig.store.put("/w/1", "a")
        until(lambda: seen, "the first event")
        watch.close()
        reader.join()
        assert seen == ["a", "end"]
        until(lambda: rig.engine.watches == 0, "the store to let go of the watch")

    def test_many_writers_one_order(self, rig):
        with rig.store.watch("/w/") as watch:

            def write(number: int) -> None:
                for step in range(10):
                    rig.store.put(f"/w/{number}", str(step))

            threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            revisions: list[int] = []
            steps: dict[str, list[str]] = {}
            while len(revisions) < 40:
                for event in next(watch).events:
                    revisions.append(event.revision)
                    steps.setdefault(event.key, []).append(event.value)
            for thread in threads:
                thread.join()
        assert revisions == sorted(set(revisions))
        assert list(steps.values()) == [[str(step) for step in range(10)]] * 4

    def test_the_store_ends_its_watches(self, rig):
        watch = rig.store.watch("/w/")
        rig.engine.end_watches()
        with pytest.raises(StoreAway, match="shutting down"):
            while True:
                next(watch)
        with pytest.raises(StoreAway):
            rig.store.watch("/w/")
        watch.close()


def test_a_closed_engine_takes_no_more_changes(rig):
    rig.engine.close()
    for change in (
        lambda: rig.store.put("/k", "v"),
        lambda: rig.store.delete("/k"),
        lambda: rig.store.grant(1),
        lambda: rig.store.revoke(1),
    ):
        with pytest.raises(StoreAway, match="closed"):
            change()


class TestStream:
    def test_many_prefixes_each_from_its_own_revision(self, rig):
        first = rig.store.put("/a/1", "a1")
        second = rig.store.put("/b/1", "b1")
        rig.store.put("/c/1", "c1")
        with rig.store.stream({"/a/": 0 + first - 1, "/b/": second}) as stream:
            events = next(batch.events for batch in stream if batch.events)
            assert [event.value for event in events] == ["a1"]
            rig.store.put("/c/2", "not followed")
            last = rig.store.put("/b/2", "b2")
            batch = next(batch for batch in stream if batch.events)
            assert [event.value for event in batch.events] == ["b2"]
            assert batch.revision >= last

    def test_a_change_under_two_prefixes_comes_once(self, rig):
        after = rig.store.put("/s/0", "")
        with rig.store.stream({"/s/": after, "/s/a": after, "/": after}) as stream:
            rig.store.put("/s/a/1", "x")
            rig.store.put("/s/b", "y")
            seen = []
            while len(seen) < 2:
                seen += [event.value for event in next(stream).events]
        assert seen == ["x", "y"]

    def test_prefixes_added_and_removed_miss_nothing(self, rig):
        """As a follower does it: it closes the stream and opens another one."""
        known = rig.store.put("/p/0", "")
        seen: dict[str, int] = {}
        prefixes = {"/p/0": known}
        for number in range(1, 20):
            added = rig.store.range(f"/p/{number}").revision
            rig.store.put(f"/p/{number}", "between range and stream")
            prefixes[f"/p/{number}"] = added
            if number > 5:
                del prefixes[f"/p/{number - 5}"]
            with rig.store.stream(prefixes) as stream:
                batch = next(batch for batch in stream if batch.events)
            for event in batch.events:
                seen[event.key] = seen.get(event.key, 0) + 1
            prefixes = dict.fromkeys(prefixes, batch.revision)
        assert seen == {f"/p/{number}": 1 for number in range(1, 20)}

    def test_what_is_compacted_is_refused_and_the_rest_followed(self, rig):
        old = rig.store.put("/o/1", "")
        for number in range(200):
            rig.store.put("/x", str(number))
        now = rig.store.put("/n/1", "")
        with rig.store.stream({"/o/": old, "/n/": now}) as stream:
            (refused,) = next(stream).refused
            assert refused.prefix == "/o/"
            assert isinstance(refused.error, Compacted)
            rig.store.put("/n/2", "followed")
            events = next(batch.events for batch in stream if batch.events)
        assert [event.value for event in events] == ["followed"]

    def test_bounds(self, rig):
        with pytest.raises(LimitExceeded, match="10001 prefixes in one stream"):
            rig.store.stream({f"/{number}": 0 for number in range(10_001)})
        with pytest.raises(Invalid):
            rig.store.stream({})
        with pytest.raises(Invalid):
            rig.store.stream({"no key": 0})


class TestClaim:
    def test_a_key_is_claimed_when_nobody_holds_it(self, rig):
        mine, other = rig.store.grant(10), rig.store.grant(10)
        rig.store.put("/i", "mine", lease=mine, claim=True)
        rig.store.put("/i", "again", lease=mine, claim=True)
        with pytest.raises(Held, match=r"renewed \d\.\d s ago"):
            rig.store.put("/i", "other's", lease=other, claim=True)
        rig.advance(4)
        with pytest.raises(Held):
            rig.store.put("/i", "other's", lease=other, claim=True)
        rig.advance(1.5)
        rig.store.put("/i", "other's", lease=other, claim=True)
        assert rig.store.get("/i").value == "other's"
        rig.store.revoke(mine)
        assert rig.store.get("/i").value == "other's"

    def test_a_renewed_lease_holds_on(self, rig):
        mine, other = rig.store.grant(10), rig.store.grant(10)
        rig.store.put("/i", "mine", lease=mine)
        for _ in range(3):
            rig.advance(4.9)
            assert rig.store.keep_alive([mine, other]).keys == (1, 0)
            with pytest.raises(Held):
                rig.store.put("/i", "other's", lease=other, claim=True)

    def test_what_was_written_to_stay_is_not_claimed(self, rig):
        rig.store.put("/i", "by hand")
        with pytest.raises(Held, match="written to stay"):
            rig.store.put("/i", "x", lease=rig.store.grant(10), claim=True)

    def test_an_heir_takes_over_at_once(self, rig):
        mine, heir = rig.store.grant(10), rig.store.grant(10)
        rig.store.put("/i", "mine", lease=mine)
        with pytest.raises(Held):
            rig.store.put("/i", "x", lease=heir, claim=True, heir_of=heir)
        rig.store.put("/i", "heir's", lease=heir, claim=True, heir_of=mine)
        assert rig.store.keep_alive([mine, heir]).keys == (0, 1)
