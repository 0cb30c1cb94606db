"""The settings of a service: every key, what it means, and what it may be."""

import ast
import contextlib
import inspect
import ipaddress
import re
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from pie.model import PSM, is_unix, read_failure_codes, static_endpoint
from pie.state import check_tags


class SettingsError(Exception):
    """A key is unknown, missing or wrong; the message names it and what would be right."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every key a service's ``settings.py`` may hold, with its default."""

    PSM: str
    """The service's name, product.subsystem.module."""
    CLUSTER: str = "default"
    """The cluster this instance belongs to; deployment usually sets PIE_CLUSTER."""
    ENV: str = ""
    """Environment lane, carried to every service downstream."""
    IDC: str = ""
    """Data centre this instance runs in; deployment usually sets PIE_IDC. Rules prefer instances of
    the caller's own."""
    TAGS: tuple[str, ...] = ()
    """Names that route rules know this instance by, such as stage=canary. Outside settings.py:
    comma-separated."""
    WEIGHT: int = 100
    """This instance's share of traffic, 0 to 10000; 100 = a full one, 0 = none while others are
    there."""
    HOST: str = "127.0.0.1"
    """Address to listen on: IPv4, IPv6, or a unix socket, unix:/path. 0.0.0.0 opens the service to
    the network."""
    ADVERTISE: str = ""
    """Address others reach this host by; found out when empty."""
    PORT: int = 0
    """Port to listen on; the next free one is taken when it is in use. 0 = any."""
    DEBUG: bool = False
    """Show all log lines on the console, and leave stdout and stderr there."""
    LOG_LEVEL: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    CALLER_ERRORS: Literal["INFO", "WARNING"] = "INFO"
    """Level of the line of a call in which the caller was wrong, such as one answered 404. A call
    that failed otherwise is an ERROR."""
    FAILURE_CODES: tuple[str, ...] = ()
    """Business codes that count as failures in all figures, here and at the callers: "5001",
    "5000..5999", or of one method "GetItem:5001"."""
    STDOUT: Literal["road", "console"] = "road"
    """Where what the running service writes to stdout and stderr goes: "road" = hourly files beside
    the logs, which the agent collects; "console" = where it was started, as for a container whose
    output something else collects."""
    CACHE: str = ""
    """Cache server, redis://host:port/database. In-memory when empty or when it does not answer."""
    DEBUG_SOCKET: bool = True
    """Open a unix socket that answers what the process is doing (python -m pie.serve.debug)."""
    OWNERS: tuple[str, ...] = ()
    """Who is responsible; shown on the service's page. Outside settings.py: comma-separated."""
    THREADS: int = 0
    """Requests served at a time, each on a thread. 0 = 64, or 16 where gunicorn serves."""
    MAX_CONNECTIONS: int = 10_000
    """Open connections; more are closed at once."""
    FRAME_LIMIT: int = 16 << 20
    """Bytes of one Thrift message."""
    BUFFER_LIMIT: int = 256 << 20
    """Bytes that all connections may hold together: received parts of messages, and replies that
    callers have not read. Beyond it connections are closed, those first that hold much and have not
    moved for long."""
    IDLE_SECONDS: float = 0.0
    """A connection without a request is closed after this. 0 = 600 for Thrift, 75 for HTTP."""
    HTTP_SERVER: Literal["core", "gunicorn"] = "core"
    """What serves HTTP where uWSGI does not: "core" = Pie's own server in C; "gunicorn" = its
    thread worker, which also serves where the C core is not in use. The keys from here to
    PROXY_PROTOCOL are of the core."""
    BODY_LIMIT: int = 1 << 30
    """Bytes of the body of one HTTP request; a longer one is answered 413."""
    BODY_MEMORY: int = 1 << 20
    """Bytes of a body that is held in memory until it is whole; a longer one goes to a temporary
    file."""
    HEAD_SECONDS: float = 10.0
    """The head of an HTTP request must arrive within this, or it is answered 408."""
    BODY_SECONDS: float = 20.0
    """After this the body of an HTTP request must have come at 500 bytes a second on average, or it
    is answered 408."""
    WRITE_SECONDS: float = 30.0
    """A client that has taken nothing of its HTTP reply for this long is cut off."""
    PROXY_PROTOCOL: bool = False
    """The peers in TRUSTED_PEERS begin each connection with a header of the PROXY protocol, version
    1 or 2, which says for whom."""
    STATUS_PAGES: bool = False
    """Answer GET /healthz and GET /metrics over HTTP on the port of a Thrift service. Needs the C
    core, and no TLS."""
    TLS_CERT: str = ""
    """PEM file with the certificate of a Thrift service and those that signed it; it then speaks
    TLS. Relative paths start at the folder of settings.py."""
    TLS_KEY: str = ""
    """PEM file with the key to it, where TLS_CERT holds none."""
    TLS_CA: str = ""
    """PEM file of authorities. Callers must then show a certificate that one of them signed."""
    VERSION: str = ""
    """Version of the service's code."""
    NOTICE_SECONDS: float = 6.0
    """How long a stopping service that has left the registry goes on accepting connections, for
    callers whose list is older. A second signal ends this time."""
    DRAIN_SECONDS: float = 10.0
    """How long a stopping service then waits for requests in flight. What takes longer is cut, and
    named in the log."""
    TRUSTED_PEERS: tuple[str, ...] = ()
    """Addresses and networks (10.0.0.0/8) of peers whose Rpc-Persist, Rpc-Transit and Pie-From
    headers an HTTP service takes over; "unix" = peers on a unix socket. Those of all others are
    dropped. The core also believes the X-Forwarded headers of these peers."""
    LOG_QUERY: Literal["none", "keys", "values"] = "keys"
    """What access lines and records show of an HTTP query string: nothing, its keys, or values too,
    except those that may be secrets."""


