"""The column store, or the whole platform, is killed: every row counts exactly once."""

import json
import os
import signal
import threading
import time
import uuid

import pytest

from pie.state import RemoteStore

DAY = 86_400
BATCH = 1500


class Sender(threading.Thread):
    """Sends batches in order, each again and again until it is taken, as an agent does."""

    def __init__(self, platform, src):
        super().__init__(daemon=True)
        self.platform = platform
        self.src = src
        self.sent = []
        self.retries = 0
        self.enough = threading.Event()

    def run(self):
        while not self.enough.is_set():
            logid = uuid.uuid4().hex
            first = len(self.sent) * BATCH
            now = time.time()
            # Half of every batch is of yesterday: two inserts, and a kill may fall between them.
            rows = [
                {"ts": now - DAY * (n % 2) + n * 1e-5, "psm": "a.b.c", "logid": logid,
                 "message": f"{n} {'x' * 300}", "src": self.src, "pos": first + n}
                for n in range(1, BATCH + 1)
            ]  # fmt: skip
            while not self._taken(rows):
                self.retries += 1
                time.sleep(0.02)
            self.sent.append(logid)

    def _taken(self, rows):
        try:
            reply = self.platform.post("logs", rows)
        except OSError:
            return False
        if reply.status == 503:
            assert reply.json["error"]["kind"] == "unavailable"
            return False
        assert reply.status == 200, reply.body
        assert reply.json["accepted"] + reply.json["duplicates"] == BATCH
        return True


def each_row_once(platform, sender):
    for logid in sender.sent:
        numbers = sorted(int(message.split()[0]) for message in platform.messages(logid))
        assert numbers == list(range(1, BATCH + 1)), logid


def kill_facts(platform):
    os.kill(platform.child, signal.SIGKILL)
    while platform.ask("GET", "/api/health", role=None).json["facts"] == "up":
        time.sleep(0.005)


@pytest.mark.slow
def test_the_facts_process_is_killed_while_rows_come_in(own_platform):
    senders = [Sender(own_platform, src) for src in (11, 12)]
    for sender in senders:
        sender.start()
    for kill in range(4):
        done = len(senders[0].sent)
        while len(senders[0].sent) < done + 2:
            time.sleep(0.005)
        time.sleep(kill * 0.013)
        kill_facts(own_platform)
        own_platform.wait_facts()
    for sender in senders:
        sender.enough.set()
        sender.join(60)
        assert not sender.is_alive()
        each_row_once(own_platform, sender)
    assert sum(sender.retries for sender in senders) > 0


def test_the_registry_lives_on_without_the_facts(own_platform, wait_gone):
    store = RemoteStore(
        f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"), timeout=5
    )
    child = own_platform.child
    os.kill(child, signal.SIGSTOP)  # first hung, then dead
    store.put("/pie/test", "1")
    os.kill(child, signal.SIGKILL)
    assert wait_gone(child)
    store.put("/pie/test", "2")
    assert store.get("/pie/test").value == "2"
    health = own_platform.ask("GET", "/api/health", role=None).json
    if health["facts"] == "down":
        assert health["status"] == "degraded"
        refused = own_platform.ask("GET", "/api/chains")
        assert refused.status in (200, 503)
    own_platform.wait_facts()
    assert own_platform.ask("GET", "/api/chains").status == 200
    store.close()


def test_the_whole_platform_is_killed_while_rows_come_in(own_platform, wait_gone):
    sender = Sender(own_platform, 21)
    sender.start()
    for _ in range(2):
        done = len(sender.sent)
        while len(sender.sent) < done + 2:
            time.sleep(0.005)
        child, port = own_platform.child, own_platform.port
        own_platform.end(signal.SIGKILL)
        assert wait_gone(child), "the facts process outlived its parent"
        own_platform.start(port)
    done = len(sender.sent)
    while len(sender.sent) < done + 2:
        time.sleep(0.005)
    sender.enough.set()
    sender.join(60)
    assert not sender.is_alive()
    each_row_once(own_platform, sender)


def test_stopping_ends_both_processes_and_keeps_everything(own_platform, wait_gone):
    store = RemoteStore(f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"))
    store.put("/pie/kept", json.dumps({"a": 1}))
    watch = store.watch("/pie/")  # an open stream must not hold the stop up
    child = own_platform.child
    assert own_platform.stop() == 0
    assert wait_gone(child)
    watch.close()
    own_platform.start(own_platform.port)
    assert store.get("/pie/kept").value == '{"a": 1}'
    store.close()


def test_a_second_platform_on_a_directory_is_refused(own_platform):
    second = own_platform.launch()
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "another platform runs in" in errors
    assert "--directory" in errors


def test_a_taken_port_is_named(own_platform, unstarted):
    second = unstarted.launch(own_platform.port)
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"port {own_platform.port}" in errors
    assert "--port" in errors


def test_token_files_that_others_may_read_are_refused(unstarted):
    unstarted.directory.mkdir()
    (unstarted.directory / "admin.token").write_text("x" * 40)
    (unstarted.directory / "admin.token").chmod(0o644)
    refused = unstarted.launch()
    _, errors = refused.communicate(timeout=30)
    assert refused.returncode == 1
    assert "chmod 600" in errors


@pytest.mark.slow
def test_an_empty_registry_file_is_restored_and_said(own_platform):
    store = RemoteStore(f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"))
    store.put("/pie/kept", "1")
    assert own_platform.stop() == 0
    (own_platform.directory / "state.db").write_bytes(b"")
    own_platform.process = process = own_platform.launch()
    assert "state.db is empty: restored " in process.stdout.readline()
    own_platform.port = int(process.stdout.readline().rsplit(":", 1)[1])
    store = RemoteStore(f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"))
    assert store.get("/pie/kept").value == "1"
    assert own_platform.stop() == 0
