"""The rule book: one commit for each change, and nobody overwrites what they did not see."""

import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.govern import Key, RuleError
from pie.state import Fenced, FenceLost, MemoryStore, Store
from pie.state.events import PREFIX as EVENTS
from pie.state.events import ChangeEvent, read_event
from pie.state.freeze import Frozen
from pie.state.rules.book import RuleBook, RuleConflict, Unreadable
from pie.state.rules.document import (
    KEPT_VERSIONS,
    MAX_DOCUMENT,
    Rollout,
    WrittenRule,
    history_key,
    key_of,
    rules_key,
    share,
)
from pie.state.store.interface import MAX_VALUE, Invalid, LimitExceeded
from pie.testing.clock import FakeClock

KEY = Key("rate", "toutiao.my.server", "server")


def rules(*qps: float) -> list[WrittenRule]:
    return [WrittenRule({"method": f"M{n}"}, {"qps": each}) for n, each in enumerate(qps)]


def events(store: Store) -> list[ChangeEvent]:
    return [read_event(entry.value) for entry in store.range(EVENTS).entries]


class Ticking(FakeClock):
    """Each reading is later than the one before."""

    def wall(self) -> float:
        self.advance(0.001)
        return super().wall()


@pytest.fixture
def clock() -> FakeClock:
    return Ticking()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def book(store: MemoryStore, clock: FakeClock) -> RuleBook:
    return RuleBook(store, clock=clock)


def publish(book: RuleBook, *qps: float, seen: int, **more: Any) -> int:
    return book.publish(KEY, rules(*qps), seen=seen, by="ann", comment="why", **more).version


def test_a_publishing_is_document_history_and_event(book: RuleBook, store: MemoryStore) -> None:
    assert book.get(KEY) is None
    publish(book, 10, seen=0)
    publish(book, 20, 30, seen=1)
    found = book.get(KEY)
    assert found is not None
    assert (found.version, found.author, found.comment) == (2, "ann", "why")
    assert [each.body for each in found.rules] == [{"qps": 20}, {"qps": 30}]
    assert book.all(KEY.psm) == ({KEY: found}, {})
    assert [each.version for each in book.history(KEY)] == [2, 1]
    one, two = events(store)
    assert (one.kind, one.subject, one.person, one.version) == (
        "rule", "rule/server/rate", "ann", 1
    )  # fmt: skip
    assert one.before == "" and two.before == one.after
    assert msgspec.json.decode(two.after, type=list[WrittenRule]) == rules(20, 30)
    newest = [
        entry for entry in store.range("/pie/").entries if entry.mod_revision == store.revision
    ]
    assert len(newest) == 3, "document, version and event came at one revision"


def test_the_second_of_two_editors_sees_a_conflict_and_loses_nothing(book: RuleBook) -> None:
    publish(book, 10, seen=0)
    publish(book, 20, seen=1)
    with pytest.raises(RuleConflict) as caught:
        book.publish(KEY, rules(30), seen=1, by="bob", comment="mine")
    assert "ann published v2 of the rate rules (server) of toutiao.my.server" in str(caught.value)
    assert "(why), and you saw v1" in str(caught.value)
    assert caught.value.current == book.get(KEY)
    with pytest.raises(RuleConflict, match="ann published v2"):
        publish(book, 30, seen=0)


