"""``pie changes``, against a real platform."""

import csv
import io
import json
import time

import pytest
from click.testing import CliRunner

from pie.tool.pie import main


@pytest.fixture
def pie_here(fleet, tmp_path):
    environ = {
        "PIE_PLATFORM": f"http://127.0.0.1:{fleet.port}",
        "XDG_CONFIG_HOME": str(tmp_path),
        "RUNTIME_ROOT": str(fleet.directory.parent),
    }

    def run(*arguments, code=0):
        done = CliRunner().invoke(main, arguments, env=environ)
        assert done.exit_code == code, done.output
        return done.stdout

    return run


def test_changes_of_a_service_as_table_diff_csv_and_json(pie_here):
    pie_here("psm", "set", "seen.by.all", "--owner", "lihua", "--reason", "she knows it")
    give_up = time.monotonic() + 30
    while not (found := json.loads(pie_here("changes", "seen", "--json")))["changes"]:
        assert time.monotonic() < give_up
        time.sleep(0.1)
    (change,) = found["changes"]
    assert (change["psm"], change["reason"]) == ("seen.by.all", "she knows it")
    table = pie_here("changes", "seen.by.all", "--since", "1h", "--kind", "owner")
    for text in ("declaration v1", "owners: lihua", "she knows it", "1 change"):
        assert text in table
    assert '"lihua"' in pie_here("changes", "seen.by.all", "--diff")
    (row,) = csv.DictReader(io.StringIO(pie_here("changes", "seen.by.all", "--csv")))
    assert (row["service"], row["change"]) == ("seen.by.all", "owners: lihua")
    nothing = pie_here("changes", "seen.by.all", "--by", "nobody")
    assert "nothing was changed since" in nothing
    pie_here("changes", "--since", "yesteryear", code=2)
