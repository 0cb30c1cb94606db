"""Build the distributions: the source with its pages, and the wheel made from it.

The wheel is built from the source distribution, so a source distribution that lacks a file
fails here. The wheel holds the C core where there is a compiler.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    run([sys.executable, str(ROOT / "ui" / "build.py")], "building the pages failed, see above")
    source = build_source(options.directory)
    wheel = build_wheel(source, options.directory)
    for file in (source, wheel):
        print(f"{file} ({file.stat().st_size / 1e6:.1f} MB)")
    return 0


def build_source(directory: Path) -> Path:
    """The source distribution in ``directory``, where older ones are removed."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("pie_runtime-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        egg = ["egg_info", "--egg-base", scratch]  # A stale list of files would be taken over.
        command = [sys.executable, "setup.py", "-q", *egg, "sdist", "--dist-dir", str(directory)]
        run(command, "building the source distribution failed, see above")
    (source,) = directory.glob("*.tar.gz")
    return source


def build_wheel(source: Path, directory: Path) -> Path:
    """The wheel of a source distribution, in ``directory``."""
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*build, "--wheel-dir", str(directory), str(source)], "building the wheel failed")
    (wheel,) = directory.glob("*.whl")
    return wheel


def run(command: list[str], advice: str) -> None:
    if subprocess.call(command, cwd=ROOT):
        sys.exit(f"\n{advice}")


if __name__ == "__main__":
    sys.exit(main())
