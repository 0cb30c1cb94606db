"""The facts process is looked after: a hung one is replaced, a hopeless one is given up."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import pytest

from pie.model import Failure, Kind
from pie.platform.facts.client import FactsClient
from pie.platform.facts.engine import StoreError, open_chdb
from pie.platform.facts.frames import Hello
from pie.platform.server.supervisor import FactsFatalError, Supervisor


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
        await keeper.first_ready.wait()
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
    assert any("killed by signal 9; starting it again" in sentence for sentence in said)


def test_a_directory_in_use_is_not_tried_again(tmp_path):
    (tmp_path / "facts").mkdir()
    lock = os.open(tmp_path / "facts" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)

    async def scenario():
        await Supervisor(hello(tmp_path), FactsClient(), print).run()

    with pytest.raises(FactsFatalError, match="in use by another process: stop the other"):
        asyncio.run(scenario())
    with pytest.raises(StoreError, match="in use"):
        open_chdb(tmp_path / "facts", memory=1 << 29, patience=0.0)
    os.close(lock)
