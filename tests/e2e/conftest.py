"""The demo's fleet, for real: platform, agent, three services."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from fleet import Fleet  # noqa: E402 - found through the path above


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One fleet for all tests of a module."""
    with Fleet(tmp_path_factory.mktemp("fleet"), 0) as made:
        yield made
