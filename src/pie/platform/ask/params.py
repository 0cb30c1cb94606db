"""Parameters that several routes take."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from pie.model import Failure, Kind, normalise_logid

PsmPath = Annotated[str, Path(max_length=200)]
PsmQuery = Annotated[str, Query(max_length=200)]
ClusterQuery = Annotated[str, Query(max_length=200)]
OutcomeQuery = Annotated[Literal["", "ok", "business", "rejected", "failed"], Query()]


def _logid(logid: Annotated[str, Path(max_length=64)]) -> str:
    normal = normalise_logid(logid)
    if normal is None:
        raise Failure(Kind.INVALID, f"{logid!r} is not a logid: it has 32 characters 0-9 a-f")
    return normal


LogidPath = Annotated[str, Depends(_logid)]
"""A logid in its normal form."""
