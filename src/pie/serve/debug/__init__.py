"""Online debugging: a running process answers, on a unix socket, what it is doing."""

from pie.serve.debug.client import DebugClient, DebugError
from pie.serve.debug.server import DebugServer, NoDebugSocket, remove_stale

__all__ = ["DebugClient", "DebugError", "DebugServer", "NoDebugSocket", "remove_stale"]
