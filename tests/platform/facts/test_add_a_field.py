"""What docs/add-a-field.md tells to add is all that is needed: the lines go into a copy of Pie."""

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
import json, sys
from pathlib import Path
from pie.model import Call
from pie.observe import Budget, Identity
from pie.observe.log.line import LineFormat
from pie.observe.record.call_log import CallLog, call_log
from pie.observe.record.encode import encode
from pie.observe.record.facts import CallRow
from pie.platform.facts.columns import select
from pie.platform.facts.decode import decode_rows
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.upgrade import prepare
import msgspec, time

who = Identity(psm="a.b.c")
make = {"c": call_log, "twin": CallLog}[sys.argv[1]]
log = make(who, LineFormat("h", "a.b.c"), Budget(), lambda: None)
assert (type(log) is CallLog) == (sys.argv[1] == "twin")
call = Call("server", "http", caller="x.y.z", callee="a.b.c", method="views.index")
call.wire_span_id, call.verb, call.started = "f00d", "POST", time.time()
log.record(call)
engine = open_chdb(Path(sys.argv[2]), memory=1 << 30, patience=5)
prepare(engine)
sent = {
    "calls": b"".join(lines for _, lines in log.take("calls")),
    "edge_10s": b"".join(map(encode, log.take_totals("edges", float("inf")))),
}
for table, lines in sent.items():
    rows, bad = decode_rows(table, lines)
    assert not bad, bad
    engine.insert(table, msgspec.json.Encoder().encode_lines(rows))
    # Older services send rows without the field.
    older = json.loads(lines)
    del older["wire_span_id" if table == "calls" else "verb"]
    assert decode_rows(table, json.dumps(older).encode())[1] == []
print(json.dumps([
    engine.query(f"SELECT {select(CallRow, 'chain')} FROM calls")[0]["wire_span_id"],
    engine.query("SELECT verb, sum(count) AS count FROM edge_10s GROUP BY verb"),
]))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of Pie with the lines of the document, and with the extension that is tested."""
    copy = tmp_path_factory.mktemp("changed")
    left_out = shutil.ignore_patterns("__pycache__", "static", "*.so")
    shutil.copytree(ROOT / "src" / "pie", copy / "pie", ignore=left_out)
    if native is not None:
        shutil.copy(native.__file__, copy / "pie" / "_core")
    text = (ROOT / "docs" / "add-a-field.md").read_text()
    blocks = re.findall(r"add to `(\w+)`:\n\n```python\n(.*?)```", text, re.DOTALL)
    assert [row_type for row_type, _ in blocks] == ["CallRow", "EdgeRow"]
    table = copy / "pie" / "observe" / "record" / "facts.py"
    source = table.read_text()
    for row_type, line in blocks:
        # Behind the first field of the class that has a default.
        pattern = rf"(class {row_type}\(.*?\n    cluster: [^\n]*\n)"
        found = re.search(pattern, source, re.DOTALL)
        assert found is not None
        source = source[: found.end()] + line + source[found.end() :]
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
    assert json.loads(done.stdout) == ["f00d", [{"verb": "POST", "count": 1}]]
