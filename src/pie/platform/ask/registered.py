"""The state and protocol of a service, as the registry has them."""

from typing import Literal

from pie.state import Service

ServiceState = Literal["running", "stopped", "never"]
"""``stopped``: it described itself before, and no instance is registered now; ``never``: it is
known from calls alone."""


def state_of(registered: Service | None) -> ServiceState:
    """Whether a service runs; None is one that the registry does not know."""
    if registered is None:
        return "never"
    return "running" if registered.instances else "stopped"


def protocol_of(registered: Service | None) -> str:
    """What a service speaks: as it describes itself, else as its instances do."""
    if registered is None:
        return ""
    described = registered.meta.protocol if registered.meta else ""
    return described or next((instance.protocol for instance in registered.instances), "")