KEYS = Settings.__struct_fields__
_LONGEST = 2_000_000  # seconds: what the system can be asked to wait
_MOST_PEERS = 64  # NETWORKS_MOST of http/networks.h
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_NAME = re.compile(r"[A-Za-z0-9_.:@+-]{0,128}")
_TYPES = get_type_hints(Settings)
_WORDS = {"yes": True, "on": True, "no": False, "off": False}


def default_of(key: str) -> Any:
    """The value a key has when nobody sets it; None for one that must be set."""
    index = KEYS.index(key) - len(KEYS)
    found = Settings.__struct_defaults__
    return found[index] if -index <= len(found) and found[index] is not msgspec.NODEFAULT else None


def is_switch(key: str) -> bool:
    """Whether the key is yes or no."""
    return _TYPES[key] is bool


def kind_of(key: str) -> str:
    """The type of a key in a word or two."""
    kind = _TYPES[key]
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return {bool: "True|False", int: "NUMBER", float: "SECONDS", str: "TEXT"}.get(kind, "NAME,…")


def documentation() -> dict[str, str]:
    """The description of each key in this file."""
    (made,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(made, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(made.body, made.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(text, ast.Expr)
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def value_of(key: str, given: Any) -> Any:
    """A value as ``settings.py`` gives it.

    Raises:
        SettingsError: it is of another type, or cannot be right.
    """
    try:
        value = msgspec.convert(given, _TYPES[key])
    except msgspec.ValidationError:
        raise SettingsError(f"{key} is {given!r}; {_wanted(key)}") from None
    complaint = _CHECKS[key](value) if key in _CHECKS else None
    if complaint is not None:
        raise SettingsError(f"{key} is {given!r}; {complaint}")
    return value


def value_of_text(key: str, text: str) -> Any:
    """A value as the environment or a command line gives it.

    Raises:
        SettingsError: the text cannot be read as the key's type, or cannot be right.
    """
    kind = _TYPES[key]
    given: Any = text
    if get_origin(kind) is tuple:
        given = [each.strip() for each in text.split(",") if each.strip()]
    elif kind is bool:
        given = _WORDS.get(text.strip().lower(), text.strip())
    elif key == "LOG_LEVEL":
        given = text.upper() if text.upper() in _LEVELS else text
    with contextlib.suppress(msgspec.ValidationError):  # ``value_of`` says what is wrong.
        given = msgspec.convert(given, kind, strict=False)
    return value_of(key, given)


def _wanted(key: str) -> str:
    kind = _TYPES[key]
    if get_origin(kind) is Literal:
        return "choose " + " or ".join(repr(each) for each in get_args(kind))
    return {
        bool: "write True or False",
        int: "write a whole number",
        float: "write a number of seconds",
        str: "write a text in quotes",
    }.get(kind, 'write names in parentheses: ("someone",)')


def _psm(value: str) -> str | None:
    try:
        PSM.parse(value)
    except ValueError:
        return "write product.subsystem.module, each part of a-z, 0-9 and _"
    return None


def _name(value: str) -> str | None:
    return None if _NAME.fullmatch(value) else "use letters, digits and _ . : @ + -"


def _tags(value: tuple[str, ...]) -> str | None:
    try:
        check_tags(value)
    except ValueError as error:
        return str(error)
    return None


def _cluster(value: str) -> str | None:
    return _name(value) if value else "write a name, such as default"


def _host(value: str) -> str | None:
    if is_unix(value):
        try:
            static_endpoint(value, "default", "ttheader")
        except ValueError as error:
            return str(error).partition(": ")[2]
    return None if value.strip() == value != "" else "write an address, such as 127.0.0.1"


def _port(value: int) -> str | None:
    return None if 0 <= value <= 65535 else "choose 0 to 65535"


def _level(value: str) -> str | None:
    return None if value in _LEVELS else f"choose one of {', '.join(_LEVELS)}"


def _threads(value: int) -> str | None:
    return None if 0 <= value <= 10_000 else "choose 0 to 10000"


def _connections(value: int) -> str | None:
    return None if 1 <= value < 1 << 31 else "choose 1 or more"


def _frame_limit(value: int) -> str | None:
    return None if 1024 <= value < 1 << 31 else "choose 1024 bytes to 2 GiB"


def _body_limit(value: int) -> str | None:
    return None if 0 <= value < 1 << 50 else "choose 0 bytes to 1 PiB"


def _body_memory(value: int) -> str | None:
    return None if 1024 <= value <= 1 << 30 else "choose 1024 bytes to 1 GiB"


def _wait(value: float) -> str | None:
    return None if 0 < value <= _LONGEST else f"choose more than 0, {_LONGEST} at most"


def _buffer_limit(value: int) -> str | None:
    return None if 1 << 20 <= value < 1 << 31 else "choose 1 MiB to 2 GiB"


def _weight(value: int) -> str | None:
    return None if 0 <= value <= 10_000 else "choose 0 to 10000"


def _seconds(value: float) -> str | None:
    return None if 0 <= value <= _LONGEST else f"choose 0 to {_LONGEST}"


def _peers(value: tuple[str, ...]) -> str | None:
    if len(value) > _MOST_PEERS:
        return f"there are {len(value)}: write {_MOST_PEERS} at most, as networks"
    for each in value:
        try:
            if each != "unix":
                ipaddress.ip_network(each)
        except ValueError as error:
            return f"write an address, a network such as 10.0.0.0/8, or unix: {error}"
    return None


def _failure_codes(value: tuple[str, ...]) -> str | None:
    try:
        read_failure_codes(value)
    except ValueError as error:
        return str(error)
    return None


def _cache(value: str) -> str | None:
    parts = urlsplit(value)
    try:
        right = not value or (
            (parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0)
            or (parts.scheme == "unix" and bool(parts.path))
        )
    except ValueError:
        right = False
    return None if right else "write redis://host:port/database"


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "PSM": _psm,
    "CLUSTER": _cluster,
    "ENV": _name,
    "IDC": _name,
    "TAGS": _tags,
    "WEIGHT": _weight,
    "HOST": _host,
    "PORT": _port,
    "LOG_LEVEL": _level,
    "THREADS": _threads,
    "NOTICE_SECONDS": _seconds,
    "DRAIN_SECONDS": _seconds,
    "IDLE_SECONDS": _seconds,
    "MAX_CONNECTIONS": _connections,
    "FRAME_LIMIT": _frame_limit,
    "BUFFER_LIMIT": _buffer_limit,
    "BODY_LIMIT": _body_limit,
    "BODY_MEMORY": _body_memory,
    "HEAD_SECONDS": _wait,
    "BODY_SECONDS": _wait,
    "WRITE_SECONDS": _wait,
    "CACHE": _cache,
    "TRUSTED_PEERS": _peers,
    "FAILURE_CODES": _failure_codes,
}
