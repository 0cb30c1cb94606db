"""Services on the oldest releases that the extras allow, and on every Python of this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.packaging.environment import Environment

pytestmark = pytest.mark.slow
OLDEST = ("flask==2.3.*", "werkzeug==2.3.*", "cachelib==0.9.*", "django==4.2.*")
GUNICORNS = ("21.2.*", "22.0.*", "23.0.*", "24.*", "25.*", "26.*")


def pythons() -> list[str]:
    """This interpreter, and one of each other release that is on the PATH or that pyenv has."""
    found = [sys.executable]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in range(11, 20):
        name = f"python3.{minor}"
        known = [shutil.which(name), *sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}"))]
        works = [str(path) for path in known if path and runs(path, minor)]
        found += works[:1] if minor != sys.version_info[1] else []
    return found


def runs(path: str | Path, minor: int) -> bool:
    """Whether it is what its name promises: a shim may name an interpreter that is not chosen."""
    code = f"import venv, sys; sys.exit(sys.version_info[:2] != (3, {minor}))"
    return subprocess.run([path, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_oldest_frameworks_and_each_gunicorn(
    environment: Callable[[str], Environment], flask_app: Path, django_project: Path
) -> None:
    env = environment(sys.executable)
    env.install(*OLDEST, "pie-runtime[flask,django]")
    for gunicorn in GUNICORNS:
        env.install(*OLDEST, f"gunicorn=={gunicorn}", "pie-runtime[flask,django]")
        served = "--http-server=gunicorn"
        env.serve(flask_app, "flask", "flaskr:create_app", served, path="/", answer=b"Hello")
        env.serve(django_project, "django", "shop.settings", served, path="/", answer=b"Hello")


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_the_newest_frameworks_on_each_python(
    python: str, environment: Callable[[str], Environment], flask_app: Path, django_project: Path
) -> None:
    env = environment(python)
    env.install("pie-runtime[flask,django]")
    env.serve(flask_app, "flask", "flaskr:create_app", path="/", answer=b"Hello")
    env.serve(django_project, "django", "shop.settings", path="/", answer=b"Hello")
