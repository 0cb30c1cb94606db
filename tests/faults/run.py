"""Injects faults into a real fleet and compares what was sent with what is stored.

    python tests/faults/run.py --seconds 600 --seed 7
    python tests/faults/run.py --only kill,full-disk

A seed repeats the faults and their order; their moments depend on the machine.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.check import Verdict, after_all, compare, disturbed_requests, leftovers, settle  # noqa: E402
from tests.faults.injections import INJECTIONS  # noqa: E402
from tests.faults.world import FaultFleet, World, can_mount, leave_network  # noqa: E402

MOST_OUTPUT = 4 << 20


def run_faults(directory: Path, names: list[str], seed: int, seconds: float) -> Verdict:
    """Inject the faults in turn for so long, at least each once; then compare."""
    chance = random.Random(seed)
    with FaultFleet(directory / "fleet") as fleet:
        world = World(fleet, chance)
        began = time.monotonic()
        with world.load(2, 0.02):
            queue = list(names)
            while queue or time.monotonic() - began < seconds:
                if not queue:
                    queue = chance.sample(names, len(names))
                name = queue.pop(0)
                before = len(world.requests)
                INJECTIONS[name](world)
                at, sent = time.monotonic() - began, len(world.requests) - before
                _say(f"{at:6.1f} s  {name} {world.windows[-1].who}: {sent} requests")
                time.sleep(chance.random())
        missing = settle(world)
        missing += after_all(world) + settle(world)
        fleet.stop(*reversed(fleet.services), "agent", "platform")
        verdict = compare(world)
        verdict.wrong[:0] = missing
        for request in disturbed_requests(world)[:5]:
            verdict.say(
                f"{request.kind.name} was answered with {request.status} while nothing was wrong"
            )
        if verdict.wrong:
            keep(fleet.directory, directory / "kept")
        for name, size in leftovers(fleet.directory).items():
            if size > MOST_OUTPUT and name != "road":
                verdict.say(f"{name} printed {size} bytes")
    return verdict


def keep(fleet: Path, target: Path) -> None:
    """Copy what the small disks hold: they go with the fleet."""
    for folder in ("toutiao", "platform", ".pie-agent"):
        shutil.copytree(fleet / folder, target / folder, symlinks=True, dirs_exist_ok=True)


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """The command; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", default=",".join(INJECTIONS), help="names, by commas")
    parser.add_argument("--keep", action="store_true", help="keep the fleet's folder")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name]
    unknown = [name for name in names if name not in INJECTIONS]
    if unknown:
        parser.error(f"no fault {', '.join(unknown)}; there are {', '.join(INJECTIONS)}")
    directory = Path(tempfile.mkdtemp(prefix="pie-faults-"))
    if not can_mount(directory / "probe"):
        print("this needs root, to mount small disks", file=sys.stderr)
        return 1
    leave_network()
    _say(f"seed {options.seed}, {directory}")
    verdict = run_faults(directory, names, options.seed, options.seconds)
    for name, figure in sorted(verdict.figures.items()):
        _say(f"  {name:<45} {figure:>9,}")
    for each in verdict.wrong:
        _say(f"WRONG: {each}")
    if not verdict.wrong and not options.keep:
        shutil.rmtree(directory)
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
