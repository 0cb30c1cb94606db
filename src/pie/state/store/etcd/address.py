"""Where an etcd cluster is, and how to speak to it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

DEFAULT_PORT = 2379
FORM = "etcd://HOST:PORT[,HOST:PORT...][/NAMESPACE][?OPTION=VALUE&...]"
_FILES = ("ca", "cert", "key", "password_file")


@dataclass(frozen=True, slots=True)
class EtcdAddress:
    """What ``--state etcd://…`` says.

    Attributes:
        endpoints: base URLs of the members, in the order given.
        namespace: comes before each of Pie's keys in etcd; empty, or ``/name``.
        user: of etcd's authentication; empty without.
        password: of the user.
        ca: file of the certificates to trust; empty: the system's.
        cert: file of the client's certificate; empty without.
        key: file of its key.
        compact: whether the platform compacts etcd's history.
    """

    endpoints: tuple[str, ...]
    namespace: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    cert: str = ""
    key: str = ""
    compact: bool = True

    def __str__(self) -> str:
        hosts = ",".join(urlsplit(each).netloc for each in self.endpoints)
        scheme = "etcds" if self.endpoints[0].startswith("https") else "etcd"
        return f"{scheme}://{hosts}{self.namespace}"


def parse_address(text: str) -> EtcdAddress:
    """Read an address.

    ``etcds`` in place of ``etcd`` means TLS. Options: ``ca``, ``cert``, ``key`` (PEM files),
    ``user``, ``password_file``, ``compact=off``.

    Raises:
        ValueError: it is none, or a file that it names cannot be read; says what and why.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("etcd", "etcds"):
        raise ValueError(f"{text!r} is not an address of etcd: write {FORM}")
    options = _options(parts)
    user, password = _credentials(parts, options)
    scheme = "https" if parts.scheme == "etcds" else "http"
    hosts = parts.netloc.rpartition("@")[2].split(",")
    namespace = parts.path.rstrip("/")
    if not (namespace.isascii() and namespace.isprintable() and len(namespace) <= 200):
        raise ValueError(f"the namespace {namespace[:80]!r} has characters that no key may have")
    if bool(options.get("cert")) != bool(options.get("key")):
        raise ValueError("a client certificate needs both cert=FILE and key=FILE")
    return EtcdAddress(
        tuple(f"{scheme}://{_host(host)}" for host in hosts),
        namespace,
        user,
        password,
        options.get("ca", ""),
        options.get("cert", ""),
        options.get("key", ""),
        options.get("compact", "on") != "off",
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in (*_FILES, "user", "compact"):
            raise ValueError(
                f"{name!r} is no option of an etcd address; there are ca, cert, key, user, "
                "password_file and compact"
            )
    if options.get("compact", "on") not in ("on", "off"):
        raise ValueError("compact is on or off")
    for name in _FILES:
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"{name}={options[name]}: there is no such file")
    return options


def _credentials(parts: SplitResult, options: dict[str, str]) -> tuple[str, str]:
    given, _, _ = parts.netloc.rpartition("@")
    user, _, password = given.partition(":")
    user, password = options.get("user") or unquote(user), unquote(password)
    if "password_file" in options:
        try:
            password = Path(options["password_file"]).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"password_file={options['password_file']}: {error}") from None
    return user, password


def _host(text: str) -> str:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        host, port = None, 0
    if not host:
        raise ValueError(f"{text!r} is not HOST:PORT: write {FORM}")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
