"""The options of an HTTP server, from the settings of its service."""

import ipaddress

from pie.serve.settings.descriptors import connections_within
from pie.serve.settings.keys import Settings
from pie.web.server.options import HttpOptions

THREADS = 64
IDLE_SECONDS = 75.0


def http_options(settings: Settings) -> HttpOptions:
    """Make the options of a server."""
    return HttpOptions(
        max_connections=connections_within(settings.MAX_CONNECTIONS),
        max_threads=settings.THREADS or THREADS,
        body_limit=settings.BODY_LIMIT,
        memory_limit=settings.BODY_MEMORY,
        buffer_limit=settings.BUFFER_LIMIT,
        idle_timeout=settings.IDLE_SECONDS or IDLE_SECONDS,
        head_timeout=settings.HEAD_SECONDS,
        body_timeout=settings.BODY_SECONDS,
        write_timeout=settings.WRITE_SECONDS,
        trusted=tuple(_network(each) for each in settings.TRUSTED_PEERS),
        proxy_protocol=settings.PROXY_PROTOCOL,
    )


def _network(text: str) -> str:
    """As C reads it: with the number of its bits, where a mask was given."""
    return text if text == "unix" else str(ipaddress.ip_network(text))
