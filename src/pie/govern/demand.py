"""How a limit of a whole service is divided by demand. Pure; the platform divides.

Algorithm: proportional shares under leases (after Doorman, Google's client-side rate limiting,
2016; "Cloud control with distributed rate limiting", Raghavan et al., SIGCOMM 2007). Each process
reports what it is asked for, as a part of the limit, and gets a part for the time of a lease.

- The capacity is that of the instances that report: each one that does not keeps 1/n, its equal
  part, which it admits by itself.
- While all together ask for less than nine tenths of the capacity, each gets what it asks for, and
  1/n of what is left over. Beyond, a tenth is divided evenly and the rest by demand. So no part is
  ever 0, and who asks for nothing still has room for what may come.
- No part grows before the others have shrunk: a part is never more than what the leases of the
  others leave, but for a n-th of a tenth.
- A ledger that has just begun does not know those leases: until each has ended, a process gets no
  more than it says it has, or its equal part.
"""

from typing import Final, NamedTuple

FLOOR: Final = 0.1
"""The part of a limit that is divided evenly whatever the demand."""
MOST_WANTED: Final = 1000.0
"""Times the limit: more demand than that counts as that."""


class Others(NamedTuple):
    """What other processes asked for and got, as parts of a limit, and how many they are."""

    wanted: float = 0.0
    part: float = 0.0
    many: int = 0


def target(wanted: float, all_wanted: float, capacity: float, slots: int) -> float:
    """The part of a process when nothing is in its way.

    Args:
        wanted: by it.
        all_wanted: by all that report, this one included.
        capacity: that they divide, above 0 to 1.
        slots: between how many what is not wanted is divided; one for each process at least.
    """
    usable = (1 - FLOOR) * capacity
    if all_wanted <= usable:
        return wanted + (capacity - all_wanted) / slots
    return FLOOR * capacity / slots + usable * wanted / all_wanted


def grant(
    wanted: float, has: float, others: Others, peers: int, reporting: int, *, learning: bool
) -> float:
    """The part that a process gets now.

    Args:
        wanted: by it.
        has: what it says that it has; 0 = its equal part.
        others: the other processes, as far as their leases last.
        peers: live instances, those that report included.
        reporting: how many of them do.
        learning: the leases of others may not be known yet.
    """
    peers = max(peers, reporting, 1)
    capacity = max(reporting, 1) / peers
    slots = max(peers, others.many + 1)
    aim = target(wanted, wanted + others.wanted, capacity, slots)
    if learning:
        return min(aim, has if 0 < has <= 1 else 1 / peers)
    left = capacity - others.part
    return min(aim, max(left, FLOOR * capacity / slots))
