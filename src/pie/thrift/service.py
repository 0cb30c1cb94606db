"""The description of a service in a generated module."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pie.model import read_method_codes
from pie.thrift.errors import shown
from pie.thrift.structs import Struct, StructException
from pie.thrift.types import StructType, ThriftType
from pie.thrift.wire.application import ApplicationError, ApplicationErrorType

SUCCESS_ID = 0


@dataclass(frozen=True, eq=False)
class Method:
    """One function of a service.

    Attributes:
        name: on the wire.
        service: name of the service that declares it.
        args: struct of its arguments.
        result: struct of its answer: field 0 the value, the others its exceptions; None if oneway.
        attr: its name on handlers and clients, where ``name`` is a Python keyword.
        doc: its comment in the IDL.
        failure_codes: its business codes that count as failures, as the IDL writes them.
    """

    name: str
    service: str
    args: type[Struct]
    result: type[Struct] | None
    attr: str = ""
    doc: str = ""
    failure_codes: str = ""
    returns: ThriftType | None = field(init=False)
    """Type of the value it returns; None if it returns none."""
    exceptions: tuple[type[StructException], ...] = field(init=False)
    """The exceptions it declares."""

    def __post_init__(self) -> None:
        returns: ThriftType | None = None
        exceptions = []
        self_set = object.__setattr__
        for part in self.result.__fields__ if self.result is not None else ():
            if part.id == SUCCESS_ID:
                returns = part.type
            elif isinstance(part.type, StructType) and issubclass(part.type.cls, StructException):
                exceptions.append(part.type.cls)
        self_set(self, "attr", self.attr or self.name)
        self_set(self, "returns", returns)
        self_set(self, "exceptions", tuple(exceptions))

    @property
    def oneway(self) -> bool:
        """The caller does not wait for an answer, and there is none."""
        return self.result is None

    def arguments(self, args: Struct) -> tuple[Any, ...]:
        """The values to call a handler with, in the order of the IDL."""
        return tuple([getattr(args, f.attr) for f in args.__fields__])

    def success(self, value: Any) -> Struct:
        """The result struct that returns a value.

        Raises:
            ApplicationError: the method is void and there is a value, or it returns one and there
                is none, or it is oneway.
        """
        if self.result is None:
            raise self._error(ApplicationErrorType.INTERNAL_ERROR, "is oneway and has no result")
        if self.returns is None:
            if value is not None:
                raise self._error(
                    ApplicationErrorType.INTERNAL_ERROR,
                    f"is void, but the handler returned {shown(value)}: return nothing",
                )
            return self.result()
        if value is None:
            raise self._error(
                ApplicationErrorType.MISSING_RESULT,
                "returned None: the handler must return a value",
            )
        return self.result(value)

    def failure(self, error: BaseException) -> Struct | None:
        """The result struct that carries a declared exception; None if it is not declared."""
        if self.result is None:
            return None
        for part in self.result.__fields__:
            kind = part.type
            if part.id != SUCCESS_ID and isinstance(kind, StructType):
                if not isinstance(error, kind.cls):
                    continue
                return self.result(**{part.attr: error})
        return None

    def unpack(self, result: Struct) -> Any:
        """The value a result struct returns; None for a void method.

        Raises:
            StructException: the exception it carries.
            ApplicationError: it carries neither.
        """
        for part in result.__fields__:
            value = getattr(result, part.attr)
            if value is None:
                continue
            if part.id == SUCCESS_ID:
                return value
            raise value
        if self.returns is None:
            return None
        raise self._error(
            ApplicationErrorType.MISSING_RESULT,
            "was answered without a result: the peer returned null, or its IDL differs",
        )

    def _error(self, kind: ApplicationErrorType, what: str) -> ApplicationError:
        return ApplicationError(f"{self.service}.{self.name} {what}", kind)


class Service:
    """A service of an IDL file. A description, never made an instance of."""

    name: ClassVar[str]
    doc: ClassVar[str]
    idl_path: ClassVar[str]
    idl_files: ClassVar[Mapping[str, str]]
    """IDL path → text: the file that declares it and everything that includes."""
    idl: ClassVar[str]
    """Text of the IDL file that declares it."""
    methods: ClassVar[Mapping[str, Method]]
    """By name on the wire, those of the extended service among them."""


def failure_codes_of(service: type[Service]) -> dict[str, tuple[range, ...]]:
    """By method, the business codes that count as failures by the IDL; only where there are any."""
    return {
        name: read_method_codes(method.failure_codes)
        for name, method in service.methods.items()
        if method.failure_codes
    }
