"""What counts as the first load, and what a page adds to it."""

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def out(
    *imports: str, entry: str = "", later: tuple[str, ...] = (), css: str = ""
) -> dict[str, Any]:
    """A file of esbuild's report."""
    kinds = [(path, "import-statement") for path in imports] + [
        (path, "dynamic-import") for path in later
    ]
    made: dict[str, Any] = {
        "imports": [{"path": f"new/assets/{path}", "kind": kind} for path, kind in kinds]
    }
    return made | ({"entryPoint": entry} if entry else {}) | ({"cssBundle": css} if css else {})


OUTPUTS = {
    "new/assets/main.js": out(
        "shared.js",
        entry="src/main.tsx",
        later=("home.js", "logs.js", "alerts.js"),
        css="new/assets/main.css",
    ),
    "new/assets/main.css": out(),
    "new/assets/shared.js": out(),
    "new/assets/home.js": out("shared.js", entry="src/pages/home/screen.tsx"),
    "new/assets/logs.js": out(
        "shared.js", "chart.js", entry="src/pages/logs/screen.tsx", later=("plot.js",)
    ),
    "new/assets/alerts.js": out("chart.js", entry="src/pages/alerts/screen.tsx"),
    "new/assets/chart.js": out("shared.js"),
    "new/assets/plot.js": out(),
}
STYLES = {"home": "home.css", "logs": "logs.css"}


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """The files of the report, and those beside it, of noise that gzip cannot shorten."""
    noise = random.Random(1)
    (tmp_path / "assets").mkdir()
    names = [Path(path).name for path in OUTPUTS]
    for number, name in enumerate([*names, "home.css", "logs.css", "icon.svg"]):
        (tmp_path / "assets" / name).write_bytes(noise.randbytes(1_000 * (number + 1)))
    (tmp_path / "index.html").write_bytes(noise.randbytes(500))
    return tmp_path


def test_the_first_load_is_what_the_home_page_needs(static: Path, build: ModuleType) -> None:
    found = build.sizes.measure(static, OUTPUTS, STYLES, ["alerts", "home", "logs"])
    first = ["main.js", "main.css", "shared.js", "home.js", "home.css", "icon.svg"]
    assets = {name: found.files[f"assets/{name}"] for name in (*first, "chart.js", "alerts.js")}
    assert found.first == found.files["index.html"] + sum(assets[name] for name in first)
    assert found.pages["alerts"] == assets["alerts.js"] + assets["chart.js"]
    logs = ("logs.js", "chart.js", "logs.css")
    assert found.pages["logs"] == sum(found.files[f"assets/{name}"] for name in logs)
    assert set(found.pages) == {"alerts", "logs"}


def test_a_first_load_over_the_budget_is_refused(
    static: Path, build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = build.sizes.measure(static, OUTPUTS, STYLES, ["alerts", "home", "logs"])
    monkeypatch.setattr(build, "BUDGET_BYTES", found.first)
    build.report_sizes(found)
    monkeypatch.setattr(build, "BUDGET_BYTES", found.first - 1)
    with pytest.raises(build.BuildError, match="first load is over"):
        build.report_sizes(found)
