"""A disk that is really full: nothing acknowledged is lost, the registry serves, room heals it."""

import os
import signal
import time
from itertools import count
from pathlib import Path

import pytest

from pie.state import RemoteStore

MB = 1 << 20
_numbers = count(1)


@pytest.fixture
def small_disk(own_disk, tmp_path):
    return own_disk(200 * MB)


@pytest.fixture
def disk_platform(small_disk, unstarted):
    unstarted.directory = small_disk / "data"
    return unstarted.start()


def rows(n, logid="ab" * 16):
    return [
        {"ts": time.time(), "psm": "a.b.c", "logid": logid, "src": 7, "pos": next(_numbers),
         "message": f"row {n}"}
        for _ in range(n)
    ]  # fmt: skip


def fill(directory: Path, leave: int = 0) -> Path:
    """Use up the disk but for some bytes."""
    file = directory / "filler"
    with file.open("wb", buffering=0) as out:
        chunk = bytes(MB)
        disk = os.statvfs(directory)
        for _ in range(max(0, disk.f_bavail * disk.f_frsize - leave) // MB):
            out.write(chunk)
        while not leave:
            try:
                out.write(chunk)
            except OSError:
                if len(chunk) == 1:
                    break
                chunk = chunk[: len(chunk) // 2]
    return file


def registry_serves(platform, value):
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=10)
    try:
        return store.get("/pie/full").value == value
    finally:
        store.close()


@pytest.mark.slow
def test_the_facts_die_on_a_full_disk_and_all_rows_are_there_when_there_is_room(
    small_disk, disk_platform
):
    platform = disk_platform
    assert platform.accepted("logs", rows(20)) == (20, 0)
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"))
    store.put("/pie/full", "kept")
    store.close()
    filler = fill(small_disk)

    refused = platform.post("logs", rows(1))
    assert refused.status == 503, refused.body
    for _ in range(2):
        os.kill(platform.child, signal.SIGKILL)
        assert registry_serves(platform, "kept")
        platform.wait_facts()  # it opens what it has, and writes nothing
        assert len(platform.messages("ab" * 16)) == 20
    assert platform.post("logs", rows(1)).status == 503

    filler.unlink()
    assert platform.accepted("logs", rows(5)) == (5, 0)
    assert platform.stop() == 0
    platform.start()
    assert len(platform.messages("ab" * 16)) == 25
