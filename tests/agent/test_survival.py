"""Whatever fails inside the agent, it goes on, and every line arrives once."""

import pytest
from tests.sabotage import ERRORS, strangers

from pie.agent.keeper import Keeper
from pie.agent.stream import Stream
from pie.agent.watch import Watch

ORDINARY = [error for error in ERRORS if isinstance(error, Exception)]


@pytest.fixture
def break_once(monkeypatch):
    """Have a method raise each of these errors once, before or after it did its work."""

    def arrange(kind, name, errors, *, after=False):
        left = [*errors]
        method = getattr(kind, name)

        def failing(self, *args, **options):
            result = method(self, *args, **options) if after else None
            if left:
                raise left.pop()
            return result if after else method(self, *args, **options)

        monkeypatch.setattr(kind, name, failing)
        return left

    return arrange


@pytest.mark.parametrize("name", ["_collect", "_deliver", "_acknowledge"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_error_inside_a_batch(road, platform, start, eventually, break_once, name, after):
    left = break_once(Stream, name, ERRORS, after=after)
    road.write("".join(road.line(f"m{n}") for n in range(100)))
    agent = start(compress_after_s=1e12)
    eventually(lambda: not left and agent.is_level())
    road.write(road.line("m100"))
    eventually(lambda: len(platform.all()) == 101)
    assert platform.messages() == [f"m{n}" for n in range(101)]
    assert not platform.disorder
    assert agent.error is None


def test_an_error_while_it_looks_around_or_tidies(road, platform, start, eventually, break_once):
    all_left = [
        break_once(Watch, "scan", []),
        break_once(Watch, "poll", ORDINARY),
        break_once(Keeper, "tidy", ERRORS),
    ]
    road.write(road.line("first"))
    agent = start(compress_after_s=1e12)
    eventually(lambda: not any(all_left))
    road.write(road.line("second"))
    eventually(lambda: platform.messages() == ["first", "second"])
    assert agent.error is None
    assert [name for name in strangers() if name.startswith("pie")] == []
