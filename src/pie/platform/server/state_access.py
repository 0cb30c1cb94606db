"""What each token may do with desired state.

An admin may do everything. A person may read the registry and rules, and changes things through
the routes that check who owns them and keep account of it. A service may register itself, and read
what it needs to call others: which instances there are, how they are spoken to, and rules. Of
configuration, which has secrets, it reads its own: its token is bound to it. Search tasks, their
results and whatever else the platform keeps are none of its business.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from fastapi import Request

from pie.platform.server.gatekeeper import caller_of, require, role_of
from pie.state import Instance, RuntimeDescription, ServiceMeta
from pie.state.registry.instances import PREFIX, instance_key, meta_key, runtime_key
from pie.state.store import wire
from pie.state.store.interface import Entry, Event, Forbidden, Range

_Seen = TypeVar("_Seen", Entry, Event)
_READ = frozenset({"meta", "instances", "runtime", "aliases", "rules"})
_OWN = frozenset({"config"})
"""What the service alone reads whose it is."""
_LEASED = frozenset({"instances", "runtime"})
MAX_SERVICE_TTL = 300.0
HIDDEN_LEASE = 1
"""What a service sees in place of a lease: who knows its number can end it."""

_KEY_OF: dict[str, tuple[type, Callable[[object], str]]] = {
    "instances": (Instance, instance_key),  # type: ignore[dict-item]
    "runtime": (RuntimeDescription, runtime_key),  # type: ignore[dict-item]
    "meta": (ServiceMeta, lambda value: meta_key(value.psm)),  # type: ignore[attr-defined]
}


class Access:
    """May do everything: what a person may."""

    def check_prefix(self, prefix: str) -> None:
        """Raise `Forbidden` unless something under the prefix may be read."""

    def reads(self, key: str) -> bool:
        """Whether the key may be read."""
        return True

    def shown(self, found: _Seen) -> _Seen:
        """The entry or event, as this caller may see it."""
        return found

    def check_put(self, put: wire.PutRequest) -> None:
        """Raise `Forbidden` unless it may be written. May make the request stricter."""

    def check_delete(self, key: str) -> None:
        """Raise `Forbidden` unless the key may be deleted."""

    def check_commit(self, commit: wire.CommitRequest) -> None:
        """Raise `Forbidden` unless these changes may be made together."""

    def check_grant(self, ttl: float) -> None:
        """Raise `Forbidden` unless such a lease may be had."""

    def check_shares(self, psm: str) -> None:
        """Raise `Forbidden` unless limits of a service may be divided."""


class ServiceAccess(Access):
    """What the bearer of a service's token may do.

    Args:
        psm: to which the token is bound; empty = it is the one of all services.
    """

    refusal = (
        "the service token may not {what}: it registers services and reads what calls need; "
        "use the one in admin.token"
    )

    def __init__(self, psm: str = "") -> None:
        self._psm = psm

    def check_prefix(self, prefix: str) -> None:
        family = _family(prefix) if prefix.startswith(PREFIX) else None
        readable = _READ | (_OWN if self._is_own(prefix) else frozenset())
        if family is None or not any(each.startswith(family) for each in readable):
            raise self._forbidden(f"read {prefix}")

    def reads(self, key: str) -> bool:
        family = _family(key)
        return family in _READ or (family in _OWN and self._is_own(key))

    def _is_own(self, key: str) -> bool:
        return bool(self._psm) and key.startswith(f"{PREFIX}{self._psm}/")

    def shown(self, found: _Seen) -> _Seen:
        return msgspec.structs.replace(found, lease=HIDDEN_LEASE) if found.lease else found

    def check_put(self, put: wire.PutRequest) -> None:
        family = _family(put.key) or ""
        if family not in _KEY_OF:
            raise self._forbidden(f"write {put.key}")
        kind, key_of = _KEY_OF[family]
        try:
            written = key_of(msgspec.json.decode(put.value, type=kind))
        except (msgspec.MsgspecError, ValueError) as error:
            raise Forbidden(f"{put.key} cannot hold this: {error}") from None
        if written != put.key:
            raise Forbidden(f"{put.key} cannot hold the registration of {written}")
        if self._psm and not self._is_own(put.key):
            raise self._forbidden(f"write {put.key}: it is the one of {self._psm}")
        if family in _LEASED:
            if not put.lease:
                raise self._forbidden(f"write {put.key} without a lease")
            put.claim = True

    def check_delete(self, key: str) -> None:
        raise self._forbidden(f"delete {key} (it ends its own registration by revoking its lease)")

    def check_commit(self, commit: wire.CommitRequest) -> None:
        raise self._forbidden("write several keys at once")

    def check_grant(self, ttl: float) -> None:
        if ttl > MAX_SERVICE_TTL:
            raise self._forbidden(f"have a lease of more than {MAX_SERVICE_TTL:g} s")

    def check_shares(self, psm: str) -> None:
        if self._psm not in ("", psm):
            raise self._forbidden(f"divide limits of {psm}: it is the one of {self._psm}")

    def _forbidden(self, what: str) -> Forbidden:
        return Forbidden(self.refusal.format(what=what))


class PersonAccess(ServiceAccess):
    """What a person who is no admin may do."""

    refusal = (
        "a person who is no admin may not {what} in the state store itself: use the page or the "
        "command for it, or ask an admin"
    )

    def check_put(self, put: wire.PutRequest) -> None:
        raise self._forbidden(f"write {put.key}")

    def check_delete(self, key: str) -> None:
        raise self._forbidden(f"delete {key}")

    def check_grant(self, ttl: float) -> None:
        raise self._forbidden("have a lease")

    def check_shares(self, psm: str) -> None:
        raise self._forbidden(f"divide limits of {psm}")


def access_of(request: Request) -> Access:
    """By the role of who asks; raises Failure for a stranger."""
    require("person", "service")(request)
    role = role_of(request)
    if role == "admin":
        return Access()
    if role != "service":
        return PersonAccess()
    caller = caller_of(request)
    return ServiceAccess("" if caller is None else caller.psm)


def visible(found: Range, access: Access) -> Range:
    """The part of a range that a caller may see."""
    if type(access) is Access:
        return found
    entries = tuple(access.shown(entry) for entry in found.entries if access.reads(entry.key))
    return Range(entries, found.revision)


def _family(key: str) -> str | None:
    """``instances`` of ``/pie/services/<psm>/instances/…``; None for no key of a service, empty for
    a prefix that ends before it."""
    if not key.startswith(PREFIX):
        return None
    _, _, rest = key.removeprefix(PREFIX).partition("/")
    return rest.partition("/")[0]
