"""A person and their tokens, as desired state keeps them. Pure.

One key for each person, ``/pie/people/<name>``. Of a token only the SHA-256 is kept: a token is 256
random bits, which nobody guesses, so a slow hash would add nothing.
"""

import hashlib
import hmac
import re
import secrets
from urllib.parse import quote

import msgspec

from pie.model import Failure, Kind

PREFIX = "/pie/people/"
PLATFORM = "pie"
"""Who did what the platform does of its own accord."""
MAX_NAME = 64
_MAX_NAME_BYTES = 450
"""Of the name as a part of a key, where a character beyond ASCII takes up to twelve."""
_NAME = re.compile(r"\w[\w .@+'-]*")
_TOKEN = re.compile(r"pie_([a-z0-9]{10})_([\w-]{43})", re.ASCII)
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class PersonalToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One token of a person; its text is ``pie_<id>_<secret>`` and is not kept.

    ``hash`` is the SHA-256 of that text in hex, ``created`` and ``expires`` are Unix seconds, 0
    for one that does not expire.
    """

    id: str
    hash: str
    created: float
    expires: float = 0.0
    note: str = ""

    def is_expired(self, now: float) -> bool:
        """Whether its time is over at ``now`` (Unix seconds)."""
        return bool(self.expires) and now >= self.expires


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person. ``disabled`` is when they were disabled (Unix seconds), 0 if they are not."""

    name: str
    admin: bool = False
    created: float = 0.0
    created_by: str = ""
    disabled: float = 0.0
    tokens: tuple[PersonalToken, ...] = ()

    def token(self, token_id: str) -> PersonalToken | None:
        """Their token of that id."""
        return next((each for each in self.tokens if each.id == token_id), None)

    def admits(self, token_id: str, now: float) -> bool:
        """Whether that token of theirs is good at ``now`` (Unix seconds)."""
        token = self.token(token_id)
        return not self.disabled and token is not None and not token.is_expired(now)


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(PersonRecord).decode


def key_of(name: str) -> str:
    """The key of a person."""
    return PREFIX + quote(name, safe="")


def checked_name(text: str) -> str:
    """The name of a new person without space around it.

    Raises:
        Failure: it is empty, too long, or has characters that would not survive in addresses.
    """
    name = text.strip()
    if name == PLATFORM:
        raise Failure(
            Kind.INVALID, f"name: {PLATFORM} is what the platform calls itself in the audit"
        )
    if (
        len(name) > MAX_NAME
        or not _NAME.fullmatch(name)
        or not name.isprintable()
        or len(quote(name, safe="")) > _MAX_NAME_BYTES
    ):
        raise Failure(
            Kind.INVALID,
            f"name: {text[:MAX_NAME]!r} is no name of a person: give 1 to {MAX_NAME} letters, "
            "digits, spaces and _ . @ + - ', beginning with a letter or digit",
        )
    return name


def new_token(now: float, expires: float, note: str) -> tuple[str, PersonalToken]:
    """A new random token: its text, to be shown once, and what is kept of it."""
    token_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
    text = f"pie_{token_id}_{secrets.token_urlsafe(32)}"
    kept = PersonalToken(id=token_id, hash=_hash(text), created=now, expires=expires, note=note)
    return text, kept


def id_of(text: str) -> str | None:
    """The id in a token's text, None for a text of another form."""
    match = _TOKEN.fullmatch(text)
    return match[1] if match else None


def is_text_of(text: str, token: PersonalToken) -> bool:
    """Whether this is the token's text, compared in constant time."""
    return hmac.compare_digest(_hash(text), token.hash)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
