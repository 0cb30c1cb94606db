"""Install Pie into this virtual environment from its built wheel, once per change.

The wheel is what users get, so it is what the demo and the tests run: pages are built first, then
the wheel, then it is installed. What was installed is remembered by a hash of its inputs.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = Path(sys.prefix)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what tests and lint need")
    options = parser.parse_args()
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    install_dependencies(requirements(project, dev=options.dev), dev=options.dev)
    run([sys.executable, str(ROOT / "ui" / "build.py")], "building the pages failed, see above")
    install_wheel()
    return 0


def requirements(project: dict, *, dev: bool) -> list[str]:
    """Everything but Pie itself: what it needs, what the demo needs, and with ``dev`` the rest."""
    table = project["project"]
    wanted = list(table["dependencies"])
    for extra in table["optional-dependencies"].values():
        wanted += [each for each in extra if not each.startswith(table["name"])]
    for name, group in project["dependency-groups"].items():
        if dev or name == "demo":
            wanted += group
    return [*project["build-system"]["requires"], *wanted]


def install_dependencies(wanted: list[str], *, dev: bool) -> None:
    stamp = STAMPS / (".dependencies-dev" if dev else ".dependencies")
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    say("installing what Pie needs (a few minutes the first time; the column store is large)")
    run(
        [*PIP, "install", "--progress-bar", "on" if sys.stdout.isatty() else "off", *wanted],
        "pip could not install the packages above. Is the network there? "
        "Behind a mirror, set PIP_INDEX_URL.",
    )
    stamp.write_text(digest)


def install_wheel() -> None:
    stamp = STAMPS / ".wheel"
    inputs = ["pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"]
    digest = hash_of(inputs, "src")
    if stamp.is_file() and stamp.read_text() == digest:
        return
    say("building and installing the wheel")
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # Holds files that were deleted since.
    with tempfile.TemporaryDirectory() as directory:
        build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        run([*build, "--wheel-dir", directory, str(ROOT)], "building the wheel failed, see above")
        (wheel,) = Path(directory).glob("*.whl")
        install = [*PIP, "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel)]
        run(install, "installing the wheel failed, see above: is the disk full?")
    say_what_core()
    stamp.write_text(digest)


def say_what_core() -> None:
    """The extension is optional: without a compiler Pie installs all the same, and is slower."""
    ask = "from pie._core import reason; print(reason)"
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT / "tools", check=False
    )
    reason = done.stdout.strip() or done.stderr.strip()
    if reason:
        say(f"Pie's C core is not in use, all works in Python and more slowly: {reason}")


def hash_of(names: list[str], folder: str) -> str:
    digest = hashlib.sha256()
    files = [ROOT / name for name in names]
    files += sorted((ROOT / folder).rglob("*"))
    for file in files:
        if file.is_file() and file.suffix != ".pyc" and ".egg-info" not in str(file):
            digest.update(str(file.relative_to(ROOT)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def run(command: list[str], advice: str) -> None:
    if subprocess.call(command, cwd=ROOT):
        sys.exit(f"\n{advice}")


def say(text: str) -> None:
    print(f"== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
