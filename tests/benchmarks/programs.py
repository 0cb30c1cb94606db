"""The programs in C of the benchmarks, and runs of their load generators."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def build(name: str) -> Path:
    """Compile the programs of one benchmark; the folder they are in."""
    folder = BENCHMARKS / name
    environ = os.environ | {"PYTHONPATH": f"{folder}:{BENCHMARKS}"}
    command = [sys.executable, "-c", "import peers; peers.build(print)"]
    subprocess.run(command, check=True, env=environ, capture_output=True)
    return folder / ".peers"


def load(binaries: Path, port: int, *options: str) -> dict:
    """What a load generator says."""
    command = [binaries / "load", f"--port={port}", "--warm-up=0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
