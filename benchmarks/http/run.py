"""The HTTP benchmark: Pie beside other servers, on this machine, in one run.

    make bench-http                                      everything: some twenty minutes
    make bench-http ARGS="--only hello,flask"            some sections
    make bench-http ARGS="--sides pie,granian,uwsgi"     some servers
    make bench-http ARGS="--quick"                       Pie and the floor only, a few seconds

Pie is measured as services run it, with access log, call records and aggregates on; the other
servers bare, as they come, each with one process that serves and 16 threads if it has threads.
CPU per request is that of the server's processes. Every figure is the median of interleaved
rounds, its noise the distance of the largest from the smallest round, as a share of the median.
Ratios are taken round by round.
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
from peers import PIE, PIE_GUNICORN, SIDES, build, install
from sections.cases import django, file, flask, hello, json, post, thrift
from sections.instrument import instrument
from sections.steady import steady
from sections.threads import growth, idle, mixed, sleep, twocore
from sections.wrk import wrk

SECTIONS: dict[str, Callable[[Bench], Report]] = {
    "hello": hello,
    "flask": flask,
    "django": django,
    "json": json,
    "post": post,
    "file": file,
    "thrift": thrift,
    "mixed": mixed,
    "sleep": sleep,
    "idle": idle,
    "growth": growth,
    "twocore": twocore,
    "instrument": instrument,
    "steady": steady,
    "wrk": wrk,
}
QUICK = ("hello", "flask", "json")
_STEADY, _STEADY_QUICK = 1_000_000, 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return command.run("bench-http", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    files = raise_file_limit()
    build(announce)
    skipped = install(options.sides, announce, say)
    pie, *others = (peer for peer in options.sides if peer not in skipped)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            pie=pie,
            others=tuple(others),
            cores=choose_cores(),
            rounds=options.rounds,
            seconds=options.seconds,
            connections=options.connections,
            growth=tuple(number for number in command.GROWTH if number < files - 200),
            say=say,
            folder=Path(folder),
            steady=options.requests,
        )
        about = list(dict.fromkeys(bench.side(peer, "about") for peer in bench.everyone))
        about += [f"{peer.name} is skipped: {reason}" for peer, reason in skipped.items()]
        command.measure_sections(bench, SECTIONS, options, about)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("bench-http", __doc__ or "", SECTIONS)
    parser.add_argument(
        "--sides",
        type=command.listed(SIDES),
        metavar="SIDE,…",
        help=f"{', '.join(SIDES)};\nthe first is what the others are compared with",
    )
    parser.add_argument(
        "--connections", type=command.numbers, metavar="N,…", help="of most sections; default 16"
    )
    parser.add_argument(
        "--requests", type=command.above_zero(int), help=f"of steady; default {_STEADY:,}"
    )
    options = command.parse(parser, arguments, SECTIONS, QUICK)
    options.connections = options.connections or (16,)
    options.requests = options.requests or (_STEADY_QUICK if options.quick else _STEADY)
    if options.sides is None:
        everyone = tuple(side for side in SIDES.values() if side != PIE_GUNICORN)
        options.sides = (PIE,) if options.quick else everyone
    return options


if __name__ == "__main__":
    sys.exit(main())
