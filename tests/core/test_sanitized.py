"""The extension built so that it checks every access to memory, under the fuzz of its rooms.

Every script in ``sanitized`` is run with it: arguments are a number of rounds and a seed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "tests" / "core" / "sanitized").glob("*.py"))
ROUNDS = "300"


def library(name):
    """Where the compiler keeps a library that has to be loaded before all others."""
    found = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


@pytest.fixture(scope="module")
def sanitized(native, tmp_path_factory):
    """A copy of the sources with the extension in it."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    copy = tmp_path_factory.mktemp("sanitized")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "src" / "pie",
        copy / "src" / "pie",
        ignore=shutil.ignore_patterns("*.so", "__pycache__", "static"),
    )
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=copy,
        env=os.environ | {"PIE_SANITIZE": "1"},
        check=True,
        capture_output=True,
    )
    assert list((copy / "src" / "pie" / "_core").glob("_native*.so"))
    return copy / "src"


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_no_access_is_wrong(sanitized, script):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{sanitized}:{ROOT}",
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": library("libasan.so"),
        # Python keeps what it needs until its end, which is no leak; tests of leaks are others.
        "ASAN_OPTIONS": "detect_leaks=0:max_allocation_size_mb=256",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    done = subprocess.run(
        [sys.executable, str(script), ROUNDS, "1000"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    assert "ERROR" not in done.stderr
