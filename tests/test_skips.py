"""What CI asks for: that a skip is a failure, wherever it comes from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFTEST = "from tests.skips import pytest_make_collect_report, pytest_runtest_makereport\n"
SKIPS = {
    "test_call.py": "import pytest\ndef test_it(): pytest.skip('no moon')\n",
    "test_mark.py": (
        "import pytest\n@pytest.mark.skipif(True, reason='no moon')\ndef test_it(): pass\n"
    ),
    "test_module.py": "import pytest\npytest.skip('no moon', allow_module_level=True)\n",
    "test_fixture.py": (
        "import pytest\n@pytest.fixture\ndef moon(): pytest.skip('no moon')\n"
        "def test_it(moon): pass\n"
    ),
    "test_xfail.py": (
        "import pytest\n@pytest.mark.xfail(reason='no moon')\ndef test_it(): assert False\n"
    ),
}


@pytest.mark.parametrize(
    ("asked", "found"), [("1", "1 failed, 1 xfailed, 3 errors"), ("", "4 skipped, 1 xfailed")]
)
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path, asked: str, found: str) -> None:
    for name, text in {**SKIPS, "conftest.py": CONFTEST}.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", "-rN",
         "--continue-on-collection-errors", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PIE_TEST_NO_SKIP": asked},
    )  # fmt: skip
    assert found in done.stdout, done.stdout
    assert done.stdout.count("this would be skipped. Skipped: no moon") == (4 if asked else 0)
