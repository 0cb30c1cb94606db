"""The RPC benchmark: Pie beside other libraries, on this machine, in one run.

    make bench-rpc                          everything: some ten minutes
    make bench-rpc ARGS="--only codec"      one section; several with commas
    make bench-rpc ARGS="--quick"           Pie and the floor only, a few seconds

Pie is measured as services run it, with access log, call records and aggregates on; the other
libraries as they come. Every figure is the median of interleaved rounds, its noise the distance
of the largest from the smallest round, as a share of the median. Ratios are taken round by round.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # Where ``common`` is.

from bench import Bench
from common.machine import choose_cores, describe, raise_file_limit, share_in_use
from common.measure import Broken
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
_QUIET = 0.05
PEER_NAMES = {"thriftpy2": THRIFTPY2, "apache": APACHE, "grpcio": GRPCIO}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # Stops what runs.
    try:
        return _run(options)
    except Broken as error:
        print(f"bench-rpc: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench-rpc: stopped", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    files = raise_file_limit()
    build(_announce)
    install(options.peers, _announce)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            others=options.peers,
            cores=choose_cores(),
            rounds=options.rounds,
            seconds=options.seconds,
            connections=options.connections,
            growth=tuple(number for number in (10, 100, 1_000, 10_000) if number < files - 200),
            calls=write_calls(Path(folder)),
            say=_say,
        )
        header = _header(bench)
        print("\n".join(header), end="\n\n", flush=True)
        begin, reports = time.monotonic(), {}
        for name in options.only:
            _announce(f"measuring {name}")
            reports[name] = report = SECTIONS[name](bench)
            _clear()
            print(report.text(), flush=True)
    print(_quiet("after"))
    print(_summary(reports, time.monotonic() - begin))
    if options.json is not None:
        told = {name: report.as_json() for name, report in reports.items()}
        options.json.write_text(json.dumps({"about": header, "sections": told}, indent=1) + "\n")
    return 0


def _header(bench: Bench) -> list[str]:
    about = [bench.side(peer, "about") for peer in (PIE, MSGPACK, *bench.others)]
    rounds = f"{bench.rounds} rounds of {bench.seconds:g} s, interleaved, medians"
    return [describe(), bench.cores.note, rounds, *about, _quiet("before")]


def _quiet(when: str) -> str:
    """What else runs here would show as noise, in latency and QPS before CPU per call."""
    share = share_in_use()
    doubt = "" if share < _QUIET else ": QPS and latency are not to be trusted"
    return f"other processes used {share * 100:.0f}% of the machine {when} the run{doubt}"


def _summary(reports: dict[str, Report], seconds: float) -> str:
    goals = [goal for report in reports.values() for goal in report.goals]
    met = sum(goal.met is True for goal in goals)
    missed = sum(goal.met is False for goal in goals)
    left = len(goals) - met - missed
    return f"goals: {met} met, {missed} missed, {left} not measured; {seconds:.0f} s"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench-rpc", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--only", type=_section_names, metavar="SECTION,…", help=", ".join(SECTIONS)
    )
    parser.add_argument(
        "--peers", type=_peers, metavar="PEER,…", help=f"{', '.join(PEER_NAMES)}, or none"
    )
    parser.add_argument("--quick", action="store_true", help="2 short rounds, without peers")
    parser.add_argument("--rounds", type=_above_zero(int), help="default 5")
    parser.add_argument("--seconds", type=_above_zero(float), help="of a measurement; default 1")
    parser.add_argument(
        "--connections", type=_numbers, metavar="N,…", help="of echo, mgetitems; default 1,16,64"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args(arguments)
    quick = options.quick
    options.only = options.only or (QUICK if quick else tuple(SECTIONS))
    options.rounds = options.rounds or (2 if quick else 5)
    options.seconds = options.seconds or (0.2 if quick else 1.0)
    options.connections = options.connections or ((16,) if quick else (1, 16, 64))
    if options.peers is None:
        options.peers = () if quick else OTHERS
    return options


def _section_names(text: str) -> tuple[str, ...]:
    return tuple(_chosen(text, SECTIONS))


def _peers(text: str) -> tuple:
    return () if text == "none" else tuple(PEER_NAMES[name] for name in _chosen(text, PEER_NAMES))


def _chosen(text: str, known: dict) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(_above_zero(int)(part)) for part in text.split(","))


def _above_zero(kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return read


def _announce(text: str) -> None:
    """Progress that is worth a line wherever it goes."""
    if sys.stderr.isatty():
        _say(text)
    else:
        print(text, file=sys.stderr, flush=True)


def _say(text: str) -> None:
    """Progress in one line that is replaced; on anything but a terminal, nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    _say("")


if __name__ == "__main__":
    sys.exit(main())
