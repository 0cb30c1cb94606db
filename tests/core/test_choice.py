"""Whether a process uses the extension, and what it says when it does not."""

import os
import subprocess
import sys

import pytest

SAY = "from pie._core import native, reason; print(native is None, reason, sep='|')"
GONE = "import sys; sys.modules['pie._core._native'] = None; "
PATCHED = (
    "import sys, types; monkey = types.ModuleType('gevent.monkey'); "
    "monkey.is_module_patched = lambda name: name == 'socket'; "
    "sys.modules['gevent.monkey'] = monkey; "
)


def said(before: str = "", wish: str = "") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", before + SAY],
        env=os.environ | {"PIE_CORE": wish},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().split("|")


@pytest.mark.parametrize(
    ("before", "wish", "reason"),
    [
        ("", "python", "PIE_CORE=python in the environment asks for Python"),
        (PATCHED, "", "gevent has patched this process"),
        (GONE, "", "it is built when Pie is installed where a C compiler"),
    ],
    ids=["asked for", "gevent", "not built"],
)
def test_why_it_is_not_used(before: str, wish: str, reason: str) -> None:
    unused, why = said(before, wish)
    assert unused == "True"
    assert reason in why
    assert "circular" not in why


def test_nothing_is_reported_where_it_is_used(native) -> None:
    assert said() == ["False", ""]


def test_everything_is_there_without_it() -> None:
    """Every room is imported, as a process on the twins does."""
    rooms = "import pie.rpc, pie.serve, pie.testing, pie.tool.pie, pie.thrift; "
    assert said(GONE + rooms)[0] == "True"
