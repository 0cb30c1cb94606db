"""Hostile bytes take no memory: the fuzz of ``sanitized/codec.py``, within a bound."""

import resource
import subprocess
import sys
from pathlib import Path

import pie

ROOT = Path(__file__).resolve().parents[3]
INSTALLED = Path(pie.__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "core" / "sanitized" / "codec.py"


def test_the_fuzz_runs_within_little_memory(native):
    most = 600 << 20
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "15", "1"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{INSTALLED}:{ROOT}"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "15 rounds from seed 1\n"
