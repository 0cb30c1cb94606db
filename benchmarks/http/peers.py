"""Who takes part: the sides, and the programs in C."""

from dataclasses import dataclass
from pathlib import Path

from common import peers as common
from common.peers import Say, compile_for, install

__all__ = ["install"]
HERE = Path(__file__).resolve().parent
RPC = HERE.parent / "rpc"
PEERS = HERE / ".peers"
_APPS = ("flask>=3.1", "django>=5.2", "thriftpy2>=0.6")
_OBSERVED = (
    "opentelemetry-sdk>=1.40",
    "opentelemetry-instrumentation-flask>=0.61b0",
    "prometheus_client>=0.22",
)


@dataclass(frozen=True)
class Peer(common.Peer):
    """One server.

    Attributes:
        variant: of the server.
        keeps: connections behind a reply.
    """

    folder = HERE
    variant: str = ""
    keeps: bool = True


FLOOR = Peer("C floor", "")
CALLEE = Peer("Thrift callee", "")
PIE = Peer("Pie", "pie")
PIE_GUNICORN = Peer("Pie on gunicorn", "pie", variant="gunicorn")
GUNICORN = Peer("gunicorn", "gunicorn", ("gunicorn>=23", *_APPS))
GRANIAN = Peer("granian", "granian", ("granian>=2.5", *_APPS, *_OBSERVED))
FASTPYSGI = Peer("fastpysgi", "fastpysgi", ("fastpysgi>=0.6", *_APPS))
UWSGI = Peer("uWSGI", "uwsgi", ("pyuwsgi>=2.0.30", *_APPS))
UWSGI_HTTP = Peer("uWSGI, http-socket", "uwsgi", UWSGI.packages, variant="http-socket", keeps=False)
UVICORN = Peer(
    "uvicorn + FastAPI",
    "uvicorn",
    ("uvicorn>=0.34", "fastapi>=0.115", "uvloop>=0.21", "httptools>=0.6", "thriftpy2>=0.6"),
)
SIDES = {
    "pie": PIE,
    "pie-gunicorn": PIE_GUNICORN,
    "gunicorn": GUNICORN,
    "granian": GRANIAN,
    "fastpysgi": FASTPYSGI,
    "uwsgi": UWSGI,
    "uwsgi-http": UWSGI_HTTP,
    "uvicorn": UVICORN,
}


def build(say: Say) -> None:
    """Compile the programs that are older than their source.

    Raises:
        Broken: there is no compiler, or it complains.
    """
    compile_for("load", HERE / "load_http.c", PEERS / "load", say)
    compile_for("floor", HERE / "floor_http.c", PEERS / "floor", say)
    compile_for("floor", RPC / "floor_thrift.c", PEERS / "callee", say)
