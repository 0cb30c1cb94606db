"""The answer to a post of client logs."""

from dataclasses import dataclass


@dataclass(slots=True)
class ClientLogsAnswer:
    """How many entries were stored."""

    accepted: int
