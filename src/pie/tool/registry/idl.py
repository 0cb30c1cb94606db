"""The services that ``pie call`` knows: from a registration's IDL, or from a file."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

from pie.state import ServiceMeta
from pie.thrift import IdlError, Method, Service, load_idl
from pie.thrift.dynamic import services


class IdlProblem(Exception):
    """No service, or not the method, that was asked for: the message says what there is."""


def service_of_file(path: Path, name: str = "", include: Sequence[Path] = ()) -> type[Service]:
    """The service of an IDL file; what it includes is looked for beside it, then in ``include``.

    Raises:
        IdlProblem: the file is not valid IDL, or has no such service.
    """
    folders = [path.parent, *include]

    def load(wanted: str) -> str:
        for folder in folders:
            if (folder / wanted).is_file():
                return (folder / wanted).read_text(encoding="utf-8")
        raise LookupError(wanted)

    return _load(path.name, load, name, ())


def service_of_meta(meta: ServiceMeta, name: str = "") -> type[Service]:
    """The service that a registration describes. Raises as ``service_of_file``."""
    if not meta.idl:
        raise IdlProblem(
            f"{meta.psm} registered no IDL ({meta.protocol or 'protocol unknown'}): give it with "
            "--idl FILE"
        )
    path = meta.idl_path or "main.thrift"
    texts = {**meta.includes, path: meta.idl}
    methods = tuple(each.method for each in meta.interfaces)
    return _load(path, texts.__getitem__, name or meta.service, methods)


def method_of(service: type[Service], name: str) -> Method:
    """A method by its name.

    Raises:
        IdlProblem: naming the one most like it.
    """
    method = service.methods.get(name)
    if method is not None:
        return method
    lowered = {each.lower(): each for each in service.methods}
    near = difflib.get_close_matches(name.lower(), lowered, 1, 0.5)
    hint = f"did you mean {lowered[near[0]]}? " if near else ""
    known = ", ".join(service.methods) or "none"
    raise IdlProblem(f"{service.name} has no method {name!r}; {hint}It has: {known}")


def _load(
    path: str, load: Callable[[str], str], name: str, methods: tuple[str, ...]
) -> type[Service]:
    try:
        found = services(load_idl(path, load))
    except IdlError as error:
        raise IdlProblem(f"the IDL cannot be used: {error}") from None
    known = ", ".join(found) or "none"
    if name:
        if name not in found:
            raise IdlProblem(f"{path} has no service {name!r}; it has: {known}")
        return found[name]
    fitting = [each for each in found.values() if methods and set(each.methods) == set(methods)]
    if len(found) == 1 or len(fitting) == 1:
        return (fitting or [*found.values()])[0]
    if not found:
        raise IdlProblem(f"{path} declares no service")
    raise IdlProblem(f"{path} has several services, choose one with --service: {known}")
