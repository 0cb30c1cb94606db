"""What a service says of itself in the store, and where: instances under leases, one meta."""

import logging
import re
from typing import Any, Literal

import msgspec

from pie.model import PSM, address_of, is_unix, static_endpoint
from pie.state.store.interface import Store

_log = logging.getLogger("pie.state")

PREFIX = "/pie/services/"
_NAME = re.compile(r"[A-Za-z0-9_.:@+-]{1,128}")
_TAG = re.compile(r"[A-Za-z0-9_.:@+=-]{1,128}")
MAX_TAGS = 32
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")


def check_tags(tags: tuple[str, ...]) -> None:
    """Tags are few, and names or pairs ``name=value``.

    Raises:
        ValueError: one is neither, or there are more than 32.
    """
    if len(tags) > MAX_TAGS:
        raise ValueError(f"an instance has {len(tags)} tags, at most {MAX_TAGS} are allowed")
    for each in tags:
        if not _TAG.fullmatch(each):
            raise ValueError(
                f"{each[:128]!r} is not a tag: write 1 to 128 of letters, digits and "
                "_ . : @ + - =, such as stage=canary"
            )


class Instance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One running instance: where it listens and how to speak to it.

    ``transport`` is a name that ``pie.thrift.transport_names`` lists, or ``http``; one that this
    process does not speak fails the calls that choose the instance, with an error that names it.
    ``host`` may be ``unix:/path``, which those on its machine can call; ``port`` is then 0.
    ``started`` is Unix seconds, ``debug`` the address of its debug socket, ``weight`` its share of
    traffic (100 = a full one), ``idc`` its data centre, ``tags`` are names that rules know it by.

    Raises:
        ValueError: the PSM, cluster, env, id, transport, host, port, weight, idc or a tag is
            malformed.
    """

    psm: str
    id: str
    host: str
    port: int
    protocol: Literal["http", "thrift"]
    cluster: str = "default"
    env: str = ""
    transport: str = "http"
    pid: int = 0
    version: str = ""
    started: float = 0.0
    weight: int = 100
    debug: str = ""
    idc: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        PSM.parse(self.psm)
        names = {
            "cluster": self.cluster,
            "id": self.id,
            "env": self.env or "-",
            "transport": self.transport,
            "idc": self.idc or "-",
        }
        for field, text in names.items():
            if not _NAME.fullmatch(text):
                raise ValueError(
                    f"the {field} {text[:128]!r} of {self.psm} is not a name: use 1 to 128 of "
                    "letters, digits and _ . : @ + -"
                )
        check_tags(self.tags)
        if is_unix(self.host):
            static_endpoint(self.host, self.cluster, self.transport)
        elif not _HOST.fullmatch(self.host):
            raise ValueError(f"the host {self.host[:255]!r} of {self.psm} is not an address")
        elif not 0 < self.port < 65536:
            raise ValueError(f"the port {self.port} of {self.psm} is not in 1..65535")
        if not 0 <= self.weight <= 10_000:
            raise ValueError(f"the weight {self.weight} of {self.psm} is not in 0..10000")

    @property
    def address(self) -> str:
        """``host:port``, an IPv6 host in brackets; ``unix:/path``."""
        return address_of(self)


class Interface(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One method: its name as calls carry it, and for HTTP the route template and verbs."""

    method: str
    route: str = ""
    verbs: tuple[str, ...] = ()
    request: str = ""
    response: str = ""
    doc: str = ""


