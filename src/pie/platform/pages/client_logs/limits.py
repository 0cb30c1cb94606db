"""How many entries one address and one device may send."""

import math

from pie.model import Failure, Kind
from pie.platform.pages.client_logs.build import ClientPost
from pie.platform.server.rate import RateLimit


class ClientLimits:
    """What may come from one address, and from one device: entries, a post counting as one."""

    def __init__(self) -> None:
        self._addresses = RateLimit(per_second=100, burst=2_000)
        self._devices = RateLimit(per_second=20, burst=400)

    def take(self, address: str, post: ClientPost) -> None:
        """Raises ``Failure`` when it is too much, and then takes nothing."""
        amount = max(1, len(post.entries))
        device = f"{post.app}\0{post.device}"
        wait = max(self._addresses.wait(address, amount), self._devices.wait(device, amount))
        if wait:
            raise Failure(
                Kind.EXHAUSTED,
                f"too many log entries from this device or address: wait {math.ceil(wait)} s, "
                "and send fewer",
            )
        self._addresses.take(address, amount)
        self._devices.take(device, amount)
