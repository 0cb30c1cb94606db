"""How many connections a process may have, given how many descriptors it may have."""

import resource

_LEAST_RESERVE = 48
_MOST_RESERVE = 256


def connections_within(wanted: int) -> int:
    """``wanted``, or fewer: some descriptors stay for files, calls and the registration.

    Idle connections must not be able to take the last one: the service would lose its lease.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    reserve = min(_MOST_RESERVE, max(_LEAST_RESERVE, soft // 4))
    return max(1, min(wanted, soft - reserve))
