"""The service that a client calls, and how: from its arguments, its yml file and the environment.

The environment wins over arguments, arguments win over the file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pie.model import PSM, StaticEndpoint, split_transport, static_endpoint
from pie.rpc.client.callee_file import CalleeError, CalleeFile
from pie.rpc.client.link import TLS, Link, PoolLimits, link_of

FOLDER = Path("rpc") / "services"


class Asked(NamedTuple):
    """The arguments of a client; empty or None where the code gave none."""

    service: str
    psm: str = ""
    cluster: str = ""
    timeout: float | None = None
    address: str = ""
    """``host:port/transport`` or ``unix:/path/transport``."""
    tls: TLS | None = None
    multiplex: bool | None = None
    pool: PoolLimits | None = None
    failure_codes: Mapping[str, tuple[range, ...]] = MappingProxyType({})
    """By method, the business codes that count as failures by the IDL."""


class Callee(NamedTuple):
    """The service to call.

    Attributes:
        timeout: seconds by the environment, which nothing changes; None = it names none.
        usual_timeout: by the client's arguments or file; options of single calls and rules come
            before it.
        endpoints: its addresses, where no registry knows them; empty = ask the registry.
        source: where these addresses were configured.
        fixed: names of the settings that the environment made; options of single calls cannot
            change them.
    """

    psm: str
    cluster: str
    timeout: float | None
    usual_timeout: float | None
    link: Link
    endpoints: tuple[StaticEndpoint, ...] = ()
    source: str = ""
    fixed: frozenset[str] = frozenset()


def file_of(service: str, conf: Path | None) -> Path | None:
    """Where the yml of a service is, or would be."""
    return None if conf is None else conf / FOLDER / f"{service}.yml"


def resolve(
    asked: Asked,
    path: Path | None,
    file: CalleeFile | None,
    environ: Mapping[str, str] = os.environ,
) -> Callee:
    """Put the settings of the callee together.

    Args:
        asked: by the code.
        path: of the yml file, be there one or not; None outside a workspace.
        file: its content. A file of another PSM than the one asked for is ignored.
        environ: ``PIE_TO_CLUSTER``, ``PIE_TIMEOUT_MS``.

    Raises:
        CalleeError: no service is named, or the environment is wrong.
    """
    if file is None and not asked.psm and not asked.address:
        raise CalleeError(_no_service(asked.service, path))
    psm = asked.psm or (file.psm if file is not None else asked.service)
    if file is not None and file.psm != psm:
        file = None
    forced_cluster = _override(environ, "PIE_TO_CLUSTER", psm)
    forced_timeout = _milliseconds(environ, "PIE_TIMEOUT_MS", psm)
    cluster = forced_cluster or asked.cluster or (file.cluster if file is not None else "")
    written = file.timeout_ms / 1000 if file is not None and file.timeout_ms else None
    forced = {"to_cluster": forced_cluster, "timeout": forced_timeout}
    callee = Callee(
        psm,
        cluster,
        forced_timeout or None,
        asked.timeout or written,
        _link(asked, file),
        fixed=frozenset(name for name, value in forced.items() if value),
    )
    cluster = cluster or "default"
    if asked.address:
        address, transport = split_transport(asked.address)
        return callee._replace(
            endpoints=(static_endpoint(address, cluster, transport),),
            source=f"address={asked.address}",
        )
    if file is None or not file.addresses:
        return callee
    endpoints = tuple(
        static_endpoint(address, cluster, file.transport) for address in file.addresses
    )
    return callee._replace(endpoints=endpoints, source=f"addresses of {path}")


def check_address(address: str) -> None:
    """An address in code must name the transport of the callee.

    Raises:
        ValueError: it names none, or it is no address.
    """
    bare, transport = split_transport(address)
    static_endpoint(bare, "", transport)
    if not transport:
        raise ValueError(
            f"address={address!r} does not name the transport of the callee: write "
            f"{address}/ttheader (a Pie or Kitex service), {address}/framed or {address}/buffered "
            "(Apache Thrift)"
        )


def _link(asked: Asked, file: CalleeFile | None) -> Link:
    tls, pool, multiplex = asked.tls, asked.pool, asked.multiplex
    if file is not None:
        tls = tls if tls is not None else file.tls
        pool = pool if pool is not None else file.pool
        multiplex = multiplex if multiplex is not None else file.multiplex
    return link_of(tls, pool, bool(multiplex))


def _no_service(service: str, path: Path | None) -> str:
    looked = (
        f"there is no {path}"
        if path is not None
        else "this process has no workspace (set RUNTIME_ROOT) whose "
        f"conf/{FOLDER.as_posix()}/{service}.yml could name it"
    )
    return (
        f"{service}Client() does not name the service to call, and {looked}. Do one of these: "
        f'name the service, {service}Client("product.subsystem.module"); or, if it is not on Pie, '
        f'its registry name, {service}Client(consul_name="product.subsystem.module"); or write '
        "that file, with a line `psm: product.subsystem.module` (pietool --type thriftclient "
        "makes one)"
    )


def _override(environ: Mapping[str, str], name: str, psm: str) -> str:
    """The value that ``NAME=psm=value,psm=value`` has for a PSM; empty if none."""
    found = ""
    for pair in filter(None, environ.get(name, "").split(",")):
        key, equals, value = pair.partition("=")
        try:
            PSM.parse(key.strip())
            if not equals or not value.strip():
                raise ValueError(f"{pair!r} names no value")
        except ValueError as error:
            raise CalleeError(f"{name} in the environment: {error}; write PSM=value,…") from None
        if key.strip() == psm:
            found = value.strip()
    return found


def _milliseconds(environ: Mapping[str, str], name: str, psm: str) -> float:
    text = _override(environ, name, psm)
    if text and not (text.isascii() and text.isdecimal() and int(text)):
        raise CalleeError(
            f"{name} in the environment: {text!r} for {psm} is not a whole number of "
            "milliseconds above 0"
        )
    return int(text or 0) / 1000
