"""What the terminal shows when the code of a service cannot be loaded."""

import pytest

VIEWS = """
import sys
def raises():
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("no config") from error
def leaves():
    sys.exit(3)
def leaves_saying():
    sys.exit("no config")
def leaves_well():
    sys.exit()
"""


def start(services, name: str) -> tuple[list[str], int]:
    bootstrap = f"import settings\nfrom pie import serve\nserve.flask('views:{name}', settings)\n"
    services.write(views=VIEWS, bootstrap=bootstrap)
    running = services.start()
    _, errors = running.wait()
    return errors.splitlines(), running.process.returncode


def test_an_error_of_a_factory_is_shown_from_its_code_on(services) -> None:
    lines, code = start(services, "raises")
    assert code == 1
    assert lines[-1] == "pie: views:raises cannot be loaded: RuntimeError: no config"
    files = [line for line in lines if line.startswith("  File")]
    assert all(f'"{services.root}/views.py"' in line for line in files)
    assert len(files) == 2
    assert "ValueError: invalid literal for int() with base 10: 'x'" in lines
    assert len(list(services.root.glob("toutiao/log/python/*.2*.log"))) == 1


@pytest.mark.parametrize(
    ("name", "code", "shown"),
    [
        ("leaves", 3, "3"),
        ("leaves_saying", 1, "'no config'"),
        ("leaves_well", 1, "None"),
    ],
)
def test_a_factory_that_ends_the_process(services, name: str, code: int, shown: str) -> None:
    lines, returned = start(services, name)
    assert returned == code
    assert lines[-1] == f"pie: views:{name} cannot be loaded: it called sys.exit({shown})"


def test_a_syntax_error_shows_where(services) -> None:
    services.write(views="def x(:\n")
    _, errors = services.start().wait()
    first, *_, last = errors.splitlines()
    assert first == f'  File "{services.root}/views.py", line 1'
    assert last == "pie: views:app cannot be loaded: SyntaxError: invalid syntax"


def test_a_handler_of_thrift_that_cannot_be_made(services) -> None:
    services.write(
        bootstrap="import settings\nfrom pie import serve\n"
        "serve.thrift('service:DemoService', 'handler:Handler', settings)\n",
        service="DemoService = None\n",
        handler="class Handler:\n    def __init__(self):\n        raise OSError(2, 'no model')\n",
    )
    _, errors = services.start().wait()
    assert errors.splitlines()[-1] == (
        "pie: handler:Handler cannot be loaded: FileNotFoundError: [Errno 2] no model"
    )


def test_a_log_root_that_cannot_be_written_is_named_once(services) -> None:
    folder = services.write()
    (folder / "file").touch()
    running = services.start(PIE_LOG_ROOT=str(folder / "file"))
    assert running.get(running.port)[0] == 200
    printed, errors = running.stop()
    assert errors.startswith(f"pie: log lines are being lost: {folder}/file/toutiao/log/")
    assert "Not a directory [Errno 20]; the folder of logs is PIE_LOG_ROOT, or" in errors
    assert "data=stdout and stderr stay here: " in printed
    assert "stdout and stderr go on in" not in printed
