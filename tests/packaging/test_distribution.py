"""The built wheel in an empty environment: each extra brings what it promises, and no more."""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.packaging.environment import Environment, clean_environment, get
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def env(environment: Callable[[str], Environment]) -> Environment:
    """One environment for the tests below, which add one extra after the other."""
    made = environment(sys.executable)
    made.install("pie-runtime")
    return made


def test_the_source_has_the_pages_and_the_wheel_has_no_sources_of_c(dist: Path) -> None:
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert "src/pie/platform/static/index.html" in names
    assert "src/pie/_core/base/core.h" in names
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pie/platform/static/index.html" in names
    assert "pie/platform/facts/chdb.xml" in names
    assert any(name.startswith("pie/_core/_native.") and name.endswith(".so") for name in names)
    assert not [name for name in names if name.endswith((".c", ".h"))]


def test_the_core_alone(env: Environment, flask_app: Path) -> None:
    installed = env.run("pip", "list", "--format", "freeze")
    for name in ("flask", "django", "gunicorn", "chdb", "fastapi"):
        assert f"\n{name}==" not in f"\n{installed.lower()}"
    assert env.run("pie", "--version").startswith("pie, version ")
    code = (
        "import pie.rpc, pie.serve, pie.thrift.runtime, pie.testing; from pie._core import native"
    )
    assert env.run("python", "-c", f"{code}; print(native is not None)") == "True\n"
    done = subprocess.run(
        [str(env.bin / "pie"), "serve", "flask", "flaskr:create_app"], cwd=flask_app,
        env=clean_environment() | {"PIE_PSM": "acme.shop.web"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    words = r"pie: flask, cachelib are not installed; run: (\S+) -m pip install '(\S+)'"
    found = re.fullmatch(words, done.stderr.strip())
    assert found, done.stdout + done.stderr
    python, wanted = found.groups()
    assert (Path(python).parent, wanted) == (env.bin, "pie-runtime[flask]")


def test_flask(env: Environment, flask_app: Path) -> None:
    env.install("pie-runtime[flask]")
    env.serve(flask_app, "flask", "flaskr:create_app('Hi')", path="/", answer=b"Hi")


def test_django(env: Environment, django_project: Path) -> None:
    env.install("pie-runtime[django]")
    env.serve(django_project, "django", "shop.settings", path="/", answer=b"Hello")


def test_the_platform(env: Environment, tmp_path: Path) -> None:
    env.install("pie-runtime[platform]")
    port = free_port()
    with subprocess.Popen(
        [str(env.bin / "pie"), "platform", "--directory", "platform", "--port", str(port)],
        cwd=tmp_path, env=clean_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as platform:  # fmt: skip
        printed = ""
        for line in platform.stdout:
            printed += line
            if "ready on" in line:
                break
        else:
            pytest.fail(printed)
        assert get(port, "/api/health")[0] == 200
        status, page = get(port, "/")
        platform.terminate()
        printed += platform.stdout.read()
    assert platform.returncode == 0, printed
    assert status == 200
    assert b"<html" in page
