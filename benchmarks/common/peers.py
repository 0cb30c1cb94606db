"""Who takes part: the libraries, an environment for each, and the programs in C."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from common.measure import Broken, own_path, python_environ

COMMON = Path(__file__).resolve().parent
_CFLAGS = ["-O2", "-Wall", "-Wextra"]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Peer:
    """One library.

    Attributes:
        folder: of the benchmark it takes part in.
        name: in tables.
        module: its side, below ``sides``; empty for a program that is no Python.
        packages: to install; none for what runs in Pie's own environment.
        threads: that run handlers, where a side takes a number of them.
    """

    folder: ClassVar[Path]
    name: str
    module: str
    packages: tuple[str, ...] = ()
    threads: int = 16

    def __str__(self) -> str:
        return self.name

    @property
    def root(self) -> Path:
        """Of its environment."""
        return self.folder / ".peers" / self.module

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python" if self.packages else Path(sys.executable)

    @property
    def environ(self) -> dict[str, str]:
        """Of its processes."""
        return python_environ(self.folder, "" if self.packages else own_path())

    def command(self, *arguments: str) -> list[str]:
        """Runs its side."""
        return [str(self.python), "-m", f"sides.{self.module}", *arguments]

    def prepare(self) -> None:
        """Do what is left to do in an environment that was just installed."""


def compile_for(name: str, protocol: Path, made: Path, say: Say) -> None:
    """Compile the generator or the floor for a protocol.

    Args:
        name: ``load`` or ``floor``.
        protocol: source of what it has to know.
        made: the program.
        say: shows that it takes a while.

    Raises:
        Broken: there is no compiler, or it complains.
    """
    _compile(made, [COMMON / f"{name}.c", protocol], say)


def _compile(made: Path, sources: list[Path], say: Say) -> None:
    """Compile a program that is older than its source."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise Broken("no C compiler: the generator is in C; on Debian and Ubuntu: apt install gcc")
    folders = {COMMON, *(each.parent for each in sources)}
    read = [*sources, *(header for folder in folders for header in folder.glob("*.h"))]
    if made.exists() and made.stat().st_mtime > max(each.stat().st_mtime for each in read):
        return
    say(f"compiling {made.name}")
    made.parent.mkdir(exist_ok=True)
    fresh = made.with_suffix(".new")
    command = [compiler, *_CFLAGS, f"-I{COMMON}", "-o", str(fresh), *map(str, sources)]
    run(command, f"{made.name} does not compile")
    fresh.replace(made)  # Whoever runs the old one goes on.


def install(peers: Sequence[Peer], announce: Say, say: Say) -> dict[Peer, str]:
    """Make the environments that are not there yet, each of one peer alone.

    Args:
        peers: that take part.
        announce: shows a line that is worth keeping.
        say: shows how far pip has come.

    Returns:
        The peers that cannot take part, and why.
    """
    missing = [peer for peer in peers if peer.packages and not _is_installed(peer)]
    failed = {}
    for number, peer in enumerate(missing):
        if peer.root in {each.root for each in failed} or _is_installed(peer):
            continue  # Two peers may share one environment.
        what = f"installing {', '.join(peer.packages)} into an environment of its own"
        announce(f"{what} ({number + 1} of {len(missing)})")
        try:
            _install(peer, say)
        except Broken as error:
            failed[peer] = str(error)
    return {
        peer: reason
        for peer in missing
        for other, reason in failed.items()
        if other.root == peer.root
    }


def _is_installed(peer: Peer) -> bool:
    stamp = peer.root / ".installed"
    return stamp.is_file() and stamp.read_text() == _stamp_of(peer)


def _stamp_of(peer: Peer) -> str:
    return "\n".join(peer.packages)


def _install(peer: Peer, say: Say) -> None:
    complaint = f"no environment in {peer.root}; on Debian and Ubuntu: apt install python3-venv"
    run([sys.executable, "-m", "venv", "--clear", str(peer.root)], complaint, say)
    pip = [str(peer.python), "-m", "pip", "--disable-pip-version-check", "install"]
    complaint = f"pip could not install {peer.name}; is the network there?"
    run([*pip, "--progress-bar=off", *peer.packages], complaint, say)
    peer.prepare()
    (peer.root / ".installed").write_text(_stamp_of(peer))


def run(command: list[str], complaint: str, say: Say = lambda _: None) -> None:
    """Run a command whose output matters only when it fails.

    Args:
        command: to run.
        complaint: begins the message when it fails.
        say: shows each line of its output as it comes.

    Raises:
        Broken: it failed.
    """
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=python_environ(),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            say(line.strip()[:100])
    if process.returncode:
        raise Broken(f"{complaint}\n{''.join(lines[-20:])}".strip())
