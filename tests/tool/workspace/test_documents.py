"""The commands of the documentation, run in a fresh folder, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pie
from pie.thrift import load_idl

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(pie.__file__).resolve().parents[1]
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    found = _BLOCK.findall((ROOT / "docs" / page).read_text())
    return [body for kind, body in found if kind == language]


@pytest.mark.parametrize("pages", [["workspace.md"], ["workspace.md", "pietool.md"]])
def test_every_command(tmp_path: Path, pages: list[str]) -> None:
    script = "\n".join(["set -e", *(body for page in pages for body in blocks(page, "sh"))])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_idl_of_the_conventions_is_valid() -> None:
    (text,) = blocks("idl.md", "thrift")
    base = (SOURCE / "pie/tool/templates/idl/base.thrift").read_text()
    program = load_idl("shop.thrift", {"shop.thrift": text, "base.thrift": base}.__getitem__)
    assert set(program.documents) == {"base.thrift", "shop.thrift"}
