"""Lines reach the log road once, whatever the application does to ``logging``."""

import subprocess
import sys
from pathlib import Path

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
