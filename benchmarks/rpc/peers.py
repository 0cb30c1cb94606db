"""Who takes part: the sides, their environments, and the programs in C."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from common.measure import Broken, own_path, python_environ

HERE = Path(__file__).resolve().parent
COMMON = HERE.parent / "common"
PEERS = HERE / ".peers"
_CFLAGS = ["-O2", "-Wall", "-Wextra"]


class Peer(NamedTuple):
    """One library.

    Attributes:
        name: in tables.
        module: its side, below ``sides``; empty for the floor, which is no Python.
        packages: to install; none for what runs in Pie's own environment.
        transport: in which it is called.
        threads: that run handlers, where a side takes a number of them.
    """

    name: str
    module: str
    packages: tuple[str, ...] = ()
    transport: str = "framed"
    threads: int = 16

    def __str__(self) -> str:
        return self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return PEERS / self.module / "bin" / "python" if self.packages else Path(sys.executable)

    @property
    def environ(self) -> dict[str, str]:
        """Of its processes."""
        return python_environ(HERE, "" if self.packages else own_path())

    def command(self, *arguments: str) -> list[str]:
        """Runs its side."""
        return [str(self.python), "-m", f"sides.{self.module}", *arguments]


FLOOR = Peer("C floor", "")
PIE = Peer("Pie", "pie")
PIE_TTHEADER = Peer("Pie, TTHeader", "pie", transport="ttheader")
THRIFTPY2 = Peer("thriftpy2", "thriftpy2", ("thriftpy2>=0.6",))
APACHE = Peer("Apache thrift", "apache", ("thrift>=0.22",))
GRPCIO = Peer("grpcio", "grpcio", ("grpcio>=1.70", "grpcio-tools>=1.70"), threads=10)
MSGPACK = Peer("msgspec msgpack", "msgpack")
OTHERS = (THRIFTPY2, APACHE, GRPCIO)


def build(say: Callable[[str], None]) -> None:
    """Compile the programs that are older than their source.

    Raises:
        Broken: there is no compiler, or it complains.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise Broken("no C compiler: the generator is in C; on Debian and Ubuntu: apt install gcc")
    PEERS.mkdir(exist_ok=True)
    headers = max(each.stat().st_mtime for each in (*HERE.glob("*.h"), *COMMON.glob("*.h")))
    for name in ("load", "floor"):
        source, made = HERE / f"{name}.c", PEERS / name
        if made.exists() and made.stat().st_mtime > max(source.stat().st_mtime, headers):
            continue
        say(f"compiling {source.name}")
        fresh = made.with_suffix(".new")
        run(
            [compiler, *_CFLAGS, f"-I{COMMON}", "-o", str(fresh), str(source)],
            f"{source.name} does not compile",
        )
        fresh.replace(made)  # Whoever runs the old one goes on.


def install(peers: Sequence[Peer], say: Callable[[str], None]) -> None:
    """Make the environments that are not there yet, each of one peer alone.

    Raises:
        Broken: pip failed.
    """
    for peer in peers:
        root = PEERS / peer.module
        stamp = root / ".installed"
        wanted = "\n".join(peer.packages)
        if not peer.packages or (stamp.is_file() and stamp.read_text() == wanted):
            continue
        say(f"installing {', '.join(peer.packages)} into an environment of its own")
        venv.create(root, clear=True, with_pip=True)
        pip = [str(peer.python), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        run([*pip, *peer.packages], f"pip could not install {peer.name}; is the network there?")
        if peer is GRPCIO:
            _generate(peer, root / "generated")
        stamp.write_text(wanted)


def _generate(peer: Peer, target: Path) -> None:
    target.mkdir(exist_ok=True)
    protoc = [str(peer.python), "-m", "grpc_tools.protoc", "-Iworkload", "workload/bench.proto"]
    out = [f"--python_out={target}", f"--grpc_python_out={target}"]
    run([*protoc, *out], "protoc failed")


def run(command: list[str], complaint: str) -> None:
    """Run a command whose output matters only when it fails.

    Raises:
        Broken: it failed.
    """
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, env=python_environ(), check=False
    )
    if done.returncode:
        raise Broken(f"{complaint}\n{done.stdout}{done.stderr}".strip())
