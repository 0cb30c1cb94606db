"""A log file that is renamed while it is written loses no line."""

import pytest


@pytest.fixture
def start(start):
    """No file is compressed, though the hour in its name is over."""
    return lambda **options: start(**{"compress_after_s": 1e12, **options})


@pytest.mark.parametrize("end", [".1", "-20261130", "~"])
@pytest.mark.parametrize("created", [True, False])
def test_the_rest_of_a_renamed_file_is_sent(road, platform, start, eventually, end, created):
    path = road.write(road.line("one"))
    agent = start()
    eventually(agent.is_level)
    with path.open("ab", buffering=0) as writer:
        writer.write(road.line("two").encode())
        path.rename(f"{path}{end}")
        if created:
            road.write(road.line("new"), path=path)
        writer.write(road.line("three").encode())
        eventually(lambda: {"one", "two", "three"} <= {*platform.messages()})
        writer.write(road.line("four").encode())
    road.write(road.line("more"), path=path)
    wanted = ["four", "more", *(["new"] if created else []), "one", "three", "two"]
    eventually(lambda: sorted(platform.messages()) == wanted)
    assert len({row["src"] for row in platform.all()}) == 2
    assert agent.status.vanished_bytes == 0
    agent.stop()


def test_its_rest_is_sent_after_a_restart(road, platform, start, eventually):
    path = road.write(road.line("one"))
    agent = start()
    eventually(agent.is_level)
    path.rename(f"{path}.1")
    eventually(
        lambda: [each.full.name for each in agent.agent._watch.files()] == [path.name + ".1"]
    )
    agent.stop()
    road.write(road.line("two"), path=path.with_name(f"{path.name}.1"))
    road.write(road.line("new"), path=path)
    start()
    eventually(lambda: sorted(platform.messages()) == ["new", "one", "two"])
