"""Authentication: tokens kept in files, and the signed cookie of a person who logged in."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pie.model import Failure, Kind
from pie.state.tokens import service_of

Role = Literal["admin", "person", "service"]
"""An admin is a person, too."""
MAX_USER = 64

SESSION_COOKIE = "pie_session"
SESSION_SECONDS = 24 * 3600
_MIN_TOKEN = 20


class TokenFileError(Exception):
    """A token file cannot be used; the message has the file and the remedy."""


class Session(NamedTuple):
    """A login: the person's name, and the id of the personal token, empty for the admin token."""

    user: str
    token: str


@dataclass(frozen=True, slots=True)
class Keys:
    """``admin`` for people, ``service`` for services and agents.

    ``client`` stands in pages and apps, so it is as good as public: it lets its bearer add client
    logs and gives no role.
    """

    admin: str
    service: str
    client: str

    def role_of(self, token: str) -> Literal["admin", "service"] | None:
        """The role that the token of a file gives, compared in constant time."""
        given = token.encode()
        is_admin = hmac.compare_digest(given, self.admin.encode())
        is_service = hmac.compare_digest(given, self.service.encode())
        if is_admin:
            return "admin"
        return "service" if is_service else None

    def service_of(self, token: str) -> str:
        """The one service that a token is bound to; empty = it is no such token."""
        return service_of(token, self.service) or ""

    def is_client(self, key: str) -> bool:
        """Whether this is the key of client logs."""
        return hmac.compare_digest(key.encode(), self.client.encode())

    def new_session(self, now: float, user: str, token: str = "") -> str:
        """A cookie value good for ``SESSION_SECONDS`` from ``now`` (Unix seconds).

        ``token`` is the id of the personal token used, empty for the admin token.
        """
        name = base64.urlsafe_b64encode(user.encode()).decode()
        body = f"{int(now) + SESSION_SECONDS}.{secrets.token_urlsafe(12)}.{name}.{token}"
        return f"{body}.{self._signature(body)}"

    def session(self, cookie: str, now: float) -> Session | None:
        """Whose login a cookie is; None unless it is ours, of this form, and not over."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return None
        parts = body.split(".")
        if len(parts) != 4 or now >= int(parts[0]):
            return None
        try:
            return Session(base64.urlsafe_b64decode(parts[2]).decode(), parts[3])
        except (binascii.Error, UnicodeDecodeError):
            return None

    def _signature(self, body: str) -> str:
        # Keyed by the admin token: a new token ends every session made with the old one.
        key = hashlib.sha256(b"pie session\0" + self.admin.encode()).digest()
        return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def user_name(text: str) -> str:
    """The name a person gives for themselves, without space around it.

    Raises:
        Failure: it is empty, too long, or holds what cannot be shown.
    """
    name = text.strip()
    if not name or len(name) > MAX_USER or not name.isprintable():
        raise Failure(
            Kind.INVALID,
            f"{text[:MAX_USER]!r} is no name of a user: give 1 to {MAX_USER} printable characters",
        )
    return name


def load_or_create_keys(directory: Path) -> Keys:
    """Read the three ``.token`` files, made at the first start with mode 0600.

    Raises:
        TokenFileError: a file is empty, too short, or others may read it.
    """
    return Keys(
        admin=_load_or_create(directory / "admin.token"),
        service=_load_or_create(directory / "service.token"),
        client=_load_or_create(directory / "client.token"),
    )


def _load_or_create(path: Path) -> str:
    if not path.exists():
        _create(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TokenFileError(f"{path} can be read by other users: run `chmod 600 {path}`")
    token = path.read_text().strip()
    if len(token) < _MIN_TOKEN or not token.isascii():
        raise TokenFileError(
            f"{path} does not hold a token of at least {_MIN_TOKEN} ASCII characters: "
            "delete the file and start again to get a new one"
        )
    return token


def _create(path: Path) -> None:
    # Written aside and linked, so that a crash never leaves an empty token behind.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another start was first: its token counts
    finally:
        draft.unlink()
