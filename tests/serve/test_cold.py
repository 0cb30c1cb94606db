"""Applications that lie in no workspace and have no settings.py: pie.toml or the environment."""

import os
import sys

import pytest

FACTORY = (
    "from flask import Flask\n"
    "def create_app(name='default'):\n"
    "    app = Flask(__name__)\n"
    "    app.add_url_rule('/', view_func=lambda: f'Hello {name}')\n"
    "    return app\n"
)


def start(services, *command: str, folder: str = ".", **environ: str):
    """In the folder of the application, with nothing in the environment that names a workspace."""
    (services.root / "settings.py").unlink()
    unset = ("RUNTIME_ROOT", "PIE_PLATFORM", "PIE_LOG_ROOT")
    kept = {key: value for key, value in os.environ.items() if key not in unset}
    env = [
        "env",
        "-i",
        "-C",
        folder,
        *(f"{key}={value}" for key, value in (kept | environ).items()),
    ]
    return services.run([*env, sys.executable, *command])


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("flaskr:create_app", b"Hello default"), ("flaskr:create_app('prod')", b"Hello prod")],
)
def test_a_factory_with_pie_toml_and_a_bootstrap(services, reference, answer) -> None:
    services.write(flaskr=FACTORY, bootstrap=f"from pie import serve\nserve.flask({reference!r})\n")
    (services.root / "pie.toml").write_text(
        'psm = "toutiao.my.api"\nplatform = "http://127.0.0.1:9"\nlog_root = "logs"\n'
    )
    running = start(services, str(services.root / "bootstrap.py"), folder="/")
    port = running.port
    assert running.get(port) == (200, answer)
    running.stop()
    assert running.process.returncode == 0
    assert (services.root / "logs" / "toutiao" / "log" / "app").is_dir()


def test_the_command_needs_no_bootstrap(services) -> None:
    port = services.free_port()
    services.write(flaskr=FACTORY)
    running = start(
        services,
        *("-m", "pie.tool.pie", "serve", "flask", "flaskr:create_app('here')"),
        *("--port", str(port)),
        PIE_PSM="toutiao.my.api",
        PIE_PLATFORM="http://127.0.0.1:9",
        PIE_LOG_ROOT="logs",
    )
    assert running.port == port
    assert running.get(port) == (200, b"Hello here")
    running.stop(2)
    assert running.process.returncode == 0
    assert (services.root / "logs" / "toutiao" / "log" / "app").is_dir()


def test_the_options_of_the_command_are_the_settings(services) -> None:
    services.write(flaskr=FACTORY)
    running = start(
        services,
        *("-m", "pie.tool.pie", "serve", "flask", "flaskr:create_app", "--help"),
        PIE_PSM="toutiao.my.api",
    )
    printed, errors = running.wait()
    assert printed.startswith("Usage: pie serve flask flaskr:create_app [OPTIONS]\n"), errors
    assert "toutiao.my.api  (from environment)" in printed


def test_help_needs_no_psm(services) -> None:
    services.write(flaskr=FACTORY)
    command = ("-m", "pie.tool.pie", "serve", "flask", "flaskr:create_app", "--help")
    running = start(services, *command)
    printed, errors = running.wait()
    assert (running.process.returncode, errors) == (0, "")
    assert printed.startswith("Usage: pie serve flask flaskr:create_app [OPTIONS]\n")
    assert "--port NUMBER" in printed
    assert "as it cannot start yet: there is no PSM: write psm = " in printed


def test_without_a_psm_one_line_says_where_it_can_stand(services) -> None:
    services.write(flaskr=FACTORY)
    running = start(services, "-m", "pie.tool.pie", "serve", "flask", "flaskr:create_app")
    _, errors = running.wait()
    assert errors == (
        'pie: there is no PSM: write psm = "product.subsystem.module" into pie.toml beside the '
        "code, or set PIE_PSM\n"
    )
    assert running.process.returncode == 1
