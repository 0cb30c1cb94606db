"""Endpoint: one place where an instance of a service can be called."""

from typing import Protocol


class Endpoint(Protocol):
    """What routing and connecting need to know of an instance."""

    @property
    def id(self) -> str: ...

    @property
    def cluster(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def transport(self) -> str:
        """``ttheader``, ``framed``, ``buffered`` or ``http``."""
        ...
