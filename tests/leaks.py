"""Whether something leaves memory behind, each time that it is done."""

import gc
import sys
from collections.abc import Callable


def growth(act: Callable[[], object], rounds: int, batches: int = 5) -> int:
    """Blocks of memory that so many rounds leave behind, whenever they are done.

    A leak grows with every batch of rounds. What Python, the process or another thread keeps once
    grows in one of them, at no certain time: the batch that left the least behind counts.
    """
    found = []
    for _ in range(batches):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            act()
        gc.collect()
        found.append(sys.getallocatedblocks() - before)
    return min(found)
