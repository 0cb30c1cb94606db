"""The pages are slices: folders of one shape that know nothing of each other."""

import ast
import importlib
from pathlib import Path

import pytest

from pie.platform.pages import all_pages
from pie.platform.server.app import openapi_json
from pie.platform.server.page import Page

PLATFORM = Path(__file__).resolve().parents[2] / "src" / "pie" / "platform"
PAGES = "pie.platform.pages"
FOLDERS = sorted(each.parent.name for each in (PLATFORM / "pages").glob("*/__init__.py"))
SUB_ROOMS = {"facts": 0, "ask": 1, "server": 2, "pages": 3}
"""Imports between the rooms of the platform point down only."""

LISTS_PAGES = "server/app.py"
"""The one file outside of the pages that asks for them."""


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files_of(room: str) -> list[Path]:
    return sorted((PLATFORM / room).rglob("*.py"))


def test_every_folder_is_a_page_and_offers_its_manifest():
    assert [page.name for page in all_pages()] == FOLDERS
    for page in all_pages():
        assert isinstance(page, Page)
        assert page.routers


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_page_has_the_shape_of_a_slice(folder):
    files = {each.name for each in (PLATFORM / "pages" / folder).glob("*.py")}
    assert {"__init__.py", "page.py", "routes.py", "views.py", "build.py"} <= files
    for name in ("views", "build"):
        used = imports_of(PLATFORM / "pages" / folder / f"{name}.py")
        web = {each for each in used if each.partition(".")[0] in ("fastapi", "starlette")}
        assert not web, f"{name}.py of {folder} is pure, and imports {web}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_page_knows_no_other_page(folder):
    for file in files_of(f"pages/{folder}"):
        for name in imports_of(file):
            if name == PAGES or name.startswith(f"{PAGES}."):
                own = f"{PAGES}.{folder}"
                assert name == own or name.startswith(f"{own}."), f"{file} imports {name}"


@pytest.mark.parametrize("room", SUB_ROOMS)
def test_imports_between_the_rooms_point_down(room):
    for file in files_of(room):
        for name in imports_of(file):
            other = name.removeprefix("pie.platform.").partition(".")[0]
            if not name.startswith("pie.platform.") or other not in SUB_ROOMS:
                continue
            if file == PLATFORM / LISTS_PAGES and name in (PAGES, f"{PAGES}.all_pages"):
                continue
            assert SUB_ROOMS[other] <= SUB_ROOMS[room], f"{file} imports {name}"


def test_nothing_outside_of_a_page_names_it():
    for room in ("facts", "ask", "server"):
        for file in files_of(room):
            names = {name for name in imports_of(file) if name.startswith(f"{PAGES}.")}
            assert names <= {f"{PAGES}.all_pages"}, f"{file} imports {names}"


def test_the_routes_of_each_page_have_paths_and_names_of_their_own():
    seen: set[tuple[str, str]] = set()
    names: set[str] = set()
    for page in all_pages():
        for router in page.routers:
            for route in router.routes:
                for method in route.methods:
                    assert (method, route.path) not in seen
                    seen.add((method, route.path))
                assert route.name not in names, f"{page.name}: {route.name} is taken"
                names.add(route.name)
    assert all(f'"{path}"' in openapi_json() for method, path in seen if method != "OPTIONS")


def test_a_folder_without_a_manifest_is_an_error(tmp_path, monkeypatch):
    pages = importlib.import_module(PAGES)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("")
    monkeypatch.setattr(pages, "__path__", [*pages.__path__, str(tmp_path)])
    with pytest.raises(ImportError, match="page"):
        all_pages()
    (tmp_path / "broken" / "page.py").write_text("PAGE = None\n")
    importlib.invalidate_caches()
    with pytest.raises(TypeError, match="must be a Page named 'broken'"):
        all_pages()
