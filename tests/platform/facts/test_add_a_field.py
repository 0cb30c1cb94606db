"""What docs/add-a-field.md adds is all that is needed: its entries go into a copy of Pie."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pie._core import native

ROOT = Path(__file__).parents[3]

USE = """
import asyncio, json, sys, time
from pathlib import Path
import msgspec
from pie.model import Call
from pie.observe import Budget, Identity
from pie.observe.log.line import LineFormat
from pie.observe.record.call_log import CallLog, call_log
from pie.observe.record.encode import encode
from pie.platform.ask.chain_rows import calls_of
from pie.platform.facts.decode import decode_rows
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.upgrade import prepare
from pie.platform.pages.chain.build import build_chain
from pie.platform.pages.service.build import served_call
from pie.platform.pages.service.sql import ServiceReader
from pie.platform.pages.services.build import summary_of
from pie.platform.pages.services.sql import ServicesReader

who = Identity(psm="a.b.c")
make = {"c": call_log, "twin": CallLog}[sys.argv[1]]
log = make(who, LineFormat("h", "a.b.c"), Budget(), lambda: None)
assert (type(log) is CallLog) == (sys.argv[1] == "twin")
logid = f"{7:032x}"
for side in ("server", "client"):
    call = Call(side, "http", caller="x.y.z", callee="a.b.c", method="views.index", logid=logid)
    call.persist = {"USER": "李雷", "OTHER": "no"}
    call.verb, call.started = "POST", time.time()
    if side == "server":
        call.span_id = "5e"
    else:
        call.parent_id = "5e"
    log.record(call)
engine = open_chdb(Path(sys.argv[2]), memory=1 << 30, patience=5)
prepare(engine)
sent = {
    "calls": b"".join(lines for _, lines in log.take("calls")),
    "edge_10s": b"".join(encode(row) for row, _ in log.take_totals("edges", float("inf"))),
}
for table, lines in sent.items():
    rows, bad = decode_rows(table, lines)
    assert not bad, bad
    engine.insert(table, msgspec.json.Encoder().encode_lines(rows))
    # Older services send rows without the field.
    older = json.loads(lines.splitlines()[0])
    del older["user" if table == "calls" else "verb"]
    assert decode_rows(table, json.dumps(older).encode())[1] == []

async def ask(sql, params):
    return engine.ask(sql, params)

async def answers():
    chain = build_chain(logid, (await calls_of(ask, logid)).rows)
    _, lines = await ServiceReader(ask).calls(time.time(), "a.b.c", "", "", 10)
    entries = await ServicesReader(ask).entries(time.time(), "a.b.c", "", "", 0, 10)
    shown = [*chain.nodes, *chain.calls, *map(served_call, lines), *map(summary_of, entries)]
    return [(type(each).__name__, each.fields.get("user")) for each in shown]

verbs = engine.query("SELECT verb, sum(count) AS count FROM edge_10s GROUP BY verb")
print(json.dumps([asyncio.run(answers()), verbs]))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of Pie with the entries of the document, and with the extension that is tested.

    The entries change one file.
    """
    copy = tmp_path_factory.mktemp("changed")
    left_out = shutil.ignore_patterns("__pycache__", "static", "*.so")
    shutil.copytree(ROOT / "src" / "pie", copy / "pie", ignore=left_out)
    if native is not None:
        shutil.copy(native.__file__, copy / "pie" / "_core")
    text = (ROOT / "docs" / "add-a-field.md").read_text()
    blocks = re.findall(r"add to `(\w+)`:\n\n```python\n(.*?)```", text, re.DOTALL)
    assert [row_type for row_type, _ in blocks] == ["CallRow", "EdgeRow"]
    table = copy / "pie" / "observe" / "facts" / "rows.py"
    source = table.read_text()
    for row_type, entry in blocks:
        # Behind the first field of the class that has a default.
        pattern = rf"(class {row_type}\(.*?\n    cluster: [^\n]*\n)"
        found = re.search(pattern, source, re.DOTALL)
        assert found is not None
        source = source[: found.end()] + entry + source[found.end() :]
    table.write_text(source)
    return copy


@pytest.mark.parametrize("writer", ["twin", "c"])
def test_it_is_found_in_the_store(changed: Path, tmp_path: Path, writer: str) -> None:
    if writer == "c" and native is None:
        pytest.skip("the extension is not in use")
    done = subprocess.run(
        [sys.executable, "-c", USE, writer, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(changed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown, verbs = json.loads(done.stdout)
    assert {name for name, _ in shown} == {"ChainNode", "ChainCall", "ServedCall", "ChainSummary"}
    assert {user for _, user in shown} == {"李雷"}
    assert verbs == [{"verb": "POST", "count": 2}]


def test_a_source_that_does_not_exist_is_an_error_at_import(changed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "wrong"
    shutil.copytree(changed, copy)
    table = copy / "pie" / "observe" / "facts" / "rows.py"
    table.write_text(table.read_text().replace('"call.persist.USER"', '"call.user"'))
    done = subprocess.run(
        [sys.executable, "-c", "import pie.observe"],
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ValueError: the source 'call.user' of a row is neither" in done.stderr
