"""Parameters that several routes take."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from pie.model import FOREIGN_LENGTH, Failure, Kind, accept_logid

PsmPath = Annotated[str, Path(max_length=200)]
PsmQuery = Annotated[str, Query(max_length=200)]
ClusterQuery = Annotated[str, Query(max_length=200)]
OutcomeQuery = Annotated[Literal["", "ok", "business", "rejected", "failed"], Query()]


def checked_logid(text: str) -> str:
    """A logid as the store has it.

    Raises:
        Failure: it is none.
    """
    logid = accept_logid(text)
    if logid is None:
        raise Failure(
            Kind.INVALID,
            f"{text[:80]!r} is not a logid: it has 32 characters 0-9 a-f, or in a chain that began "
            f"elsewhere up to {FOREIGN_LENGTH} visible characters",
        )
    return logid.lower()


def _logid(logid: Annotated[str, Path(max_length=FOREIGN_LENGTH)]) -> str:
    return checked_logid(logid)


LogidPath = Annotated[str, Depends(_logid)]
"""A logid as the store has it. Its route is written ``{logid:path}``: it may hold a slash."""
