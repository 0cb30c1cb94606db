"""Publishing: one commit on the version one saw, versions, masks, overrides."""

import json

import pytest

from pie.state import Invalid, MemoryStore
from pie.state.config.book import ConfigBook, ConfigConflict, shown_change
from pie.state.config.document import (
    MASK,
    ConfigError,
    Override,
    Who,
    config_key,
    masked_document,
    sources_of,
    values_of,
)
from pie.state.freeze import Frozen
from pie.state.rules.book import RuleBook

PSM = "toutiao.my.server"
WHO = Who(PSM, "default", "", "10.0.0.1:7701")


@pytest.fixture
def store():
    made = MemoryStore()
    yield made
    made.close()


@pytest.fixture
def book(store: MemoryStore) -> ConfigBook:
    return ConfigBook(store)


def events(store: MemoryStore) -> list[dict]:
    return [json.loads(entry.value) for entry in store.range("/pie/events/").entries]


def test_a_version_keeps_who_when_and_why(book: ConfigBook, store: MemoryStore) -> None:
    assert book.get(PSM).version == 0
    book.publish(PSM, {"a": 1}, seen=0, by="ann", comment="first")
    book.publish(PSM, {"a": 2, "b": [1]}, seen=1, by="ben", comment="more")
    now = book.get(PSM)
    assert (now.version, now.values, now.author, now.comment) == (
        2,
        {"a": 2, "b": [1]},
        "ben",
        "more",
    )
    assert [each.version for each in book.history(PSM)] == [2, 1]
    first, second = events(store)
    assert (first["kind"], first["person"], first["version"]) == ("config", "ann", 1)
    assert json.loads(second["before"])["values"] == {"a": 1}
    assert book.rollback(PSM, 1, seen=2, by="ann", comment="worse").values == {"a": 1}
    assert book.get(PSM).comment == "back to v1: worse"
    with pytest.raises(Invalid, match="kept are v1 to v3"):
        book.rollback(PSM, 9, seen=3, by="ann", comment="")


def test_the_second_of_two_editors_sees_a_conflict(book: ConfigBook, store: MemoryStore) -> None:
    book.publish(PSM, {"a": 1}, seen=0, by="ann", comment="mine")
    with pytest.raises(ConfigConflict, match=r"ann published v1 .* \(mine\), and you saw v0"):
        book.publish(PSM, {"a": 2}, seen=0, by="ben", comment="")
    assert book.get(PSM).values == {"a": 1}
    assert len(events(store)) == 1


@pytest.mark.parametrize(
    ("values", "overrides", "message"),
    [
        ({"a b": 1}, [], "a b: not a key"),
        ({"a": None}, [], "a: null is no value"),
        ({"a": "x" * (300 << 10)}, [], "the limit is 262144"),
        ({f"k{n}": n for n in range(2001)}, [], "more than 2000"),
        ({}, [Override(name="g", values={})], "gives no value"),
        ({}, [Override(name="g g", values={"a": 1})], "no name"),
        ({}, [Override(name="g", percent=101, values={"a": 1})], "not between 0 and 100"),
        ({}, [Override(name="g", values={"a": 1})] * 2, "two overrides are called g"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(book: ConfigBook, values, overrides, message) -> None:
    with pytest.raises(ConfigError, match=message):
        book.publish(PSM, values, seen=0, by="ann", comment="", overrides=overrides)


def test_the_first_override_that_a_process_is_in_wins(book: ConfigBook) -> None:
    document = book.publish(
        PSM, {"a": 1, "b": 1}, seen=0, by="ann", comment="",
        overrides=[
            Override(name="one", values={"a": 2}, instance=["10.0.0.1:7701"]),
            Override(name="online", values={"a": 3, "b": 3}, cluster=["default"]),
            Override(name="lane", values={"b": 4}, env=["boe"]),
        ],
    )  # fmt: skip
    assert values_of(document, WHO) == {"a": 2, "b": 3}
    assert sources_of(document, WHO) == {"a": "one", "b": "online"}
    assert values_of(document, Who(PSM, "other", "boe", "x")) == {"a": 1, "b": 4}


def test_a_percentage_grows_without_exchanging_instances(book: ConfigBook) -> None:
    def inside(percent: float) -> set[str]:
        override = Override(name="gray", values={"a": 2}, percent=percent)
        document = book.publish(
            PSM, {"a": 1}, seen=book.get(PSM).version, by="ann", comment="", overrides=[override]
        )
        names = [f"10.0.0.{n}:7701" for n in range(1000)]
        return {n for n in names if values_of(document, Who(PSM, "", "", n)) == {"a": 2}}

    ten, fifty = inside(10), inside(50)
    assert 60 < len(ten) < 140
    assert ten < fifty
    assert len(inside(100)) == 1000
    assert not inside(0)


def test_secrets_are_shown_to_nobody(book: ConfigBook, store: MemoryStore) -> None:
    gray = [Override(name="gray", values={"key": "s3cret-gray"})]
    book.publish(
        PSM, {"key": "s3cret"}, secrets=["key"], overrides=gray, seen=0, by="ann", comment=""
    )
    shown = masked_document(book.get(PSM))
    assert shown.values == {"key": MASK}
    # Whoever edits what was shown keeps the secrets.
    book.publish(
        PSM, {**shown.values, "a": 1}, secrets=["key"], overrides=shown.overrides,
        seen=1, by="ann", comment="",
    )  # fmt: skip
    assert book.get(PSM).values == {"key": "s3cret", "a": 1}
    assert book.get(PSM).overrides == gray
    book.publish(PSM, {"key": "n3w"}, secrets=["key"], seen=2, by="ann", comment="")
    for event in events(store):
        assert "s3cret" not in json.dumps(event)
        assert "n3w" not in json.dumps(event)
    assert json.loads(events(store)[-1]["after"])["values"] == {"key": f"{MASK} (changed)"}
    with pytest.raises(ConfigError, match="cannot be made visible"):
        book.publish(PSM, {"key": MASK}, seen=3, by="ann", comment="")
    with pytest.raises(ConfigError, match="give the value"):
        book.publish(PSM, {"new": MASK}, secrets=["new"], seen=3, by="ann", comment="")
    before, after = shown_change(book.history(PSM)[-1], book.history(PSM)[0])
    assert "s3cret" not in f"{before}{after}"


def test_versions_go_on_after_somebody_deleted_the_document(
    book: ConfigBook, store: MemoryStore
) -> None:
    book.publish(PSM, {"a": 1}, seen=0, by="ann", comment="")
    store.delete(config_key(PSM))
    assert book.publish(PSM, {"a": 2}, seen=1, by="ann", comment="").version == 2


def test_nothing_is_published_while_the_fleet_is_frozen(store, book):
    book.publish(PSM, {"a": 1}, seen=0, by="li", comment="")
    rules = RuleBook(store)
    rules.freeze("ops", "release night")
    with pytest.raises(Frozen, match="frozen by ops"):
        book.publish(PSM, {"a": 2}, seen=1, by="li", comment="")
    with pytest.raises(Frozen):
        book.rollback(PSM, 1, seen=1, by="li", comment="")
    with pytest.raises(ConfigConflict):
        book.publish(PSM, {"a": 2}, seen=0, by="li", comment="")
    rules.thaw("ops", "")
    assert book.publish(PSM, {"a": 2}, seen=1, by="li", comment="").version == 2
