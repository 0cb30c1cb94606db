"""The configuration of a service as it stands in the store: values, overrides, secrets.

A process takes the values of the document, and on top of them those of every override that it is
in. Of two overrides that give the same key, the one that stands first in the document wins: so the
order that people read is the order that decides.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

MAX_DOCUMENT: Final = 256 << 10
"""Bytes of one document."""
MAX_KEYS: Final = 2_000
"""Keys of one document, those of its overrides included."""
MAX_OVERRIDES: Final = 100
MASK: Final = "********"
"""Stands for the value of a secret wherever people look."""

_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PARTS: Final = 10_000


class ConfigError(ValueError):
    """A document that cannot be published or applied. The message names the key."""


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other values for some of a service's processes: a gray release, or a lasting difference.

    A process is in it when each condition that is given holds. ``percent`` takes the part of the
    instances whose hash with the override's name is below it, so that the same instances stay in
    while it grows.
    """

    name: str
    values: dict[str, Any]
    cluster: list[str] = []
    env: list[str] = []
    instance: list[str] = []
    percent: float = 100.0


class ConfigDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a service's configuration.

    Attributes:
        psm: whose it is.
        version: 1 at least, grows by one with each publication.
        values: by key; any JSON.
        secrets: keys whose values are shown to nobody.
        overrides: the first one that a process is in wins, key by key.
        author, at, comment: who published it, when (Unix seconds), and why.
    """

    psm: str
    version: int
    values: dict[str, Any] = {}
    secrets: list[str] = []
    overrides: list[Override] = []
    author: str = ""
    at: float = 0.0
    comment: str = ""


class Who(msgspec.Struct, frozen=True):
    """The process that asks."""

    psm: str
    cluster: str
    env: str
    instance: str


def config_key(psm: str) -> str:
    """Where the document of a service stands in the store."""
    return f"/pie/services/{psm}/config"


def read_document(text: str | bytes) -> ConfigDocument:
    """The document that a key of the store holds.

    Raises:
        ConfigError: it is none.
    """
    try:
        return msgspec.json.decode(text, type=ConfigDocument)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"the configuration cannot be read: {error}") from None


def check_document(document: ConfigDocument) -> None:
    """Check what people wrote.

    Raises:
        ConfigError: a key or an override is wrong, or there is too much of it.
    """
    for key, value in document.values.items():
        _check_value(key, value, key)
    if len(document.overrides) > MAX_OVERRIDES:
        raise ConfigError(f"overrides: {len(document.overrides)} are more than {MAX_OVERRIDES}")
    seen: set[str] = set()
    for number, each in enumerate(document.overrides):
        where = f"overrides[{number}]"
        if not _NAME.fullmatch(each.name):
            raise ConfigError(
                f"{where}.name: {each.name[:80]!r} is no name: use up to 64 letters, digits, "
                "'_', '.' and '-'"
            )
        if each.name in seen:
            raise ConfigError(f"{where}.name: two overrides are called {each.name}")
        seen.add(each.name)
        if not 0 <= each.percent <= 100:
            raise ConfigError(f"{where}.percent: {each.percent:g} is not between 0 and 100")
        if not each.values:
            raise ConfigError(f"{where}.values: the override {each.name} gives no value")
        for key, value in each.values.items():
            _check_value(key, value, f"{each.name}: {key}")
    for key in document.secrets:
        _check_key(key, f"secrets: {key}")
    total = sum(map(len, [document.values, *(each.values for each in document.overrides)]))
    if total > MAX_KEYS:
        raise ConfigError(f"{total} values are more than {MAX_KEYS}: split the service's settings")
    size = len(msgspec.json.encode(document))
    if size > MAX_DOCUMENT:
        raise ConfigError(
            f"the configuration has {size} bytes; the limit is {MAX_DOCUMENT}: keep large data in "
            "a file or a database, and its address here"
        )


def _check_value(key: str, value: Any, where: str) -> None:
    _check_key(key, where)
    if value is None:
        raise ConfigError(f"{where}: null is no value; remove the key to use the code's default")


def _check_key(key: str, where: str) -> None:
    if not _KEY.fullmatch(key):
        raise ConfigError(
            f"{where[:200]}: not a key: use up to 200 letters, digits, '_', '.' and '-', "
            "such as feed.page_size"
        )


def is_in(override: Override, who: Who) -> bool:
    """Whether a process is in an override."""
    return (
        (not override.cluster or who.cluster in override.cluster)
        and (not override.env or who.env in override.env)
        and (not override.instance or who.instance in override.instance)
        and part_of(f"{who.psm} {override.name}", who.instance) < override.percent
    )


def part_of(what: str, who: str) -> float:
    """Where someone stands in a gradual change, 0 to below 100: the same at every look."""
    digest = hashlib.blake2b(f"{what}\0{who}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _PARTS * 100 / _PARTS


def values_of(document: ConfigDocument, who: Who) -> dict[str, Any]:
    """The values of one process."""
    found = dict(document.values)
    for override in reversed(document.overrides):
        if is_in(override, who):
            found |= override.values
    return found


def sources_of(document: ConfigDocument, who: Who) -> dict[str, str]:
    """For each key of a process the override that its value comes from; empty = the document."""
    found = dict.fromkeys(document.values, "")
    for override in reversed(document.overrides):
        if is_in(override, who):
            found |= dict.fromkeys(override.values, override.name)
    return found


def masked(values: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """The values as they may be shown."""
    hidden = frozenset(secrets)
    return {key: MASK if key in hidden else value for key, value in values.items()}


def masked_document(document: ConfigDocument) -> ConfigDocument:
    """The document as it may be shown."""
    secrets = document.secrets
    return msgspec.structs.replace(
        document,
        values=masked(document.values, secrets),
        overrides=[
            msgspec.structs.replace(each, values=masked(each.values, secrets))
            for each in document.overrides
        ],
    )
