"""What a Thrift service reports of itself: its methods, and its IDL for the platform's forms."""

import pie
from pie.state import Interface, ServiceMeta
from pie.thrift import (
    EnumType,
    ListType,
    MapType,
    Scalar,
    Service,
    SetType,
    StructType,
    ThriftType,
)


def describe(service: type[Service], psm: str, owners: tuple[str, ...]) -> ServiceMeta:
    """Static facts of a Thrift service."""
    interfaces = tuple(
        Interface(
            method=method.name,
            request=", ".join(
                f"{field.name}: {_type_name(field.type)}" for field in method.args.__fields__
            ),
            response="" if method.returns is None else _type_name(method.returns),
            doc=method.doc,
        )
        for method in service.methods.values()
    )
    return ServiceMeta(
        psm=psm,
        framework="pie-thrift",
        framework_version=pie.__version__,
        protocol="thrift",
        owners=owners,
        interfaces=interfaces,
        idl=service.idl,
        includes={
            path: text for path, text in service.idl_files.items() if path != service.idl_path
        },
    )


def _type_name(kind: ThriftType) -> str:
    match kind:
        case Scalar():
            return kind.name
        case EnumType():
            return kind.enum.__name__
        case StructType():
            return kind.cls.__name__
        case ListType():
            return f"list<{_type_name(kind.element)}>"
        case SetType():
            return f"set<{_type_name(kind.element)}>"
        case MapType():
            return f"map<{_type_name(kind.key)}, {_type_name(kind.value)}>"
