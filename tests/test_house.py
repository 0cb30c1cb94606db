"""The house plan: imports point down only, three rooms do no I/O, files are short."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import install  # noqa: E402 - found through the path above

SOURCE = ROOT / "src" / "pie"
FLOORS = {
    "tool": 8,
    "platform": 7,
    "serve": 6,
    "rpc": 5,
    "web": 5,
    "call": 4,
    "loop": 4,
    "agent": 4,
    "observe": 3,
    "state": 3,
    "govern": 2,
    "thrift": 2,
    "model": 1,
    "_core": 0,
}
FACES = {"testing", "config", "degradation"}
WITHIN = {
    "_core": ("base", "codec loop", "frame", "call", "record", "server client http web"),
    "observe": ("facts", "log", "record"),
    "govern": ("route",),
    "platform": ("facts", "ask", "govern", "server", "pages"),
    "rpc": ("wire", "server client"),
    "serve": ("settings", "debug host", "registration"),
    "state": ("store", "registry", "rules config"),
    "thrift": ("codec idl", "wire generate"),
    "web": ("server",),
    "tool": ("terminal", "files", "ls registry up workspace", "call debug generate logs", "chain"),
}
"""The rooms inside of a room, from below: those of one step do not import each other."""
MOST_LINES = 500
IO_MODULES = {"socket", "ssl", "subprocess", "select", "selectors", "sqlite3", "http", "urllib"}
IO_MODULES |= {"tempfile", "shutil", "fcntl", "logging", "asyncio", "multiprocessing", "mmap"}


def imports_of(file: Path) -> set[str]:
    """Modules a file imports, by full name; what it imports relatively is its neighbours."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def imports_relatively(file: Path) -> bool:
    nodes = ast.walk(ast.parse(file.read_text()))
    return any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)


@pytest.mark.parametrize("room", sorted(FLOORS))
def test_imports_point_down(room: str) -> None:
    for file in (SOURCE / room).rglob("*.py"):
        assert not imports_relatively(file), f"{file}: relative import"
        for name in imports_of(file):
            first, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if first != "pie" or not other or other == room:
                continue
            assert other not in FACES, f"{file} imports {name}, a face for users"
            assert FLOORS[other] < FLOORS[room], f"{file} imports {name}, which is not below it"


def test_every_room_has_its_floor() -> None:
    rooms = {each.name for each in SOURCE.iterdir() if (each / "__init__.py").is_file()}
    rooms |= {each.stem for each in SOURCE.glob("*.py")} - {"__init__"}
    assert rooms == set(FLOORS) | FACES


@pytest.mark.parametrize("room", sorted(FLOORS))
def test_every_room_within_has_its_step(room: str) -> None:
    found = {
        each.name
        for each in (SOURCE / room).iterdir()
        if each.is_dir() and (list(each.glob("*.py")) or list(each.glob("*.c")))
    }
    planned = set(" ".join(WITHIN.get(room, ())).split())
    assert planned <= found if room == "tool" else planned == found  # Commands come and go.


@pytest.mark.parametrize("room", sorted(WITHIN))
def test_imports_within_a_room_point_down(room: str) -> None:
    steps = {name: n for n, names in enumerate(WITHIN[room]) for name in names.split()}
    for name, step in steps.items():
        for file in (SOURCE / room / name).rglob("*.[pch]*"):
            for other in rooms_within_used(file, room) - {name}:
                assert steps.get(other, -1) < step, f"{file} uses {room}/{other}"


def rooms_within_used(file: Path, room: str) -> set[str]:
    """The rooms inside of a room that a file of it, in Python or C, imports or includes."""
    if file.suffix in (".c", ".h"):
        return set(re.findall(r'^#include "(\w+)/', file.read_text(), re.MULTILINE))
    if file.suffix != ".py":
        return set()
    names = [name.split(".") for name in imports_of(file)]
    used = {parts[2] for parts in names if parts[:2] == ["pie", room] and len(parts) > 2}
    return {name for name in used if (SOURCE / room / name).is_dir()}


def test_every_file_of_the_core_says_what_it_is() -> None:
    for file in (SOURCE / "_core").rglob("*.[ch]"):
        assert file.read_text().startswith("/* "), f"{file} has no comment at its head"


def test_files_are_short() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.c", "*.h", "*.ts", "*.tsx", "*.css"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    long = {
        name
        for name in listed.stdout.split()
        if "gen_py" not in name
        and (ROOT / name).is_file()
        and len((ROOT / name).read_text().splitlines()) > MOST_LINES
    }
    assert not long, f"split them: a file is one idea, in {MOST_LINES} lines at most"


@pytest.mark.parametrize("room", ["model", "govern", "thrift"])
def test_no_io(room: str) -> None:
    for file in (SOURCE / room).rglob("*.py"):
        used = {name.partition(".")[0] for name in imports_of(file)}
        assert not used & IO_MODULES, f"{file} imports {used & IO_MODULES}"
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input"}, f"{file} calls {calls}"


def test_a_service_needs_nothing_of_the_platform() -> None:
    """The runtime of a Thrift service imports only what the distribution depends on."""
    code = (
        "import sys, pie.serve, pie.rpc, pie.serve.service\n"
        "heavy = {'chdb', 'fastapi', 'uvicorn', 'clickhouse_connect', 'flask', 'gunicorn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_openapi_of_the_pages_is_the_platforms() -> None:
    from pie.platform.app import openapi_json

    assert (ROOT / "ui" / "openapi.json").read_text() == openapi_json(), (
        "renew it: python -c 'from pie.platform.app import openapi_json; "
        'print(openapi_json(), end="")\' > ui/openapi.json'
    )


def test_the_clients_of_the_examples_are_those_of_their_idl(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for pyrpc in (tmp_path / "examples").glob("*/pyrpc"):
        shutil.rmtree(pyrpc)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = tmp_path / "examples" / "generate.sh"
    subprocess.run([str(script)], check=True, capture_output=True, env=os.environ | {"PATH": path})
    for made in (tmp_path / "examples").glob("*/pyrpc/*.py"):
        committed = ROOT / made.relative_to(tmp_path)
        assert made.read_text() == committed.read_text(), (
            f"{committed} is out of step: examples/generate.sh"
        )


def test_links_of_the_documents_lead_somewhere() -> None:
    import re

    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_demo_needs_nothing_that_only_tests_install() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    wanted = install.requirements(project, dev=False)
    installed = {re.split(r"[^\w.-]", each)[0] for each in wanted}
    distributions = importlib.metadata.packages_distributions()
    for file in (ROOT / "examples").rglob("*.py"):
        for name in imports_of(file) if "gen_py" not in file.parts else ():
            owners = {each.lower() for each in distributions.get(name.partition(".")[0], [])}
            assert not owners or owners & {"pie-runtime", *installed}, f"{file} imports {name}"


def test_the_plan_names_every_file_of_the_core() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    (table,) = re.findall(r"^### Its files$(.*?)^### ", text, re.DOTALL | re.MULTILINE)
    named, room = set(), ""
    for row in re.findall(r"^\| ([*`][^|]*) \|", table, re.MULTILINE):
        if row.startswith("**"):
            room = row.strip("*`")
            continue
        for name in re.findall(r"`([a-z_.]+)`", row):
            named |= {
                f"{room}{each}" for each in ([name] if "." in name else [f"{name}.c", f"{name}.h"])
            }
    core = SOURCE / "_core"
    files = {str(file.relative_to(core)) for file in core.rglob("*.[ch]")}
    assert named == files
