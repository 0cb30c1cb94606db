"""The protocols: how values are written as bytes."""

from enum import StrEnum


class Protocol(StrEnum):
    """Apache Thrift's strict binary protocol, and its compact one."""

    BINARY = "binary"
    COMPACT = "compact"
