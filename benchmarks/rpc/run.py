"""The RPC benchmark: Pie beside other libraries, on this machine, in one run.

    make bench-rpc                          everything: some ten minutes
    make bench-rpc ARGS="--only codec"      one section; several with commas
    make bench-rpc ARGS="--quick"           Pie and the floor only, a few seconds

Pie is measured as services run it, with access log, call records and aggregates on; the other
libraries as they come. Every figure is the median of interleaved rounds, its noise the distance
of the largest from the smallest round, as a share of the median. Ratios are taken round by round.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # Where ``common`` is.

from bench import Bench
from common import command
from common.machine import choose_cores, raise_file_limit
from common.progress import announce, say
from common.table import Report
from peers import APACHE, GRPCIO, MSGPACK, OTHERS, PIE, THRIFTPY2, build, install
from sections.calls import echo, mgetitems
from sections.client import client
from sections.codec import codec
from sections.servers import blocking, growth, idle, tail, twocore
from sections.variants import middlewares, observe, rules
from workload.encoded import write_calls

SECTIONS: dict[str, Callable[[Bench], Report]] = {
    "echo": echo,
    "mgetitems": mgetitems,
    "codec": codec,
    "client": client,
    "blocking": blocking,
    "idle": idle,
    "twocore": twocore,
    "tail": tail,
    "growth": growth,
    "rules": rules,
    "middlewares": middlewares,
    "observe": observe,
}
QUICK = ("echo", "mgetitems", "codec")
PEER_NAMES = {"thriftpy2": THRIFTPY2, "apache": APACHE, "grpcio": GRPCIO}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return command.run("bench-rpc", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    files = raise_file_limit()
    build(announce)
    skipped = install(options.peers, announce, say)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            pie=PIE,
            others=tuple(peer for peer in options.peers if peer not in skipped),
            cores=choose_cores(),
            rounds=options.rounds,
            seconds=options.seconds,
            connections=options.connections,
            growth=tuple(number for number in command.GROWTH if number < files - 200),
            calls=write_calls(Path(folder)),
            say=say,
        )
        about = [bench.side(peer, "about") for peer in (PIE, MSGPACK, *bench.others)]
        about += [f"{peer.name} is skipped: {reason}" for peer, reason in skipped.items()]
        command.measure_sections(bench, SECTIONS, options, about)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("bench-rpc", __doc__ or "", SECTIONS)
    parser.add_argument(
        "--peers", type=_peers, metavar="PEER,…", help=f"{', '.join(PEER_NAMES)}, or none"
    )
    parser.add_argument(
        "--connections",
        type=command.numbers,
        metavar="N,…",
        help="of echo, mgetitems; default 1,16,64",
    )
    options = command.parse(parser, arguments, SECTIONS, QUICK)
    options.connections = options.connections or ((16,) if options.quick else (1, 16, 64))
    if options.peers is None:
        options.peers = () if options.quick else OTHERS
    return options


def _peers(text: str) -> tuple:
    return () if text == "none" else command.listed(PEER_NAMES)(text)


if __name__ == "__main__":
    sys.exit(main())
