"""Who asks: by the token or the login of a request. The door of single sign-on is `WhoIs`."""

from collections import OrderedDict
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Protocol
from urllib.parse import unquote

from starlette.datastructures import Headers

from pie.model import SYSTEM_CLOCK, Clock, Failure, Kind
from pie.platform.server.auth import SESSION_COOKIE, Keys, Role, user_name
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.rate import RateLimit

_WRONG_PER_SECOND = 0.5
_WRONG_AT_ONCE = 20.0
_GOOD_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Args:
        role: an admin is a person, too.
        name: of the person, or that a service gives itself.
        token: id of the personal token, empty for the tokens in files.
        psm: of the service to which the token is bound; empty = it is of all services.
        ambient: whether the browser sends the proof by itself, so that another site's page could
            make it write: a cookie does, a token does not.
    """

    role: Role
    name: str
    token: str = ""
    ambient: bool = False
    psm: str = ""


class WhoIs(Protocol):
    """Answers one question: whose request is this?

    The gatekeeper asks it once for each request, in the event loop, so it answers from memory.
    Single sign-on would be another implementation, for example one that checks the signed header
    of a proxy; nothing else of the platform knows how a person is recognised.
    """

    def __call__(self, headers: Headers, address: str) -> Caller | None:
        """The caller, None for a stranger.

        Raises:
            Failure: ``exhausted`` when this address sent too many wrong tokens.
        """

    def still(self, caller: Caller) -> bool:
        """Whether the caller may go on with an answer that lasts, such as a live tail."""


class TokensAndSessions:
    """The tokens in files, personal tokens, and the cookie of a login with either.

    Wrong tokens are counted by address: 20 at once, then one in two seconds. Beyond that a
    personal token is not looked at unless it was good from this address before; the tokens in files
    always are, so that no flood locks out the admin or the services of a host.
    """

    def __init__(self, keys: Keys, people: PeopleMirror, clock: Clock = SYSTEM_CLOCK) -> None:
        self._keys = keys
        self._people = people
        self._clock = clock
        self._wrong = RateLimit(_WRONG_PER_SECOND, _WRONG_AT_ONCE, clock=clock)
        self._good: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Addresses and ids of personal tokens that were good from there."""

    def __call__(self, headers: Headers, address: str) -> Caller | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                return None
            return self.of_token(token.strip(), address, unquote(headers.get("x-pie-user", "")))
        return self._of_cookie(headers.get("cookie", ""))

    def of_token(self, text: str, address: str, calls_themselves: str = "") -> Caller | None:
        """Whose token this is; the bearer of a token in a file may give a name.

        Raises:
            Failure: ``exhausted``, see the class; ``invalid`` for a name that cannot be one.
        """
        role = self._keys.role_of(text)
        if role is not None:
            return Caller(role, user_name(calls_themselves) if calls_themselves else role)
        psm = self._keys.service_of(text)
        if psm:
            return Caller("service", psm, psm=psm)
        self._check_rate(text, address)
        found = self._people.by_token(text)
        if found is None:
            self._wrong.take(address, 1.0)
            return None
        person, token = found
        self._remember(address, token.id)
        self._people.note_use(person.name, token.id)
        return Caller("admin" if person.admin else "person", person.name, token.id)

    def still(self, caller: Caller) -> bool:
        if not caller.token:
            return True
        person = self._people.by_session(caller.name, caller.token)
        return person is not None and (person.admin or caller.role != "admin")

    def new_session(self, caller: Caller) -> str:
        """The cookie of a login by this caller, who showed a token."""
        return self._keys.new_session(self._clock.wall(), caller.name, caller.token)

    def _of_cookie(self, text: str) -> Caller | None:
        try:
            morsel = SimpleCookie(text).get(SESSION_COOKIE)
        except CookieError:
            return None
        session = None if morsel is None else self._keys.session(morsel.value, self._clock.wall())
        if session is None:
            return None
        if not session.token:
            return Caller("admin", session.user, ambient=True)
        person = self._people.by_session(session.user, session.token)
        if person is None:
            return None
        self._people.note_use(person.name, session.token)
        return Caller("admin" if person.admin else "person", person.name, session.token, True)

    def _check_rate(self, text: str, address: str) -> None:
        wait = self._wrong.wait(address, 1.0)
        if wait and (address, text[:_ID_END]) not in self._good:
            raise Failure(
                Kind.EXHAUSTED,
                f"too many wrong tokens came from {address or 'here'}: this one was not looked at. "
                f"Try again in {wait:.0f} s, and look for a program there that has an old token",
            )

    def _remember(self, address: str, token_id: str) -> None:
        key = (address, f"pie_{token_id}")
        self._good[key] = None
        self._good.move_to_end(key)
        if len(self._good) > _GOOD_REMEMBERED:
            self._good.popitem(last=False)


_ID_END = len("pie_") + 10
