"""The identity of a process: the fields that all of its lines and facts carry."""

import os
import socket

import msgspec

from pie.model import PSM


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a service.

    ``host`` is its IP in the fleet, ``instance`` its name there, ``version`` that of the service,
    ``idc`` its data centre.
    """

    psm: str
    cluster: str = "default"
    env: str = ""
    host: str = "127.0.0.1"
    instance: str = ""
    version: str = ""
    idc: str = ""

    @property
    def product(self) -> str:
        """The first part of the PSM: it names the service's log folder."""
        return PSM.parse(self.psm).product

    @property
    def log_name(self) -> str:
        """How its log files are called: lines do not say the cluster, so their file does."""
        return self.psm if self.cluster == "default" else f"{self.psm}@{self.cluster}"


def host_address() -> str:
    """This host's IPv4 in the fleet: ``PIE_HOST_IP``, else what its name resolves to.

    A host whose name gives no address but loopback is a development machine: 127.0.0.1.
    """
    given = os.environ.get("PIE_HOST_IP")
    if given:
        return given
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        found = []
    addresses = [str(entry[4][0]) for entry in found]
    return next((each for each in addresses if not each.startswith("127.")), "127.0.0.1")
