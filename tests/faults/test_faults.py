"""Faults in a real fleet, the short form: what is stored is what was sent."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.world import can_mount

QUICK = "kill,full-disk,no-descriptors,deleted-log"


@pytest.fixture
def disks(tmp_path: Path) -> Path:
    """A folder in which small disks can be mounted."""
    if not can_mount(tmp_path / "probe"):
        pytest.skip("needs root, to mount small disks: run it with sudo")
    return tmp_path


def run_each_once(*more: str) -> None:
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "--seconds", "0", *more]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-4000:]


@pytest.mark.usefixtures("disks")
def test_what_was_sent_is_stored() -> None:
    run_each_once("--seed", "1", "--only", QUICK)


@pytest.mark.slow
@pytest.mark.usefixtures("disks")
@pytest.mark.parametrize("seed", ["2", "3"])
def test_every_fault_in_some_order(seed: str) -> None:
    run_each_once("--seed", seed)
