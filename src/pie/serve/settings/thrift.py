"""The options of a Thrift server, from the settings of its service."""

import ssl
from pathlib import Path

from pie.rpc import ServerOptions
from pie.serve.settings.descriptors import connections_within
from pie.serve.settings.keys import Settings, SettingsError

THREADS = 64
IDLE_SECONDS = 600.0


def server_options(settings: Settings, folder: Path) -> ServerOptions:
    """Make the options of a server.

    Args:
        settings: in force.
        folder: that relative paths of certificates start at.

    Raises:
        SettingsError: the files for TLS do not hold what the settings say.
    """
    return ServerOptions(
        max_connections=connections_within(settings.MAX_CONNECTIONS),
        max_threads=settings.THREADS or THREADS,
        frame_limit=settings.FRAME_LIMIT,
        buffer_limit=settings.BUFFER_LIMIT,
        idle_timeout=settings.IDLE_SECONDS or IDLE_SECONDS,
        tls=_tls(settings, folder),
    )


def _tls(settings: Settings, folder: Path) -> ssl.SSLContext | None:
    if not settings.TLS_CERT:
        if settings.TLS_KEY or settings.TLS_CA:
            raise SettingsError("TLS_KEY or TLS_CA is set, TLS_CERT is not: set it, or neither")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    key = folder / settings.TLS_KEY if settings.TLS_KEY else None
    try:
        context.load_cert_chain(folder / settings.TLS_CERT, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"TLS_CERT {settings.TLS_CERT!r} and TLS_KEY {settings.TLS_KEY!r} hold no certificate "
            f"with its key: {error}"
        ) from None
    if settings.TLS_CA:
        try:
            context.load_verify_locations(folder / settings.TLS_CA)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"TLS_CA {settings.TLS_CA!r} holds no certificates of authorities: {error}"
            ) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context
