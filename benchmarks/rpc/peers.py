"""Who takes part: the sides, and the programs in C."""

from dataclasses import dataclass
from pathlib import Path

from common import peers as common
from common.peers import Say, compile_for, install, run

__all__ = ["install"]
HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"


@dataclass(frozen=True)
class Peer(common.Peer):
    """One library.

    Attributes:
        transport: in which it is called.
    """

    folder = HERE
    transport: str = "framed"

    def prepare(self) -> None:
        """Generate the classes of gRPC."""
        if self.module != "grpcio":
            return
        target, source = self.root / "generated", HERE / "workload"
        target.mkdir(exist_ok=True)
        protoc = [str(self.python), "-m", "grpc_tools.protoc", f"-I{source}", "bench.proto"]
        out = [f"--python_out={target}", f"--grpc_python_out={target}"]
        run([*protoc, *out], "protoc failed")


FLOOR = Peer("C floor", "")
PIE = Peer("Pie", "pie")
PIE_TTHEADER = Peer("Pie, TTHeader", "pie", transport="ttheader")
THRIFTPY2 = Peer("thriftpy2", "thriftpy2", ("thriftpy2>=0.6",))
APACHE = Peer("Apache thrift", "apache", ("thrift>=0.22",))
GRPCIO = Peer("grpcio", "grpcio", ("grpcio>=1.70", "grpcio-tools>=1.70"), threads=10)
MSGPACK = Peer("msgspec msgpack", "msgpack")
OTHERS = (THRIFTPY2, APACHE, GRPCIO)


def build(say: Say) -> None:
    """Compile the programs that are older than their source.

    Raises:
        Broken: there is no compiler, or it complains.
    """
    compile_for("load", HERE / "load_thrift.c", PEERS / "load", say)
    compile_for("floor", HERE / "floor_thrift.c", PEERS / "floor", say)
