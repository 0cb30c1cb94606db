"""Keys of ``Call.persist`` that Pie itself reads: what travels with a chain over every hop.

In capitals and with ``_``, because HTTP gives the names of headers back so.
"""

from typing import Final, Literal

from pie.model.call import Call

LANE: Final = "PIE_LANE"
"""The environment lane of the chain, where the protocol has no field for it (HTTP)."""
TRAFFIC: Final = "PIE_TRAFFIC"
"""The class of traffic: one of ``TRAFFIC_CLASSES``; anything else is normal traffic."""

STRESS_TAG: Final = "PIE_STRESS_TAG"
"""The name that another system gave a load test, for peers that know it by that."""

USER: Final = "PIE_USER"
"""Whose request began the chain: the application sets it; rules keep a user's calls together."""

STRESS: Final = "stress"
TrafficClass = Literal["test", "stress"]
TRAFFIC_CLASSES: Final[tuple[TrafficClass, ...]] = ("test", "stress")
_MAX_LANE = 128


def take_stress_tag(call: Call, tag: str) -> None:
    """A request carries the stress tag of TTHeader, as Kitex services hand it on: it belongs to a
    load test, unless it says its class itself."""
    if tag and TRAFFIC not in call.persist:
        call.persist |= {TRAFFIC: STRESS, STRESS_TAG: tag}


def stress_tag_of(call: Call) -> str:
    """The stress tag of a call to a TTHeader peer; empty unless it belongs to a load test."""
    return (call.persist.get(STRESS_TAG) or STRESS) if call.traffic == STRESS else ""


def take_persisted(call: Call) -> None:
    """Set the traffic class of a call, and its lane where it has none, from what persists."""
    traffic, lane = call.persist.get(TRAFFIC, ""), call.persist.get(LANE, "")
    call.traffic = traffic if traffic in TRAFFIC_CLASSES else ""
    if lane and not call.env and len(lane) <= _MAX_LANE and lane.isprintable():
        call.env = lane
