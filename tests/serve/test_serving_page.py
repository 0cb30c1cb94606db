"""The commands of docs/serving-http.md, run in a fresh folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pie
from pie._core import native
from pie.serve.settings.keys import Settings

PAGE = Path(__file__).parents[2] / "docs" / "serving-http.md"


@pytest.mark.slow
@pytest.mark.skipif(native is None, reason="needs the C core")
def test_every_command(short_path: Path, program) -> None:
    program("curl", "apt install curl")
    text = PAGE.read_text().replace("/tmp/", f"{short_path}/")
    for name, code in re.findall(r"`(shop/\w+\.py)`:\n\n```python\n(.*?)```", text, re.DOTALL):
        (short_path / name).parent.mkdir(exist_ok=True)
        (short_path / name).write_text(code)
    script = "\n".join(["set -e", *re.findall(r"```sh\n(.*?)```", text, re.DOTALL)])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    source = str(Path(pie.__file__).resolve().parents[1])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=short_path, env=os.environ | {"PATH": path, "PYTHONPATH": source},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    shown = re.findall(r"^    ((?:10\.|{)[^…\n]*)", text, re.MULTILINE)
    assert len(shown) == 2
    for each in shown:
        assert any(line.startswith(each.strip()) for line in lines), (each, lines)
    assert "ok" in lines, done.stdout
    assert 'pie_info{psm="toutiao.shop.counter",cluster="default",version=""} 1' in lines


def test_its_table_has_the_defaults() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE))
    settings = Settings(PSM="a.b.c")
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "WRITE_SECONDS"):
        assert rows[name].startswith(f"{getattr(settings, name):g}")
    assert (rows["BODY_LIMIT"], settings.BODY_LIMIT) == ("1 GiB", 1 << 30)
    assert (rows["BODY_MEMORY"], settings.BODY_MEMORY) == ("1 MiB", 1 << 20)
    assert (rows["BUFFER_LIMIT"], settings.BUFFER_LIMIT) == ("256 MiB", 256 << 20)
