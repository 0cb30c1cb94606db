"""The path of a request as records and access lines show it: bounded, in ASCII, without secrets."""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, unquote_plus

QueryRule = Literal["none", "keys", "values"]
"""What is shown of a query string: nothing; its keys, every value hidden; values too, except those
that may be secrets."""

MAX_PATH = 500
"""Characters."""
_MAX_PAIRS = 32
_MAX_KEY = 64
_MAX_VALUE = 64
_HIDDEN = "*"
_SAFE = "/:@!$'()+,-._~"
_PLAIN = re.compile(r"[A-Za-z0-9/:@!$'()+,\-._~]*", re.ASCII)
_SECRET = re.compile(
    r"pass|pwd|secret|token|auth|key|sig|sess|cred|code|otp|pin\b|jwt|csrf|xsrf|card|cvv|cvc|ssn",
    re.IGNORECASE,
)


def path_of(environ: Mapping[str, object], rule: QueryRule) -> str:
    """The path in a WSGI environ, percent-encoded where it must be, and of its query what the rule
    allows."""
    prefix, rest = environ.get("SCRIPT_NAME"), environ.get("PATH_INFO")
    path = _quoted(f"{prefix}{rest}" if prefix else str(rest or ""), MAX_PATH)
    query = environ.get("QUERY_STRING")
    if query and rule != "none":
        path = f"{path}?{_redacted(str(query), rule)}"
    return path[:MAX_PATH]


def _quoted(text: str, limit: int) -> str:
    """The text, which WSGI gives as Latin-1, in characters that need no escape anywhere."""
    text = text[:limit]
    if _PLAIN.fullmatch(text) is not None:
        return text
    return quote(text.encode("latin-1", "replace"), safe=_SAFE)


def _redacted(query: str, rule: QueryRule) -> str:
    pairs = query[: 4 * MAX_PATH].split("&", _MAX_PAIRS)
    return "&".join(_pair(each, rule) for each in pairs[:_MAX_PAIRS])


def _pair(pair: str, rule: QueryRule) -> str:
    key, equals, value = pair.partition("=")
    if not equals:
        return _HIDDEN  # A value without a key may be a token.
    shown = _HIDDEN
    if rule == "values" and not _may_be_secret(key, value):
        shown = _reencoded(value, _MAX_VALUE)
    return f"{_reencoded(key, _MAX_KEY)}={shown}"


def _may_be_secret(key: str, value: str) -> bool:
    """By the key's name; a long value, too, such as a signature under another name."""
    return len(value) > _MAX_VALUE or _SECRET.search(unquote_plus(key)) is not None


def _reencoded(text: str, limit: int) -> str:
    """A part of a query, whose own percent signs stay."""
    text = text[:limit]
    if _PLAIN.fullmatch(text) is not None:
        return text
    return quote(text.encode("latin-1", "replace"), safe=f"{_SAFE}%")
