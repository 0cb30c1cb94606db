"""The demo: the platform, five services, the agent and traffic, on this machine, in one terminal.

python examples/demo.py           keeps running until Ctrl-C
python examples/demo.py --once    sends a fixed batch, checks what the platform saw, ends
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import report
import rules
import traffic
from fleet import SERVICES, DemoError, Fleet, step

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("PIE_DEMO_DATA") or HERE.parent / "demo-data")
PLATFORM_PORT = 8790


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="one batch, checked, then the end")
    parser.add_argument("--port", type=int, default=PLATFORM_PORT, help="port of the platform")
    parser.add_argument("--rate", type=float, default=5.0, help="requests per second")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # A shell's background job ignores SIGINT.
        signal.signal(number, _interrupt)
    fleet = Fleet(
        _fresh_directory(options.once),
        0 if options.once else options.port,
        # A batch is checked call by call, so that no limit may reject one of it.
        prepare=lambda fleet: rules.publish(fleet.client, limits=not options.once),
        canary=True,
    )
    try:
        with fleet:
            if options.once:
                return once(fleet)
            forever(fleet, options.rate)
    except KeyboardInterrupt:
        print("\nstopping everything")
    except DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    return 0


def once(fleet: Fleet) -> int:
    """One fixed batch; what the platform saw must be what was sent."""
    with step("sending a batch of requests"):
        sent = traffic.batch(fleet.entries)
    with step("waiting until the platform has seen all of it"):
        seen = report.collect(fleet.client, sent)
    print()
    report.show(seen)
    problems = report.differences(seen, sent)
    for problem in problems:
        print(f"  wrong: {problem}", file=sys.stderr)
    decided = report.decisions(seen)
    print(f"\nDecisions of rules: {', '.join(decided) or 'none'}")
    if not problems:
        print(f"\nAll {len(sent)} requests and every call they made arrived, exactly once.")
    return 1 if problems else 0


def forever(fleet: Fleet, rate: float) -> None:
    """Traffic until Ctrl-C."""
    sample = traffic.send(fleet.entries, traffic.KINDS["GET /articles/104"])
    print(
        f"""
  Platform   {fleet.login}
  A request  {fleet.url}/chain/{sample.logid}
  Services   {", ".join(SERVICES)}
  Workspace  {fleet.directory}
  Logs       {fleet.directory}/toutiao/log
  Rules      {fleet.url}/s/{rules.ARTICLE}/governance

  Try next: open the platform, follow one of the failed requests to its chain, and read there
  why it failed. Search the logs for 登录, or for a word of a failed request. A fifth of the calls
  of article goes to its canary, and the comments of discuss would be refused: `pie rules` lists
  the rules that say so.
  Or ask yourself: curl -i {fleet.entries[traffic.STREAM]}/articles/105
  In another terminal: cd {fleet.directory} && . runtime/env.sh && pie ls
  Ctrl-C stops everything.
""",
        flush=True,
    )
    for count in traffic.stream(fleet.entries, rate):
        fleet.heal()
        if sys.stdout.isatty():
            print(f"\r  {count} requests sent", end="", flush=True)


def _fresh_directory(once: bool) -> Path:
    if once:
        return Path(tempfile.mkdtemp(prefix="pie-demo-"))
    DATA.mkdir(exist_ok=True)
    return DATA


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
