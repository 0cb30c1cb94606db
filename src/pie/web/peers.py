"""Which peers are trusted: whose metadata a service takes over into its chain."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

UNIX = "unix"
"""Stands for every peer on a unix socket: it has no address."""


class TrustedPeers:
    """A set of addresses and networks.

    Args:
        peers: ``10.0.0.0/8``, ``::1``, or ``unix``.

    Raises:
        ValueError: one of them is none of these; the message names it.
    """

    def __init__(self, peers: Iterable[str] = ()) -> None:
        listed = tuple(peers)
        self._networks = tuple(ipaddress.ip_network(each) for each in listed if each != UNIX)
        self._unix = UNIX in listed
        self._knows = lru_cache(maxsize=256)(self._trusts)

    def trusts(self, address: str) -> bool:
        """Whether the peer at an address is one of them; empty = it is on a unix socket."""
        return self._knows(address)

    def _trusts(self, address: str) -> bool:
        if not address:
            return self._unix
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        return any(mapped in network for network in self._networks)
