"""The page that docs/add-a-page.md adds: nothing but its folder, and the build takes it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "ui"
TYPES = """
export type Busiest = {
  window_s: number;
  methods: { psm: string; method: string; calls: number; avg_ms: number; share: number }[];
};
"""


def example_files() -> dict[str, str]:
    """The files of the browser's example, by their names."""
    text = (ROOT / "docs" / "add-a-page.md").read_text(encoding="utf-8")
    _, _, side = text.partition("\n## The browser's side\n")
    blocks = re.findall(r"^`([\w.]+)`[^\n]*\n+(?:[^\n`]+\n+)*```\w+\n(.*?)^```", side, re.S | re.M)
    return dict(blocks)


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory, build: ModuleType) -> Path:
    """A copy of the pages' source with the example's folder in it."""
    copy = tmp_path_factory.mktemp("ui")
    shutil.copytree(UI / "src", copy / "src")
    shutil.copy(UI / "tsconfig.json", copy)
    (copy / "node_modules").symlink_to(UI / "node_modules")
    folder = copy / "src" / "pages" / "busiest"
    folder.mkdir()
    for name, text in example_files().items():
        (folder / name).write_text(text, encoding="utf-8")
    with (copy / "src" / "api.gen.d.ts").open("a", encoding="utf-8") as types:
        types.write(TYPES)
    build.slices.write_index(copy / "src")
    return copy


def test_the_example_is_whole() -> None:
    assert set(example_files()) == {
        *("page.ts", "screen.tsx", "style.css"),
        *("texts.en.ts", "texts.zh.ts", "texts.ts"),
    }


def test_it_ties_no_pages_together(ui: Path, build: ModuleType) -> None:
    assert "busiest" in build.slices.page_names(ui / "src")
    assert build.slices.faults(ui / "src") == []


@pytest.mark.slow
def test_its_types_hold(ui: Path, build: ModuleType) -> None:
    compiler = UI / "node_modules" / "typescript" / "bin" / "tsc"
    command = [*build.find_node().node, str(compiler)]
    done = subprocess.run(command, cwd=ui, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_its_code_is_fetched_when_it_is_shown(ui: Path, build: ModuleType, tmp_path: Path) -> None:
    esbuild = UI / "node_modules" / "esbuild" / "bin" / "esbuild"
    meta = tmp_path / "meta.json"
    options = ["--bundle", "--splitting", "--format=esm", "--jsx=automatic"]
    given = ["--jsx-import-source=preact", "--define:PAGE_STYLES={}", "--log-level=error"]
    subprocess.run(
        [
            *build.find_node().node,
            *(str(esbuild), "src/main.tsx", *options, *given),
            *(f"--metafile={meta}", f"--outdir={tmp_path / 'out'}"),
        ],
        cwd=ui,
        check=True,
    )
    outputs = json.loads(meta.read_text())["outputs"]
    entry = {out.get("entryPoint"): out["inputs"] for out in outputs.values()}
    assert "src/pages/busiest/texts.zh.ts" in entry["src/pages/busiest/screen.tsx"]
    assert "src/pages/busiest/texts.zh.ts" not in entry["src/main.tsx"]
