"""The pages are slices: folders of one shape that know nothing of each other."""

import ast
import importlib
import json
from pathlib import Path

import pytest

from pie.platform.app import openapi_json
from pie.platform.pages import all_pages
from pie.platform.server.page import Page

PLATFORM = Path(__file__).resolve().parents[2] / "src" / "pie" / "platform"
PAGES = "pie.platform.pages"
FOLDERS = sorted(each.parent.name for each in (PLATFORM / "pages").glob("*/__init__.py"))
SUB_ROOMS = {"facts": 0, "ask": 1, "govern": 2, "server": 3, "pages": 4}
"""Imports between the rooms of the platform point down only."""


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


def types_of(file: Path) -> set[str]:
    """The names of the classes that a file defines."""
    return {
        each.name for each in ast.parse(file.read_text()).body if isinstance(each, ast.ClassDef)
    }


def shared_names(files: list[Path]) -> list[str]:
    """One sentence for each type name that more than one file of answer types defines."""
    owners: dict[str, list[str]] = {}
    for file in files:
        for name in types_of(file):
            owners.setdefault(name, []).append("/".join(file.parts[-3:]))
    return [
        f"{name} is defined in {' and '.join(sorted(found))}: the OpenAPI document would give both "
        f"other names, and the browser's types with them. Rename one, for example after its page."
        for name, found in sorted(owners.items())
        if len(found) > 1
    ]


def answer_types() -> list[Path]:
    """The files that define the types of answers and bodies."""
    return [*(PLATFORM / "pages").rglob("views.py"), PLATFORM / "server" / "views.py"]


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
            assert SUB_ROOMS[other] <= SUB_ROOMS[room], f"{file} imports {name}"


def test_nothing_outside_of_a_page_names_it():
    for file in [file for file in PLATFORM.rglob("*.py") if PLATFORM / "pages" not in file.parents]:
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
    paths = {path.replace(":path}", "}") for method, path in seen if method != "OPTIONS"}
    document = openapi_json()
    assert all(f'"{path}"' in document for path in paths)


def test_no_two_pages_have_a_type_of_one_name():
    clashes = shared_names(answer_types())
    assert not clashes, "\n".join(clashes)
    # A schema that FastAPI had to tell from another has its module in its name.
    renamed = [each for each in json.loads(openapi_json())["components"]["schemas"] if "__" in each]
    assert not renamed, f"types of one name in the OpenAPI document: {renamed}"


def test_a_type_of_the_name_of_another_page_is_found(tmp_path):
    files = []
    for page in ("alerts", "errors"):
        folder = tmp_path / "pages" / page
        folder.mkdir(parents=True)
        files.append(folder / "views.py")
        files[-1].write_text(f"class Group:\n    n: int\n\n\nclass {page.title()}:\n    n: int\n")
    (clash,) = shared_names(files)
    assert "Group is defined in pages/alerts/views.py and pages/errors/views.py" in clash


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
