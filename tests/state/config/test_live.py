"""What code reads: typed, validated, watched, in tests and in forked children."""

import os
import threading
from typing import Annotated

import pytest
from msgspec import Meta

from pie import config
from pie.state.config import live
from pie.state.config.live import LiveConfig
from pie.testing import configured


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> LiveConfig:
    """A configuration of its own behind the users' face."""
    made = LiveConfig()
    monkeypatch.setattr(live, "LIVE", made)
    monkeypatch.setattr(config, "LIVE", made)
    monkeypatch.setattr(config, "_ready", made.ready)
    monkeypatch.setattr(config, "_resolve", made.resolve)
    monkeypatch.setattr("pie.testing.config.LIVE", made)
    return made


def test_a_default_holds_until_a_value_is_published(values: LiveConfig) -> None:
    assert [config.get("feed.page_size", default=20) for _ in range(2)] == [20, 20]
    assert config.get("feed.page_size", default=30) == 30  # Each reader has its own.
    values.offer(1, {"feed.page_size": 50})
    assert [config.get("feed.page_size", default=20) for _ in range(2)] == [50, 50]
    values.offer(2, {})
    assert config.get("feed.page_size", default=20) == 20


def test_the_default_gives_the_type(values: LiveConfig) -> None:
    values.offer(1, {"a": 1, "b": [1, {"c": 2}], "d": "text", "e": True})
    assert config.get("a", default=2.5) == 1.0
    assert type(config.get("a", default=2.5)) is float
    assert config.get("a") == 1
    assert config.get("e", default=False) is True
    first = config.get("b", default=[])
    first.append("mine")
    assert config.get("b", default=[]) == [1, {"c": 2}]  # A copy for each reader.
    with pytest.raises(TypeError):
        config.get("a", default=object())


def test_a_value_of_another_type_is_not_used_and_reported(values: LiveConfig) -> None:
    values.offer(1, {"a": "many", "flag": 1})
    assert config.get("a", default=20) == 20
    assert config.get("flag", default=True) is True
    assert "a whole number" in values.trouble["a"]
    assert "true or false" in values.trouble["flag"]


def test_a_version_that_does_not_fit_is_refused_whole(values: LiveConfig) -> None:
    config.get("a", default=1)
    values.offer(1, {"a": 5, "b": "x"})
    assert not values.offer(2, {"a": "five", "b": "y"})
    assert (config.get("a", default=1), config.get("b", default="")) == (5, "x")
    assert values.version == 1
    assert "v2 is not in force" in values.trouble["a"]
    assert values.offer(3, {"a": 6, "b": "y"})
    assert (config.get("a", default=1), values.trouble) == (6, {})


def test_a_schema_holds_the_values_in_force(values: LiveConfig) -> None:
    @config.schema("feed")
    class Feed:
        page_size: Annotated[int, Meta(ge=1, le=100, description="Items in a page.")] = 20
        title: str = "News"
        token: config.Secret = "none"

    values.offer(1, {"feed.page_size": 30})
    assert (Feed.page_size, Feed.title) == (30, "News")
    assert not values.offer(2, {"feed.page_size": 101})
    assert not values.offer(2, {"feed.token": 17})
    assert "17" not in values.trouble["feed.token"]
    assert Feed.page_size == 30
    shape = values.description()["feed.page_size"]
    assert (shape.form, shape.default, shape.most, shape.help) == (
        "whole", 20, 100, "Items in a page.",
    )  # fmt: skip
    assert values.secrets() == {"feed.token"}
    assert values.description()["feed.token"].default is None


def test_a_schema_needs_defaults_and_types_of_json(values: LiveConfig) -> None:
    with pytest.raises(TypeError, match=r"Feed\.size needs a default"):

        @config.schema("feed")
        class Feed:
            size: int

    with pytest.raises(TypeError):

        @config.schema("feed")
        class Other:
            size: object = threading.Lock()


def test_watchers_get_the_newest_value(values: LiveConfig) -> None:
    seen: list[object] = []
    arrived = threading.Semaphore(0)

    def callback(value: object) -> None:
        seen.append(value)
        arrived.release()
        if value == 2:
            raise ValueError("mine")

    config.get("a", default=1)
    watcher = config.watch("a", callback)
    values.offer(1, {"b": 1})
    values.offer(2, {"a": 2})
    assert arrived.acquire(timeout=5)
    values.offer(3, {})
    assert arrived.acquire(timeout=5)
    assert seen == [2, 1]  # The default, when the value is taken away.
    watcher.close()
    values.offer(4, {"a": 4})
    assert not arrived.acquire(timeout=0.05)


def test_a_test_sets_values_for_a_block(values: LiveConfig) -> None:
    values.offer(1, {"a": 5})
    assert config.get("a", default=1) == 5
    seen: list[object] = []
    config.watch("a", seen.append)
    with configured({"a": 7}):
        assert config.get("a", default=1) == 7
        with configured({"a": 8}):
            assert config.get("a", default=1) == 8
    assert (config.get("a", default=1), seen) == (5, [7, 8, 7, 5])
    with pytest.raises(ValueError, match="a: "), configured({"a": "text"}):
        pass


def test_names_made_of_input_fill_no_memory(
    values: LiveConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_KNOWN", 3)
    for number in range(10):
        assert config.get(f"user.{number}", default=0) == 0
    assert len(values.ready) <= 3
    values.offer(1, {"user.9": 4})
    assert config.get("user.9", default=0) == 4


def test_a_forked_child_reads_on(values: LiveConfig) -> None:
    values.offer(1, {"a": 5})
    config.get("a", default=1)
    loads: list[int] = []
    values.bind(lambda: loads.append(os.getpid()))
    child = os.fork()
    if child == 0:
        right = config.get("a", default=1) == 5 and loads[-1:] == [os.getpid()]
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
