"""The gatekeeper of the API: checks Host and Origin, and notes who asks."""

import ipaddress
from collections.abc import Callable, Collection

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.server.answers import error_response
from pie.platform.server.auth import Role
from pie.platform.server.door import end_guest, know_guest
from pie.platform.server.identity.who import Caller, WhoIs

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_HARMLESS = frozenset({"/api/logout", "/api/login"})
"""What a stranger may post: their routes read no body, or a short one."""

_CALLER = "pie.caller"


class Gatekeeper:
    """ASGI middleware in front of everything.

    A Host that is a name must be known: a page of a stranger can point a name of its own at this
    address (DNS rebinding), but not an IP address. ``open_paths`` are let through from any origin,
    with no role: their routes check a key of their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        who: WhoIs,
        host_names: Collection[str],
        open_paths: Collection[str] = (),
    ) -> None:
        self._app = app
        self._who = who
        self._open_paths = frozenset(open_paths)
        self._posted_to = self._open_paths | _HARMLESS
        self._host_names = frozenset(name.lower() for name in host_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            caller = None if scope["path"] in self._open_paths else self._admit(scope, headers)
            scope[_CALLER] = caller
            if caller is not None:
                know_guest(scope)
            elif scope["method"] not in _SAFE_METHODS and scope["path"] not in self._posted_to:
                # Here, and not in the route: before that is asked, the body would be read.
                raise _unknown()
        except Failure as failure:
            await error_response(failure)(scope, receive, send)
            return
        if caller is not None and caller.token:
            send = self._while_welcome(scope, caller, send)
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope, headers: Headers) -> Caller | None:
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and not _same_host(origin, host):
            raise Failure(
                Kind.DENIED,
                f"the page at {origin[:200]} may not use this platform: open {host} itself",
            )
        caller = self._who(headers, address_of(scope))
        method = scope["method"]
        if caller is not None and caller.ambient and method not in _SAFE_METHODS and not origin:
            raise Failure(
                Kind.DENIED,
                f"{method} with a login cookie needs an Origin header: "
                "use `Authorization: Bearer` outside a browser",
            )
        return caller

    def _while_welcome(self, scope: Scope, caller: Caller, send: Send) -> Send:
        """Sends as long as the caller's token is good: an answer that lasts, such as a live tail,
        ends when it is revoked."""

        async def checked(message: Message) -> None:
            if message.get("more_body") and not self._who.still(caller):
                end_guest(scope)
            await send(message)

        return checked

    def _check_host(self, host: str) -> None:
        name = _host_name(host)
        if name in self._host_names or _is_address(name):
            return
        raise Failure(
            Kind.DENIED,
            f"the Host {host[:200]!r} is not a name of this platform: use its address, "
            "or start it with this name allowed",
        )


def require(*roles: Role) -> Callable[[Request], None]:
    """A dependency that lets these roles pass; where a person may pass, an admin may.

    Raises:
        Failure: ``unauthenticated`` without a valid token or cookie, ``denied`` for another role.
    """
    passing = frozenset({*roles, "admin"} if "person" in roles else roles)

    def check(request: Request) -> None:
        role = role_of(request)
        if role is None:
            raise _unknown()
        if role in passing:
            return
        if role == "person":
            raise NamedFailure(
                Kind.DENIED,
                f"{user_of(request)} is no admin, and only an admin may do this: ask one, or use "
                "the token in admin.token of the platform's directory",
                "not_admin",
                who=user_of(request),
            )
        raise Failure(
            Kind.DENIED,
            f"the {role} token may not do this: use a personal token, or the one in admin.token",
        )

    return check


def caller_of(request: Request) -> Caller | None:
    """Who asks, as the gatekeeper found; None for a stranger."""
    caller: Caller | None = request.scope.get(_CALLER)
    return caller


def role_of(request: Request) -> Role | None:
    """The role of who asks, None for a stranger."""
    caller = caller_of(request)
    return caller.role if caller is not None else None


def user_of(request: Request) -> str:
    """The name of who asks; who has only a token of a file gives it at the login, or as
    `X-Pie-User`."""
    caller = caller_of(request)
    return caller.name if caller is not None else ""


def address_of(scope: Scope) -> str:
    """The address a request came from, empty for a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _unknown() -> Failure:
    return Failure(
        Kind.UNAUTHENTICATED,
        "no valid token: send `Authorization: Bearer` with a personal token, or with the text of "
        "admin.token or service.token of the platform's directory; or log in at /login",
    )


def _same_host(origin: str, host: str) -> bool:
    # The scheme is left out: a proxy may end TLS before us.
    return origin.partition("://")[2].lower() == host.lower() != ""


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
