"""docs/add-a-page.md: the page that it adds runs, and touches no existing file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "add-a-page.md").read_text()
FILES = dict(re.findall(r"^`([\w./]+)`:?[^\n]*\n\n```python\n(.*?)```", PAGE, re.S | re.M))
TEST = "tests/platform/pages/busiest/test_busiest.py"

RUN = """
import sys
from pathlib import Path
import pie.platform.pages
pie.platform.pages.__path__.append(sys.argv[3])
from pie.platform.main import run_platform
run_platform(
    Path(sys.argv[1]), port=int(sys.argv[2]), insert_interval=0.02,
    on_ready=lambda address, _: print(address, flush=True),
)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of pages that holds the one of the document."""
    made = tmp_path / "pages" / "busiest"
    made.mkdir(parents=True)
    for name, text in FILES.items():
        if name != TEST:
            (made / name).write_text(text)
    return made.parent


def test_the_document_has_a_whole_page():
    wanted = {"__init__.py", "page.py", "routes.py", "views.py", "sql.py", "build.py", TEST}
    assert set(FILES) == wanted


def test_the_page_of_the_document_runs(unstarted, folder):
    def launch(port=0):
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(unstarted.directory), str(port), str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    unstarted.launch = launch
    unstarted.start()
    names: dict[str, object] = {}
    exec(compile(FILES[TEST], TEST, "exec"), names)
    names["test_the_busiest_method_comes_first"](unstarted)


def test_the_page_of_the_document_is_in_the_openapi_document(folder):
    code = (
        "import sys, pie.platform.pages\n"
        "pie.platform.pages.__path__.append(sys.argv[1])\n"
        "from pie.platform.app import openapi_json\n"
        "print('/api/busiest' in openapi_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_the_files_of_the_document_are_clean(folder):
    ruff = Path(sys.executable).parent / "ruff"
    if not ruff.is_file():
        pytest.skip("ruff is not installed here")
    # From another folder its modules are not the project's own: their order says nothing.
    options = ["--no-cache", "--ignore", "I001", "--config", str(ROOT / "pyproject.toml")]
    command = [str(ruff), "check", *options, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