class ServiceMeta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is true of every instance of a service.

    ``service`` is its name in the IDL; ``idl`` is the text of its main IDL file, ``idl_path`` that
    file's path; ``includes`` maps the path of each other file to its text.
    """

    psm: str
    language: str = "python"
    framework: str = ""
    framework_version: str = ""
    protocol: str = ""
    owners: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    service: str = ""
    idl: str = ""
    idl_path: str = ""
    includes: dict[str, str] = {}

    def __post_init__(self) -> None:
        PSM.parse(self.psm)


class Setting(msgspec.Struct, frozen=True):
    """One setting in force, as text (a secret masked), and where its value came from: "default",
    "pie.toml", "settings.py", "environment", "command line", or what a newer service knows."""

    key: str
    value: str
    source: str


class RuntimeDescription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Describes the process of one instance while it runs.

    An entry of its own beside the instance, under the same lease: a client that watches addresses
    is not woken by it. ``debug`` is the path of the debug socket, or empty. Three fields are
    updated while they change: ``in_flight``, calls being served, ``lost``, call records,
    aggregates and lines that never reached the disk, and ``config``, what the code expects of its
    dynamic config: by key a ``pie.state.config.shape.Shape``, as JSON.
    """

    psm: str
    id: str
    cluster: str = "default"
    pid: int = 0
    workers: int = 1
    threads: int = 0
    debug: str = ""
    python: str = ""
    pie: str = ""
    server: str = ""
    command: str = ""
    settings: tuple[Setting, ...] = ()
    config: dict[str, Any] = {}
    in_flight: int = 0
    lost: int = 0


class Service(msgspec.Struct, frozen=True):
    """A registered service. ``meta`` is None when no instance registered one; ``runtime`` holds the
    descriptions of those instances that report one, by instance id."""

    psm: str
    meta: ServiceMeta | None
    instances: tuple[Instance, ...]
    runtime: dict[str, RuntimeDescription] = {}


def meta_key(psm: str) -> str:
    """Where the service's meta is."""
    return f"{PREFIX}{psm}/meta"


def instances_prefix(psm: str) -> str:
    """Under which the service's instances are, of all clusters."""
    return f"{PREFIX}{psm}/instances/"


def instance_key(instance: Instance) -> str:
    """Where the instance is."""
    return f"{instances_prefix(instance.psm)}{instance.cluster}/{instance.id}"


def runtime_key(description: RuntimeDescription) -> str:
    """Where the run-time description of an instance is."""
    return f"{PREFIX}{description.psm}/runtime/{description.cluster}/{description.id}"


def encode(value: Instance | ServiceMeta | RuntimeDescription) -> str:
    """The JSON that the store holds."""
    return msgspec.json.encode(value).decode()


def read_instance(key: str, value: str) -> Instance | None:
    """The instance an entry holds; None, with a line in the log, if it makes no sense."""
    try:
        return msgspec.json.decode(value, type=Instance)
    except msgspec.MsgspecError as error:
        _log.warning("ignored the malformed registration %s: %s", key, error)
        return None


def read_meta(key: str, value: str) -> ServiceMeta | None:
    """The meta an entry holds; None, with a line in the log, if it makes no sense."""
    try:
        return msgspec.json.decode(value, type=ServiceMeta)
    except msgspec.MsgspecError as error:
        _log.warning("ignored the malformed service description %s: %s", key, error)
        return None


def read_runtime(key: str, value: str) -> RuntimeDescription | None:
    """The description an entry holds; None, with a line in the log, if it makes no sense."""
    try:
        return msgspec.json.decode(value, type=RuntimeDescription)
    except msgspec.MsgspecError as error:
        _log.warning("ignored the malformed run-time description %s: %s", key, error)
        return None


def lookup_services(store: Store) -> dict[str, Service]:
    """Every service that has a meta or an instance, sorted by PSM.

    Raises:
        StoreError: the store does not answer.
    """
    metas: dict[str, ServiceMeta] = {}
    instances: dict[str, list[Instance]] = {}
    runtime: dict[str, dict[str, RuntimeDescription]] = {}
    for entry in store.range(PREFIX).entries:
        psm, _, rest = entry.key.removeprefix(PREFIX).partition("/")
        if rest == "meta":
            meta = read_meta(entry.key, entry.value)
            if meta is not None:
                metas[psm] = meta
        elif rest.startswith("instances/"):
            instance = read_instance(entry.key, entry.value)
            if instance is not None:
                instances.setdefault(psm, []).append(instance)
        elif rest.startswith("runtime/"):
            description = read_runtime(entry.key, entry.value)
            if description is not None:
                runtime.setdefault(psm, {})[description.id] = description
    return {
        psm: Service(psm, metas.get(psm), tuple(instances.get(psm, ())), runtime.get(psm, {}))
        for psm in sorted(metas.keys() | instances.keys())
    }
