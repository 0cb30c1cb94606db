"""The commands, as a shell runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = """
struct Item { 1: i32 id }
service Shop { Item Get(1: i32 id) }
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``pie`` or ``pietool``."""
    name, *rest = arguments
    return subprocess.run(
        [sys.executable, "-m", f"pie.tool.{name}", *rest],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def generate(cwd: Path, idl: str = "shop.thrift") -> subprocess.CompletedProcess[str]:
    return run("pietool", "--type", "thriftclient", "--idl", idl, "--prefix", "my/test", cwd=cwd)


@pytest.mark.parametrize("name", ["pie", "pietool"])
def test_help_and_version(name: str, tmp_path: Path) -> None:
    assert "Usage" in run(name, "-h", cwd=tmp_path).stdout
    assert "0.1.0" in run(name, "--version", cwd=tmp_path).stdout


def test_pietool_greets_generates_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "shop.thrift").write_text(DEMO)
    done = generate(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "documentation: " in done.stdout
    assert str(tmp_path / "my" / "test" / "pyrpc") in done.stdout
    assert "class ShopClient" in (tmp_path / "my/test/pyrpc/shop.py").read_text()
    again = generate(tmp_path)
    assert "wrote" not in again.stdout


def test_pietool_names_the_place_of_an_error(tmp_path: Path) -> None:
    (tmp_path / "shop.thrift").write_text("struct Item {\n  1: i33 id\n}\n")
    done = generate(tmp_path)
    assert done.returncode == 1
    assert "shop.thrift:2:6" in done.stderr
    assert "Traceback" not in done.stderr


def test_pietool_says_that_an_idl_is_missing(tmp_path: Path) -> None:
    done = generate(tmp_path)
    assert done.returncode == 1
    assert "shop.thrift" in done.stderr
    assert "Traceback" not in done.stderr


def test_pietool_touches_no_file_of_a_person(tmp_path: Path) -> None:
    (tmp_path / "shop.thrift").write_text(DEMO)
    mine = tmp_path / "my/test/pyrpc/shop.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("print('mine')\n")
    done = generate(tmp_path)
    assert done.returncode == 1
    assert "was not made by pietool" in done.stderr
    assert mine.read_text() == "print('mine')\n"


def test_the_agent_says_what_it_needs(tmp_path: Path) -> None:
    done = run("pie", "agent", "--root", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    status = run("pie", "agent", "--root", str(tmp_path), "--status", cwd=tmp_path)
    assert status.returncode == 1
    assert "no agent has run" in status.stderr
