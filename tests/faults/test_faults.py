"""Faults in a real fleet, the short form: what is stored is what was sent."""

from pathlib import Path

import pytest
from tests.faults.injections import INJECTIONS
from tests.faults.run import run_faults
from tests.faults.world import can_mount

QUICK = ["kill", "stop", "full-disk", "no-descriptors", "deleted-log", "strangers"]


@pytest.fixture
def disks(tmp_path: Path) -> Path:
    """A folder in which small disks can be mounted."""
    if not can_mount(tmp_path / "probe"):
        pytest.skip("needs root, to mount small disks: run it with sudo")
    return tmp_path


def test_what_was_sent_is_stored(disks: Path) -> None:
    verdict = run_faults(disks, QUICK, seed=1, seconds=0, quiet=True)
    assert verdict.wrong == [], "\n".join(verdict.wrong)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_every_fault_in_some_order(disks: Path, seed: int) -> None:
    assert run_faults(disks, list(INJECTIONS), seed, seconds=0, quiet=True).wrong == []
