"""Lines reach the log road once, whatever the application does to ``logging``."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, logging.config, sys
from pathlib import Path
from pie.observe import Identity, Observer

observer = Observer(Identity(psm="a.b.c"), Path(sys.argv[1]), Path("nowhere"))
observer.install()
pie = logging.getLogger("pie.x")
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {
        "console": {"class": "logging.StreamHandler"},
        "null": {"class": "logging.NullHandler"},
        "file": {"class": "logging.FileHandler", "filename": sys.argv[1] + "/own.log"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "ends.here": {"handlers": ["console"], "propagate": False},
        "ends.here.again": {"handlers": ["file"], "propagate": False},
        "silent": {"handlers": ["null"], "propagate": False},
        "both": {"handlers": ["console", "file"]},
    },
})
for _ in range(2):
    observer.take_back(echoes=sys.argv[2] == "echoes")
for name in ("", "ends.here", "ends.here.too", "ends.here.again", "silent", "both", "pie.x"):
    logging.getLogger(name).info("from <%s>", name)
observer.close()
"""


def run(folder: Path, echoes: str) -> tuple[list[str], str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), echoes],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    log = (folder / "a/log/python/a.b.c.log").read_text()
    names = [line.rpartition("data=from ")[2] for line in log.splitlines()]
    return names, (folder / "own.log").read_text(), done.stderr


def test_every_record_once_and_no_echo(tmp_path: Path) -> None:
    names, own, errors = run(tmp_path, "no")
    assert names == [
        "<>", "<ends.here>", "<ends.here.too>", "<ends.here.again>", "<both>", "<pie.x>",
    ]  # fmt: skip
    assert own == "from <ends.here.again>\nfrom <both>\n"
    assert errors == ""


def test_echoes_may_stay(tmp_path: Path) -> None:
    names, _, errors = run(tmp_path, "echoes")
    assert len(names) == 6
    assert errors.count("from <ends.here>\n") == 1


LATER = """
import logging, logging.config, logging.handlers, queue, sys
from pathlib import Path
from pie.model import Call, current_call
from pie.observe import Identity, Observer

observer = Observer(Identity(psm="a.b.c"), Path(sys.argv[1]), Path("nowhere"))
observer.install()
observer.take_back(echoes=False)
early, pie = logging.getLogger("early"), logging.getLogger("pie.x")
call = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="3" * 32)
current_call.set(call)

class Forward(logging.Handler):
    def emit(self, record):
        sys.stderr  # Where loguru's handler would call loguru.

def config(disable):
    return {"version": 1, "disable_existing_loggers": disable, "formatters": {"f": {}},
            "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
            "root": {"handlers": ["h"]}, "loggers": {"named": {"handlers": ["h"]}}}

def ini(disable):
    path = Path(sys.argv[1]) / "logging.ini"
    path.write_text("[loggers]\\nkeys=root\\n[handlers]\\nkeys=h\\n[formatters]\\nkeys=\\n"
                    "[logger_root]\\nhandlers=h\\nlevel=INFO\\n"
                    "[handler_h]\\nclass=StreamHandler\\nargs=(sys.stdout,)\\n")
    logging.config.fileConfig(path, disable_existing_loggers=disable)

def through_a_queue():
    logging.root.handlers.clear()
    waiting = queue.SimpleQueue()
    logging.root.addHandler(logging.handlers.QueueHandler(waiting))
    listener = logging.handlers.QueueListener(waiting, logging.StreamHandler())
    listener.start()
    return listener.stop

def django():
    from django.conf import settings
    from django.utils.log import configure_logging
    settings.configure()
    configure_logging("logging.config.dictConfig", config(True))

WAYS = {
    "dictConfig": lambda: logging.config.dictConfig(config(True)),
    "dictConfig, loggers kept": lambda: logging.config.dictConfig(config(False)),
    "incremental": lambda: logging.config.dictConfig(
        {"version": 1, "incremental": True, "loggers": {"early": {"level": "DEBUG"}}}),
    "fileConfig": lambda: ini(True),
    "fileConfig, loggers kept": lambda: ini(False),
    "basicConfig": lambda: logging.basicConfig(force=True),
    "cleared": lambda: logging.root.handlers.clear(),
    "assigned": lambda: setattr(logging.root, "handlers", [Forward()]),
    "intercepted": lambda: logging.basicConfig(handlers=[Forward()], level=0, force=True),
    "a queue": through_a_queue,
    "shutdown": logging.shutdown,
    "django": django,
}
stop = WAYS[sys.argv[2]]()
early.warning("from <early>")
logging.getLogger("named").warning("from <named>")
logging.getLogger("late").warning("from <late>")
pie.info("from <pie.x>")
try:
    1 / 0
except ZeroDivisionError:
    early.exception("from <traceback>")
if callable(stop):
    stop()
observer.close()
"""


@pytest.mark.parametrize(
    "way",
    [
        "dictConfig",
        "fileConfig",
        "cleared",
        "dictConfig, loggers kept", "incremental", "fileConfig, loggers kept",
        "basicConfig", "assigned", "intercepted", "a queue", "shutdown", "django",
    ],
)  # fmt: skip
def test_logging_may_be_configured_at_any_time(tmp_path: Path, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATER, str(tmp_path), way],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout + done.stderr == ""
    lines = (tmp_path / "a/log/python/a.b.c.log").read_text().splitlines()
    heads, messages = zip(*(line.split(" data=from ", 1) for line in lines), strict=True)
    assert [each.split(" ")[0].partition("\\n")[0] for each in messages] == [
        "<early>", "<named>", "<late>", "<pie.x>", "<traceback>",
    ]  # fmt: skip
    assert [each.split(" ")[0] for each in heads] == ["WARNING"] * 3 + ["INFO", "ERROR"]
    assert all(f" a.b.c {'3' * 32} " in each for each in heads)
    assert messages[-1].endswith("ZeroDivisionError: division by zero")
