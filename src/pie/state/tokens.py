"""The service token, and those of single services, which are made from it.

A bound token names its service and is signed with the service token (HMAC-SHA256), so the platform
keeps no list. Who has the service token can act for every service; who has a bound one, for one.
"""

import base64
import hashlib
import hmac
from typing import Final

from pie.model import PSM

_PREFIX: Final = "pie1."
_PURPOSE: Final = b"pie bound service token\0"
_MAX: Final = 512


def bound_token(token: str, psm: str) -> str:
    """The token of one service; one that is bound already, and an empty one, stay as they are.

    Raises:
        ValueError: the PSM is none.
    """
    if not token or token.startswith(_PREFIX):
        return token
    return f"{_PREFIX}{PSM.parse(psm)}.{_signature(token, psm)}"


def service_of(bound: str, token: str) -> str | None:
    """The service that a bound token is of; None for what was not made from the service token."""
    if not bound.startswith(_PREFIX) or len(bound) > _MAX:
        return None
    psm, _, signature = bound.removeprefix(_PREFIX).rpartition(".")
    if not signature.isascii():
        return None
    good = hmac.compare_digest(signature, _signature(token, psm))
    return psm if good and psm else None


def _signature(token: str, psm: str) -> str:
    key, about = (each.encode("utf-8", "surrogatepass") for each in (token, psm))
    digest = hmac.new(key, _PURPOSE + about, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
