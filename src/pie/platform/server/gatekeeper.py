"""The gatekeeper of the API: checks Host and Origin, and notes the role of each request."""

import ipaddress
import time
from collections.abc import Callable, Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pie.model import Failure, Kind
from pie.platform.server.answers import error_response
from pie.platform.server.auth import SESSION_COOKIE, Keys, Role, user_name
from pie.platform.server.door import know_guest

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_HARMLESS = frozenset({"/api/logout"})
"""What a stranger may post: its route reads no body."""

_ROLE = "pie.role"
_USER = "pie.user"


class Gatekeeper:
    """ASGI middleware in front of everything.

    A Host that is a name must be known: a page of a stranger can point a name of its own at this
    address (DNS rebinding), but not an IP address. ``open_paths`` are let through from any origin,
    with no role: their routes check a key of their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        host_names: Collection[str],
        open_paths: Collection[str] = (),
    ) -> None:
        self._app = app
        self._keys = keys
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
            scope[_ROLE], scope[_USER] = (
                (None, "")
                if scope["path"] in self._open_paths
                else self._admit(scope["method"], headers)
            )
            if scope[_ROLE] is not None:
                know_guest(scope)
            elif scope["method"] not in _SAFE_METHODS and scope["path"] not in self._posted_to:
                # Here, and not in the route: before that is asked, the body would be read.
                raise _unknown()
        except Failure as failure:
            await error_response(failure)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, method: str, headers: Headers) -> tuple[Role | None, str]:
        """The role, and the name that the person or program gives itself."""
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and not _same_host(origin, host):
            raise Failure(
                Kind.DENIED,
                f"the page at {origin[:200]} may not use this platform: open {host} itself",
            )
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            role = self._keys.role_of(token.strip()) if scheme.lower() == "bearer" else None
            named = headers.get("x-pie-user")
            user = user_name(unquote(named)) if role is not None and named else role
            return role, user or ""
        user = self._session_user(headers)
        if user is None:
            return None, ""
        if method not in _SAFE_METHODS and origin is None:
            raise Failure(
                Kind.DENIED,
                f"{method} with a login cookie needs an Origin header: "
                "use `Authorization: Bearer` outside a browser",
            )
        return "admin", user

    def _check_host(self, host: str) -> None:
        name = _host_name(host)
        if name in self._host_names or _is_address(name):
            return
        raise Failure(
            Kind.DENIED,
            f"the Host {host[:200]!r} is not a name of this platform: use its address, "
            "or start it with this name allowed",
        )

    def _session_user(self, headers: Headers) -> str | None:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
        except CookieError:
            return None
        return None if morsel is None else self._keys.session_user(morsel.value, time.time())


def require(*roles: Role) -> Callable[[Request], None]:
    """A dependency that lets these roles pass.

    Raises:
        Failure: ``unauthenticated`` without a valid token or cookie, ``denied`` for another role.
    """

    def check(request: Request) -> None:
        role = role_of(request)
        if role is None:
            raise _unknown()
        if role not in roles:
            raise Failure(
                Kind.DENIED,
                f"the {role} token may not do this: use the one in {roles[0]}.token",
            )

    return check


def role_of(request: Request) -> Role | None:
    """The role that the gatekeeper found, None for a stranger."""
    role: Role | None = request.scope.get(_ROLE)
    return role


def user_of(request: Request) -> str:
    """The name of the person: given at the login, or as `X-Pie-User` beside a token."""
    user: str = request.scope.get(_USER, "")
    return user


def _unknown() -> Failure:
    return Failure(
        Kind.UNAUTHENTICATED,
        "no valid token: send `Authorization: Bearer` with the text of admin.token "
        "or service.token of the platform's directory, or log in through the link "
        "that `pie platform` printed",
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
