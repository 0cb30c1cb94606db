"""Keeping secrets out of what a process reports."""

import re

MASK = "******"
_SECRET_KEYS = ("TOKEN", "PASSWORD", "SECRET")
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:@/]*:)\S*@", re.IGNORECASE)
_IN_QUERY = re.compile(r"([?&](?:password|token|secret)=)[^&\s]+", re.IGNORECASE)


def masked(key: str, value: str) -> str:
    """The value of a setting, without its secret."""
    if value and key.endswith(_SECRET_KEYS):
        return MASK
    return masked_url(value)


def masked_url(text: str) -> str:
    """Any text, the password of a URL in it replaced."""
    return _IN_QUERY.sub(rf"\1{MASK}", _IN_URL.sub(rf"\1{MASK}@", text))
