"""The description that a Thrift service reports: its methods, and its IDL for the call forms."""

import pie
from pie.state import Interface, ServiceMeta
from pie.thrift import Service
from pie.thrift.json_form import type_name


def describe(service: type[Service], psm: str, owners: tuple[str, ...]) -> ServiceMeta:
    """The description of a Thrift service."""
    interfaces = tuple(
        Interface(
            method=method.name,
            request=", ".join(
                f"{field.name}: {type_name(field.type)}" for field in method.args.__fields__
            ),
            response="" if method.returns is None else type_name(method.returns),
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
        service=service.name,
        idl=service.idl,
        idl_path=service.idl_path,
        includes={
            path: text for path, text in service.idl_files.items() if path != service.idl_path
        },
    )
