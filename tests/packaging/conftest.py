"""The built distributions, environments that install them, and applications to run there."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.packaging.environment import ROOT, Environment


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source distribution and the wheel that ``make dist`` builds."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / "tools" / "dist.py"), "--directory", str(directory)]
    subprocess.run(command, check=True)
    return directory


@pytest.fixture(scope="session")
def environment(
    dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Environment]]:
    """Makes an environment for an interpreter."""
    return lambda python: Environment(tmp_path_factory.mktemp("venv") / "venv", python, dist)


FLASK = (
    "from flask import Flask\n\n\ndef create_app(greeting='Hello'):\n    app = Flask(__name__)\n"
    "    app.add_url_rule('/', view_func=lambda: greeting)\n    return app\n"
)


@pytest.fixture
def flask_app(tmp_path: Path) -> Path:
    """A folder with an application factory."""
    (tmp_path / "flaskr.py").write_text(FLASK)
    return tmp_path


@pytest.fixture
def django_project(tmp_path: Path) -> Path:
    """A folder with a small Django project."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "settings.py").write_text(
        "SECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\nALLOWED_HOSTS = ['127.0.0.1']\n"
    )
    (package / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('', lambda request: HttpResponse('Hello'))]\n"
    )
    return tmp_path
