"""The command line of a benchmark, and the run of its sections."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.bench import Bench
from common.machine import describe, share_in_use
from common.measure import Broken
from common.progress import announce, clear
from common.table import Report

Sections = Mapping[str, Callable[[Any], Report]]
GROWTH = (10, 100, 1_000, 10_000)
_QUIET = 0.05


def parser(name: str, about: str, sections: Sections) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    made = argparse.ArgumentParser(
        prog=name, description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    names = listed(dict.fromkeys(sections))
    made.add_argument("--only", type=names, metavar="SECTION,…", help=", ".join(sections))
    made.add_argument("--quick", action="store_true", help="2 short rounds, without peers")
    made.add_argument("--rounds", type=above_zero(int), help="default 5")
    made.add_argument("--seconds", type=above_zero(float), help="of a measurement; default 1")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return made


def parse(
    made: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    sections: Sections,
    quick: Sequence[str],
) -> argparse.Namespace:
    """The options, with the defaults of the run or of a quick one."""
    options = made.parse_args(arguments)
    options.only = options.only or (tuple(quick) if options.quick else tuple(sections))
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1.0)
    return options


def listed(known: Mapping[str, Any]) -> Callable[[str], tuple]:
    """A type of option: names with commas, and what each of them means, or itself."""

    def read(text: str) -> tuple:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return tuple(name if known[name] is None else known[name] for name in names)

    return read


def numbers(text: str) -> tuple[int, ...]:
    """A type of option: numbers with commas."""
    return tuple(int(above_zero(int)(part)) for part in text.split(","))


def above_zero(kind: Callable[[str], float]) -> Callable[[str], float]:
    """A type of option: a number above 0."""

    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return read


def run(name: str, action: Callable[[], None]) -> int:
    """Run a benchmark; returns the exit code. SIGTERM stops what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    try:
        action()
    except Broken as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: stopped", file=sys.stderr)
        return 130
    return 0


def measure_sections(
    bench: Bench,
    sections: Sections,
    options: argparse.Namespace,
    about: Sequence[str],
) -> None:
    """Measure and print.

    Args:
        bench: measures.
        sections: that there are.
        options: which of them, and where the figures go.
        about: lines on who takes part.
    """
    rounds = f"{bench.rounds} rounds of {bench.seconds:g} s, interleaved, medians"
    header = [describe(), bench.cores.note, rounds, *about, _quiet("before")]
    print("\n".join(header), end="\n\n", flush=True)
    begin, reports = time.monotonic(), {}
    for name in options.only:
        announce(f"measuring {name}")
        reports[name] = report = sections[name](bench)
        clear()
        print(report.text(), flush=True)
    print(_quiet("after"))
    print(_summary(reports, time.monotonic() - begin))
    if options.json is not None:
        told = {name: report.as_json() for name, report in reports.items()}
        options.json.write_text(json.dumps({"about": header, "sections": told}, indent=1) + "\n")


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
