"""Pages are slices: a page is its folder, and no page knows another."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "ui" / "src"


@pytest.fixture(scope="module")
def slices(build: ModuleType) -> Any:
    return build.slices


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two pages that stand alone, and a shared style."""
    for name in ("alerts", "errors"):
        folder = tmp_path / "pages" / name
        folder.mkdir(parents=True)
        (folder / "page.ts").write_text("import { definePage } from '../../page';\n")
        (folder / "screen.tsx").write_text("import { Card } from '../../components/card';\n")
        (folder / "style.css").write_text(f".{name}-row .table {{ color: red; }}\n")
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "table.css").write_text(".table { color: blue; }\n")
    return tmp_path


def test_no_page_of_ours_knows_another(slices: Any) -> None:
    assert slices.faults(SOURCE) == []


def test_pages_that_stand_alone_have_no_fault(slices: Any, source: Path) -> None:
    assert slices.page_names(source) == ["alerts", "errors"]
    assert slices.faults(source) == []


@pytest.mark.parametrize(
    "line",
    [
        "import { Row } from '../errors/screen';",
        "export { Row } from '../errors/screen';",
        "const later = () => import('../errors/screen');",
        'import "../errors/style.css";',
        "import type { Row } from '../../pages/errors/screen';",
    ],
)
def test_a_page_that_imports_another_is_found(slices: Any, source: Path, line: str) -> None:
    (source / "pages" / "alerts" / "screen.tsx").write_text(line)
    (fault,) = slices.faults(source)
    assert "pages/alerts/screen.tsx imports the page errors" in fault


def test_shared_code_that_imports_a_page_is_found(slices: Any, source: Path) -> None:
    (source / "components").mkdir()
    (source / "components" / "card.tsx").write_text("import { Row } from '../pages/errors/screen';")
    (fault,) = slices.faults(source)
    assert "components/card.tsx imports the page errors" in fault


@pytest.mark.parametrize(
    ("style", "selector"),
    [
        (".table .bar { color: red; }", ".table .bar"),
        ("mark { color: red; }", "mark"),
        (".errors-row { color: red; }", ".errors-row"),
        ("@media (max-width: 640px) { .alerts-row, .table { color: red; } }", ".table"),
    ],
)
def test_a_style_that_reaches_other_pages_is_found(
    slices: Any, source: Path, style: str, selector: str
) -> None:
    (source / "styles" / "bar.css").write_text(".bar { color: blue; }")
    (source / "pages" / "alerts" / "style.css").write_text(style)
    faults = slices.faults(source)
    assert any(f"pages/alerts/style.css: {selector} has no class" in fault for fault in faults)


def test_keyframes_and_imports_are_no_selectors(slices: Any, source: Path) -> None:
    style = "@import './more.css';\n@keyframes turn { from { top: 0; } 50.5% { top: 1px; } }"
    (source / "pages" / "alerts" / "style.css").write_text(style)
    assert slices.faults(source) == []


def test_an_incomplete_page_is_named(slices: Any, source: Path) -> None:
    (source / "pages" / "alerts" / "screen.tsx").unlink()
    with pytest.raises(slices.SliceError, match=r"pages/alerts is no page: it has no screen.tsx"):
        slices.page_names(source)


def test_a_folder_is_all_that_a_new_page_needs(slices: Any, source: Path) -> None:
    slices.write_index(source)
    before = (source / slices.INDEX).read_text()
    folder = source / "pages" / "new-one"
    folder.mkdir()
    (folder / "page.ts").write_text("")
    (folder / "screen.tsx").write_text("")
    slices.write_index(source)
    after = (source / slices.INDEX).read_text()
    assert "new-one" not in before
    assert "import('./pages/new-one/screen')" in after
    assert "'alerts' | 'errors' | 'new-one'" in after