def test_of_many_editors_at_once_each_version_has_one(book: RuleBook, store: MemoryStore) -> None:
    won: list[int] = []
    lost: list[RuleConflict] = []

    def edit(name: str) -> None:
        for _ in range(10):
            current = book.get(KEY)
            seen = current.version if current else 0
            try:
                done = book.publish(KEY, rules(10), seen=seen, by=name, comment="")
                won.append(done.version)
            except RuleConflict as error:
                lost.append(error)

    threads = [threading.Thread(target=edit, args=(f"p{n}",)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(won) == list(range(1, len(won) + 1)), "no version twice, none missing"
    assert len(won) + len(lost) == 40
    assert sorted(each.version for each in events(store)) == sorted(won)


def test_a_rule_that_cannot_be_applied_is_not_published(book: RuleBook, store: MemoryStore) -> None:
    for bad in ({"qps": -1}, {"qsp": 1}, {"qps": "x"}):
        with pytest.raises(RuleError, match=r"qps|qsp"):
            book.publish(KEY, [WrittenRule({}, bad)], seen=0, by="ann", comment="")
    with pytest.raises(RuleError, match="scope"):
        book.publish(KEY, rules(1) + rules(2), seen=0, by="ann", comment="")
    with pytest.raises(Invalid, match="kind: 'rat' is not one of"):
        book.publish(Key("rat", KEY.psm, "server"), [], seen=0, by="ann", comment="")
    with pytest.raises(Invalid, match="side: rules of kind rate are for server"):
        book.publish(Key("rate", KEY.psm, "client"), [], seen=0, by="ann", comment="")
    with pytest.raises(Invalid, match="name of who"):
        book.publish(KEY, rules(1), seen=0, by=" ", comment="")
    assert not store.range("/pie/").entries


def test_the_newest_fifty_versions_are_kept(book: RuleBook) -> None:
    for n in range(KEPT_VERSIONS + 3):
        publish(book, n + 1, seen=n)
    kept = [each.version for each in book.history(KEY)]
    assert kept == list(range(KEPT_VERSIONS + 3, 3, -1))
    with pytest.raises(Invalid, match=r"there is no v2 of .* kept are v4 to v53"):
        book.rollback(KEY, 2, seen=53, by="ann", comment="")


def test_a_rollback_publishes_an_old_body_anew(book: RuleBook) -> None:
    publish(book, 10, seen=0)
    publish(book, 20, seen=1)
    back = book.rollback(KEY, 1, seen=2, by="bob", comment="it rejects the web")
    assert (back.version, back.comment) == (3, "back to v1: it rejects the web")
    assert [each.body for each in back.rules] == [{"qps": 10}]
    assert [each.version for each in book.history(KEY)] == [3, 2, 1]
    with pytest.raises(RuleConflict):
        book.rollback(KEY, 1, seen=2, by="bob", comment="")


def test_a_document_deleted_by_hand_never_has_an_old_version_again(
    book: RuleBook, store: MemoryStore
) -> None:
    publish(book, 10, seen=0)
    publish(book, 20, seen=1)
    store.delete(rules_key(KEY))
    with pytest.raises(RuleConflict, match="are gone, and you saw v2"):
        publish(book, 30, seen=2)
    assert publish(book, 30, seen=0) == 3
    assert [each.version for each in book.history(KEY)] == [3, 2, 1]


def test_a_freeze_stops_publishing_until_it_is_thawed(book: RuleBook, store: MemoryStore) -> None:
    publish(book, 10, seen=0)
    book.freeze("ops", "release night")
    with pytest.raises(Frozen, match=r"frozen by ops since 2023-11-14 .* \(release night\): "):
        publish(book, 20, seen=1)
    with pytest.raises(Frozen):
        book.rollback(KEY, 1, seen=1, by="ann", comment="")
    with pytest.raises(Frozen, match="frozen by ops"):
        book.freeze("eve", "me, too")
    freeze = book.frozen()
    assert freeze is not None and freeze.by == "ops"
    assert book.thaw("ops", "done")
    assert not book.thaw("ops", "done")
    assert publish(book, 20, seen=1) == 2
    assert [each.kind for each in events(store)] == ["rule", "freeze", "freeze", "rule"]


def test_a_freeze_that_comes_between_is_seen() -> None:
    class Late(MemoryStore):
        def commit(self, writes: Any, **more: Any) -> int:
            if not froze:
                froze.append(True)
                RuleBook(self).freeze("ops", "now")
            return super().commit(writes, **more)

    froze: list[bool] = []
    late = Late()
    with pytest.raises(Frozen):
        publish(RuleBook(late), 10, seen=0)
    assert not late.range("/pie/services/").entries


def test_size_is_checked_when_it_is_published(book: RuleBook, store: MemoryStore) -> None:
    many = [WrittenRule({"method": "M" * 150 + str(n)}, {"qps": 1}) for n in range(1000)]
    assert len(msgspec.json.encode(many)) < MAX_DOCUMENT
    book.publish(KEY, many, seen=0, by="ann", comment="")
    more = [WrittenRule({"method": "N" * 150 + str(n)}, {"qps": 1}) for n in range(1000)]
    with pytest.raises(LimitExceeded, match="together with those they replace"):
        book.publish(KEY, more, seen=1, by="ann", comment="", rollout=Rollout())
    book.publish(KEY, more, seen=1, by="ann", comment="")
    names = [sorted(f"{'N' * 190}{n}-{k}" for k in range(2)) for n in range(1000)]
    large = [WrittenRule({"method": each}, {"qps": 1}) for each in names]
    with pytest.raises(LimitExceeded, match=r"have \d+ bytes; the limit is 262144: use sets"):
        book.publish(KEY, large, seen=2, by="ann", comment="")
    assert all(len(entry.value) < MAX_VALUE for entry in store.range("/pie/").entries)


def test_what_no_pie_wrote_is_an_answer(book: RuleBook, store: MemoryStore) -> None:
    store.put(rules_key(KEY), "{")
    with pytest.raises(Unreadable, match=r"rules/server/rate holds no rules that this Pie can"):
        book.get(KEY)
    with pytest.raises(Unreadable):
        publish(book, 10, seen=1)
    assert publish(book, 10, seen=0) == 1
    publish(book, 20, seen=1)
    store.put(rules_key(KEY), "{")
    assert publish(book, 30, seen=0) == 3


def test_a_rule_set_that_is_spoilt_hides_no_other(book: RuleBook, store: MemoryStore) -> None:
    other = Key("access", KEY.psm, "server")
    publish(book, 10, seen=0)
    book.publish(other, [], seen=0, by="ann", comment="")
    store.put(rules_key(KEY), "{")
    documents, unreadable = book.all(KEY.psm)
    assert list(documents) == [other]
    assert list(unreadable) == [KEY]
    assert "holds no rules that this Pie can read" in unreadable[KEY]


def test_a_version_that_is_spoilt_hides_no_other(book: RuleBook, store: MemoryStore) -> None:
    for version in range(3):
        publish(book, 10, seen=version)
    store.put(history_key(KEY, 2), "[]")
    assert [each.version for each in book.history(KEY)] == [3, 1]
    store.put(history_key(KEY, 3), "[]")
    store.delete(rules_key(KEY))
    assert publish(book, 10, seen=0) == 4


def test_versions_order_changes_whatever_the_clock_does(book: RuleBook, clock: FakeClock) -> None:
    publish(book, 10, seen=0)
    clock.advance(-100_000)
    publish(book, 20, seen=1)
    clock.advance(10_000_000)
    publish(book, 30, seen=2)
    assert [each.version for each in book.history(KEY)] == [3, 2, 1]
    found = book.get(KEY)
    assert found is not None and found.rules == tuple(rules(30))


# --- roll-out ---


def test_a_roll_out_reaches_some_and_the_others_keep_what_they_run(book: RuleBook) -> None:
    publish(book, 10, seen=0)
    document = book.publish(
        KEY, rules(20), seen=1, by="ann", comment="", rollout=Rollout(instances=("a:1",))
    )
    assert document.for_instance("a:1") == (2, tuple(rules(20)))
    assert document.for_instance("b:1") == (1, tuple(rules(10)))
    tenth = book.roll(document, Rollout(percent=10, step=1), by="pie", reason="")
    assert tenth is not None
    chosen = [n for n in range(1000) if tenth.for_instance(f"b:{n}")[0] == 2]
    assert 60 < len(chosen) < 140
    assert all(share(KEY, f"b:{n}") < 10 for n in chosen)
    assert book.roll(document, Rollout(percent=50), by="pie", reason="") is None, "it moved on"
    whole = book.roll(tenth, None, by="pie", reason="")
    assert whole is not None and whole.previous is None and whole.version == 2
    assert whole.for_instance("b:1")[0] == 2


def test_a_stopped_roll_out_gives_every_instance_what_it_ran_before(book: RuleBook) -> None:
    publish(book, 10, seen=0)
    rolling = Rollout(instances=("a:1",), percent=10)
    document = book.publish(KEY, rules(20), seen=1, by="ann", comment="", rollout=rolling)
    book.freeze("ops", "hold")
    with pytest.raises(Frozen):
        book.roll(document, Rollout(percent=100), by="pie", reason="")
    stopped = book.roll(
        document, msgspec.structs.replace(rolling, stopped="failures rose"), by="pie", reason=""
    )
    assert stopped is not None
    assert stopped.for_instance("a:1") == (1, tuple(rules(10)))
    book.thaw("ops", "")
    third = book.publish(KEY, rules(30), seen=2, by="ann", comment="", rollout=Rollout())
    assert third.previous_version == 1, "the last version that was complete"


def test_a_first_version_rolls_out_over_no_rules(book: RuleBook) -> None:
    document = book.publish(KEY, rules(20), seen=0, by="ann", comment="", rollout=Rollout())
    assert document.for_instance("a:1") == (0, ())


def test_who_lost_the_fence_does_not_roll(book: RuleBook, store: MemoryStore) -> None:
    document = book.publish(KEY, rules(20), seen=0, by="ann", comment="", rollout=Rollout())
    fence = Fenced(store, "rollout")
    assert fence.hold()
    store.delete(fence.key)
    assert Fenced(store, "rollout").hold(), "another process took over"
    with pytest.raises(FenceLost):
        RuleBook(store, fence=fence).roll(document, None, by="pie", reason="")
    assert book.get(KEY) == document


@given(st.integers(), st.floats(0, 100))
def test_a_share_only_grows_into_a_roll_out(number: int, percent: float) -> None:
    instance = f"10.3.48.216:{number}"
    here = share(KEY, instance)
    assert 0 <= here < 100
    if Rollout(percent=percent).chooses(KEY, instance):
        assert Rollout(percent=100).chooses(KEY, instance)


def test_keys_are_read_back() -> None:
    assert key_of(rules_key(KEY)) == KEY
    assert key_of("/pie/services/a.b.c/rules/server/newer") == Key("newer", "a.b.c", "server")
    for other in ("/pie/services/a.b.c/meta", "/pie/services/a.b.c/rules/sideways/rate", "/x"):
        assert key_of(other) is None
