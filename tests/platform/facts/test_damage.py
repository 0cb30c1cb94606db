"""Damage to the files of the store: mended where it can be, else said; the registry serves."""

import json
import re
import shutil
import subprocess
import sys
import time
from itertools import count

import pytest

from pie.state import RemoteStore

_src = count(1)


def line(logid):
    now = time.time()
    return {"ts": now, "psm": "a.b.c", "logid": logid, "message": "m", "src": next(_src), "pos": 1}


def health(platform):
    return platform.ask("GET", "/api/health").json


def definitions(platform):
    return (platform.directory / "facts" / "store" / "metadata" / "default").resolve()


@pytest.mark.slow
def test_damaged_definitions_are_restored_and_no_row_is_lost(own_platform):
    logid = "cd" * 16
    for _ in range(3):
        own_platform.accepted("logs", [line(logid)])
    call = {"ts": time.time(), "side": "server", "protocol": "http", "psm": "a.b.c", "logid": logid}
    own_platform.accepted("calls", [call])
    assert own_platform.stop() == 0

    folder = definitions(own_platform)
    (folder / "logs.sql").write_bytes(b"")
    (folder / "calls.sql").unlink()
    half = (folder / "edge_10s.sql").read_bytes()
    (folder / "edge_10s.sql").write_bytes(half[: len(half) // 2])
    (folder / "peer_60s.sql").write_bytes(bytes(len(half)))
    (folder / "marks.sql").write_bytes(b"never SQL")
    for version in folder.parents[1].glob("*/*/format_version.txt"):
        version.chmod(0o600)
        version.write_bytes(b"")
    (own_platform.directory / "facts" / "store" / "metadata" / "default").unlink()
    own_platform.start()
    assert len(own_platform.messages(logid)) == 3
    assert own_platform.ask("GET", f"/api/chains/{logid}").status == 200
    notes = health(own_platform)["facts_notes"]
    assert len(notes) == 1
    for name in ("logs.sql", "calls.sql", "edge_10s.sql", "peer_60s.sql", "marks.sql"):
        assert name in notes[0]
    assert own_platform.stop() == 0
    assert "have been restored" in own_platform.said

    # What looks like a definition and is none is found out when the store does not open.
    (folder / "logs.sql").write_text("ATTACH TABLE _ nonsense")
    own_platform.start()
    own_platform.wait_facts()
    assert len(own_platform.messages(logid)) == 3
    assert (own_platform.directory / "facts" / "logs.sql.damaged").exists()
    assert own_platform.stop() == 0
    own_platform.start()
    assert health(own_platform)["facts_notes"] == []


@pytest.mark.slow
def test_a_store_that_cannot_be_mended_is_said_and_the_registry_serves(own_platform):
    assert own_platform.stop() == 0
    (definitions(own_platform) / "logs.sql").write_bytes(b"")
    (own_platform.directory / "facts" / "schema-copy.json").write_text("{not json")
    own_platform.start()
    store = RemoteStore(f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"))
    store.put("/pie/test", "1")
    assert store.get("/pie/test").value == "1"
    store.close()
    seen = health(own_platform)
    assert (seen["status"], seen["facts"]) == ("degraded", "down")
    assert "does not open" in seen["facts_trouble"]
    assert "move" in seen["facts_trouble"]
    stranger = own_platform.ask("GET", "/api/health", role=None).json
    assert str(own_platform.directory) not in json.dumps(stranger)
    assert own_platform.ask("GET", "/", role=None).status in (200, 503)
    refused = own_platform.ask("GET", "/api/services")
    assert refused.status in (200, 503)
    assert own_platform.post("logs", [line("")]).status == 503

    shutil.rmtree(own_platform.directory / "facts" / "store")
    own_platform.wait_facts()
    assert health(own_platform)["facts"] == "up"


def test_facts_of_a_newer_pie_are_left_alone_and_the_registry_serves(own_platform):
    own_platform.stop()
    raise_version = (
        "import sys; from pathlib import Path\n"
        "from pie.platform.facts.engine import open_chdb\n"
        "engine = open_chdb(Path(sys.argv[1]), memory=1 << 29, patience=5)\n"
        "engine.execute('INSERT INTO pie_schema VALUES (99, now())')\n"
    )
    facts = own_platform.directory / "facts"
    subprocess.run([sys.executable, "-c", raise_version, str(facts)], check=True, timeout=60)
    own_platform.start()
    assert "newer Pie (schema 99" in health(own_platform)["facts_trouble"]
    assert own_platform.ask("GET", "/api/state/entries?key=/pie/").status != 503


@pytest.mark.slow
@pytest.mark.parametrize("options", [("ro",), ()], ids=["read-only", "full"])
def test_a_disk_that_takes_nothing_is_said_and_tried_again(own_disk, unstarted, options):
    disk = own_disk(256 << 20)
    unstarted.directory.mkdir(mode=0o700)
    (unstarted.directory / "facts").symlink_to(disk)
    remount = ["mount", "-o", "remount,", str(disk)]
    filler = disk / "filler"
    if options:
        remount[2] = "remount,ro"
        subprocess.run(remount, check=True)
    else:
        filler.write_bytes(bytes(200 << 20))
    unstarted.start()
    trouble = health(unstarted)["facts_trouble"]
    assert ("cannot be used" if options else "make room") in trouble
    if options:
        remount[2] = "remount,rw"
        subprocess.run(remount, check=True)
    else:
        assert {each.name for each in disk.iterdir()} == {"filler", "lock"}
        filler.unlink()
    unstarted.wait_facts()
    unstarted.accepted("logs", [line("ef" * 16)])
    assert unstarted.stop() == 0

    # A start that has nothing to change needs no room; without any right to write it says so.
    if options:
        remount[2] = "remount,ro"
        subprocess.run(remount, check=True)
    else:
        filler.write_bytes(bytes(200 << 20))
    unstarted.start()
    if options:
        assert "cannot be used" in health(unstarted)["facts_trouble"]
    else:
        assert len(unstarted.messages("ef" * 16)) == 1


@pytest.mark.slow
def test_damaged_and_missing_parts_are_said(own_platform):
    """Never silently no rows: damage found at the start, damage found by a question, and loss."""
    logid = "ab" * 16
    day = 86_400
    rows = [line(logid) | {"ts": time.time() - n * day} for n in range(4)]
    own_platform.accepted("logs", rows)
    assert own_platform.stop() == 0
    store = (own_platform.directory / "facts" / "store" / "store").resolve()
    uuid = re.search(r"UUID '([^']+)'", (definitions(own_platform) / "logs.sql").read_text())[1]
    broken, gone, zeros = sorted((store / uuid[:3] / uuid).glob("2*"))[:3]
    (broken / "data.bin").chmod(0o600)
    (broken / "data.bin").write_bytes(b"")
    shutil.rmtree(gone)
    (zeros / "data.bin").chmod(0o600)
    (zeros / "data.bin").write_bytes(bytes((zeros / "data.bin").stat().st_size))
    for _ in range(2):  # it is said again at each start
        own_platform.start()
        notes = " ".join(health(own_platform)["facts_notes"])
        assert "1 parts of the table logs are damaged" in notes
        for part in (broken, gone):
            assert f"{part.name[:8]} (1 rows)" in notes
        assert zeros.name[:8] not in notes
        reply = own_platform.ask("GET", f"/api/chains/{logid}/logs?limit=10")
        assert reply.status == 500
        assert zeros.name in reply.json["error"]["message"]
        assert any(zeros.name in note for note in health(own_platform)["facts_notes"])
        assert own_platform.stop() == 0
        assert notes.partition(":")[0] in own_platform.said

    (own_platform.directory / "facts-inventory.json").unlink()
    shutil.rmtree(zeros)
    for folder in store.glob("*/*/detached"):
        for each in folder.iterdir():
            shutil.rmtree(each)
    own_platform.start()
    assert health(own_platform)["facts_notes"] == []
    assert len(own_platform.messages(logid)) == 1
