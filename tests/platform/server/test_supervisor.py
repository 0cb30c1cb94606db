"""The facts process is looked after: whatever it dies of, it is started again."""

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from pie.model import Failure, Kind
from pie.platform.facts.client import FactsClient
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.errors import StoreError
from pie.platform.facts.frames import Hello
from pie.platform.server.supervisor import Supervisor


def hello(directory: Path) -> Hello:
    return Hello(directory=str(directory), memory=1 << 29, insert_interval=0.0, lock_patience=0.1)


def only_child() -> int:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    facts = [pid for pid in children if b"pie.platform.facts.process" in cmdline(pid)]
    assert len(facts) == 1
    return int(facts[0])


def cmdline(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_hung_process_is_replaced(tmp_path):
    said = []

    async def scenario():
        client = FactsClient()
        keeper = Supervisor(
            hello(tmp_path), client, said.append, probe_interval=0.05, probe_patience=2.0
        )
        running = asyncio.create_task(keeper.run())
        await keeper.settled.wait()
        while not client.is_up:
            await asyncio.sleep(0.01)
        hung = only_child()
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(Failure) as refused:
            await client.query("SELECT 1 AS one", {})
        assert refused.value.kind is Kind.UNAVAILABLE
        while not client.is_up:
            await asyncio.sleep(0.01)
        assert only_child() != hung
        assert await client.query("SELECT 1 AS one", {}) == b'{"one":1}\n'
        with pytest.raises(Failure, match="Unknown expression"):
            await client.query("SELECT nothing", {})
        with pytest.raises(Failure, match="no table"):
            await client.ingest("nothing", b"", gzip=False)
        running.cancel()
        await asyncio.wait({running})
        assert not client.is_up
        with pytest.raises(Failure, match="away"):
            await client.query("SELECT 1", {})

    asyncio.run(scenario())
    assert any("does not answer" in sentence for sentence in said)
    assert any("killed by signal 9. It is tried again" in sentence for sentence in said)


def test_a_directory_in_use_is_tried_again_until_it_is_free(tmp_path):
    (tmp_path / "facts").mkdir()
    lock = os.open(tmp_path / "facts" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(StoreError, match="in use"):
        open_chdb(tmp_path / "facts", memory=1 << 29, patience=0.0)

    async def scenario():
        async with supervised(tmp_path) as (client, said):
            await until(lambda: said)
            assert "in use by another process: stop the other" in client.trouble
            with pytest.raises(
                Failure, match=r"away and is started again by itself: .*in use by another"
            ) as refused:
                await client.query("SELECT 1", {})
            assert refused.value.kind is Kind.UNAVAILABLE
            os.close(lock)
            await until(lambda: client.is_up)
            assert client.trouble == ""

    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def supervised(directory, **options):
    """A client, and what is said, while a supervisor works."""
    client, said = FactsClient(), []
    keeper = Supervisor(hello(directory), client, said.append, longest_pause=0.2, **options)
    running = asyncio.create_task(keeper.run())
    await keeper.settled.wait()
    try:
        yield client, said
    finally:
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})


async def until(happened):
    while not happened():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11 while"),
        ("raise SystemExit(3)", "ended with code 3 while it opened"),
        ("import time; time.sleep(60)", "was not open within 0.1 s"),
        ("import os, sys; os.write(int(sys.argv[1]), bytes(9))", "talking to its process failed"),
    ],
    ids=["crash", "exit", "hang", "nonsense"],
)
def test_a_process_that_fails_at_each_start_is_tried_for_ever(tmp_path, program, reason):
    async def scenario():
        command = (sys.executable, "-S", "-c", program)
        patience = 0.1 if "sleep" in program else 60.0
        async with supervised(tmp_path, command=command, open_patience=patience) as (client, said):
            assert reason in client.trouble
            assert "registry and configuration go on" in said[0]

    asyncio.run(scenario())


def test_without_descriptors_or_programs_it_goes_on_trying(tmp_path, monkeypatch):
    async def scenario():
        async with supervised(tmp_path, command=["/does/not/exist"]) as (client, said):
            assert "No such file" in client.trouble
        no_more = OSError(errno.EMFILE, "Too many open files")
        monkeypatch.setattr("socket.socketpair", Mock(side_effect=no_more))
        async with supervised(tmp_path) as (client, said):
            assert "Too many open files" in client.trouble
            monkeypatch.undo()
            await until(lambda: client.is_up)
            assert len(said) >= 1

    asyncio.run(scenario())


@pytest.mark.parametrize("broken", ["chdb", "clickhouse_connect"])
def test_a_column_store_that_cannot_be_loaded_is_named(tmp_path, monkeypatch, broken):
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / f"{broken}.py").write_text(f"raise ImportError('no {broken} here')")
    path = [str(shadow), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))

    async def scenario():
        async with supervised(tmp_path) as (client, _):
            assert f"no {broken} here" in client.trouble
            assert "pip install" in client.trouble

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_directory_that_is_removed_under_the_store_is_noticed(tmp_path):
    async def scenario():
        async with supervised(tmp_path, probe_interval=0.05) as (client, said):
            await until(lambda: client.is_up)
            shutil.rmtree(tmp_path / "facts")
            await until(lambda: any("was removed or replaced" in each for each in said))
            await until(lambda: not client.is_up)
            await until(lambda: client.is_up)
            await client.query("SELECT count() FROM logs", {})

    asyncio.run(scenario())
