"""The person behind a request, and whether they may change what they ask to change."""

from dataclasses import dataclass

import msgspec
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.ownership import DECLARED_PREFIX, Ownership, ownership
from pie.platform.server.deps import deps_of
from pie.platform.server.gatekeeper import caller_of, require
from pie.state import ServiceMeta, Store, StoreError, meta_key


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``token`` is the id of their personal token, empty for the bearer of admin.token,
    whose name is the one they give themselves."""

    name: str
    admin: bool
    token: str = ""


def person_of(request: Request) -> Person:
    """The person who asks.

    Raises:
        Failure: ``unauthenticated`` for a stranger, ``denied`` for a service.
    """
    require("person")(request)
    caller = caller_of(request)
    assert caller is not None, "require lets no stranger pass"
    return Person(caller.name, caller.role == "admin", caller.token)


async def require_owner(request: Request, name: str) -> Person:
    """The person who asks, if they may act for a product, subsystem or PSM.

    Its owners may, those of what it belongs to, and admins.

    Raises:
        Failure: ``denied`` for everybody else, with who may and how to become one; ``unavailable``
            when the state store does not answer; as ``person_of``.
    """
    person = person_of(request)
    if person.admin:
        return person
    found = await run_in_threadpool(ownership_of, deps_of(request).store, name)
    if found.includes(person.name):
        return person
    admins = deps_of(request).people.admins()
    raise NamedFailure(
        Kind.DENIED, _refusal(person, name, found, admins), "not_owner",
        who=person.name, name=name, owners=_some(found.everybody), admins=_some(admins),
    )  # fmt: skip


def ownership_of(store: Store, name: str) -> Ownership:
    """Who owns a product, subsystem or PSM; reads a few keys, so it may block for a moment.

    Raises:
        Failure: ``unavailable``: the state store does not answer.
    """

    def declared(each: str) -> list[str]:
        entry = store.get(DECLARED_PREFIX + each)
        return _decode_declared(entry.value).fields.owners if entry is not None else []

    def registered(each: str) -> tuple[str, ...]:
        entry = store.get(meta_key(each)) if each.count(".") == 2 else None
        return _decode_meta(entry.value).owners if entry is not None else ()

    try:
        return ownership(name, declared, registered)
    except StoreError as error:
        raise Failure(
            Kind.UNAVAILABLE,
            f"the state store failed, so nobody knows who owns {name}: {error.message}",
            code=error.code,
        ) from error
    except msgspec.MsgspecError as error:
        raise Failure(
            Kind.UNAVAILABLE,
            f"what is stored about the owners of {name} cannot be read ({error}): ask an admin",
        ) from error


class _Fields(msgspec.Struct):
    owners: list[str] = []


class _Declared(msgspec.Struct):
    """The part of a declaration that says who owns a name."""

    fields: _Fields


_decode_declared = msgspec.json.Decoder(_Declared).decode
_decode_meta = msgspec.json.Decoder(ServiceMeta).decode
_MOST_NAMED = 5


def _refusal(person: Person, name: str, found: Ownership, admins: list[str]) -> str:
    asked = _some([*found.everybody, *(each for each in admins if each not in found.everybody)])
    if found.everybody:
        return (
            f"{person.name} does not own {name}. Its owners may do this: "
            f"{_some(found.everybody)}; and admins{_named(admins)}. To become an owner, ask one of "
            f"them to add you under PSM management (`pie psm set {name} --owner …`)"
        )
    if name.count(".") == 2:
        return (
            f"{person.name} does not own {name}: nobody does. Claim it first, under PSM "
            f"management or with `pie psm claim {name}`; a new name is declared with yourself "
            "among its owners"
        )
    how = f"ask {asked}" if asked else "ask who has the admin token of the platform"
    return f"{person.name} does not own {name}: nobody does. To become its owner, {how}"


def _named(admins: list[str]) -> str:
    return f" ({_some(admins)})" if admins else ""


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
