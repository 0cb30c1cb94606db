"""Whom a caller means: another process may have got the address of the one that it asked for."""

from pie.model.failure import Failure, Kind

ADDRESSEE = "pie-to"
"""The header, or string key of a TTHeader, that names the addressee of a request."""


def addressee(psm: str, instance: str) -> str:
    """A service and the id of its instance; without an id, any instance of the service."""
    return f"{psm}/{instance}" if instance else psm


def is_for(to: str, psm: str, instance: str) -> bool:
    """Whether a request to this addressee is for this process; one that names none is."""
    if not to or to in (psm, addressee(psm, instance)):
        return True
    return not instance and to.startswith(f"{psm}/")


def misdirected(to: str, psm: str, instance: str) -> Failure:
    """The failure of a request that is not for this process: it may be sent to another."""
    to = to[:200] if to.isprintable() else "another process"
    return Failure(
        Kind.UNAVAILABLE,
        f"this is {addressee(psm, instance)}, and the request is for {to}: the caller's list of "
        "instances is older than this process",
        never_sent=True,
    )
