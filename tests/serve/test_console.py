"""stdout on the log road, over the change of an hour."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys, time
from pathlib import Path
from pie.observe.log.files import HourlyFile
from pie.serve import console as output
from pie.serve.console import OutputRoad

now = 1_700_002_799.0  # 22:59:59 UTC
time.time = lambda: now
output._LONGEST_WAIT = 0.01
folder = Path(sys.argv[1])
road = OutputRoad(HourlyFile(folder, "a.b.c", "log"))
print("on the terminal")
road.take()
print("first hour")
os.write(2, b"first hour, too\\n")
now += 2
while not (folder / "a.b.c.2023111423.log").exists():
    time.sleep(0.01)
while os.fstat(2).st_ino != (folder / "a.b.c.2023111423.log").stat().st_ino:
    time.sleep(0.01)
print("second hour", end="")  # No newline, no flush.
print(" goes on")
road.close()
os._exit(0)
"""


def test_output_moves_to_the_file_of_each_hour(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("on the terminal\n", "", 0)
    files = {path.name: path.read_text() for path in tmp_path.glob("*.2*.log")}
    assert files == {
        "a.b.c.2023111422.log": "first hour\nfirst hour, too\n",
        "a.b.c.2023111423.log": "second hour goes on\n",
    }
    assert (tmp_path / "a.b.c.log").readlink() == Path("a.b.c.2023111423.log")
