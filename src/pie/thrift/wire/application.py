"""TApplicationException: what a Thrift peer answers when no declared answer fits."""

from enum import IntEnum

from pie.thrift.structs import StructException
from pie.thrift.types import I32, STRING, Field


class ApplicationErrorType(IntEnum):
    """The standard numbers."""

    UNKNOWN = 0
    UNKNOWN_METHOD = 1
    INVALID_MESSAGE_TYPE = 2
    WRONG_METHOD_NAME = 3
    BAD_SEQUENCE_ID = 4
    MISSING_RESULT = 5
    INTERNAL_ERROR = 6
    PROTOCOL_ERROR = 7
    INVALID_TRANSFORM = 8
    INVALID_PROTOCOL = 9
    UNSUPPORTED_CLIENT_TYPE = 10
    UNKNOWN_SERVICE = 20
    """Of Kitex, as the next one."""
    NO_SERVICE_NAME = 21


class ApplicationError(StructException):
    """An error of the call itself. Peers use numbers of their own too, so ``type`` is an int."""

    __slots__ = ("message", "type")
    __fields__ = (
        Field(1, "message", STRING, default=""),
        Field(2, "type", I32, default=0),
    )

    def __init__(self, message: str = "", type: int = ApplicationErrorType.UNKNOWN) -> None:  # noqa: A002 - the field's name in every Thrift implementation
        self.message = message
        self.type = type

    def __str__(self) -> str:
        known = next((t.name.lower() for t in ApplicationErrorType if t == self.type), "unknown")
        return f"{self.message} ({known}, type {int(self.type)})"
