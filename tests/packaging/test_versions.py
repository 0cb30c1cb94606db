"""Services on the oldest releases that the extras allow, and on every Python of this machine."""

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


def other_pythons() -> list[str]:
    """Interpreters on the PATH that run (a shim may name one that is not chosen)."""
    found = []
    for minor in range(11, 20):
        path = shutil.which(f"python3.{minor}")
        code = f"import venv, sys; sys.exit(sys.version_info[:2] != (3, {minor}))"
        if path and minor != sys.version_info[1]:
            done = subprocess.run([path, "-c", code], capture_output=True, check=False)
            found += [path] if done.returncode == 0 else []
    return found


def test_the_oldest_frameworks_and_each_gunicorn(
    environment: Callable[[str], Environment], flask_app: Path, django_project: Path
) -> None:
    env = environment(sys.executable)
    env.install(*OLDEST, "pie-runtime[flask,django]")
    for gunicorn in GUNICORNS:
        env.install(*OLDEST, f"gunicorn=={gunicorn}", "pie-runtime[flask,django]")
        env.serve(flask_app, "flask", "flaskr:create_app", path="/", answer=b"Hello")
        env.serve(django_project, "django", "shop.settings", path="/", answer=b"Hello")


@pytest.mark.parametrize("python", other_pythons(), ids=lambda path: Path(path).name)
def test_the_newest_frameworks_on_another_python(
    python: str, environment: Callable[[str], Environment], flask_app: Path, django_project: Path
) -> None:
    env = environment(python)
    env.install("pie-runtime[flask,django]")
    env.serve(flask_app, "flask", "flaskr:create_app", path="/", answer=b"Hello")
    env.serve(django_project, "django", "shop.settings", path="/", answer=b"Hello")
