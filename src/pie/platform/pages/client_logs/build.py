"""Log entries of browsers and apps: their form, their bounds, and the rows they become. Pure.

The key is as good as public, so senders may send anything: everything is bounded, cut rather than
refused, and the rows have a folder of their own.
"""

import math
import re

import msgspec

from pie.model import Failure, Kind, accept_logid
from pie.observe.facts.rows import LogRow
from pie.observe.log.stack import hash63
from pie.platform.ask.asking import DAY
from pie.platform.ask.logs import CLIENT_FOLDER
from pie.platform.ask.query.tree import LEVELS

MAX_BODY = 256 << 10
MAX_ENTRIES = 200

_MESSAGE = 8_192
_STACK = 32_768
_URL = 2_048
_NAME = 200
_VALUE = 1_024
_FIELDS = 32
_AHEAD_S = 60.0
_MILLISECONDS = 1e11
"""Times above this are taken for milliseconds, as JavaScript counts."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+|[?#][^\s):]*")
_LEVELS = {name for names in LEVELS for name in names}


class ClientEntry(msgspec.Struct, kw_only=True):
    """One thing that happened. ``ts`` in Unix seconds or milliseconds, when it was sent if 0."""

    message: str
    level: str = "INFO"
    ts: float = 0.0
    stack: str = ""
    url: str = ""
    logid: str = ""
    fields: dict[str, msgspec.Raw] = {}


class ClientPost(msgspec.Struct, kw_only=True):
    """What one device sends. ``psm`` is the service it is a client of; ``app`` if it names none."""

    app: str
    device: str
    psm: str = ""
    user: str = ""
    version: str = ""
    platform: str = ""
    entries: list[ClientEntry] = []


_decode = msgspec.json.Decoder(ClientPost).decode
_decode_text = msgspec.json.Decoder(str).decode


def read_post(body: bytes) -> ClientPost:
    """The post, its names cut to their bounds.

    Raises:
        Failure: it is not of the form, names neither app nor device, or has too many entries.
    """
    try:
        post = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(
            Kind.INVALID, f"this is no post of client logs: {error}; see docs/client-logs.md"
        ) from None
    for name in ("app", "device", "psm", "user", "version", "platform"):
        setattr(post, name, _clean(getattr(post, name)).strip()[:_NAME])
    if not post.app or not post.device:
        raise Failure(Kind.INVALID, "app and device must not be empty: they say whose logs it is")
    if len(post.entries) > MAX_ENTRIES:
        raise Failure(
            Kind.INVALID,
            f"{len(post.entries)} entries in one post; {MAX_ENTRIES} are the most: send several",
            code=413,
        )
    return post


def rows_of(post: ClientPost, address: str, now: float) -> list[LogRow]:
    """The rows of a post that came from this address."""
    about = {
        "app": post.app,
        "device": post.device,
        "user": post.user,
        "version": post.version,
        "platform": post.platform,
    }
    return [_row(entry, about, post.psm or post.app, address, now) for entry in post.entries]


def client_stack_hash(stack: str) -> int:
    """One number for one mistake: without line numbers, addresses and query strings."""
    lines = [_VARIABLE.sub("#", line.strip()) for line in stack.splitlines()]
    return hash63("\n".join(line for line in lines if line).encode("utf-8", "surrogatepass"))


def _row(entry: ClientEntry, about: dict[str, str], psm: str, address: str, now: float) -> LogRow:
    fields = dict(_fields(entry.fields))
    fields |= {name: value for name, value in about.items() if value}
    if entry.url:
        fields["url"] = _clean(entry.url)[:_URL]
    ts = entry.ts / 1000 if entry.ts > _MILLISECONDS else entry.ts
    if ts and not now - DAY <= ts <= now + _AHEAD_S:
        fields["client_ts"] = f"{ts:.3f}" if math.isfinite(ts) else "?"
        ts = now
    level = entry.level.strip().upper()
    stack = _clean(entry.stack)[:_STACK]
    return LogRow(
        ts=round(ts or now, 6),
        folder=CLIENT_FOLDER,
        host=_clean(address)[:_NAME],
        psm=psm,
        level=level if level in _LEVELS else "INFO",
        logid=accept_logid(entry.logid) or "",
        message=_clean(entry.message)[:_MESSAGE],
        stack=stack,
        stack_hash=client_stack_hash(stack) if stack.strip() else 0,
        fields=fields,
    )


def _fields(given: dict[str, msgspec.Raw]) -> list[tuple[str, str]]:
    taken = [(key, bytes(value)) for key, value in given.items() if _KEY.fullmatch(key)][:_FIELDS]
    return [(key, _clean(_value(json))[:_VALUE]) for key, json in taken if json != b"null"]


def _value(json: bytes) -> str:
    """A text as it is; anything else as it was written."""
    text = json.decode("utf-8", "replace")
    return _decode_text(text) if text.startswith('"') else text


def _clean(text: str) -> str:
    """Text that every reader can take: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "").strip("\r\n")
