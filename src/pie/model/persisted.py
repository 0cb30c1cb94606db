"""Keys of ``Call.persist`` that Pie itself reads: what travels with a chain over every hop.

In capitals and with ``_``, because HTTP gives the names of headers back so.
"""

from typing import Final, Literal

from pie.model.call import Call

LANE: Final = "PIE_LANE"
"""The environment lane of the chain, where the protocol has no field for it (HTTP)."""
TRAFFIC: Final = "PIE_TRAFFIC"
"""The class of traffic: one of ``TRAFFIC_CLASSES``; anything else is normal traffic."""

USER: Final = "PIE_USER"
"""Whose request began the chain: the application sets it; rules keep a user's calls together."""

TrafficClass = Literal["test", "stress"]
TRAFFIC_CLASSES: Final[tuple[TrafficClass, ...]] = ("test", "stress")
_MAX_LANE = 128


def take_persisted(call: Call) -> None:
    """Set the traffic class of a call, and its lane where it has none, from what persists."""
    traffic, lane = call.persist.get(TRAFFIC, ""), call.persist.get(LANE, "")
    call.traffic = traffic if traffic in TRAFFIC_CLASSES else ""
    if lane and not call.env and len(lane) <= _MAX_LANE and lane.isprintable():
        call.env = lane
