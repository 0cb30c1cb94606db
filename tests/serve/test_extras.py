"""A service whose extra is not installed says which one, and the command that installs it."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from pie._core import native
from pie.serve.extras import EXTRAS

DJANGO = "import settings\nfrom pie import serve\nserve.django('shop.settings', settings)\n"


@pytest.mark.parametrize(
    ("module", "extra", "texts"),
    [
        ("cachelib", "flask", {}),
        ("flask", "flask", {}),
        ("gunicorn", "flask", {}),
        ("gunicorn", "django", {"bootstrap": DJANGO}),
        ("django", "django", {"bootstrap": DJANGO}),
    ],
)
def test_a_missing_package_is_one_line(services, module, extra, texts) -> None:
    services.write(**texts)
    bootstrap = services.root / "bootstrap.py"
    bootstrap.write_text(f"import sys\nsys.modules[{module!r}] = None\n{bootstrap.read_text()}")
    printed, errors = services.start(PIE_HTTP_SERVER="gunicorn").wait()
    command = f"{shlex.quote(sys.executable)} -m pip install 'pie-runtime[{extra}]'"
    assert errors == f"pie: {module} is not installed; run: {command}\n"
    assert printed == ""


@pytest.mark.skipif(native is None, reason="gunicorn serves where the C core does not")
def test_the_core_needs_no_gunicorn(services) -> None:
    services.write()
    bootstrap = services.root / "bootstrap.py"
    bootstrap.write_text(f"import sys\nsys.modules['gunicorn'] = None\n{bootstrap.read_text()}")
    running = services.start()
    assert running.get(running.port) == (200, b"Hello world")


def test_help_needs_no_extra(services) -> None:
    services.write()
    bootstrap = services.root / "bootstrap.py"
    bootstrap.write_text(f"import sys\nsys.modules['flask'] = None\n{bootstrap.read_text()}")
    printed, errors = services.start("--help").wait()
    assert (printed.startswith("Usage: "), errors) == (True, "")


def test_every_extra_of_the_distribution_that_is_imported_is_known() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    declared = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(declared)
    for extra, modules in EXTRAS.items():
        names = " ".join(declared[extra]).replace("-", "_")
        assert all(module in names for module in modules)
